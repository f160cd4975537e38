//! Reads validators' reports and tells this peer what became of its rounds.
//!
//! In: reports on chain, their bodies from the exchange (hostile). Out: `verdict_received` and `score_updated` events for this
//! peer. A report that cannot be read is logged; it never stops training.

use std::time::Duration;

use earnings::receipts::JudgedBy;
use exchange::BlobId;
use ipc::{Event as Said, LogLevel};
use tokio::time::Instant;
use types::{BlockNumber, Rao, Record, Round};

use crate::journal::Journal;
use crate::outcome::PeerError;
use crate::replica::Replica;
use crate::report::{MAX_REPORT_BYTES, Report, VerdictEntry};

/// A report is small and local sources are fast; the next round tries again.
const FETCH_TIME: Duration = Duration::from_secs(5);

/// Says what reports published since the last round say of this peer.
pub(super) async fn read_new(replica: &Replica, journal: &Journal, round: Round) {
    if let Err(error) = read(replica, journal, round).await {
        replica.events.log(LogLevel::Warn, format!("a validator's report could not be read: {error}")).await;
    }
}

async fn read(replica: &Replica, journal: &Journal, round: Round) -> Result<(), PeerError> {
    let rounds = &replica.manifest.rounds;
    let records = replica.chain.records(rounds.start(round), rounds.attest_deadline(round)).await?;
    for record in records {
        let Record::Report { round: judged, root, bytes, .. } = record.record else { continue };
        if bytes > MAX_REPORT_BYTES {
            continue;
        }
        let deadline = Instant::now() + FETCH_TIME;
        let id = BlobId { root, bytes };
        let body = replica.supply.blob(id, record.hotkey, deadline, &replica.stop, None).await?;
        match Report::from_bytes(&body, replica.run, judged, record.hotkey) {
            Ok(report) => {
                if let Some(entry) = own_entry(replica, &report) {
                    let by = JudgedBy { validator: record.hotkey, report_root: root, report_block: record.block };
                    journal.judged(judged, entry.outcome, by).await;
                    say(replica, &report, entry).await?;
                }
            }
            Err(error) => replica.events.log(LogLevel::Warn, format!("report on round {judged}: {error}")).await,
        }
    }
    Ok(())
}

fn own_entry<'a>(replica: &Replica, report: &'a Report) -> Option<&'a VerdictEntry> {
    report.verdicts.iter().find(|v| v.uid == replica.uid && v.hotkey == replica.hotkey())
}

async fn say(replica: &Replica, report: &Report, entry: &VerdictEntry) -> Result<(), PeerError> {
    let (round, uid) = (report.round, replica.uid);
    let verdict = Said::VerdictReceived {
        round,
        uid,
        verdict: entry.outcome,
        score: Some(entry.score),
        loss_own: entry.improvement_own,
        loss_random: entry.improvement_random,
    };
    replica.events.say(verdict).await;
    let neurons = replica.chain.neurons().await?;
    if let Some(me) = neurons.iter().find(|n| n.uid == uid) {
        let start = replica.manifest.rounds.start(round);
        let epochs = replica.chain.epochs(start, BlockNumber(u64::MAX)).await?;
        let paid = epochs.last().and_then(|e| e.miner.iter().find(|(u, _)| *u == uid)).map_or(Rao(0), |(_, rao)| *rao);
        let incentive = f64::from(me.incentive) / f64::from(u16::MAX);
        let event =
            Said::ScoreUpdated { round, uid, score: entry.score, incentive, emission: paid, balance: me.balance };
        replica.events.say(event).await;
    }
    Ok(())
}
