//! Rules that rank a coordinate's values: trimmed mean and median.
//!
//! In: one chunk's records of all submissions. Out: one value per coordinate. Values are ordered by `f32::total_cmp`, so who
//! sent which decides nothing, and sums run in ascending order: the same bits on every machine.

use crate::layout::MAX_CHUNK;
use crate::submission::Records;

/// `out_j = combine(values of j, ascending)`, and 0 where nobody sent anything, over the first `total` elements.
pub(super) fn chunk(
    readers: &mut [(Records<'_>, f32)],
    sent: &mut Vec<(u16, f32)>,
    out: &mut [f32; MAX_CHUNK],
    total: usize,
    combine: impl Fn(&[(u16, f32)]) -> f32,
) {
    out[..total].fill(0.0);
    sent.clear();
    for (records, factor) in readers {
        let scale = |levels: [f32; 4]| levels.map(|level| *factor * level);
        // An index lies below 4096.
        records.each(scale, |levels, index, code| sent.push((index as u16, levels[code])));
    }
    sent.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    for values in sent.chunk_by(|a, b| a.0 == b.0) {
        out[usize::from(values[0].0)] = combine(values);
    }
}

/// senders/R.
pub(super) fn share(values: &[(u16, f32)], peers: f32) -> f32 {
    values.len() as f32 / peers
}

/// Mean of the values without `⌊s · percent / 100⌋` at each end; `percent` is below 50, so one is always left.
pub(super) fn trimmed(values: &[(u16, f32)], percent: u8) -> f32 {
    let cut = values.len() * usize::from(percent) / 100;
    let kept = values.get(cut..values.len() - cut).unwrap_or_default();
    kept.iter().fold(0.0, |sum, (_, v)| sum + v) / kept.len().max(1) as f32
}

/// The median, of an even number the mean of the middle two; 0 with fewer than `min_senders`.
pub(super) fn median(values: &[(u16, f32)], min_senders: u16) -> f32 {
    if values.len() < usize::from(min_senders) {
        return 0.0;
    }
    let (low, high) = (values[(values.len() - 1) / 2].1, values[values.len() / 2].1);
    if values.len() % 2 == 1 { low } else { (low + high) * 0.5 }
}
