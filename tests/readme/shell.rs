//! Runs blocks in one shell in an empty folder, with the built program on the PATH and ports of their own.
//! Not here: what the blocks are for.

use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The blocks wait for what they need; only what hangs takes so long.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Seen {
    pub(crate) stdout: String,
    /// What the pretend HubSpot counted before it was stopped.
    pub(crate) totals: Value,
}

/// Runs `start`, asks the pretend HubSpot what it got, and runs `stop`. Panics if any command fails.
pub(crate) fn run(start: &[String], stop: &str) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let (hubspot, listener) = (Port::free(), Port::free());
    let ask = format!("curl -sfS 'http://127.0.0.1:8080/_control/totals?account=pretend-acme' > totals.json\n{stop}");
    let page = format!("set -eu\n{}{ask}", start.concat());
    let script = page.replace("127.0.0.1:8080", &hubspot.address()).replace("127.0.0.1:9464", &listener.address());
    fs::write(folder.path().join("blocks.sh"), script).unwrap();
    let mut shell = Shell(
        Command::new("bash")
            .arg("blocks.sh")
            .current_dir(folder.path())
            .env("PATH", path())
            .env("SLUICEGATE_PRETEND_LISTEN", hubspot.address())
            .env("SLUICEGATE_HTTP_LISTEN", listener.address())
            .env_remove("SLUICEGATE_CONFIG")
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.path().join("stdout")).unwrap())
            .stderr(fs::File::create(folder.path().join("stderr")).unwrap())
            .process_group(0)
            .spawn()
            .expect("bash starts"),
    );
    let ended_well = shell.wait();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    assert!(ended_well, "the blocks failed\nstdout:\n{}\nstderr:\n{}", read("stdout"), read("stderr"));
    Seen { stdout: read("stdout"), totals: serde_json::from_str(&read("totals.json")).unwrap() }
}

/// The built program first.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_sluicegate"));
    format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap())
}

/// A port that was free a moment ago.
struct Port(u16);

impl Port {
    fn free() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0)
    }
}

/// A shell and all it started; none of them outlives it.
struct Shell(Child);

impl Shell {
    /// Whether it ended well, and in time.
    fn wait(&mut self) -> bool {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        // Fails when nothing of the group is left, which is what is wanted.
        drop(Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status());
        drop(self.0.wait());
    }
}
