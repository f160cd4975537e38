//! Events of a block under construction.
//!
//! In: pallet, event, fields as a tuple in the metadata's order. Out: the SCALE of `System.Events`. Events that the
//! runtime does not have are left out.

use subxt::ext::codec::{Compact, Encode};

use crate::dispatch::Failure;
use crate::runtime::Runtime;

/// `DispatchEventInfo`: weight (reference time, proof size), class, whether a fee is paid.
type Info = (Compact<u64>, Compact<u64>, u8, u8);

/// When in the block something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// While this extrinsic was applied.
    Extrinsic(u32),
    /// After the last one.
    Finalization,
}

/// The records so far.
pub(crate) struct Events<'a> {
    runtime: &'a Runtime,
    phase: Phase,
    records: Vec<Vec<u8>>,
    kept: usize,
}

impl<'a> Events<'a> {
    pub(crate) fn new(runtime: &'a Runtime) -> Self {
        Self { runtime, phase: Phase::Finalization, records: Vec::new(), kept: 0 }
    }

    /// What follows happens in this phase.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.kept = self.records.len();
    }

    /// What is recorded so far stays even if the call fails.
    pub(crate) fn keep(&mut self) {
        self.kept = self.records.len();
    }

    /// Takes back what was recorded since [`Self::enter`] or [`Self::keep`].
    pub(crate) fn undo(&mut self) {
        self.records.truncate(self.kept);
    }

    /// Records an event.
    pub(crate) fn push(&mut self, pallet: &str, event: &str, fields: &impl Encode) {
        let Some(index) = self.runtime.event(pallet, event) else { return };
        let mut record = match self.phase {
            Phase::Extrinsic(i) => (0u8, i).encode(),
            Phase::Finalization => vec![1],
        };
        record.extend(index);
        fields.encode_to(&mut record);
        // No topics.
        record.push(0);
        self.records.push(record);
    }

    /// Records that the extrinsic was applied.
    pub(crate) fn succeeded(&mut self, mandatory: bool, pays: bool) {
        self.push("System", "ExtrinsicSuccess", &info(mandatory, pays));
    }

    /// Records that the extrinsic failed and changed nothing but fee and nonce.
    pub(crate) fn failed(&mut self, failure: Failure, pays: bool) {
        let error = failure.encode(self.runtime);
        // Bytes of the error stand as they are: a fixed array has no length in front.
        let mut fields = error;
        info(false, pays).encode_to(&mut fields);
        self.push("System", "ExtrinsicFailed", &Raw(fields));
    }

    /// `System.Events` in SCALE, and how many there are.
    pub(crate) fn into_bytes(self) -> (Vec<u8>, u32) {
        let count = self.records.len() as u32;
        let mut out = Compact(count).encode();
        out.extend(self.records.concat());
        (out, count)
    }
}

fn info(mandatory: bool, pays: bool) -> Info {
    // A made-up weight: this node measures none.
    (Compact(0), Compact(0), if mandatory { 2 } else { 0 }, u8::from(!pays))
}

/// Bytes that are SCALE already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<T: subxt::ext::codec::Output + ?Sized>(&self, out: &mut T) {
        out.write(&self.0);
    }
}
