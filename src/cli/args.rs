//! What can be typed.
//! Not here: doing it.

use crate::cli::exit;
use crate::cli::output::Format;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Applies business events from Kafka to customers' CRMs: at the rate each CRM allows, once, in order, nothing lost.
#[derive(Debug, Parser)]
#[command(name = "sluicegate", version, arg_required_else_help = true, infer_long_args = false)]
#[command(after_help = format!("\
Examples:
  sluicegate demo                        watch it work, with no Kafka and no CRM
  sluicegate check                       is the configuration sound?
  sluicegate topics plan                 what is missing on the cluster, and what it costs
  sluicegate run -c sluicegate.toml      work
  sluicegate enqueue jobs.ndjson         put jobs into the log

Each option can be given as an environment variable: SLUICEGATE_CONFIG for --config, and so on.
{}", exit::HELP))]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands, before or after its name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The configuration file [default: sluicegate.toml, if there is one]
    #[arg(short, long, global = true, value_name = "FILE", env = "SLUICEGATE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Kafka's addresses, instead of the configuration's
    #[arg(
        short,
        long,
        global = true,
        value_name = "HOST:PORT,…",
        env = "SLUICEGATE_BOOTSTRAP_SERVERS",
        hide_env_values = true
    )]
    pub bootstrap_servers: Option<String>,
    /// A librdkafka property; may be given several times [env: SLUICEGATE_PROPERTY, one per line]
    #[arg(short = 'X', long = "property", global = true, value_name = "KEY=VALUE", value_parser = property)]
    pub properties: Vec<Property>,
    /// How data is printed
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "table",
        env = "SLUICEGATE_OUTPUT",
        hide_env_values = true
    )]
    pub output: Format,
    /// Only warnings and errors in the log; wins over --verbose
    #[arg(short, long, global = true, env = "SLUICEGATE_QUIET", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub quiet: bool,
    /// More in the log; -vv for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, env = "SLUICEGATE_VERBOSE", hide_env_values = true)]
    pub verbose: u8,
}

impl Global {
    /// The filter of the log on stderr, in the words of `tracing_subscriber::EnvFilter`.
    pub fn log_filter(&self) -> &'static str {
        match (self.quiet, self.verbose) {
            (true, _) => "warn",
            (false, 0) => "info",
            (false, 1) => "info,sluicegate=debug",
            (false, _) => "debug,sluicegate=trace",
        }
    }
}

/// One `-X key=value`. The value may be a password: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    pub key: String,
    pub value: String,
}

impl std::fmt::Debug for Property {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}=…", self.key)
    }
}

pub(super) fn property(text: &str) -> Result<Property, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(Property { key: key.trim().to_owned(), value: value.to_owned() })
        }
        // Without the text: it may be a password.
        Some(_) | None => Err("not of the form key=value".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Apply jobs to CRMs until told to stop (SIGTERM or Ctrl-C)
    #[command(
        after_help = "Examples:\n  sluicegate run\n  sluicegate run -c /etc/sluicegate/sluicegate.toml -b kafka:9092"
    )]
    Run,
    /// Watch it work: an embedded log, pretend CRMs, no Kafka, no accounts
    #[command(
        after_help = "Examples:\n  sluicegate demo\n  sluicegate demo --tenants 50\n  sluicegate demo --plain --script --seconds 60 --seed 7"
    )]
    Demo(Demo),
    /// Check the configuration, and that each secret can be read
    #[command(
        after_help = "Examples:\n  sluicegate check\n  sluicegate check -c /etc/sluicegate/sluicegate.toml -o json"
    )]
    Check,
    /// What Sluicegate needs on the Kafka cluster
    #[command(subcommand)]
    Topics(Topics),
    /// Put jobs into the log
    #[command(
        after_help = "Examples:\n  sluicegate enqueue jobs.ndjson\n  generate-jobs | sluicegate enqueue -\n  sluicegate enqueue --dry-run jobs.ndjson"
    )]
    Enqueue(Enqueue),
    /// How a running instance is doing
    #[command(after_help = "Examples:\n  sluicegate status\n  sluicegate status --url http://10.0.1.7:9464 -o json")]
    Status(Status),
    /// Why deliveries of a tenant or of one of its connections wait, in one sentence each
    #[command(after_help = "Examples:\n  sluicegate explain acme\n  sluicegate explain acme/hubspot -o json")]
    Explain(Explain),
    /// Send nothing to all, a CRM, a tenant or a connection until resumed; what is meant for it waits
    #[command(
        after_help = "Examples:\n  sluicegate pause all --reason 'wrong mapping rolled out'\n  sluicegate pause crm hubspot --reason 'HubSpot maintenance' --until 2h\n  sluicegate pause tenant acme --reason 'asked by acme, ticket 4711'\n  sluicegate pause connection acme/hubspot --reason 'token leaked' --yes"
    )]
    Pause(Pause),
    /// End a pause of just this scope, and try at once what is held within it
    #[command(
        after_help = "Examples:\n  sluicegate resume all\n  sluicegate resume connection acme/hubspot --reason 'new token'"
    )]
    Resume(Resume),
    /// Completions for a shell
    #[command(
        after_help = "Examples:\n  sluicegate completions bash > /etc/bash_completion.d/sluicegate\n  sluicegate completions zsh > ~/.zfunc/_sluicegate"
    )]
    Completions { shell: Shell },
    /// A HTTP server that behaves like HubSpot, for trials and tests
    #[command(hide = true)]
    PretendHubspot(PretendHubspot),
    /// A HTTP server that behaves like Salesforce, for trials and tests
    #[command(hide = true)]
    PretendSalesforce(PretendSalesforce),
    /// A HTTP server that behaves like Zoho CRM, for trials and tests
    #[command(hide = true)]
    PretendZoho(PretendZoho),
    /// A HTTP server that behaves like Pipedrive, for trials and tests
    #[command(hide = true)]
    PretendPipedrive(PretendPipedrive),
}

