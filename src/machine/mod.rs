//! The rules of one shard: what is called, what waits, what has ended, what the next commit carries.
//! Not here: any IO, clock, dice or logging; bytes of topics or store; who owns the shard.
//!
//! One value per shard. The loop first asks `wants` what an input needs to know of the store, then calls `step`,
//! which is synchronous and cannot fail. What is not yet committed lives in two parts: one building, one under way;
//! the store holds what is committed. A machine whose commit is lost is thrown away and built anew from the store.
//!
//! One file per promise: `settle` 1 nothing is lost · `dedupe` 2 once · `limit` 3 never over · `fair` 4 one tenant never slows another ·
//! `order` 5 in order per record · `waiting` 6 nothing waits unseen. Beside them `intent` (2 without a unique key), `retry`, `hold`, `batch`,
//! `age` and `refuse`. `step` alone composes them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod age;
mod batch;
mod bug;
mod choose;
mod dedupe;
mod delivery;
mod fair;
mod finish;
mod held;
mod hold;
mod input;
mod intent;
mod limit;
mod moment;
mod note;
mod oldest;
mod order;
mod part;
mod read;
mod refuse;
mod retry;
mod settings;
mod settle;
mod spend;
mod step;
mod waiting;

pub use bug::Bug;
pub use delivery::{Delivery, Target, Waits};
pub use hold::Standing;
pub use input::{
    Aged, EntryFacts, Head, Input, JobRead, Out, RecordWant, Seen, Verdict, WaitingContent, WaitingRead, Wants,
};
pub use intent::Way;
pub use note::Note;
pub use part::{DeadLetter, Ended, Forwarded, IndexWrite, Part, Released, Removed, Renewed, Suspect};
pub use retry::{Dice, Next, Policy};
pub use settings::Settings;
pub use settle::Restored;
pub use step::{Gauges, Machine};
