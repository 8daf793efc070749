//! A Kafka that cannot be used: the end of `run` says by its exit code which kind of help it needs.
//! Not here: a Kafka that goes away later; it is waited for.

use crate::stage::{Stage, await_that, program};
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Ends `run` with a configuration in which one text stands for another; its code and what it said.
fn run_with(stage: &Stage, from: &str, to: &str, patience: Duration) -> (Option<i32>, String) {
    let text = fs::read_to_string(stage.config("one", &stage.hubspot.url)).unwrap();
    assert!(text.contains(from), "{text}");
    let file = stage.dir.path().join("barred.toml");
    fs::write(&file, text.replace(from, to)).unwrap();
    let mut child: Child =
        program().args(["run", "-c"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + patience;
    while child.try_wait().unwrap().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap_or_default();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_kafka_that_never_answers_ends_run_with_4_after_half_a_minute() {
    let stage = Stage::new("nobody", 1);
    let began = Instant::now();
    let (code, said) =
        run_with(&stage, &stage.world.settings.bootstrap_servers, "127.0.0.1:1", Duration::from_secs(60));
    assert_eq!(code, Some(4), "{said}");
    assert!(said.lines().last().unwrap().contains("kafka does not answer"), "{said}");
    assert!(Duration::from_secs(25) < began.elapsed(), "{:?}", began.elapsed());
}

#[test]
fn missing_topics_end_run_with_6_and_words_and_nothing_is_created() {
    let stage = Stage::new("unmade", 1);
    let prefix = &stage.world.settings.topic_prefix;
    let (code, said) = run_with(
        &stage,
        &format!("topic_prefix = {prefix:?}"),
        "topic_prefix = \"t-nothing\"",
        Duration::from_secs(30),
    );
    assert_eq!(code, Some(6), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.contains("t-nothing.jobs") && last.contains("sluicegate topics apply"), "{said}");
}

#[test]
fn a_kafka_that_comes_within_half_a_minute_is_waited_for() {
    let stage = Stage::new("later", 1);
    let text = fs::read_to_string(stage.config("one", &stage.hubspot.url)).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = stage.dir.path().join("later.toml");
    let servers = &stage.world.settings.bootstrap_servers;
    fs::write(&file, text.replace(servers.as_str(), &format!("127.0.0.1:{port}"))).unwrap();
    let mut child =
        program().args(["run", "-c"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(7));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    let broker = servers.clone();
    std::thread::spawn(move || forward(port, &broker));
    let listen = text.split("listen = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    await_that("it is ready once the broker is there", Duration::from_secs(20), || {
        crate::stage::get(&format!("http://{listen}/readyz")).is_ok()
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Stands for a broker that starts late: carries connections of `port` to the one that is there.
fn forward(port: u16, broker: &str) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    for client in listener.incoming().flatten() {
        let Ok(server) = std::net::TcpStream::connect(broker) else { continue };
        let (mut up, mut down) = (client.try_clone().unwrap(), client);
        let (mut to, mut from) = (server.try_clone().unwrap(), server);
        std::thread::spawn(move || std::io::copy(&mut up, &mut to).unwrap_or_default());
        std::thread::spawn(move || std::io::copy(&mut from, &mut down).unwrap_or_default());
    }
}
