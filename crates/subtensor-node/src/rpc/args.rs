//! Parameters of a method, from hostile JSON.
//!
//! In: the text of a JSON array. Out: hashes, bytes, numbers, each bounded. Objects are refused.

use serde::de::DeserializeOwned;
use serde_json::Value;
use types::Hotkey;

use crate::refusal::Refusal;

/// Longest text of parameters: a request of many storage keys.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Parameters by position. What is missing at the end counts as null.
#[derive(Debug)]
pub(crate) struct Args(Vec<Value>);

impl Args {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(Self(Vec::new())) };
        if text.len() > MAX_TEXT {
            return Err(Refusal::Params("too long".into()));
        }
        serde_json::from_str(text).map(Self).map_err(|e| Refusal::Params(e.to_string()))
    }

    fn at(&self, index: usize) -> Option<&Value> {
        self.0.get(index).filter(|value| !value.is_null())
    }

    fn needed(&self, index: usize) -> Result<&Value, Refusal> {
        self.at(index).ok_or_else(|| Refusal::Params(format!("parameter {index} is missing")))
    }

    /// A string.
    pub(crate) fn text(&self, index: usize) -> Result<&str, Refusal> {
        self.needed(index)?.as_str().ok_or_else(|| Refusal::Params(format!("parameter {index} is no string")))
    }

    /// Hex of at most `most` bytes.
    pub(crate) fn bytes(&self, index: usize, most: usize) -> Result<Vec<u8>, Refusal> {
        bytes(self.text(index)?, most)
    }

    /// The same, or null.
    pub(crate) fn optional_bytes(&self, index: usize, most: usize) -> Result<Option<Vec<u8>>, Refusal> {
        self.at(index).map(|_| self.bytes(index, most)).transpose()
    }

    /// A block hash, or null.
    pub(crate) fn hash(&self, index: usize) -> Result<Option<[u8; 32]>, Refusal> {
        let Some(bytes) = self.optional_bytes(index, 32)? else { return Ok(None) };
        let hash = bytes.try_into().map_err(|_| Refusal::Params("a hash has 32 bytes".into()))?;
        Ok(Some(hash))
    }

    /// A number, plain or in hex, or null.
    pub(crate) fn number(&self, index: usize) -> Result<Option<u64>, Refusal> {
        let bad = || Refusal::Params(format!("parameter {index} is no number"));
        match self.at(index) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let digits = text.strip_prefix("0x").ok_or_else(bad)?;
                u64::from_str_radix(digits, 16).map(Some).map_err(|_| bad())
            }
            Some(value) => value.as_u64().map(Some).ok_or_else(bad),
        }
    }

    /// Several hex strings.
    pub(crate) fn list(&self, index: usize, most: usize, longest: usize) -> Result<Vec<Vec<u8>>, Refusal> {
        let values = self.needed(index)?.as_array().filter(|values| values.len() <= most);
        let values =
            values.ok_or_else(|| Refusal::Params(format!("parameter {index} is no list of at most {most}")))?;
        let text = |value: &Value| match value.as_str() {
            Some(text) => bytes(text, longest),
            None => Err(Refusal::Params("a key is no string".into())),
        };
        values.iter().map(text).collect()
    }

    /// An account in SS58.
    pub(crate) fn account(&self, index: usize) -> Result<Hotkey, Refusal> {
        self.text(index)?.parse().map_err(|e: types::KeyError| Refusal::Params(e.to_string()))
    }

    /// Anything that serde reads.
    pub(crate) fn typed<T: DeserializeOwned>(&self, index: usize) -> Result<T, Refusal> {
        T::deserialize(self.needed(index)?).map_err(|e| Refusal::Params(e.to_string()))
    }

    /// The same, or null.
    pub(crate) fn optional<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>, Refusal> {
        self.at(index).map(|_| self.typed(index)).transpose()
    }
}

fn bytes(text: &str, most: usize) -> Result<Vec<u8>, Refusal> {
    let digits = text.strip_prefix("0x").ok_or_else(|| Refusal::Params("hex begins with 0x".into()))?;
    if digits.len() > 2 * most {
        return Err(Refusal::Params(format!("more than {most} bytes")));
    }
    hex::decode(digits).map_err(|e| Refusal::Params(e.to_string()))
}
