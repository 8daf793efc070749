//! The loop: takes what the world says, loads what a machine needs, steps it, commits, restores, hands over.
//! Not here: any rule of `machine`, any adapter, any clock: time comes in with each turn.
//!
//! One engine per process, one thread. `turn` never blocks but on the local disk; the simulator drives the same code.

mod age;
mod calls;
mod commit;
mod contradiction;
mod dead;
mod decode;
mod encode;
mod explain;
mod flow;
mod forget;
mod handover;
mod held;
mod index;
mod load;
mod oldest;
mod rebuild;
mod restore;
mod settings;
mod shard;
mod turn;

pub use dead::DeadLetters;
pub use oldest::Unapplied;
pub use settings::Settings;
pub use turn::{Ended, Engine, Setup, Turn};
