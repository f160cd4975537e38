//! What the trainer does between inner steps: compress, check, seal, the outer step, evaluation.

use std::sync::Arc;

use engine::TokenBatch;
use sparseloco::{Draft, Expected, Submission, SubmissionHeader};
use types::manifest::RunId;
use types::{Hash32, Hotkey, Round, Uid};

use super::{Trainer, TrainerError};
use crate::checkpoint::InnerProgress;

/// Pseudo-uids of random data begin here (protocol.md §5.2): no registered uid is that large.
const PSEUDO_UID_FIRST: u16 = 1000;

/// Who submits what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealInput {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// The peer's uid.
    pub uid: Uid,
    /// The peer's key.
    pub hotkey: Hotkey,
}

/// A submission that is safe on disk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sealed {
    /// BLAKE3 of the container.
    pub root: Hash32,
    /// Its length.
    pub bytes: u64,
    /// Parameters the peer started the round from.
    pub theta: Hash32,
    /// Bytes of the state that was saved with it.
    pub state_bytes: u64,
}

/// What the validator's checks say of the peer's own container.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnCheck {
    /// Why it does not decode, if it does not.
    pub refused: Option<types::RejectReason>,
    /// L2 norm of the update.
    pub norm: f32,
    /// Norm of the error feedback after it.
    pub error_feedback_norm: f64,
    /// Mean loss on assigned data, before and after a probe with the update; `None` while the device is given back.
    pub own: Option<(f64, f64)>,
    /// Mean loss on random data, before and after.
    pub random: Option<(f64, f64)>,
}

/// One loss to be measured: training sequences at θ, or at θ moved by a probe.
#[derive(Clone)]
pub struct Evaluation {
    /// Probe: the submission, its clip factors per tensor, the step.
    pub probe: Option<(Arc<Submission>, Vec<f32>, f32)>,
    /// Indices of training sequences.
    pub sequences: Vec<u64>,
}

/// What the outer step gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OuterResult {
    /// Hash of θ after the step.
    pub theta: Hash32,
    /// α used; 0 in a null round.
    pub alpha: f32,
    /// The round that starts now.
    pub round: Round,
}

impl Trainer {
    pub(super) fn draft(&mut self, input: &SealInput) -> Result<Draft, TrainerError> {
        self.at(input.round)?;
        let mut local = vec![0.0; self.layout.parameter_count()];
        self.engine.read_theta(&mut local)?;
        let header = self.header(input)?;
        let draft = match &mut self.cheat {
            Some(cheat) => cheat.draft(&self.layout, header, &self.anchor, &local, self.manifest.inner.steps)?,
            None => {
                let draft = sparseloco::compress(&self.layout, header, &self.anchor, &mut local, &self.error_feedback)?;
                self.error_feedback = local;
                draft
            }
        };
        // θ is restored by copying it back, bit for bit (protocol.md §2).
        self.engine.write_theta(&self.anchor)?;
        self.local = None;
        Ok(draft)
    }

    fn header(&self, input: &SealInput) -> Result<SubmissionHeader, TrainerError> {
        let pool = self.pool(input.uid, input.round);
        let mut ids = Vec::with_capacity(pool.len());
        let mut row = Vec::new();
        for index in &pool {
            self.dataset.sequence(*index, &mut row)?;
            ids.push(dataset::sample_id(&row));
        }
        Ok(SubmissionHeader {
            run: input.run,
            round: input.round,
            uid: input.uid,
            hotkey: input.hotkey,
            theta: self.theta,
            sample_digest: dataset::sample_digest(&mut ids),
            sample_count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            tokens: self.inner.tokens,
            inner_steps: self.inner.steps,
            loss_first: self.inner.loss_first,
            loss_last: self.inner.loss_last,
        })
    }

    fn expected(&self, input: &SealInput, theta: Option<Hash32>) -> Expected {
        Expected { run: input.run, round: input.round, uid: input.uid, hotkey: input.hotkey, theta }
    }

    pub(super) fn check(&mut self, bytes: &[u8], input: &SealInput) -> Result<OwnCheck, TrainerError> {
        let error_feedback_norm = self.error_feedback.iter().map(|e| f64::from(*e).powi(2)).sum::<f64>().sqrt();
        let submission = match sparseloco::decode(bytes, &self.layout, &self.expected(input, Some(self.theta))) {
            Ok(submission) => Arc::new(submission),
            Err(error) => {
                let refused = Some(error.reject_reason());
                return Ok(OwnCheck { refused, norm: 0.0, error_feedback_norm, own: None, random: None });
            }
        };
        let norm = submission.global_norm() as f32;
        if self.released {
            return Ok(OwnCheck { refused: None, norm, error_feedback_norm, own: None, random: None });
        }
        let params = &self.manifest.gauntlet;
        let sequences = usize::from(params.eval_sequences);
        let step = params.probe_fraction * self.manifest.sparseloco.outer.at(input.round);
        let own: Vec<u64> = self.pool(input.uid, input.round).into_iter().take(sequences).collect();
        let pseudo = Uid(PSEUDO_UID_FIRST.saturating_add(input.uid.0));
        let random: Vec<u64> = self.pool(pseudo, input.round).into_iter().take(sequences).collect();
        let clip = vec![1.0; self.layout.tensors().len()];
        let probe = Some((Arc::clone(&submission), clip, step));
        let evaluation = |probe, sequences: &Vec<u64>| Evaluation { probe, sequences: sequences.clone() };
        let losses = self.evaluate(&[
            evaluation(None, &own),
            evaluation(probe.clone(), &own),
            evaluation(None, &random),
            evaluation(probe, &random),
        ])?;
        let own = Some((losses[0], losses[1]));
        let random = Some((losses[2], losses[3]));
        Ok(OwnCheck { refused: None, norm, error_feedback_norm, own, random })
    }

