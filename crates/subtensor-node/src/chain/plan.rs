//! What goes into a block.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use types::{Hotkey, Rao};

/// Something that happens to the chain without an extrinsic, in the block it is planned for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Action {
    /// From now on all validators' weights go to the owner's uid, or not any more.
    FullBurn {
        /// Whether they do.
        on: bool,
    },
    /// A uid's key is replaced by a made-up one.
    Deregister {
        /// The uid.
        uid: u16,
    },
    /// The spec version rises by one, from the next block on without these items besides those missing already.
    Upgrade {
        /// Storage items (`Pallet.Item`) and runtime API methods (`Trait.method`).
        #[serde(default)]
        without: BTreeSet<String>,
    },
    /// The pool's reserves, and with them the price.
    Price {
        /// TAO in the pool.
        tao_in: Rao,
        /// Alpha in the pool.
        alpha_in: Rao,
    },
    /// A balance out of nothing.
    Endow {
        /// Whose.
        account: Hotkey,
        /// Added to it.
        free: Rao,
    },
    /// A hotkey's stake and permit.
    Validator {
        /// The key, registered.
        hotkey: Hotkey,
        /// All of its stake.
        stake: Rao,
        /// Whether it may set weights.
        permit: bool,
    },
    /// Whether anybody may register, and for how much.
    Registration {
        /// Whether.
        allowed: bool,
        /// The price.
        burn: Rao,
    },
}

/// A block before it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its time in milliseconds since 1970.
    pub time_ms: u64,
    /// How many reorganisations came before: makes hashes of forks differ.
    pub fork: u64,
    /// In order; those that cannot be applied are left out.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub extrinsics: Vec<Arc<[u8]>>,
    /// Done after the extrinsics.
    pub actions: Vec<Action>,
}

fn to_hex<S: Serializer>(extrinsics: &[Arc<[u8]>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(extrinsics.iter().map(hex::encode))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<[u8]>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| hex::decode(text).map(Arc::from).map_err(de::Error::custom)).collect()
}
