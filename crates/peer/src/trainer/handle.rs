//! Asking the trainer thread: one async call per command.
//!
//! In: plain arguments. Out: the thread's answer, or that it has ended. A dropped call lets its command finish unheard.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;

use sparseloco::{Layout, Submission};
use tokio::sync::oneshot;
use types::{Hash32, Round, Uid};

use super::text::{SampleWish, Sampled};
use super::work::{Evaluation, OuterResult, OwnCheck, SealInput, Sealed};
use super::{Command, InnerEnd, Reply, TrainerError, TrainerHandle};

impl TrainerHandle {
    /// The chunk layout of the run's model.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Takes back an earlier halt. To be called where the decision to run falls, not where the run starts: a halt that
    /// comes in between must not be lost.
    pub fn arm(&self) {
        self.halt.store(false, Ordering::SeqCst);
    }

    /// Halts inner steps at the next edge.
    pub fn halt(&self) {
        self.halt.store(true, Ordering::SeqCst);
    }

    /// Takes or continues the round's inner steps.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn inner(&self, round: Round, uid: Uid) -> Result<InnerEnd, TrainerError> {
        self.ask(|reply| Command::Inner { round, uid, reply }).await
    }

    /// Work done in the running round so far.
    ///
    /// # Errors
    /// [`TrainerError::Gone`].
    pub async fn progress(&self) -> Result<InnerEnd, TrainerError> {
        self.ask(|reply| Command::Progress { reply }).await
    }

    /// Compresses the round's pseudo-gradient into an unsigned container. Error feedback moves on with it.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn draft(&self, input: SealInput) -> Result<sparseloco::Draft, TrainerError> {
        self.ask(|reply| Command::Draft { input, reply }).await
    }

    /// Runs the validator's checks on the peer's own signed container.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn check(&self, bytes: Vec<u8>, input: SealInput) -> Result<OwnCheck, TrainerError> {
        self.ask(|reply| Command::Check { bytes, input, reply }).await
    }

    /// Saves the signed container with the state that belongs to it.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn seal(&self, bytes: Vec<u8>) -> Result<Sealed, TrainerError> {
        self.ask(|reply| Command::Seal { bytes, reply }).await
    }

    /// Lets a rehearsal's dishonest peer damage its unsigned container; changes nothing for anybody else.
    ///
    /// # Errors
    /// [`TrainerError::Gone`].
    pub async fn corrupt(&self, unsigned: &mut [u8]) -> Result<(), TrainerError> {
        let bytes = unsigned.to_vec();
        let damaged = self.ask(|reply| Command::Corrupt { bytes, reply }).await?;
        unsigned.copy_from_slice(&damaged);
        Ok(())
    }

    /// The sealed container of the current round, if there is one.
    ///
    /// # Errors
    /// [`TrainerError::Gone`].
    pub async fn sealed_bytes(&self) -> Result<Option<Vec<u8>>, TrainerError> {
        self.ask(|reply| Command::SealedBytes { reply }).await
    }

    /// Drops a draft that will not be submitted; what it took out of the error feedback goes back.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn discard(&self, bytes: Vec<u8>, input: SealInput) -> Result<(), TrainerError> {
        self.ask(|reply| Command::Discard { bytes, input, reply }).await
    }

    /// The outer step of `round` over `set`; `own` says who this peer is, to take back what was sealed but not used.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn outer(
        &self,
        round: Round,
        set: Vec<(Uid, Arc<Submission>)>,
        own: SealInput,
    ) -> Result<OuterResult, TrainerError> {
        self.ask(|reply| Command::Outer { round, set, own, reply }).await
    }

    /// Losses of batches, each at θ or at a probe of θ.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn evaluate(&self, batches: Vec<Evaluation>) -> Result<Vec<f64>, TrainerError> {
        self.ask(|reply| Command::Evaluate { batches, reply }).await
    }

    /// Loss on held-out text at θ, nats per token.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn held_out(&self, sequences: usize) -> Result<f64, TrainerError> {
        self.ask(|reply| Command::HeldOut { sequences, reply }).await
    }

    /// A copy of θ at the start of the current round.
    ///
    /// # Errors
    /// [`TrainerError::Gone`].
    pub async fn theta(&self) -> Result<(Round, Vec<f32>), TrainerError> {
        self.ask(|reply| Command::Theta { reply }).await
    }

    /// Replaces θ by a fetched one.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn replace(&self, round: Round, theta: Vec<f32>) -> Result<Hash32, TrainerError> {
        self.ask(|reply| Command::Replace { round, theta, reply }).await
    }

    /// Saves everything; returns the bytes written.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn save(&self) -> Result<u64, TrainerError> {
        self.ask(|reply| Command::Save { reply }).await
    }

    /// Gives the device memory back.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn release(&self) -> Result<(), TrainerError> {
        self.ask(|reply| Command::Release { reply }).await
    }

    /// Takes the device memory again.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn acquire(&self) -> Result<(), TrainerError> {
        self.ask(|reply| Command::Acquire { reply }).await
    }

    /// Text from the model: at θ between rounds, at what the inner steps have made of it within one.
    ///
    /// # Errors
    /// [`TrainerError`].
    pub async fn sample(&self, wish: SampleWish) -> Result<Sampled, TrainerError> {
        self.ask(|reply| Command::Sample { wish, reply }).await
    }

    /// The share of the time to work from the next inner step on, within (0, 1].
    pub fn set_pace(&self, work_share: f64) {
        self.pace.set(work_share);
    }

    /// Cancel-safe: a dropped call lets the command finish unheard.
    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, TrainerError> {
        let (reply, answer) = oneshot::channel();
        let mut command = command(reply);
        loop {
            match self.commands.try_send(command) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return Err(TrainerError::Gone),
                // The trainer is in an inner step; the queue is short on purpose.
                Err(TrySendError::Full(back)) => {
                    command = back;
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        }
        answer.await.map_err(|_| TrainerError::Gone)?
    }
}
