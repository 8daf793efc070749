//! One running `sluicegate run`: its end, its signals, what it logged.
//! Not here: its configuration.

use super::http::get;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
    /// Where its part of the log begins: the file goes on over the lives of an instance.
    from: usize,
    /// Where it listens.
    pub(crate) url: String,
    name: String,
}

/// The program under test, with nothing of the environment's settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SLUICEGATE_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Free a moment ago.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for `is_so`, at most `patience`; says in words what was awaited.
#[track_caller]
pub(crate) fn await_that(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Running {
    pub(super) fn start(config: &Path, log: &Path, fail_point: Option<&str>) -> Self {
        let text = fs::read_to_string(config).unwrap();
        let listen = text.split("listen = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let file = File::options().create(true).append(true).open(log).unwrap();
        let from = usize::try_from(file.metadata().unwrap().len()).unwrap();
        let mut command = program();
        if let Some(point) = fail_point {
            command.env("SLUICEGATE_FAIL_POINT", point);
        }
        let child = command.args(["run", "-c"]).arg(config).stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let name = log.file_stem().unwrap().to_string_lossy().into_owned();
        Self { child, log: log.to_owned(), from, url: format!("http://{listen}"), name }
    }

    /// What it says of itself.
    pub(crate) fn is_ready(&self) -> bool {
        get(&format!("{}/readyz", self.url)).is_ok()
    }

    /// How many shards run here; not ready yet counts as none.
    pub(crate) fn shards(&self) -> f64 {
        if self.is_ready() { self.metric("sluicegate_shards_running") } else { 0.0 }
    }

    /// The answer of `GET /api/v1/status`.
    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&get(&format!("{}/api/v1/status", self.url)).unwrap()).unwrap()
    }

    /// Waits for something only a living process can bring about.
    #[track_caller]
    pub(crate) fn await_alive(&mut self, what: &str, patience: Duration, mut is_so: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + patience;
        while !is_so(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended ({ended:?}) before {what}:\n{}", self.name, self.tail());
            assert!(Instant::now() < until, "{}: not within {patience:?}: {what}:\n{}", self.name, self.tail());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn await_log(&mut self, text: &str, patience: Duration) {
        self.await_alive(&format!("the log has {text:?}"), patience, |it| it.log().contains(text));
    }

    /// Nothing: it still runs then.
    pub(crate) fn await_end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if until <= Instant::now() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `TERM`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop and waits until it has, well.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let ended = self.await_end(Duration::from_secs(30));
        assert_eq!(ended.and_then(|it| it.code()), Some(0), "{} did not stop well:\n{}", self.name, self.tail());
    }

    /// What it has logged since its start.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap();
        String::from_utf8_lossy(&bytes[self.from..]).into_owned()
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = get(&format!("{}/metrics", self.url)).unwrap();
        let line = page.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {page}")).trim().parse().unwrap()
    }

    /// From the first shard's assignment until the last shard ran; nothing while none has.
    pub(crate) fn restore_time(&self) -> Option<Duration> {
        let log = self.log();
        let at = |line: &str| line.split(' ').next()?.parse::<jiff::Timestamp>().ok();
        let first = log.lines().find(|it| it.contains("shard assigned: restoring")).and_then(at)?;
        let last = log.lines().rfind(|it| it.contains("shard restored: reading jobs")).and_then(at)?;
        Duration::try_from(last.duration_since(first)).ok()
    }

    pub(crate) fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the end of the log of {}:\n{}", self.name, self.tail());
        }
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}
