//! The energy half of the book: microjoules per quarter of an hour.
//!
//! In: samples in order of time. Out: slots. Time that already has its energy is refused, so that nothing counts twice.

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::guarded::{sealed, unsealed};
use super::{Book, META, read_meta, write_meta};
use crate::energy::{Energy, EnergySample, SLOT_MS, SlotEnergy};
use crate::error::{BookError, storage};

/// Slot number → counter µJ, sampled µJ, known ms, little-endian; their checksum.
const ENERGY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("energy");
/// Name of the time up to which energy is known.
const UNTIL: &str = "energy_until";

pub(super) fn create(write: &WriteTransaction) -> Result<(), BookError> {
    write.open_table(ENERGY).map_err(storage)?;
    Ok(())
}

impl Book {
    /// Adds energy. Samples come in order of time, without overlap.
    ///
    /// # Errors
    /// [`BookError::EnergyOverlap`] with the time up to which energy is known, [`BookError::Invalid`] for a senseless sample.
    pub fn add_energy(&self, sample: &EnergySample) -> Result<(), BookError> {
        sample.check()?;
        self.database.write(|write| {
            let mut meta = write.open_table(META).map_err(storage)?;
            let until_ms = read_meta::<u64>(&meta, UNTIL)?.unwrap_or(0);
            if sample.from_ms < until_ms {
                return Err(BookError::EnergyOverlap { until_ms, from_ms: sample.from_ms });
            }
            let mut energy = write.open_table(ENERGY).map_err(storage)?;
            for (slot, part) in sample.slots() {
                let old = match energy.get(slot).map_err(storage)? {
                    Some(bytes) => decode(slot, bytes.value())?,
                    None => SlotEnergy::default(),
                };
                let sum = SlotEnergy {
                    start_ms: part.start_ms,
                    counter: plus(old.counter, part.counter),
                    samples: plus(old.samples, part.samples),
                    known_ms: old.known_ms.saturating_add(part.known_ms),
                };
                sum.check().map_err(BookError::Invalid)?;
                energy.insert(slot, encode(slot, &sum).as_slice()).map_err(storage)?;
            }
            write_meta(&mut meta, UNTIL, &sample.to_ms)
        })
    }

    /// Energy of the slots that begin in `from_ms..to_ms`, ascending.
    ///
    /// # Errors
    /// [`BookError::Corrupt`] or [`BookError::Storage`].
    pub fn energy(&self, from_ms: u64, to_ms: u64) -> Result<Vec<SlotEnergy>, BookError> {
        let (first, end) = (from_ms.div_ceil(SLOT_MS), to_ms.div_ceil(SLOT_MS));
        if first >= end {
            return Ok(Vec::new());
        }
        self.database.read(|read| {
            let table = read.open_table(ENERGY).map_err(storage)?;
            let mut out = Vec::new();
            for row in table.range(first..end).map_err(storage)? {
                let (slot, bytes) = row.map_err(storage)?;
                out.push(decode(slot.value(), bytes.value())?);
            }
            Ok(out)
        })
    }
}

fn plus(a: Energy, b: Energy) -> Energy {
    Energy { microjoules: a.microjoules.saturating_add(b.microjoules) }
}

fn encode(slot: u64, energy: &SlotEnergy) -> Vec<u8> {
    let numbers = [energy.counter.microjoules, energy.samples.microjoules, energy.known_ms];
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
    sealed(&slot.to_be_bytes(), &bytes)
}

fn decode(slot: u64, bytes: &[u8]) -> Result<SlotEnergy, BookError> {
    let corrupt = |why: &str| BookError::Corrupt(format!("energy of slot {slot}: {why}"));
    let bytes = unsealed(&slot.to_be_bytes(), bytes).map_err(corrupt)?;
    let (numbers, []) = bytes.as_chunks::<8>() else { return Err(corrupt("not three numbers")) };
    let [counter, samples, known_ms] = numbers else { return Err(corrupt("not three numbers")) };
    let energy = |bytes: &[u8; 8]| Energy { microjoules: u64::from_le_bytes(*bytes) };
    let start_ms = slot.checked_mul(SLOT_MS).ok_or_else(|| corrupt("a time beyond the calendar"))?;
    let known_ms = u64::from_le_bytes(*known_ms);
    let found = SlotEnergy { start_ms, counter: energy(counter), samples: energy(samples), known_ms };
    found.check().map_err(corrupt)?;
    Ok(found)
}
