//! Which sequences a peer trains on in a round: numpy's `choice(N, n, replace=False)`, exactly (protocol.md §7, §11.1).
//!
//! In: uid, round, number of sequences, pool size. Out: the ordered pool, the same on every machine. Assignments of two
//! peers may overlap, as in the paper. It never allocates more than a small multiple of the pool it returns.

use std::collections::{HashMap, HashSet};

use types::{Round, Uid};

use crate::rng::Pcg64;

/// Below this population numpy always uses Floyd's sampling.
const TAIL_SHUFFLE_FROM: u64 = 10_000;
/// numpy shuffles the tail when more than one in fifty is drawn.
const TAIL_SHUFFLE_SHARE: u64 = 50;

/// Seed of a peer's round: `((uid * 1_000_003) XOR round) & 0xFFFFFFFF` (protocol.md §7).
pub fn assignment_seed(uid: Uid, round: Round) -> u32 {
    ((u64::from(uid.0) * 1_000_003) ^ round.0) as u32
}

/// The ordered pool of a peer's round: up to `pool` distinct indices below `sequences`.
///
/// A data set smaller than the pool gives every sequence once, in random order (Covey: numpy refuses that case).
pub fn assignment(uid: Uid, round: Round, sequences: u64, pool: usize) -> Vec<u64> {
    let size = u64::try_from(pool).unwrap_or(u64::MAX).min(sequences);
    choice(u64::from(assignment_seed(uid, round)), sequences, usize::try_from(size).unwrap_or(pool))
}

/// `numpy.random.default_rng(seed).choice(n, size, replace=False)`; a `size` above `n` is taken as `n`.
pub fn choice(seed: u64, n: u64, size: usize) -> Vec<u64> {
    let wanted = u64::try_from(size).unwrap_or(u64::MAX).min(n);
    let mut rng = Pcg64::new(seed);
    if n > TAIL_SHUFFLE_FROM && wanted > n / TAIL_SHUFFLE_SHARE {
        shuffled_tail(&mut rng, n, wanted)
    } else {
        floyd(&mut rng, n, wanted)
    }
}

/// Shuffles `0..n` from the end until the last `size` are fixed, and returns those. Only values that left their place
/// are stored, so the cost follows `size`, not `n`.
fn shuffled_tail(rng: &mut Pcg64, n: u64, size: u64) -> Vec<u64> {
    let mut moved: HashMap<u64, u64> = HashMap::new();
    let mut tail = vec![0; size as usize];
    for i in ((n - size).max(1)..n).rev() {
        let j = rng.bounded(i);
        let at_i = moved.remove(&i).unwrap_or(i);
        let at_j = if j == i { at_i } else { moved.insert(j, at_i).unwrap_or(j) };
        tail[(i - (n - size)) as usize] = at_j;
    }
    if size == n {
        // Place 0 is never the shuffle's own turn; what was swapped into it stays there.
        tail[0] = moved.remove(&0).unwrap_or(0);
    }
    tail
}

/// Floyd's sampling without replacement, then a full shuffle of what was drawn.
fn floyd(rng: &mut Pcg64, n: u64, size: u64) -> Vec<u64> {
    let mut drawn = HashSet::with_capacity(size as usize);
    let mut out = Vec::with_capacity(size as usize);
    for j in n - size..n {
        let candidate = rng.bounded(j);
        let value = if drawn.insert(candidate) { candidate } else { j };
        if value == j {
            drawn.insert(j);
        }
        out.push(value);
    }
    for i in (1..out.len()).rev() {
        let j = rng.bounded(i as u64) as usize;
        out.swap(i, j);
    }
    out
}

#[cfg(test)]
mod tests;
