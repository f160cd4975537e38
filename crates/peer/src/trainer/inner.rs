//! Inner steps: the same data in the same order for the same (uid, round), halted only at a step's edge.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use engine::{EngineError, TokenBatch};
use types::{Round, Uid};

use super::{InnerEnd, InnerStep, Trainer, TrainerError};

impl Trainer {
    /// Takes inner steps until all are done or a halt is asked for.
    pub(super) fn inner(&mut self, round: Round, uid: Uid) -> Result<InnerEnd, TrainerError> {
        if round != self.round {
            return Err(TrainerError::WrongRound { have: self.round, wanted: round });
        }
        if let Some(local) = self.local.take() {
            self.engine.write_theta(&local)?;
        }
        let wanted = self.cheat.as_ref().map_or(self.manifest.inner.steps, |c| c.inner_steps(&self.manifest.inner));
        let pool = self.pool(uid, round);
        while self.inner.steps < wanted && !self.halt.load(Ordering::SeqCst) {
            match self.inner_step(&pool) {
                Ok(worked) => self.pace.rest(worked, &self.halt),
                Err(TrainerError::Engine(EngineError::Halted)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(InnerEnd { progress: self.inner, halted: self.inner.steps < wanted })
    }

    /// One step; how long it took.
    fn inner_step(&mut self, pool: &[u64]) -> Result<Duration, TrainerError> {
        let per_step = self.manifest.inner.batch_sequences as usize;
        let first = self.inner.steps as usize * per_step;
        let indices: Vec<u64> = (first..first + per_step).map(|i| pool[i % pool.len()]).collect();
        let batch = self.batch(&indices)?;
        // Steps missed in earlier rounds count all the same, so that all peers stay on one schedule (protocol.md §2.1).
        let step = self.round.0 * u64::from(self.manifest.inner.steps) + u64::from(self.inner.steps);
        let lr = engine::lr_at(&self.manifest.inner.schedule, step, None);
        let began = Instant::now();
        let stats = self.engine.inner_step(&batch, lr)?;
        let worked = began.elapsed();
        let secs = worked.as_secs_f64();
        if self.inner.steps == 0 {
            self.inner.loss_first = stats.loss as f32;
        }
        self.inner.loss_last = stats.loss as f32;
        self.inner.steps += 1;
        self.inner.tokens += stats.tokens;
        let event = InnerStep {
            round: self.round,
            step: self.inner.steps,
            loss: stats.loss,
            lr: stats.lr,
            tokens_per_sec: stats.tokens as f64 / secs.max(1e-9),
            grad_norm: Some(stats.grad_norm).filter(|norm| norm.is_finite()),
            secs,
        };
        // A slow reader loses step events, never a step.
        let _ = self.steps.try_send(event);
        Ok(worked)
    }

    /// Sequences assigned to a uid for a round, in training order.
    pub(super) fn pool(&self, uid: Uid, round: Round) -> Vec<u64> {
        dataset::assignment(uid, round, self.dataset.sequences(), self.manifest.data.pool_sequences as usize)
    }

    /// The tokens of training sequences.
    pub(super) fn batch(&self, indices: &[u64]) -> Result<TokenBatch, TrainerError> {
        let length = self.manifest.data.sequence_tokens as usize;
        let mut tokens = Vec::with_capacity(indices.len() * length);
        let mut row = Vec::with_capacity(length);
        for index in indices {
            self.dataset.sequence(*index, &mut row)?;
            tokens.extend_from_slice(&row);
        }
        Ok(TokenBatch { tokens, sequences: indices.len(), length })
    }
}
