//! What a killed process leaves behind: everything that was acknowledged, and commits that are whole.
//! Not here: power failures, which a test cannot make; fsync is what they are for.

use super::{DELAY, Node, commit, job, node, outgoing, start, start_in};
use crate::model::{Offset, Received, Shard, Topic};
use crate::ports::{Fate, Log};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const CHILD: &str = "SLUICEGATE_TEST_LOG_CHILD";
const SHARDS: u32 = 2;
const ROUNDS: usize = 20;

#[test]
fn after_kills_all_that_was_acknowledged_is_there_and_commits_are_whole() {
    if let Some(dir) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&dir));
    }
    let (dir, first) = node(SHARDS);
    first.log.shutdown();
    for round in 0..ROUNDS {
        let said = kill_after(dir.path(), 5 + round * 7 % 40);
        let node = start(&dir, SHARDS);
        check_jobs(&node, &said);
        check_commits(&node, &said);
        node.log.shutdown();
    }
}

/// The acknowledged lines, `job <n>` and `commit <n>`, of a child killed after so many of them.
fn kill_after(dir: &Path, lines: usize) -> Vec<(String, u64)> {
    let mut child = child(dir);
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = said.filter_map(|line| {
        let (_, fact) = line.split_once("said ")?;
        let (what, number) = fact.split_once(' ')?;
        Some((what.to_owned(), number.parse().ok()?))
    });
    let mut heard: Vec<(String, u64)> = acknowledged.by_ref().take(lines).collect();
    child.kill().unwrap();
    // What it managed to say before it died counts too.
    heard.extend(acknowledged);
    child.wait().unwrap();
    assert!(heard.len() >= lines, "the child ended by itself");
    heard
}

fn child(dir: &Path) -> Child {
    let name = "embedded::tests::crash::after_kills_all_that_was_acknowledged_is_there_and_commits_are_whole";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, dir);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// One thread appends jobs, the other commits, so that both share fsyncs.
fn write_until_killed(dir: &Path) -> ! {
    let mut node = start_in(dir, SHARDS).unwrap();
    let jobs = all(&node, Topic::Jobs, Shard(0)).len();
    let commits = all(&node, Topic::State, Shard(0)).len();
    let producer = node.producer.clone();
    std::thread::spawn(move || {
        for number in jobs.. {
            let pair = vec![job(&format!("\0{number}")), job(&format!("\x01{number}"))];
            producer.append(pair).unwrap();
            say("job", number);
        }
    });
    for number in commits + 1.. {
        node.log.commit(commit(number as u64, parts(number as u64)));
        assert!(matches!(node.fate().1, Fate::Committed { .. }));
        say("commit", number);
    }
    unreachable!("numbers do not end");
}

fn say(what: &str, number: usize) {
    writeln!(std::io::stdout(), "said {what} {number}").unwrap();
}

/// Commit `n` writes `n` to two topics of both shards and moves both group offsets to `n`.
fn parts(number: u64) -> Vec<(Shard, u64, Vec<crate::model::Outgoing>)> {
    let text = number.to_string();
    let messages =
        |shard| vec![outgoing(Topic::State, shard, "k", Some(&text)), outgoing(DELAY, shard, "k", Some(&text))];
    (0..SHARDS).map(Shard).map(|shard| (shard, number, messages(shard))).collect()
}

fn check_jobs(node: &Node, said: &[(String, u64)]) {
    let acknowledged = said.iter().filter(|(what, _)| what == "job").map(|(_, number)| number + 1).max();
    let [first, second] = [Shard(0), Shard(1)].map(|shard| all(node, Topic::Jobs, shard));
    assert_eq!(first.len(), second.len(), "an append is whole");
    assert!(first.len() as u64 >= acknowledged.unwrap_or(0), "an acknowledged job is lost");
    for (number, message) in first.iter().enumerate() {
        assert_eq!((message.offset.0, text(message)), (number as u64, format!("\0{number}")));
    }
}

fn check_commits(node: &Node, said: &[(String, u64)]) {
    let acknowledged = said.iter().filter(|(what, _)| what == "commit").map(|(_, number)| *number).max();
    let reader = node.log.reader();
    let last = reader.group_offset(Shard(0)).map_or(0, |it| it.0);
    assert!(last >= acknowledged.unwrap_or(0), "an acknowledged commit is lost");
    for shard in (0..SHARDS).map(Shard) {
        assert_eq!(reader.group_offset(shard).map_or(0, |it| it.0), last);
        for topic in [Topic::State, DELAY] {
            let numbers: Vec<u64> = all(node, topic, shard).iter().map(|it| text(it).parse().unwrap()).collect();
            assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{topic:?} of shard {shard}");
        }
    }
}

fn all(node: &Node, topic: Topic, shard: Shard) -> Vec<Received> {
    node.log.reader().read(topic, shard, Offset(0), usize::MAX).unwrap().0
}

fn text(message: &Received) -> String {
    String::from_utf8(message.message.value.clone().unwrap().to_vec()).unwrap()
}
