//! A process that works on and cannot commit: it calls while its lease lasts, then nobody, and repeats nothing after.
//! Not here: a process that does not work at all (`fleet`).

use crate::stage::{Stage, Tap, jobs, judge, now_us};
use crate::support::broker::broker;
use crate::support::{Proxy, Swallow};
use std::ops::Range;
use std::time::Duration;

/// A third of the session.
const LEASE: Duration = Duration::from_secs(10);
/// From the decision to the wire.
const MARGIN: Duration = Duration::from_millis(300);
const SILENCE: Duration = Duration::from_secs(18);

#[test]
fn a_process_whose_commits_do_not_end_calls_nobody_once_its_lease_is_over() {
    let Some(proxied) = broker().proxied else {
        eprintln!("NOT RUN: a broker from outside has no listener that leads through a proxy");
        return;
    };
    let proxy = Proxy::start(proxied);
    let mut stage = Stage::new("lease", 6);
    let tap = Tap::before(&stage.hubspot.url);
    let all = jobs(&stage.tenants, 40, 2_500);
    let mut outcomes = stage.outcomes();
    let direct = stage.world.settings.bootstrap_servers.clone();
    stage.world.settings.bootstrap_servers = format!("127.0.0.1:{}", proxied.front);
    let mut process = stage.run_over("one", None, &tap.url);
    stage.world.settings.bootstrap_servers = direct;
    std::thread::scope(|scope| {
        // Jobs come all the time, so that there is always somebody to call for.
        scope.spawn(|| {
            for some in all.chunks(10) {
                stage.send(some);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        process.await_alive("a few calls", Duration::from_secs(60), |_| 20 < tap.requests().len());
        proxy.swallow(Swallow::EndTxn);
        let last_commit = now_us();
        std::thread::sleep(SILENCE);
        let calls = |span: Range<Duration>| {
            let span = last_commit + us(span.start)..last_commit + us(span.end);
            tap.requests().iter().filter(|it| span.contains(&it.at_us)).count()
        };
        let (leased, after) = (calls(LEASE / 10..LEASE * 8 / 10), calls(LEASE + MARGIN..SILENCE));
        proxy.swallow(Swallow::Nothing);
        assert!(50 < leased, "{leased} calls while the lease lasted");
        assert_eq!(after, 0, "calls without a lease");
    });
    outcomes.await_exactly(all.len(), Duration::from_secs(60));
    assert_eq!(judge(&stage, &all, &outcomes.read, &[]).repeated, 0);
    process.stop();
}

fn us(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap()
}
