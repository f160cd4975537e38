//! The smallest program that `custody::SigningDesk` can start: the role `signer` and nothing else. Tests use it; the app
//! uses `covey-peer`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use signer::SourceArgs;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Hold a wallet's key and sign for the app on stdin and stdout.
    Signer(SourceArgs),
}

fn main() -> ExitCode {
    let Role::Signer(args) = Cli::parse().role;
    match signer::serve(&args.source()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
