//! `covey-signer`: the signer process and the wallet's command line without anything that trains.
//!
//! In: the same arguments as `covey-peer signer` and `covey-peer wallet`. Out: the same. For machines that hold a wallet
//! and train nothing, and for tests.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use signer::{SourceArgs, wallet_cli::WalletArgs};

#[derive(Parser)]
#[command(name = "covey-signer", version, about = "Wallets of Covey, and signatures by them", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Hold a wallet's or a key file's key and sign for a peer on stdin and stdout.
    Signer(SourceArgs),
    /// Make, restore, look at, back up and remove wallets.
    Wallet(Box<WalletArgs>),
}

fn main() -> ExitCode {
    if let Some(problem) = signer::words_in_arguments(std::env::args_os()) {
        eprintln!("{problem}");
        return ipc::ExitCode::Usage.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { ipc::ExitCode::Usage.into() } else { ExitCode::SUCCESS };
            // Nothing is left to say it on if this fails.
            let _ = error.print();
            return code;
        }
    };
    let result = match &cli.role {
        Role::Signer(args) => signer::serve(&args.source()).map_err(anyhow::Error::from),
        Role::Wallet(args) => signer::wallet_cli::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ipc::ExitCode::Failed.into()
        }
    }
}
