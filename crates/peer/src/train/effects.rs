//! What each effect of the round machine does.
//!
//! In: a replica and an effect. Out: the event that the effect ends with. Every function is a whole step: if it fails, what
//! was on disk and on chain before still stands.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use chain::ChainError;
use gauntlet::{LampState, OwnCheck as LampInput};
use ipc::{Event as Said, LogLevel};
use types::{ByteCount, Problem, Record, Round, SignPayload, Signature};

use super::steer::part_of;
use super::{EffectEnd, OUTBOX, Work, progress, reports};
use crate::journal::Sealed;
use crate::moved;
use crate::outcome::PeerError;
use crate::replica::{Replica, blocking};
use crate::round::{Effect, Event};
use crate::timeline::Part;
use crate::trainer::OwnCheck;

/// Bytes of the signature at a container's end.
const SIGNATURE_BYTES: usize = 64;
/// Payload files kept in the outbox.
const OUTBOX_ROUNDS: u64 = 4;

/// Performs an effect to its end.
pub(super) async fn perform(work: &Work, effect: Effect) -> EffectEnd {
    let replica = work.replica.as_ref();
    let _span = part_of(effect).map(|part| work.clock.span(part));
    match effect {
        Effect::CatchUp { distrust_local } => {
            let round = replica.catch_up(distrust_local).await?;
            work.sampler.say_joined(replica).await;
            let progress = progress(replica, round).await?;
            Ok(Some(Event::Synced { round, progress }))
        }
        Effect::RunInner(round) => {
            let end = replica.trainer.inner(round, replica.uid).await?;
            let steps = end.progress.steps;
            Ok(Some(if end.halted { Event::InnerHalted { steps } } else { Event::InnerDone { steps } }))
        }
        Effect::FinishInner(_) => {
            let end = replica.trainer.progress().await?;
            Ok(Some(Event::InnerDone { steps: end.progress.steps }))
        }
        Effect::Seal(round) => seal(work, round).await,
        Effect::Commit(round) => commit(replica, round).await,
        Effect::Reveal(round) => {
            let mark = work.clock.mark(Part::Upload);
            let end = reveal(replica, round).await?;
            mark.seen();
            work.watch_upload(&mark).await;
            Ok(end)
        }
        Effect::Gather(round) => gather(replica, round).await,
        Effect::Attest(round) => attest(replica, round).await,
        Effect::Outer(round) => outer(work, round).await,
        Effect::Release => replica.trainer.release().await.map(|()| None).map_err(Into::into),
        Effect::Acquire => replica.trainer.acquire().await.map(|()| None).map_err(Into::into),
        Effect::Save => save(replica).await.map(|()| None),
        Effect::HaltInner | Effect::Exit => Ok(None),
    }
}

/// Saves everything.
pub(super) async fn save(replica: &Replica) -> Result<(), PeerError> {
    let bytes = replica.trainer.save().await?;
    let (round, _) = replica.standing();
    replica.events.say(Said::CheckpointSaved { round, bytes: ByteCount(bytes) }).await;
    Ok(())
}

async fn seal(work: &Work, round: Round) -> EffectEnd {
    let (replica, cheats) = (work.replica.as_ref(), work.cheats);
    let input = replica.seal_input(round);
    let draft = replica.trainer.draft(input).await?;
    let mut bytes = draft.finish(Signature([0; SIGNATURE_BYTES]));
    let unsigned = bytes.len() - SIGNATURE_BYTES;
    if cheats {
        replica.trainer.corrupt(&mut bytes[..unsigned]).await?;
    }
    let digest = types::Hash32::of(&bytes[..unsigned]);
    let payload = SignPayload::Submission { run: replica.run, round, digest };
    let signature = replica.signer.sign(&payload).await?;
    bytes[unsigned..].copy_from_slice(&signature.0);
    let check = replica.trainer.check(bytes.clone(), input).await?;
    let lamps = lamps(replica, round, &check).await?;
    let (raw_bytes, sent_bytes) =
        (ByteCount(4 * replica.trainer.layout().parameter_count() as u64), ByteCount(bytes.len() as u64));
    let error_feedback_norm = check.error_feedback_norm;
    replica.events.say(Said::Compressed { round, raw_bytes, sent_bytes, error_feedback_norm }).await;
    if let Some(reason) = lamps.or_else(|| work.held_by_clock()).filter(|_| !cheats) {
        replica.events.log(LogLevel::Warn, format!("round {round}: held the submission back: {reason}")).await;
        replica.trainer.discard(bytes, input).await?;
        return Ok(Some(Event::HeldBack));
    }
    let outbox = replica.state_dir.join(OUTBOX);
    let owner = format!("{} {}\n", replica.uid, replica.hotkey());
    let copy = bytes.clone();
    blocking(move || put_in_outbox(&outbox, round, &owner, &copy)).await??;
    work.payload.store(bytes.len() as u64, Ordering::Relaxed);
    let sealed = replica.trainer.seal(bytes).await?;
    let layers = moved::sent(replica.trainer.layout());
    let now = moved::coordinates(&layers);
    let parameters_moved_total = work.moved.fetch_add(now, Ordering::Relaxed) + now;
    replica.events.say(Said::LayersMoved { round, layers, parameters_moved_total }).await;
    replica.events.say(Said::CheckpointSaved { round, bytes: ByteCount(sealed.state_bytes) }).await;
    Ok(Some(Event::Sealed))
}

