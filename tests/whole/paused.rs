//! What a person has paused is not called, by no owner, until they resume it; whoever writes the command.
//! Not here: which command means what (`machine`); holds that nobody asked for (`held`).

use crate::stage::{Letter, PARTITIONS, Running, Stage, Tap, await_that, jobs, judge, now_us, text, token};
use sluicegate::model::Topic;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// From the end of the command to the last call.
const PROMISED: Duration = Duration::from_secs(1);
/// How much longer it may take on a busy machine.
const LATE: Duration = Duration::from_secs(1);
/// For so long after that nothing may be called.
const SILENCE: Duration = Duration::from_secs(2);
const ALL_SHARDS: f64 = 6.0;

#[test]
fn a_pause_silences_every_owner_outlives_a_restart_and_ends_with_the_resume_of_its_scope() {
    let stage = Stage::new("paused", 12);
    let taps = [Tap::before(&stage.hubspot.url), Tap::before(&stage.hubspot.url)];
    let all = jobs(&stage.tenants, 40, 4_800);
    let (mut outcomes, over) = (stage.outcomes(), AtomicBool::new(false));
    let (asked_for, everybody) = (token("tenant-0"), "");
    std::thread::scope(|scope| {
        let mut one = stage.run_over("one", None, &taps[0].url);
        let mut two = stage.run_over("two", None, &taps[1].url);
        for process in [&mut one, &mut two] {
            process.await_alive("half of the shards", PATIENCE, |it| it.shards() == ALL_SHARDS / 2.0);
        }
        // Jobs come all the time, so that whoever may be called is.
        scope.spawn(|| {
            let (mut some, mut rest) = all.split_at(stage.tenants.len());
            while !rest.is_empty() {
                stage.send(some);
                std::thread::sleep(Duration::from_millis(20));
                let next = if over.load(Ordering::Relaxed) { rest.len() } else { stage.tenants.len() };
                (some, rest) = rest.split_at(next);
            }
            stage.send(some);
        });
        for (process, tap) in [(&mut one, &taps[0]), (&mut two, &taps[1])] {
            process.await_alive("its first calls", PATIENCE, |_| !tap.requests().is_empty());
        }
        stage.command(&["pause", "tenant", "tenant-0", "--reason", "asked by tenant-0", "--yes"]);
        let since = now_us();
        check_silence(&taps, &asked_for, since);
        let others = requests(&taps, everybody, since).len();
        assert!(0 < others, "nobody was called for while one tenant was paused");

        stage.command(&["pause", "all", "--reason", "wrong mapping", "--actor", "anna", "--yes"]);
        let since = now_us();
        check_silence(&taps, everybody, since);

        one.stop();
        let mut one = stage.run_over("one", None, &taps[0].url);
        one.await_alive("its shards again", PATIENCE, |it| it.shards() == ALL_SHARDS / 2.0);
        let restarted = now_us();
        std::thread::sleep(SILENCE);
        assert_eq!(requests(&taps, everybody, restarted), [0; 0], "calls by an owner that was started anew");
        let shown = stage.command(&["status", "--url", &one.url]);
        let first = shown.lines().nth(1).unwrap_or_default();
        assert!(shown.starts_with("NOT CALLED") && first.starts_with("all "), "{shown}");
        assert!(first.contains("wrong mapping") && first.contains("anna"), "{shown}");

        stage.command(&["resume", "all", "--yes"]);
        let since = now_us();
        await_that("others are called again by both", PATIENCE, || {
            taps.iter().all(|it| it.requests().iter().any(|it| since < it.at_us))
        });
        over.store(true, Ordering::Relaxed);
        let of_others = all.iter().filter(|it| it.tenant != "tenant-0").count();
        let until = Instant::now() + PATIENCE;
        loop {
            let applied = outcomes.look(Duration::from_millis(100)) - of_paused(&outcomes.read);
            if of_others == applied {
                break;
            }
            assert!(Instant::now() < until, "of {of_others} jobs of the others {applied} are applied");
        }
        let called = requests(&taps, &asked_for, since);
        assert_eq!(called, [0; 0], "a resume of all is none of the tenant's own pause");

        stage.command(&["resume", "tenant", "tenant-0", "--yes"]);
        outcomes.await_exactly(all.len(), PATIENCE);
        one.stop();
        two.stop();
    });
    assert_eq!(judge(&stage, &all, &outcomes.read, &[]).repeated, 0);
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
}