    pub(super) fn seal(&mut self, bytes: Vec<u8>) -> Result<Sealed, TrainerError> {
        let (root, length) = (Hash32::of(&bytes), bytes.len() as u64);
        self.sealed = Some(bytes);
        let state_bytes = self.save()?;
        Ok(Sealed { root, bytes: length, theta: self.theta, state_bytes })
    }

    pub(super) fn discard(&mut self, bytes: &[u8], input: &SealInput) -> Result<(), TrainerError> {
        let submission = sparseloco::decode(bytes, &self.layout, &self.expected(input, None))?;
        submission.add_to(&mut self.error_feedback, 1.0);
        Ok(())
    }

    pub(super) fn outer(
        &mut self,
        round: Round,
        set: &[(Uid, Arc<Submission>)],
        own: &SealInput,
    ) -> Result<OuterResult, TrainerError> {
        self.at(round)?;
        let null = round.0 < self.manifest.rounds.null_rounds;
        let alpha = if null || set.is_empty() { 0.0 } else { self.manifest.sparseloco.outer.at(round) };
        if null {
            // Nothing of a null round is applied, so nothing of it may linger (protocol.md §4.8).
            self.error_feedback.fill(0.0);
        } else {
            self.take_back_unused(set, own);
        }
        if alpha > 0.0 {
            let borrowed: Vec<(Uid, &Submission)> = set.iter().map(|(uid, s)| (*uid, s.as_ref())).collect();
            sparseloco::outer_step(&mut self.anchor, &self.layout, &borrowed, alpha)?;
            self.theta = sparseloco::theta_hash(&self.anchor);
        }
        self.engine.write_theta(&self.anchor)?;
        self.begin_round(round.next());
        Ok(OuterResult { theta: self.theta, alpha, round: self.round })
    }

    /// Error feedback was charged for the sealed values; if the round did not use them, they go back, and nothing the
    /// peer has learned is lost. (The reference loses it.)
    fn take_back_unused(&mut self, set: &[(Uid, Arc<Submission>)], own: &SealInput) {
        if set.iter().any(|(uid, _)| *uid == own.uid) || self.cheat.is_some() {
            return;
        }
        let Some(sealed) = &self.sealed else { return };
        if let Ok(submission) = sparseloco::decode(sealed, &self.layout, &self.expected(own, None)) {
            submission.add_to(&mut self.error_feedback, 1.0);
        }
    }

    fn begin_round(&mut self, round: Round) {
        self.round = round;
        self.inner = InnerProgress::default();
        self.local = None;
        self.sealed = None;
    }

    pub(super) fn evaluate(&mut self, evaluations: &[Evaluation]) -> Result<Vec<f64>, TrainerError> {
        let mut losses = Vec::with_capacity(evaluations.len());
        let mut moved = Vec::new();
        for evaluation in evaluations {
            let batch = self.batch(&evaluation.sequences)?;
            let theta = match &evaluation.probe {
                None => &self.anchor,
                Some((submission, clip, step)) => {
                    moved.resize(self.anchor.len(), 0.0);
                    sparseloco::probe(&self.anchor, &mut moved, &self.layout, submission, clip, *step);
                    &moved
                }
            };
            losses.push(mean(&self.engine.eval_loss_at(theta, std::slice::from_ref(&batch))?));
        }
        Ok(losses)
    }

    pub(super) fn held_out(&mut self, sequences: usize) -> Result<f64, TrainerError> {
        let length = self.manifest.data.sequence_tokens as usize;
        let count = self.dataset.held_out_sequences().min(sequences as u64);
        let mut row = Vec::with_capacity(length);
        let mut batches = Vec::new();
        let mut tokens = Vec::new();
        for index in 0..count {
            self.dataset.held_out(index, &mut row)?;
            tokens.extend_from_slice(&row);
            if tokens.len() >= 16 * length || index + 1 == count {
                let sequences = tokens.len() / length;
                batches.push(TokenBatch { tokens: std::mem::take(&mut tokens), sequences, length });
            }
        }
        let weights: Vec<f64> = batches.iter().map(|b| b.sequences as f64).collect();
        let losses = self.engine.eval_loss_at(&self.anchor, &batches)?;
        let total: f64 = weights.iter().sum();
        Ok(losses.iter().zip(&weights).map(|(l, w)| l * w).sum::<f64>() / total.max(1.0))
    }

    pub(super) fn replace(&mut self, round: Round, theta: Vec<f32>) -> Result<Hash32, TrainerError> {
        self.theta = sparseloco::theta_hash(&theta);
        self.anchor = theta;
        self.engine.write_theta(&self.anchor)?;
        self.begin_round(round);
        Ok(self.theta)
    }

    fn at(&self, round: Round) -> Result<(), TrainerError> {
        if round == self.round { Ok(()) } else { Err(TrainerError::WrongRound { have: self.round, wanted: round }) }
    }
}

fn mean(losses: &[f64]) -> f64 {
    losses.iter().sum::<f64>() / losses.len().max(1) as f64
}
