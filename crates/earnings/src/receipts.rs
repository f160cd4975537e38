//! Round receipts: what this peer did in each round, what became of it, and what it was paid, as a chain of hashes.
//!
//! In: facts of finished rounds, later verdicts and pay-outs. Out: an append-only file of JSON lines in which any changed byte is
//! found and its field named; and what of it a chain confirms. Nothing is ever edited: what becomes known later is a line of its own
//! that names the round.

mod entry;
mod line;
mod log;
mod text;
mod verify;

pub use entry::{
    CommitFound, Entry, JudgedBy, RECEIPT_VERSION, RewardShare, RoundEnergy, RoundReceipt, VerdictGiven, What,
};
pub use line::{MAX_LINE_BYTES, Wrong, decode, encode};
pub use log::{LogError, LogHead, MAX_LOG_BYTES, ReceiptLog};
pub use text::{ReceiptsText, VerificationText};
pub use verify::{
    Checked, CommitFact, Fact, ReceiptFacts, ReportFact, RewardFact, RoundState, Verification, WrongRecord, rounds,
    verify,
};
