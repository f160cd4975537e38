//! Text from the model for people to look at: when the peer joined, now and then, and when somebody asks.
//!
//! In: a replica whose trainer stands between rounds. Out: `sample` events. The first one is kept in the peer's own folder,
//! so that "when I joined" means the same after a restart. A sample that fails is logged and never stops training.

use std::path::PathBuf;

use ipc::{Event, LogLevel, SampleWhen};
use serde::{Deserialize, Serialize};
use types::Round;

use crate::outcome::PeerError;
use crate::places::read_bounded;
use crate::replica::{Replica, blocking};
use crate::trainer::{SampleWish, Sampled};

/// Where the first sample is kept.
const JOINED_FILE: &str = "joined_text.json";
/// Two texts of bounded length.
const MAX_JOINED_BYTES: u64 = 64 * 1024;
/// Tokens of a sample that nobody asked for: a line of text, a hundredth of a round's time at most.
const SHORT_TOKENS: u32 = 48;
/// The round after the first outer step that moves anything, and every so many after it.
const FIRST_ROUND: u64 = 2;

/// When to sample, and what the first sample was.
pub struct Sampler {
    folder: PathBuf,
    every: u64,
}

/// The first sample on disk.
#[derive(Serialize, Deserialize)]
struct Joined {
    round: Round,
    prompt: String,
    text: String,
}

/// A sample that nobody asked for.
pub fn short() -> SampleWish {
    SampleWish { prompt: String::new(), tokens: SHORT_TOKENS }
}

impl Sampler {
    /// Samples every so many rounds; 0 for never.
    pub fn new(folder: PathBuf, every: u64) -> Self {
        Self { folder, every }
    }

    /// Whether this round is one of those.
    pub fn is_due(&self, round: Round) -> bool {
        self.every > 0 && round.0 >= FIRST_ROUND && (round.0 - FIRST_ROUND).is_multiple_of(self.every)
    }

    /// Says what the model makes of a wish now.
    pub async fn say(&self, replica: &Replica, wish: SampleWish) {
        match replica.trainer.sample(wish).await {
            Ok(Sampled { round, prompt, text }) => {
                replica.events.say(Event::Sample { round, when: SampleWhen::Now, prompt, text }).await;
            }
            Err(error) => replica.events.log(LogLevel::Info, format!("no text from the model: {error}")).await,
        }
    }

    /// Says what the model wrote when this peer joined; a peer that has just joined asks it.
    pub async fn say_joined(&self, replica: &Replica) {
        if self.every == 0 {
            return;
        }
        match self.joined(replica).await {
            Ok(Joined { round, prompt, text }) => {
                replica.events.say(Event::Sample { round, when: SampleWhen::Joined, prompt, text }).await;
            }
            Err(error) => replica.events.log(LogLevel::Info, format!("no text from the model: {error}")).await,
        }
    }

    async fn joined(&self, replica: &Replica) -> Result<Joined, PeerError> {
        let path = self.folder.join(JOINED_FILE);
        let file = path.clone();
        let kept = blocking(move || read_bounded(&file, MAX_JOINED_BYTES)).await?;
        if let Ok(bytes) = kept
            && let Ok(joined) = serde_json::from_slice(&bytes)
        {
            return Ok(joined);
        }
        let Sampled { round, prompt, text } = replica.trainer.sample(short()).await?;
        let joined = Joined { round, prompt, text };
        let io = |source| PeerError::Io { path: path.clone(), source };
        let bytes = serde_json::to_vec(&joined).map_err(|e| io(std::io::Error::other(e)))?;
        let (temporary, file) = (path.with_extension("tmp"), path.clone());
        blocking(move || std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, &file)))
            .await?
            .map_err(io)?;
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_every_so_many_rounds_from_the_first_that_moved() {
        let due = |every| (0..12).filter(|round| Sampler::new(PathBuf::new(), every).is_due(Round(*round))).collect();
        assert_eq!(due(4), [2, 6, 10]);
        let never: Vec<u64> = due(0);
        assert!(never.is_empty());
    }
}