/// Shows the lamps; returns why the submission should be held back, if it should.
async fn lamps(replica: &Replica, round: Round, check: &OwnCheck) -> Result<Option<String>, PeerError> {
    let head = replica.chain.head().await?.number;
    let deadline = replica.manifest.rounds.commit_deadline(round);
    let input = LampInput {
        refused: check.refused,
        blocks_left: deadline.0.saturating_sub(head.0),
        in_sync: true,
        norm: check.norm,
        median_norm: replica.median_norm(),
        // Not measured while the device is given back; then the contribution says nothing either way.
        own: check.own.unwrap_or((f64::NAN, f64::NAN)),
        random: check.random.unwrap_or((f64::NAN, f64::NAN)),
    };
    let measured = check.own.is_some() || check.refused.is_some();
    let lamps = gauntlet::lamps(&replica.manifest.gauntlet, &input);
    let shown = lamps
        .iter()
        .map(|lamp| ipc::Lamp {
            name: lamp.name.to_owned(),
            state: match lamp.state {
                _ if !measured && lamp.name == "Contribution" => ipc::LampState::Unknown,
                LampState::Green => ipc::LampState::Pass,
                LampState::Amber => ipc::LampState::Warn,
                LampState::Red => ipc::LampState::Fail,
            },
            why: lamp.why.clone(),
        })
        .collect();
    replica.events.say(Said::Lamps { round, lamps: shown }).await;
    Ok(if measured { gauntlet::hold_back(&lamps) } else { None })
}

/// The payload as a file beside its owner's name: for inspection, and what a rehearsal's copycat steals.
fn put_in_outbox(outbox: &Path, round: Round, owner: &str, bytes: &[u8]) -> Result<(), PeerError> {
    let io = |source| PeerError::Io { path: outbox.to_owned(), source };
    fs::create_dir_all(outbox).map_err(io)?;
    fs::write(outbox.join("owner"), owner).map_err(io)?;
    fs::write(outbox.join(format!("round-{round}.payload")), bytes).map_err(io)?;
    if let Some(old) = round.0.checked_sub(OUTBOX_ROUNDS) {
        // It may never have been there.
        let _ = fs::remove_file(outbox.join(format!("round-{old}.payload")));
    }
    Ok(())
}

async fn commit(replica: &Replica, round: Round) -> EffectEnd {
    let Some(sealed) = replica.trainer.sealed_bytes().await? else { return Ok(Some(Event::NotCommitted)) };
    let (_, theta) = replica.standing();
    let record = Record::Commit { round, root: types::Hash32::of(&sealed), bytes: sealed.len() as u64, theta };
    loop {
        match replica.chain.publish(&record, replica.signer.as_ref()).await {
            Ok(_) => return Ok(Some(Event::Committed)),
            Err(ChainError::Late { .. }) => {
                replica.events.log(LogLevel::Warn, format!("round {round}: the commitment came too late")).await;
                return Ok(Some(Event::NotCommitted));
            }
            Err(ChainError::Duplicate { same: true, .. }) => return Ok(Some(Event::Committed)),
            Err(ChainError::Duplicate { same: false, receipt }) => {
                let problem = elsewhere(round, receipt.block);
                replica.events.say(Said::Problem { problem, fatal: false }).await;
                return Ok(Some(Event::NotCommitted));
            }
            Err(error) if error.is_retryable() => {
                replica.events.log(LogLevel::Warn, format!("round {round}: commitment: {error}; trying again")).await;
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Only this hotkey can commit in its name: another payload on chain means another machine with the same key.
fn elsewhere(round: Round, block: types::BlockNumber) -> Problem {
    Problem::new(
        "hotkey_elsewhere",
        format!("This hotkey has committed another payload for round {round}, in block {block}"),
        "Another machine works with the same key: stop it there or here. If it is none of yours, the key was copied; \
         replace it",
    )
}

async fn reveal(replica: &Replica, round: Round) -> EffectEnd {
    let Some(sealed) = replica.trainer.sealed_bytes().await? else { return Ok(None) };
    let began = Instant::now();
    let store = std::sync::Arc::clone(&replica.store);
    let id = blocking(move || store.put(&sealed)).await??;
    if let Some(network) = &replica.network {
        network.announce(replica.chain.network().genesis, round, id, replica.signer.as_ref()).await;
    }
    let secs = began.elapsed().as_secs_f64();
    replica.events.say(Said::Submitted { round, bytes: ByteCount(id.bytes), root: id.root, secs }).await;
    Ok(None)
}

async fn gather(replica: &Replica, round: Round) -> EffectEnd {
    let (_, theta) = replica.standing();
    let deadline = tokio::time::Instant::now() + replica.gather_time();
    replica.gatherer.gather(round, theta, deadline).await?;
    Ok(Some(Event::Gathered))
}

async fn attest(replica: &Replica, round: Round) -> EffectEnd {
    replica.attest(round).await?;
    Ok(Some(Event::Attested))
}

async fn outer(work: &Work, round: Round) -> EffectEnd {
    let (replica, journal) = (work.replica.as_ref(), &work.journal);
    // Read before the step: after it, the round's payload is history.
    let bytes = replica.trainer.sealed_bytes().await?;
    let own = (replica.uid, replica.hotkey());
    let sealed = bytes.and_then(|bytes| Sealed::read(&bytes, replica.trainer.layout(), replica.run, round, own));
    let (fixed, _) = replica.outer(round).await?;
    if sealed.is_some() {
        let layers = moved::with_shares(replica.trainer.layout(), &fixed.set, replica.uid);
        let parameters_moved_total = work.moved.load(Ordering::Relaxed);
        replica.events.say(Said::LayersMoved { round, layers, parameters_moved_total }).await;
    }
    journal.round_ended(round, sealed, fixed.records.commits.get(&replica.uid).copied()).await;
    replica.remember_norms(&fixed);
    replica.forget_old_blobs(round).await?;
    reports::read_new(replica, journal, round).await;
    journal.settle().await;
    Ok(Some(Event::OuterDone))
}