#[test]
fn a_pause_is_obeyed_as_the_page_for_operators_says_to_write_it_with_any_producer() {
    let stage = Stage::new("by-hand", 6);
    let mut process = stage.run("one", None);
    process.await_alive("all shards", PATIENCE, |it| it.shards() == ALL_SHARDS);
    let page = fs::read_to_string("docs/operations.md").unwrap();
    let command = quoted(&page, "echo '", "'").to_owned();
    let header = quoted(&page, "-H ", "\n");
    let (name, value) = header.split_once('=').unwrap();
    assert!(page.contains("-t sluicegate.delay.5s "), "the page names another topic than this test writes to");
    let write = |value_of_message: &str| {
        let letter = |partition| Letter {
            partition: Some(partition),
            value: Some(value_of_message.as_bytes().to_vec()),
            headers: vec![(name.to_owned(), Some(value.as_bytes().to_vec()))],
            ..Letter::default()
        };
        stage.post_to(Topic::Delay(sluicegate::model::Tier::S5), (0..PARTITIONS as i32).map(letter));
    };
    write(&command);
    process.await_alive("the pause is shown", PATIENCE, |it| pauses(it) == ["all"]);
    let all = jobs(&stage.tenants, 10, 120);
    stage.send(&all);
    process.await_alive("all jobs wait", PATIENCE, |it| it.status()["totals"]["waiting"] == all.len());
    assert_eq!(stage.hubspot.calls(), 0);
    write(&command.replace("\"pause\"", "\"resume\""));
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(all.len(), PATIENCE);
    assert_eq!(judge(&stage, &all, &outcomes.read, &[]).repeated, 0);
    assert_eq!(pauses(&process), [""; 0]);
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
    process.stop();
}

/// Once the promise is due nobody with this token is called, for a while.
#[track_caller]
fn check_silence(taps: &[Tap], token: &str, since: u64) {
    std::thread::sleep(PROMISED + LATE + SILENCE);
    let calls = requests(taps, token, since);
    let after: Vec<f64> = calls.iter().map(|at| (at - since) as f64 / 1e6).collect();
    eprintln!("pause: {} more calls, the last {:?} s after the command", after.len(), after.last());
    assert!(
        after.iter().all(|it| *it < (PROMISED + LATE).as_secs_f64()),
        "called so many s after the pause: {after:?}"
    );
}

/// When calls were made since then, with this token; with any, if it is empty.
fn requests(taps: &[Tap], token: &str, since: u64) -> Vec<u64> {
    let all = taps.iter().flat_map(Tap::requests);
    let mut calls: Vec<u64> =
        all.filter(|it| since < it.at_us && (token.is_empty() || it.token == token)).map(|it| it.at_us).collect();
    calls.sort_unstable();
    calls
}

fn of_paused(outcomes: &[crate::stage::Read]) -> usize {
    outcomes.iter().filter(|it| text(&it.json(), "tenant_id") == "tenant-0").count()
}

fn pauses(process: &Running) -> Vec<String> {
    let status = process.status();
    status["pauses"].as_array().unwrap().iter().map(|it| text(it, "scope").to_owned()).collect()
}

/// What stands between two texts.
fn quoted<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let section = page.split("### Pausing without this program").nth(1).expect("the section is there");
    section.split(from).nth(1).and_then(|it| it.split(to).next()).expect("a command is written there")
}
