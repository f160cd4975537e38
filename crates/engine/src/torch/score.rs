//! What the model says of a given text: logits and log-probabilities of its tokens.
//!
//! In: the tokens of one text, at most as many as the engine was built for. Out: numbers in natural logarithms. It changes
//! nothing, and keeps the logits of a bounded number of positions on the device.

use tch::{Kind, Tensor, no_grad_guard};

use super::TorchEngine;
use crate::EngineError;

/// Positions whose logits are held at a time: 134 MB with the largest vocabulary in use.
const POSITIONS: i64 = 128;

impl TorchEngine {
    /// Logits of every position, `[tokens, vocab]` row-major: row i is about token i + 1. Made for comparing implementations;
    /// the caller bounds its length.
    ///
    /// # Errors
    /// No token, more of them than the engine was built for, one outside the vocabulary, a released engine, or a device that
    /// failed.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let mut values = Vec::with_capacity(tokens.len() * self.model.vocab);
        self.each_logits(tokens, 0, tokens.len(), |logits, _| {
            let start = values.len();
            values.resize(start + logits.numel(), 0.0f32);
            let count = logits.numel();
            Ok(logits.f_contiguous()?.f_copy_data(&mut values[start..], count)?)
        })?;
        Ok(values)
    }

    /// ln p(token i | tokens before it) for every i from `from`, which is at least 1.
    ///
    /// # Errors
    /// As for [`TorchEngine::logits`], and a `from` outside the text.
    pub fn log_probabilities(&self, tokens: &[u32], from: usize) -> Result<Vec<f64>, EngineError> {
        if from == 0 || from > tokens.len() {
            return Err(EngineError::Number { what: "from", expected: "within the text", got: from as f64 });
        }
        let mut values = Vec::with_capacity(tokens.len() - from);
        self.each_logits(tokens, from - 1, tokens.len() - 1, |logits, start| {
            let targets = &tokens[start + 1..=start + logits.size()[0] as usize];
            let targets: Vec<i64> = targets.iter().map(|token| i64::from(*token)).collect();
            let targets = Tensor::f_from_slice(&targets)?.f_view([-1, 1])?.f_to_device(self.device)?;
            let picked = logits.f_log_softmax(-1, Kind::Float)?.f_gather(1, &targets, false)?.f_view([-1])?;
            let mut part = vec![0.0f32; picked.numel()];
            let count = part.len();
            picked.f_copy_data(&mut part, count)?;
            values.extend(part.into_iter().map(f64::from));
            Ok(())
        })?;
        Ok(values)
    }

    /// Hands out the logits of positions `from..to`, some at a time, with the first position of each part.
    fn each_logits(
        &self,
        tokens: &[u32],
        from: usize,
        to: usize,
        mut take: impl FnMut(&Tensor, usize) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let max_length = self.options.sequence_tokens;
        if !(1..=max_length).contains(&tokens.len()) {
            let length = tokens.len();
            return Err(EngineError::BatchShape { sequences: 1, length, tokens: length, max_length });
        }
        self.check_tokens(tokens)?;
        let pass = self.pass()?;
        let _guard = no_grad_guard();
        let ids: Vec<i64> = tokens.iter().map(|token| i64::from(*token)).collect();
        let ids = Tensor::f_from_slice(&ids)?.f_view([1, -1])?.f_to_device(self.device)?;
        let hidden = pass.hidden(&ids)?.f_squeeze_dim(0)?;
        let (mut at, end) = (from as i64, to as i64);
        while at < end {
            let count = POSITIONS.min(end - at);
            let logits = pass.decoder.logits(pass.flat, pass.layout, &hidden.f_narrow(0, at, count)?)?;
            take(&logits, at as usize)?;
            at += count;
        }
        Ok(())
    }
}
