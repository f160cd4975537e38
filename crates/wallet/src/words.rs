//! Recovery words: 12 or 24 English words that stand for a key.
//!
//! In: randomness or typed words. Out: a signer for any derivation path, and the words again for the one screen that
//! shows them. It refuses words off the list, wrong counts and a wrong checksum, and says which word is wrong by its
//! place, never by the word.
//!
//! The seed is Substrate's: PBKDF2-HMAC-SHA512 over the entropy behind the words, not over their text, 2,048 rounds, the
//! first half of the output. A wallet of `btcli` with the same words has the same key.

use bip39::{Language, Mnemonic};
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::{DerivationPath, LocalSigner};

/// Rounds of PBKDF2, as BIP-39 and Substrate have it.
const ROUNDS: u32 = 2048;
/// The list's longest word.
const MAX_WORD: usize = 8;
/// Words asked back before a backup counts as made.
const ASKED: usize = 3;

/// How many words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WordCount {
    /// 128 bits, as `btcli` makes them.
    #[default]
    Twelve,
    /// 256 bits.
    TwentyFour,
}

impl WordCount {
    fn entropy_bytes(self) -> usize {
        match self {
            Self::Twelve => 16,
            Self::TwentyFour => 32,
        }
    }
}

/// Why words were not taken. No variant holds a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// Neither 12 nor 24.
    #[error("recovery words are 12 or 24; these are {0}")]
    Count(usize),
    /// Not on the list.
    #[error("word {0} is not one of the recovery words; check its spelling")]
    Unknown(usize),
    /// All on the list, but not together.
    #[error("each word exists, but not these in this order: one of them is wrong, or two are swapped")]
    Checksum,
    /// The system gives no randomness.
    #[error("no system randomness: {0}")]
    Randomness(String),
}

/// The words of a wallet; wiped on drop. There is no `Debug`, `Display`, `Clone` or `Serialize`.
pub struct RecoveryWords(Mnemonic);

impl RecoveryWords {
    /// New words from the system's randomness.
    ///
    /// # Errors
    /// [`WordsError::Randomness`].
    pub fn generate(count: WordCount) -> Result<Self, WordsError> {
        let mut entropy = Zeroizing::new([0u8; 32]);
        let entropy = &mut entropy[..count.entropy_bytes()];
        getrandom::fill(entropy).map_err(|error| WordsError::Randomness(error.to_string()))?;
        Mnemonic::from_entropy_in(Language::English, entropy).map(Self).map_err(|_| WordsError::Checksum)
    }

    /// Reads typed or pasted words: any white space between them, upper or lower case.
    ///
    /// # Errors
    /// [`WordsError`].
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let count = text.split_whitespace().count();
        if !matches!(count, 12 | 24) {
            return Err(WordsError::Count(count));
        }
        // Never grows, since that would leave a copy behind that nobody wipes.
        let mut normal = Zeroizing::new(String::with_capacity(count * (MAX_WORD + 1)));
        for (i, word) in text.split_whitespace().enumerate() {
            let start = normal.len();
            if word.len() <= MAX_WORD {
                normal.extend(word.chars().map(|c| c.to_ascii_lowercase()));
            }
            if Language::English.find_word(&normal[start..]).is_none() {
                return Err(WordsError::Unknown(i + 1));
            }
            if i + 1 < count {
                normal.push(' ');
            }
        }
        Mnemonic::parse_in_normalized(Language::English, &normal).map(Self).map_err(|_| WordsError::Checksum)
    }

    /// The words in order, for the screen that shows them once. The list is public; which of its words, and in which
    /// order, is the secret: do not keep the iterator's items.
    pub fn reveal(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }

    /// The key at the end of `path`.
    pub fn signer(&self, path: &DerivationPath) -> LocalSigner {
        LocalSigner::from_seed(&self.mini_secret(path)).at(path)
    }

    /// The seed behind the words and the path's passphrase, before any of its junctions.
    pub(crate) fn mini_secret(&self, path: &DerivationPath) -> Zeroizing<[u8; 32]> {
        let salt = Zeroizing::new(format!("mnemonic{}", path.passphrase()));
        let mut seed = Zeroizing::new([0u8; 64]);
        pbkdf2::pbkdf2_hmac::<Sha512>(&self.entropy(), salt.as_bytes(), ROUNDS, seed.as_mut_slice());
        let mut mini = Zeroizing::new([0u8; 32]);
        mini.copy_from_slice(&seed[..32]);
        mini
    }

    /// What the words stand for: 16 or 32 bytes.
    pub(crate) fn entropy(&self) -> Zeroizing<Vec<u8>> {
        let (mut entropy, length) = self.0.to_entropy_array();
        let out = Zeroizing::new(entropy[..length].to_vec());
        zeroize::Zeroize::zeroize(&mut entropy);
        out
    }

    /// The words of 16 or 32 bytes; `None` for other lengths.
    pub(crate) fn from_entropy(entropy: &[u8]) -> Option<Self> {
        matches!(entropy.len(), 16 | 32).then_some(())?;
        Mnemonic::from_entropy_in(Language::English, entropy).ok().map(Self)
    }

    /// Which words to ask back: three different places, in order.
    ///
    /// # Errors
    /// [`WordsError::Randomness`].
    pub fn quiz(&self) -> Result<Quiz, WordsError> {
        let count = self.0.word_count();
        let mut places = Vec::with_capacity(ASKED);
        while places.len() < ASKED {
            let mut byte = [0u8];
            getrandom::fill(&mut byte).map_err(|error| WordsError::Randomness(error.to_string()))?;
            // Which words are asked is no secret, so the slight bias of the remainder does not matter.
            let place = usize::from(byte[0]) % count;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places.sort_unstable();
        Ok(Quiz { places })
    }
}

/// Three places whose words are asked back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiz {
    places: Vec<usize>,
}

impl Quiz {
    /// Numbers of the words asked for, counted from 1.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.places.iter().map(|place| place + 1)
    }

    /// Whether the typed words are the ones asked for, in order; spaces around them and case do not matter.
    pub fn passes(&self, words: &RecoveryWords, typed: &[&str]) -> bool {
        typed.len() == self.places.len()
            && self.places.iter().zip(typed).all(|(place, typed)| {
                words.reveal().nth(*place).is_some_and(|word| word.eq_ignore_ascii_case(typed.trim()))
            })
    }
}

#[cfg(test)]
mod tests;
