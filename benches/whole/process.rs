//! A child process: ended when dropped, and asked of the operating system what it costs.
//! Not here: what it does.

use std::fs;
use std::process::{Child, Command};

/// Ticks of `/proc/PID/stat` in a second, on every Linux that we know.
const TICKS: f64 = 100.0;

/// The program: the one just built, or another build of it that the environment names, to compare the two.
pub(crate) fn program() -> Command {
    let built = || env!("CARGO_BIN_EXE_sluicegate").into();
    Command::new(std::env::var_os("SLUICEGATE_BENCH_PROGRAM").unwrap_or_else(built))
}

pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn cpu(&self) -> f64 {
        cpu_of(&self.0.id().to_string())
    }

    /// The most memory it ever held, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        self.number("status", "VmHWM:") / 1024.0
    }

    /// The memory it holds now, in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        self.number("status", "VmRSS:") / 1024.0
    }

    /// MiB that it has read from files, cached by the operating system or not.
    pub(crate) fn read_mib(&self) -> f64 {
        self.number("io", "rchar:") / f64::from(1 << 20)
    }

    fn number(&self, file: &str, name: &str) -> f64 {
        let text = self.read(file);
        let line = text.lines().find_map(|it| it.strip_prefix(name)).expect("linux says this of each process");
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).unwrap()
    }
}

/// Seconds of all cores that a process has used, those of the kernel on its behalf included. `self`: this one.
pub(crate) fn cpu_of(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().map(|at| fields[*at].parse::<f64>().unwrap()).sum();
    ticks / TICKS
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
