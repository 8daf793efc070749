//! Settings that come from outside the files: environment variables and command line options.
//! Not here: reading the process's environment (`cli` does), what a value means.

/// What surrounds the process, as far as settings go. Called by `config::parse`; must not block.
pub trait Env {
    /// The value of an environment variable.
    fn var(&self, name: &str) -> Option<String>;

    /// The name of this host: the default of `kafka.group_instance_id`.
    fn host_name(&self) -> Option<String>;

    /// A scalar setting given outside the files, by its path, such as `kafka.topic_prefix`.
    fn setting(&self, path: &str) -> Option<Given> {
        let origin = variable(path);
        self.var(&origin).map(|text| Given { origin, text })
    }

    /// librdkafka properties given outside the files: they win over the same key in a file.
    fn kafka_properties(&self) -> Vec<(String, Given)> {
        Vec::new()
    }
}

/// A value given outside the files. No `Debug`: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// As faults name it: `SLUICEGATE_KAFKA_PARTITIONS` or `--bootstrap-servers`.
    pub origin: String,
    pub text: String,
}

/// The environment variable that overrides the setting at `path`.
pub fn variable(path: &str) -> String {
    format!("SLUICEGATE_{}", path.replace('.', "_").to_uppercase())
}

/// Nothing but the files.
#[derive(Clone, Copy, Debug)]
pub struct NoEnv;

impl Env for NoEnv {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }

    fn host_name(&self) -> Option<String> {
        Some("localhost".to_owned())
    }
}
