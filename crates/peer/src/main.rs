//! `covey-peer`: reads the command line, runs one role, turns its end into an exit code and one sentence.

mod roles;

use std::process::ExitCode;

use clap::Parser as _;
use peer::command::Cli;

fn main() -> ExitCode {
    // Before the parser, which would repeat them in its message.
    if let Some(problem) = signer::words_in_arguments(std::env::args_os()) {
        eprintln!("{problem}");
        return ipc::ExitCode::Usage.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures.
            let code = if error.use_stderr() { ipc::ExitCode::Usage.into() } else { ExitCode::SUCCESS };
            let _ = error.print();
            return code;
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("COVEY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    roles::run(cli.role)
}
