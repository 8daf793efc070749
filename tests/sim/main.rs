//! The simulator: the real engine in a simulated world, one seed after the other, each run decided by its seed.
//! Not here: the engine; and anything real: no clock, no network, no disk, no threads inside a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_macros,
    unreachable_pub,
    reason = "a test panics and prints on purpose; the world outside is checked before it is indexed"
)]

mod agenda;
mod brain;
mod broker;
mod client;
mod commit;
mod crm;
mod decode;
mod dice;
mod faults;
mod group;
mod invariants;
mod ledger;
mod log;
mod marks;
mod observe;
mod operator;
mod options;
mod partition;
mod run;
mod store;
mod view;
mod workload;
mod world;

#[test]
fn smoke() {
    for seed in 0..20 {
        let one = run::run(options::Options::draw(seed), run::How::default());
        println!("{seed} {} {:?}", one.actions, one.failure);
    }
}
