//! Role `ledger`: keeps a run's embedded ledger and makes its blocks.
//!
//! In: a run folder, a signer for blocks, a local socket's path. Out: blocks, until told to stop. A kill at any instant
//! leaves whole blocks; started again it goes on behind the last one.

use std::sync::Arc;
use std::time::Duration;

use chain::ledger::{Duty, Genesis, InProcess, Ledger, Mempool, Sequencer, SequencerOptions, ServeOptions, Server};
use ipc::{Command, Event as Said};
use tokio_util::sync::CancellationToken;

use crate::events::now_ms;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::signing::{Host, Knows};

/// Who is waited for is said this often while somebody is.
const SAY_WAITING: Duration = Duration::from_secs(1);
/// Short waits are the rule and not worth a word.
const WORTH_A_WORD_MS: u64 = 3000;

/// Keeps the ledger until told to stop.
///
/// # Errors
/// [`PeerError`] if the ledger cannot be opened, served or written.
pub async fn run(run: &RunFolder, host: Host, expected_peers: u32, stop: CancellationToken) -> Result<(), PeerError> {
    let Host { events, signer, mut commands, child: _signer_process } = host;
    let genesis = Genesis::of(run.manifest());
    let ledger = Arc::new(Ledger::open_or_create(&run.ledger_file(), &genesis, now_ms(), signer.as_ref()).await?);
    let (mempool, inbox) = Mempool::new(ledger.genesis_hash());
    // A rehearsal that is paused stands still as a whole: nobody is late for what nobody may do.
    let (hold, held) = tokio::sync::watch::channel(false);
    let options = SequencerOptions {
        expected_miners: u16::try_from(expected_peers).unwrap_or(u16::MAX),
        now_ms: Arc::new(now_ms),
        hold: held,
    };
    let sequencer = Sequencer::new(Arc::clone(&ledger), signer, options, inbox);
    let server = Server::bind(run.ledger_socket()?)?;
    let backend = InProcess::new(Arc::clone(&ledger), mempool.clone());
    let serving = server.run(&backend, ServeOptions::default(), stop.clone());
    let sequencing = sequencer.run(stop.clone());
    tokio::pin!(serving, sequencing);
    let role = ipc::Role::Ledger;
    events.say(Said::PeerStarted { name: "ledger".into(), uid: None, pid: std::process::id(), role }).await;
    let mut tick = tokio::time::interval(SAY_WAITING);
    let mut listening = true;
    let result = loop {
        tokio::select! {
            () = &mut serving => break Ok(()),
            made = &mut sequencing => break made,
            line = commands.recv(), if listening => {
                if let Some(line) = &line {
                    crate::signing::answer(&events, line, Knows::Basics).await?;
                }
                match line.as_ref().map(|line| &line.command) {
                    Some(Command::Pause { .. }) => drop(hold.send_replace(true)),
                    Some(Command::Resume) => drop(hold.send_replace(false)),
                    _ => {}
                }
                if matches!(line.map(|l| l.command), Some(Command::Stop { .. } | Command::Shutdown { .. }) | None) {
                    listening = false;
                    stop.cancel();
                }
            },
            _ = tick.tick() => if let Some(waiting) = mempool.waiting()
                && !*hold.borrow()
                && now_ms().saturating_sub(waiting.since_ms) > WORTH_A_WORD_MS
            {
                let for_whom = waiting.duties.iter().map(words).collect();
                let what = "the phase to go on".to_owned();
                events.say(Said::Waiting { for_whom, since_ms: waiting.since_ms, what }).await;
            },
        }
    };
    stop.cancel();
    Ok(result?)
}

/// Who owes what, in words.
fn words(duty: &Duty) -> String {
    match duty {
        Duty::Join { missing } => format!("{missing} more peers to join"),
        Duty::Commit { round, uid } => format!("uid {uid}: its commitment of round {round}"),
        Duty::Report { round, uid } => format!("validator uid {uid}: its report on round {round}"),
        Duty::Attest { round, uid } => format!("uid {uid}: its attestation of round {round}"),
    }
}