#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// Play a fixed story instead of waiting for keys
    #[arg(long, env = "SLUICEGATE_SCRIPT", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub script: bool,
    /// Plain lines instead of a screen; also when stdout is no terminal
    #[arg(long, env = "SLUICEGATE_PLAIN", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub plain: bool,
    /// The seed of all dice: the same seed, the same story
    #[arg(long, default_value_t = 1, env = "SLUICEGATE_SEED", hide_env_values = true)]
    pub seed: u64,
    /// End after so many seconds [default: when told to stop]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=86_400), env = "SLUICEGATE_SECONDS", hide_env_values = true)]
    pub seconds: Option<u32>,
    /// How many tenants
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    #[arg(env = "SLUICEGATE_DEMO_TENANTS", hide_env_values = true)]
    pub tenants: u32,
}

#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Show what is missing or wrong, with ACLs and the partition bill; changes nothing
    #[command(
        after_help = "Examples:\n  sluicegate topics plan\n  sluicegate topics plan -o json\n\nReaders of .dlq and .outcomes must use isolation.level=read_committed."
    )]
    Plan,
    /// Create what is missing
    #[command(after_help = "Examples:\n  sluicegate topics apply --dry-run\n  sluicegate topics apply --yes")]
    Apply(Changes),
}

/// How far a command that changes things may go.
#[derive(Args, Clone, Copy, Debug)]
pub struct Changes {
    /// Show what would be done, and do nothing
    #[arg(long, env = "SLUICEGATE_DRY_RUN", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long, env = "SLUICEGATE_YES", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub yes: bool,
}

#[derive(Args, Clone, Debug)]
pub struct Enqueue {
    /// Jobs, one JSON object per line; - for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Check each job, and put none into the log
    #[arg(long, env = "SLUICEGATE_DRY_RUN", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug)]
pub struct Status {
    /// Where the instance listens [default: [http] listen of the configuration]
    #[arg(long, value_name = "URL", env = "SLUICEGATE_URL", hide_env_values = true)]
    pub url: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// A tenant, or tenant/connection
    #[arg(value_name = "TENANT[/CONNECTION]")]
    pub about: String,
    /// Where the instance listens [default: [http] listen of the configuration]
    #[arg(long, value_name = "URL", env = "SLUICEGATE_URL", hide_env_values = true)]
    pub url: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct Pause {
    #[command(flatten)]
    pub target: Target,
    /// Why, for whoever finds it at night
    #[arg(long, value_name = "TEXT", env = "SLUICEGATE_REASON", hide_env_values = true)]
    pub reason: String,
    /// When it ends by itself: a span such as 2h, or an RFC 3339 time [default: when resumed]
    #[arg(long, value_name = "SPAN|TIME", env = "SLUICEGATE_UNTIL", hide_env_values = true)]
    pub until: Option<String>,
    #[command(flatten)]
    pub changes: Changes,
}

#[derive(Args, Clone, Debug)]
pub struct Resume {
    #[command(flatten)]
    pub target: Target,
    /// Why, for the log
    #[arg(long, value_name = "TEXT", env = "SLUICEGATE_REASON", hide_env_values = true)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub changes: Changes,
}

/// What a pause or a resume is about.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Of what
    #[arg(value_enum, value_name = "SCOPE")]
    pub kind: ScopeKind,
    /// The CRM, the tenant, or tenant/connection
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Who does it [default: the user who is logged in]
    #[arg(long, value_name = "NAME", env = "SLUICEGATE_ACTOR", hide_env_values = true)]
    pub actor: Option<String>,
    /// Hand it to this instance instead of to Kafka
    #[arg(long, value_name = "URL", env = "SLUICEGATE_URL", hide_env_values = true)]
    pub url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScopeKind {
    All,
    Crm,
    Tenant,
    Connection,
}

impl ScopeKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Crm => "crm",
            Self::Tenant => "tenant",
            Self::Connection => "connection",
        }
    }
}

#[derive(Args, Clone, Debug)]
pub struct PretendHubspot {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", env = "SLUICEGATE_PRETEND_LISTEN", hide_env_values = true)]
    pub listen: SocketAddr,
    /// The seed of its faults
    #[arg(long, default_value_t = 1, env = "SLUICEGATE_SEED", hide_env_values = true)]
    pub seed: u64,
}

#[derive(Args, Clone, Debug)]
pub struct PretendSalesforce {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8081", env = "SLUICEGATE_PRETEND_LISTEN", hide_env_values = true)]
    pub listen: SocketAddr,
    /// The seed of its faults
    #[arg(long, default_value_t = 1, env = "SLUICEGATE_SEED", hide_env_values = true)]
    pub seed: u64,
}

#[derive(Args, Clone, Debug)]
pub struct PretendZoho {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8082", env = "SLUICEGATE_PRETEND_LISTEN", hide_env_values = true)]
    pub listen: SocketAddr,
    /// The seed of its faults
    #[arg(long, default_value_t = 1, env = "SLUICEGATE_SEED", hide_env_values = true)]
    pub seed: u64,
}

#[derive(Args, Clone, Debug)]
pub struct PretendPipedrive {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8083", env = "SLUICEGATE_PRETEND_LISTEN", hide_env_values = true)]
    pub listen: SocketAddr,
    /// The seed of its faults, and of the keys of its custom fields
    #[arg(long, default_value_t = 1, env = "SLUICEGATE_SEED", hide_env_values = true)]
    pub seed: u64,
}

#[cfg(test)]
mod tests;
