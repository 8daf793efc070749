//! From what was typed to what is done: one arm per command.
//! Not here: the commands themselves.

use crate::cli::args::{Cli, Command, PretendHubspot, PretendPipedrive, PretendSalesforce, PretendZoho};
use crate::cli::output::{Output, complain};
use crate::cli::{Exit, check, completions};
use crate::simulated::{Pretend, Serve, hubspot, pipedrive, salesforce, serve_blocking, zoho};
use clap::Parser;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    listen_to_log(&cli);
    let mut output = Output::new(cli.global.output);
    done(&cli, &mut output).into()
}

fn done(cli: &Cli, output: &mut Output) -> Exit {
    match &cli.command {
        Command::Check => check::check(&cli.global, output),
        Command::Completions { shell } => completions::completions(*shell, output),
        Command::PretendHubspot(args) => pretend_hubspot(args, output),
        Command::PretendSalesforce(args) => pretend_salesforce(args, output),
        Command::PretendZoho(args) => pretend_zoho(args, output),
        Command::PretendPipedrive(args) => pretend_pipedrive(args, output),
        Command::Run
        | Command::Demo(_)
        | Command::Topics(_)
        | Command::Enqueue(_)
        | Command::Status(_)
        | Command::Explain(_)
        | Command::Pause(_)
        | Command::Resume(_) => done_on_a_log(cli, output),
    }
}

#[cfg(all(feature = "kafka", feature = "rocksdb"))]
fn done_on_a_log(cli: &Cli, output: &mut Output) -> Exit {
    use crate::app::{demo, enqueue, pause, run, status, topics};
    match &cli.command {
        Command::Run => run::run(&cli.global),
        Command::Demo(args) => demo::demo(args),
        Command::Topics(command) => topics::topics(&cli.global, command, output),
        Command::Enqueue(args) => enqueue::enqueue(&cli.global, args, output),
        Command::Status(args) => status::status(&cli.global, args, output),
        Command::Explain(args) => status::explain(&cli.global, args, output),
        Command::Pause(args) => pause::pause(&cli.global, args, output),
        Command::Resume(args) => pause::resume(&cli.global, args, output),
        Command::Check
        | Command::Completions { .. }
        | Command::PretendHubspot(_)
        | Command::PretendSalesforce(_)
        | Command::PretendZoho(_)
        | Command::PretendPipedrive(_) => Exit::Usage,
    }
}

/// A program built without C++ cannot do everything.
#[cfg(not(all(feature = "kafka", feature = "rocksdb")))]
fn done_on_a_log(_: &Cli, _: &mut Output) -> Exit {
    complain("this program was built without the features kafka and rocksdb, which this command needs");
    Exit::Failure
}

fn pretend_hubspot(args: &PretendHubspot, output: &mut Output) -> Exit {
    let settings = hubspot::Settings { seed: args.seed, ..hubspot::Settings::default() };
    pretend(hubspot::Serve { listen: args.listen, prefix: String::new(), settings, threads: 2 }, output)
}

fn pretend_salesforce(args: &PretendSalesforce, output: &mut Output) -> Exit {
    let settings = salesforce::Settings { seed: args.seed, ..salesforce::Settings::default() };
    pretend(salesforce::Serve { listen: args.listen, prefix: String::new(), settings, threads: 2 }, output)
}

fn pretend_zoho(args: &PretendZoho, output: &mut Output) -> Exit {
    let settings = zoho::Settings { seed: args.seed, ..zoho::Settings::default() };
    pretend(zoho::Serve { listen: args.listen, prefix: String::new(), settings, threads: 2 }, output)
}

fn pretend_pipedrive(args: &PretendPipedrive, output: &mut Output) -> Exit {
    let settings = pipedrive::Settings { seed: args.seed, ..pipedrive::Settings::default() };
    pretend(pipedrive::Serve { listen: args.listen, prefix: String::new(), settings, threads: 2 }, output)
}

/// Serves until told to stop; says where on stdout.
fn pretend<P: Pretend>(serve: Serve<P>, output: &mut Output) -> Exit {
    let listen = serve.listen;
    let served = serve_blocking(serve, |address| {
        if let Err(error) = output.line(format!("http://{address}")) {
            complain(error);
        }
    });
    match served {
        Ok(()) => Exit::Ok,
        Err(error) => {
            complain(format!("the pretend {} cannot serve on {listen}: {error}", P::NAME));
            Exit::Failure
        }
    }
}

/// The log goes to stderr; `RUST_LOG` wins over -q and -v.
fn listen_to_log(cli: &Cli) {
    let wanted = if is_on_screen(&cli.command) { "off" } else { cli.global.log_filter() };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(wanted));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Files and collectors of logs want no colours; NO_COLOR has its way on a terminal too.
    let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    log.with_ansi(coloured).init();
}

/// The demo draws on the terminal to which the log would go, and each line of it would tear the picture.
fn is_on_screen(command: &Command) -> bool {
    match command {
        Command::Demo(args) => !args.plain && std::io::stdout().is_terminal() && std::io::stderr().is_terminal(),
        Command::Run
        | Command::Check
        | Command::Topics(_)
        | Command::Enqueue(_)
        | Command::Status(_)
        | Command::Explain(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Completions { .. }
        | Command::PretendHubspot(_)
        | Command::PretendSalesforce(_)
        | Command::PretendZoho(_)
        | Command::PretendPipedrive(_) => false,
    }
}
