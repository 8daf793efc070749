//! The program under measurement, as anybody would run it.
//! Not here: what it is measured by.

use crate::process::{Process, program};
use crate::scene::{Scene, token, variable};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

pub(crate) struct Gate {
    pub(crate) process: Process,
    listen: u16,
}

impl Gate {
    pub(crate) fn start(scene: &Scene) -> Self {
        let child = program()
            .args(["run", "--quiet", "--config"])
            .arg(scene.config())
            .envs((0..scene.tenants).map(|it| (variable(it), token(it))))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { process: Process(child), listen: scene.listen }
    }

    /// Waits until every shard runs.
    pub(crate) fn await_ready(&self) {
        let until = Instant::now() + Duration::from_secs(120);
        while !self.get("/readyz").is_some_and(|it| it.starts_with("HTTP/1.1 200")) {
            assert!(Instant::now() < until, "not ready within two minutes");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The sum of a metric over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").unwrap_or_default();
        let lines = text.lines().filter(|it| it.split(['{', ' ']).next() == Some(name));
        lines.map(|it| it.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// The share of a histogram's values that lie within one of its bounds, as Prometheus spells it.
    pub(crate) fn within(&self, name: &str, bound: &str) -> f64 {
        let (text, count) = (self.get("/metrics").unwrap_or_default(), self.metric(&format!("{name}_count")));
        let bucket = format!("{name}_bucket{{le=\"{bound}\"}} ");
        let within = text.lines().find_map(|it| it.strip_prefix(&bucket)).expect("the histogram has this bound");
        within.parse::<f64>().unwrap() / count
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.listen)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}
