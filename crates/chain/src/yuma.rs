//! One Yuma epoch in integers: who is paid what.
//!
//! In: stakes, weights, bonds and the amount minted. Out: pay, shares and new bonds, the same on every machine. It knows
//! no blocks and no keys. Source: Bittensor's epoch mechanism as described in the wallet-chain recipe §11, with Yuma2
//! bonds and β = 1 (bonds from the clipped weights).
//!
//! **Burn.** A validator's weights are parts of 65,535. What they leave over counts as weight on a burn target, which
//! takes part in consensus, clipping and bonds like any miner; its pay goes to nobody. If nobody is active, or the
//! active validators agree on nothing, the miners' half is burned; without active validators, theirs is too.
//!
//! Fixed point: shares are parts of 2^32 ([`ONE`]); products are taken in `u128` and rounded down. Money is split by
//! largest remainder, so no rao is lost or made.

use serde::{Deserialize, Serialize};
use types::{Rao, Uid};

/// 1.0 as a fixed-point share.
pub const ONE: u64 = 1 << 32;
/// Weights, cuts and κ are parts of this.
pub const PARTS: u64 = 65_535;

/// A validator's weights as it set them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The validator.
    pub uid: Uid,
    /// Its stake, above 0.
    pub stake: Rao,
    /// `(uid, parts of 65,535)`, uids ascending and registered when the vote was cast; the sum is at most 65,535.
    /// Weights on the validator itself count for nothing.
    pub weights: Vec<(Uid, u16)>,
    /// Its bonds from the last epoch, parts of 2^32 per column; the last column is the burn target.
    pub bonds: Vec<u64>,
}

/// What an epoch is computed from.
#[derive(Debug, Clone)]
pub struct Epoch<'a> {
    /// Number of registered uids; columns of the matrices. One more column is the burn target.
    pub uids: usize,
    /// Active validators' votes, uids ascending.
    pub votes: &'a [Vote],
    /// κ, parts of 65,535.
    pub kappa: u16,
    /// Weight of the newest bond, parts of 65,535.
    pub bond_alpha: u16,
    /// The owner's cut, parts of 65,535, rounded down.
    pub owner_cut: u16,
    /// Minted since the last epoch.
    pub minted: Rao,
}

/// What an epoch pays. `minted = owner + burned + Σ miner + Σ validator`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// The owner's cut.
    pub owner: Rao,
    /// Given to nobody.
    pub burned: Rao,
    /// Per uid.
    pub miner: Vec<Rao>,
    /// Per vote.
    pub validator: Vec<Rao>,
    /// Per uid, parts of 2^32 of the miners' half (burn included in the whole).
    pub incentive: Vec<u64>,
    /// Per vote, parts of 2^32 of the validators' half.
    pub dividends: Vec<u64>,
    /// Per vote, the new bonds.
    pub bonds: Vec<Vec<u64>>,
}

