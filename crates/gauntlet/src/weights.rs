//! From scores to on-chain weights: by rank (protocol.md §5.2: a linear part 2:1 for the best, a halving part behind it) or
//! in proportion to a power of the score (§5.1), and a burn.
//!
//! In: final scores. Out: 16-bit weights that sum to 65,535 with the burn. Peers without a positive score get nothing.

use types::Uid;
use types::manifest::WeightParams;

/// What all weights of one validator sum to, the burn included.
pub const WEIGHT_SUM: u16 = u16::MAX;

/// Weights, best peer first, those of weight 0 left out.
///
/// With a burn uid the burn share is its last entry and the sum is exactly [`WEIGHT_SUM`]; without one the sum falls short
/// of it by the burn share. If nobody has a positive score everything is burned. Equal scores: the lower uid first.
pub fn weights(scores: &[(Uid, f64)], params: &WeightParams, burn_uid: Option<Uid>) -> Vec<(Uid, u16)> {
    let mut ranked: Vec<(Uid, f64)> = scores
        .iter()
        .copied()
        .filter(|(uid, score)| score.is_finite() && *score > 0.0 && Some(*uid) != burn_uid)
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.dedup_by_key(|(uid, _)| *uid);
    let mut shares = match params.power {
        None => by_rank(ranked.len(), params),
        Some(power) => by_score(&ranked, power, params),
    };
    let burned = 1.0 - shares.iter().sum::<f64>();
    shares.push(burned.max(0.0));
    let mut rounded = largest_remainder(&shares);
    let burn = rounded.pop().unwrap_or(WEIGHT_SUM);
    let mut out: Vec<(Uid, u16)> = ranked.iter().map(|(uid, _)| *uid).zip(rounded).collect();
    out.extend(burn_uid.map(|uid| (uid, burn)));
    out.retain(|(_, weight)| *weight > 0);
    out
}

/// Shares in proportion to a power of the score, for as many peers as are paid by rank; they sum to 1 − burn.
fn by_score(ranked: &[(Uid, f64)], power: f64, params: &WeightParams) -> Vec<f64> {
    let paid = usize::from(params.gather) + usize::from(params.reserve);
    let mut shares: Vec<f64> = ranked.iter().take(paid).map(|(_, score)| score.powf(power)).collect();
    scale_to(&mut shares, 1.0 - params.burn_rate);
    shares
}

/// Shares of the ranked peers; they sum to 1 − burn, unless there is no peer.
fn by_rank(peers: usize, params: &WeightParams) -> Vec<f64> {
    let paid = 1.0 - params.burn_rate;
    let linear = peers.min(usize::from(params.gather));
    let halving = (peers - linear).min(usize::from(params.reserve));
    if linear == 0 {
        return Vec::new();
    }
    let span = (linear - 1).max(1) as f64;
    let line: Vec<f64> = (0..linear).map(|i| 2.0 - i as f64 / span).collect();
    let mut shares = line.clone();
    scale_to(&mut shares, paid * params.gather_share);
    let smallest = shares[linear - 1];
    let mut tail: Vec<f64> = (0..halving).map(|i| 0.5f64.powi(i as i32)).collect();
    scale_to(&mut tail, paid * (1.0 - params.gather_share));
    if let Some(&largest) = tail.first()
        && largest > 0.5 * smallest
    {
        // The first behind the line never earns more than half of the last before it.
        let factor = 0.5 * smallest / largest;
        tail.iter_mut().for_each(|share| *share *= factor);
    }
    shares.extend(tail);
    if shares.iter().sum::<f64>() <= 0.0 {
        // A first part without a share starves the second too; then the first takes all.
        shares = line;
    }
    scale_to(&mut shares, paid);
    shares
}

fn scale_to(values: &mut [f64], sum: f64) {
    let now: f64 = values.iter().sum();
    if now > 0.0 {
        values.iter_mut().for_each(|value| *value *= sum / now);
    }
}

/// Integers in proportion to `shares` that sum to exactly [`WEIGHT_SUM`]; what rounding leaves goes to the largest
/// remainders, the earlier first.
fn largest_remainder(shares: &[f64]) -> Vec<u16> {
    let total: f64 = shares.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return vec![0; shares.len()];
    }
    let exact: Vec<f64> = shares.iter().map(|share| share / total * f64::from(WEIGHT_SUM)).collect();
    let mut out: Vec<u16> = exact.iter().map(|value| value.floor() as u16).collect();
    let given: u32 = out.iter().map(|value| u32::from(*value)).sum();
    let left = u32::from(WEIGHT_SUM).saturating_sub(given) as usize;
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    for index in order.into_iter().cycle().take(left) {
        out[index] = out[index].saturating_add(1);
    }
    out
}

#[cfg(test)]
mod tests;
