//! From what was typed to what is done: one arm per command.
//! Not here: the commands themselves.

use crate::cli::args::{Cli, Command, Global, PretendHubspot};
use crate::cli::output::{Output, complain};
use crate::cli::{Exit, check, completions};
use crate::simulated::hubspot::{Serve, Settings, serve_blocking};
use clap::Parser;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    listen_to_log(&cli.global);
    let mut output = Output::new(cli.global.output);
    let exit = match &cli.command {
        Command::Run => unserved("run"),
        #[cfg(feature = "rocksdb")]
        Command::Demo(args) => crate::app::demo::demo(args),
        #[cfg(not(feature = "rocksdb"))]
        Command::Demo(_) => unserved("demo"),
        Command::Check => check::check(&cli.global, &mut output),
        Command::Topics(_) => unserved("topics"),
        Command::Enqueue(_) => unserved("enqueue"),
        Command::Status(_) => unserved("status"),
        Command::Completions { shell } => completions::completions(*shell, &mut output),
        Command::PretendHubspot(args) => pretend_hubspot(args, &mut output),
    };
    exit.into()
}

/// A program built without C++ cannot do everything.
fn unserved(command: &str) -> Exit {
    complain(format!("this program was built without what `{command}` needs; build it with its default features"));
    Exit::Failure
}

fn pretend_hubspot(args: &PretendHubspot, output: &mut Output) -> Exit {
    let settings = Settings { seed: args.seed, ..Settings::default() };
    let serve = Serve { listen: args.listen, prefix: String::new(), settings, threads: 2 };
    let served = serve_blocking(serve, |address| {
        if let Err(error) = output.line(format!("http://{address}")) {
            complain(error);
        }
    });
    match served {
        Ok(()) => Exit::Ok,
        Err(error) => {
            complain(format!("the pretend HubSpot cannot serve on {}: {error}", args.listen));
            Exit::Failure
        }
    }
}

/// The log goes to stderr; `RUST_LOG` wins over -q and -v. The demo's screen has no room for it.
fn listen_to_log(global: &Global) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(global.log_filter()));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
