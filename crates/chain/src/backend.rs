//! What Covey needs from a chain, whichever it is.
//!
//! In: typed records and a signer. Out: block clock, registrations, records in chain order, pay-outs. A backend holds no
//! key and takes no decision: what a record means is the caller's business.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hash32, Hotkey, Rao, Record, Signer, Uid};

use crate::ChainError;

/// Most uids a run can hand out, as on Bittensor (protocol.md §6.1).
pub const MAX_UIDS: usize = 256;
/// Most records one [`ChainBackend::records`] call returns.
pub const MAX_RECORDS: usize = 65_536;
/// Most pay-outs one [`ChainBackend::epochs`] call returns.
pub const MAX_EPOCHS: usize = 4_096;

/// Which chain this is, and what its unit is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInfo {
    /// What people call it.
    pub name: String,
    /// Hash of its first block.
    pub genesis: Hash32,
    /// Name of its unit; `credits` on the embedded ledger.
    pub symbol: String,
    /// Decimals of one unit; 9 means that a [`Rao`] is 10^-9 of it.
    pub decimals: u8,
    /// Whether the unit can be exchanged for anything. Never on the embedded ledger.
    pub has_value: bool,
}

/// The newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its height.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: Hash32,
    /// Its time in milliseconds since 1970, as the block's author said.
    pub time_ms: u64,
}

/// A key's place in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its slot.
    pub uid: Uid,
    /// Block in which it was registered; 0 for genesis.
    pub block: BlockNumber,
}

/// One registered key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neuron {
    /// Its slot.
    pub uid: Uid,
    /// Its key.
    pub hotkey: Hotkey,
    /// Its stake; 0 for a miner.
    pub stake: Rao,
    /// Whether it may set weights.
    pub is_validator: bool,
    /// Block in which it was registered.
    pub registered_at: BlockNumber,
    /// Share of the miners' part in the last epoch, parts of 65,535.
    pub incentive: u16,
    /// Share of the validators' part in the last epoch, parts of 65,535.
    pub dividends: u16,
    /// Paid in the last epoch.
    pub emission: Rao,
    /// Paid since it was registered.
    pub balance: Rao,
    /// Block of its newest weights.
    pub last_weights: Option<BlockNumber>,
}

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Receipt {
    /// Block.
    pub block: BlockNumber,
    /// Place within the block.
    pub index: u32,
}

/// A published record and who published it where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRecord {
    /// Block it stands in.
    pub block: BlockNumber,
    /// Place within the block.
    pub index: u32,
    /// Author's slot.
    pub uid: Uid,
    /// Author's key.
    pub hotkey: Hotkey,
    /// What was said.
    pub record: Record,
}

/// One pay-out. `minted = owner + burned + Σ miner + Σ validator`, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochReward {
    /// Block whose end paid out.
    pub block: BlockNumber,
    /// Minted since the last pay-out.
    pub minted: Rao,
    /// The owner's cut.
    pub owner: Rao,
    /// Given to nobody.
    pub burned: Rao,
    /// Miners' pay, uids ascending, zeros left out.
    pub miner: Vec<(Uid, Rao)>,
    /// Validators' pay, uids ascending, zeros left out.
    pub validator: Vec<(Uid, Rao)>,
}

/// A chain. Every call is cancel-safe; a cancelled [`publish`](Self::publish), [`register`](Self::register) or
/// [`set_weights`](Self::set_weights) may or may not have reached the chain, and asking again does not double it.
#[async_trait]
pub trait ChainBackend: Send + Sync {
    /// Which chain this is.
    fn network(&self) -> NetworkInfo;

    /// The newest block; for a run that has not begun, its first one as soon as there is one.
    async fn head(&self) -> Result<Head, ChainError>;

    /// The newest block as soon as its number is above `after`. Waits as long as that takes: give it a deadline.
    async fn wait_head(&self, after: BlockNumber) -> Result<Head, ChainError>;

    /// Gives the signer's key a uid. A registered key gets the uid it has.
    ///
    /// # Errors
    /// [`ChainError::Full`] if there is no place left.
    async fn register(&self, signer: &dyn Signer) -> Result<Registration, ChainError>;

    /// All registered keys, uids ascending.
    async fn neurons(&self) -> Result<Vec<Neuron>, ChainError>;

    /// Publishes a record and waits until it stands in a block. If this key's same record stands already, its receipt.
    ///
    /// # Errors
    /// [`ChainError::Late`] and [`ChainError::Early`] outside the record's phase, [`ChainError::Duplicate`] if the key
    /// has said something else in that place, [`ChainError::NotRegistered`], [`ChainError::NotPermitted`],
    /// [`ChainError::TooOften`].
    async fn publish(&self, record: &Record, signer: &dyn Signer) -> Result<Receipt, ChainError>;

    /// Records of the blocks `from..to` in chain order.
    ///
    /// # Errors
    /// [`ChainError::TooWide`] for more than [`MAX_RECORDS`].
    async fn records(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<ChainRecord>, ChainError>;

    /// Replaces the validator's weights and waits until they stand in a block. Weights are parts of 65,535, uids
    /// ascending; what is missing to 65,535 is the validator's vote to **burn** that share of the miners' pay, so an
    /// empty list votes to burn all of it.
    ///
    /// # Errors
    /// [`ChainError::NotPermitted`] for a key without permit, [`ChainError::Invalid`] for unknown or repeated uids or a
    /// sum above 65,535.
    async fn set_weights(&self, weights: &[(Uid, u16)], signer: &dyn Signer) -> Result<Receipt, ChainError>;

    /// Pay-outs of the blocks `from..to`, blocks ascending.
    ///
    /// # Errors
    /// [`ChainError::TooWide`] for more than [`MAX_EPOCHS`].
    async fn epochs(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<EpochReward>, ChainError>;
}