impl Epoch<'_> {
    /// Computes the epoch.
    pub fn pay(&self) -> Payout {
        let owner = mul_div(self.minted.0, u64::from(self.owner_cut), PARTS);
        let rest = self.minted.0 - owner;
        let (miners, validators) = (rest / 2, rest - rest / 2);

        let stakes: Vec<u64> = self.votes.iter().map(|vote| vote.stake.0).collect();
        let stake_shares = normalised(&stakes);
        let clipped = self.clipped(&stakes);
        let columns = self.uids + 1;
        let rank: Vec<u64> = (0..columns)
            .map(|j| clipped.iter().zip(&stake_shares).map(|(row, share)| fixed_mul(row[j], *share)).sum())
            .collect();
        let bonds = self.bonds(&clipped, &stake_shares);
        let incentive = normalised(&rank);
        let dividend_raw: Vec<u64> = bonds
            .iter()
            .map(|row| row.iter().zip(&incentive).map(|(bond, share)| fixed_mul(*bond, *share)).sum())
            .collect();

        let mut miner = split(miners, &rank);
        let voted = rank.iter().any(|r| *r > 0);
        let miners_burned = if voted { miner.pop().unwrap_or(0) } else { miners };
        miner.resize(self.uids, 0);
        let dividends_from = if dividend_raw.iter().any(|d| *d > 0) { &dividend_raw } else { &stakes };
        let validator = split(validators, dividends_from);
        let validators_burned = validators - validator.iter().sum::<u64>();
        Payout {
            owner: Rao(owner),
            burned: Rao(miners_burned + validators_burned),
            miner: miner.into_iter().map(Rao).collect(),
            validator: validator.into_iter().map(Rao).collect(),
            incentive: incentive[..self.uids].to_vec(),
            dividends: normalised(dividends_from),
            bonds,
        }
    }

    /// Row-normalised weights, clipped to the consensus of their column.
    fn clipped(&self, stakes: &[u64]) -> Vec<Vec<u64>> {
        let mut rows: Vec<Vec<u64>> = self.votes.iter().map(|vote| self.row(vote)).collect();
        for j in 0..=self.uids {
            let column: Vec<u64> = rows.iter().map(|row| row[j]).collect();
            let consensus = consensus(&column, stakes, self.kappa);
            for row in &mut rows {
                row[j] = row[j].min(consensus);
            }
        }
        rows
    }

    /// One vote as shares of 2^32 over all columns, its own column masked, the burn target last.
    fn row(&self, vote: &Vote) -> Vec<u64> {
        let mut row = vec![0; self.uids + 1];
        let mut given = 0u64;
        for (uid, weight) in &vote.weights {
            given += u64::from(*weight);
            if let Some(cell) = row[..self.uids].get_mut(usize::from(uid.0)).filter(|_| *uid != vote.uid) {
                *cell = u64::from(*weight);
            }
        }
        row[self.uids] = PARTS.saturating_sub(given);
        normalised(&row)
    }

    /// Bonds: an exponential average of who backed whom with how much stake, each column summing to one.
    fn bonds(&self, clipped: &[Vec<u64>], stake_shares: &[u64]) -> Vec<Vec<u64>> {
        let alpha = mul_div(ONE, u64::from(self.bond_alpha), PARTS);
        let mut bonds = vec![vec![0; self.uids + 1]; self.votes.len()];
        for j in 0..=self.uids {
            let backed: Vec<u64> =
                clipped.iter().zip(stake_shares).map(|(row, share)| fixed_mul(row[j], *share)).collect();
            let backed = normalised(&backed);
            let before: Vec<u64> = self.votes.iter().map(|vote| self.old_bond(vote, j)).collect();
            let before = normalised(&before);
            let mixed: Vec<u64> = backed
                .iter()
                .zip(&before)
                .map(|(new, old)| fixed_mul(*new, alpha) + fixed_mul(*old, ONE - alpha))
                .collect();
            for (row, bond) in bonds.iter_mut().zip(normalised(&mixed)) {
                row[j] = bond;
            }
        }
        bonds
    }

    /// The vote's old bond in a column; miners registered since then have none, and the burn target stays last.
    fn old_bond(&self, vote: &Vote, column: usize) -> u64 {
        let Some((burn, uids)) = vote.bonds.split_last() else { return 0 };
        if column == self.uids { *burn } else { uids.get(column).copied().unwrap_or(0) }
    }
}

/// The largest weight that validators holding at least κ of the stake have given; equality counts.
fn consensus(column: &[u64], stakes: &[u64], kappa: u16) -> u64 {
    let total: u128 = stakes.iter().map(|s| u128::from(*s)).sum();
    let mut given: Vec<(u64, u64)> = column.iter().copied().zip(stakes.iter().copied()).collect();
    given.sort_unstable_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let mut held = 0u128;
    for (weight, stake) in given {
        held += u128::from(stake);
        if held * u128::from(PARTS) >= total * u128::from(kappa) {
            return weight;
        }
    }
    0
}

/// Shares of 2^32, rounded down; all zero if the sum is zero.
fn normalised(values: &[u64]) -> Vec<u64> {
    let sum: u128 = values.iter().map(|v| u128::from(*v)).sum();
    if sum == 0 {
        return vec![0; values.len()];
    }
    values.iter().map(|v| (u128::from(*v) * u128::from(ONE) / sum) as u64).collect()
}

/// Product of a number and a share; at most the larger one when both are shares.
fn fixed_mul(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

/// `a * b / c`, rounded down, for `b <= c`.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    (u128::from(a) * u128::from(b) / u128::from(c)) as u64
}

/// Splits `total` in proportion to `shares` without losing or making a rao: each gets its share rounded down, what is
/// left goes one by one to the largest remainders, ties to the lower index. All zero if the shares are.
pub fn split(total: u64, shares: &[u64]) -> Vec<u64> {
    let sum: u128 = shares.iter().map(|s| u128::from(*s)).sum();
    if sum == 0 {
        return vec![0; shares.len()];
    }
    // `total` < 2^64 and each share < 2^64: the product fits.
    let exact = |share: u64| (u128::from(total) * u128::from(share) / sum, u128::from(total) * u128::from(share) % sum);
    let mut out: Vec<u64> = shares.iter().map(|s| exact(*s).0 as u64).collect();
    let left = total - out.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(exact(shares[*i]).1));
    for i in order.into_iter().take(left as usize) {
        out[i] += 1;
    }
    out
}

#[cfg(test)]
mod tests;
