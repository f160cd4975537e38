//! Numbers in fewer bits: moments as 8-bit codes by blocks, parameters as a bf16 half and what it lacks.
//!
//! In: f32 tensors of one dimension. Out: codes and scales, or halves, and the way back. A block is 256 values that share
//! one f32 scale, the largest magnitude (block-wise quantisation: arXiv 2110.02861 §2.1; the codes are our own). Only
//! operations that IEEE 754 rounds exactly are used, so that codes do not depend on the processor, and decoded values give
//! the same codes again: a saved state is the state. Values must be finite.

use tch::{Kind, TchError, Tensor};

/// Values that share one scale.
pub(crate) const BLOCK: i64 = 256;
/// Blocks whose largest magnitude is below this are zero: their square roots are far below any epsilon of AdamW, and
/// products with smaller scales would leave the normal range, where rounding is no longer relative.
const SMALLEST_SCALE: f64 = 1e-30;

/// How a magnitude becomes a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Sign and the square root of the magnitude in 127 steps: first moments.
    Signed,
    /// The fourth root in 255 steps, and never 0 for what is not 0: second moments stand below a fraction line, under a
    /// square root.
    Unsigned,
}

/// f32 values of one dimension as codes and scales; the last block is filled up with zeros.
pub(crate) fn encode(values: &Tensor, code: Code) -> Result<(Tensor, Tensor), TchError> {
    let len = values.numel() as i64;
    let padding = padded(len) - len;
    let rows = if padding == 0 { values.shallow_clone() } else { values.f_constant_pad_nd([0, padding])? };
    let rows = rows.f_view([-1, BLOCK])?;
    let magnitudes = rows.f_abs()?;
    let largest = magnitudes.f_amax([1].as_slice(), true)?;
    let kept = largest.f_ge(SMALLEST_SCALE)?.f_to_kind(Kind::Float)?;
    let scales = largest.f_mul(&kept)?;
    let roots = magnitudes.f_div(&largest.f_clamp_min(SMALLEST_SCALE)?)?.f_mul(&kept)?.f_sqrt()?;
    let codes = match code {
        Code::Signed => roots.f_mul_scalar(127.0)?.f_round()?.f_copysign(&rows)?.f_to_kind(Kind::Int8)?,
        Code::Unsigned => {
            let present = roots.f_gt(0.0)?.f_to_kind(Kind::Float)?;
            let steps = roots.f_sqrt()?.f_mul_scalar(255.0)?.f_round()?;
            steps.f_maximum(&present)?.f_to_kind(Kind::Uint8)?
        }
    };
    Ok((codes.f_view([-1])?, scales.f_view([-1])?))
}

/// The first `len` values behind codes and scales.
pub(crate) fn decode(codes: &Tensor, scales: &Tensor, code: Code, len: i64) -> Result<Tensor, TchError> {
    let rows = codes.f_view([-1, BLOCK])?.f_to_kind(Kind::Float)?;
    let parts = match code {
        Code::Signed => {
            let root = rows.f_div_scalar(127.0)?;
            root.f_mul(&root.f_abs()?)?
        }
        Code::Unsigned => rows.f_div_scalar(255.0)?.f_square()?.f_square()?,
    };
    parts.f_mul(&scales.f_view([-1, 1])?)?.f_view([-1])?.f_narrow(0, 0, len)
}

/// `len` up to the next border of a block.
pub(crate) fn padded(len: i64) -> i64 {
    (len + BLOCK - 1) / BLOCK * BLOCK
}

/// f32 values as the nearest bf16 (halves away from zero) and the 16 bits between the two: no bit is lost.
pub(crate) fn split(values: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let bits = values.f_view_dtype(Kind::Int)?;
    let high = bits.f_add_scalar(0x8000)?.f_bitwise_right_shift_tensor_scalar(16)?;
    let low = bits.f_sub(&high.f_bitwise_left_shift_tensor_scalar(16)?)?.f_to_kind(Kind::Int16)?;
    Ok((high.f_to_kind(Kind::Int16)?.f_view_dtype(Kind::BFloat16)?, low))
}

/// The f32 values of [`split`], bit for bit.
pub(crate) fn join(high: &Tensor, low: &Tensor) -> Result<Tensor, TchError> {
    let high = high.f_view_dtype(Kind::Int16)?.f_to_kind(Kind::Int)?.f_bitwise_left_shift_tensor_scalar(16)?;
    high.f_add(&low.f_to_kind(Kind::Int)?)?.f_view_dtype(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Magnitudes over twelve decades, both signs, a block of zeros, a block of nearly nothing, a short last block.
    fn values(unsigned: bool) -> Vec<f32> {
        (0..1000u32)
            .map(|i| {
                let size = 10f32.powi(-((i % 13) as i32)) * (1.0 + (i * 37 % 101) as f32 / 101.0);
                let size = match i / 256 {
                    1 => 0.0,
                    2 => size * 1e-36,
                    _ => size,
                };
                if i % 3 == 0 && !unsigned { -size } else { size }
            })
            .collect()
    }

    #[test]
    fn decoded_values_give_the_same_values_again_and_keep_the_largest() {
        for code in [Code::Signed, Code::Unsigned] {
            let given = values(code == Code::Unsigned);
            let decoded = |x: &Tensor| {
                let (codes, scales) = encode(x, code).unwrap();
                decode(&codes, &scales, code, x.numel() as i64).unwrap()
            };
            let once = decoded(&Tensor::from_slice(&given));
            let twice = decoded(&once);
            let (once, twice) = (Vec::<f32>::try_from(&once).unwrap(), Vec::<f32>::try_from(&twice).unwrap());
            assert!(once.iter().zip(&twice).all(|(a, b)| a.to_bits() == b.to_bits()), "{code:?}");
            let largest = |x: &[f32]| x.iter().map(|v| v.abs()).fold(0.0, f32::max);
            assert_eq!(largest(&given), largest(&once));
            for (i, (a, b)) in given.iter().zip(&once).enumerate() {
                assert!((a - b).abs() <= 0.02 * 2.0, "{code:?} {i}: {a} became {b}");
                let lost = code == Code::Unsigned && *a > 0.0 && i / 256 != 2 && *b == 0.0;
                assert!(!lost, "{i}: a second moment of {a} must not vanish");
            }
        }
    }

    #[test]
    fn halves_lose_no_bit_and_the_high_one_is_the_nearest() {
        let given: Vec<f32> = (0..4096u32)
            .map(|i| f32::from_bits(i.wrapping_mul(0x9E37_79B9)))
            .chain([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN_POSITIVE, 1.003_906_3])
            .collect();
        let (high, low) = split(&Tensor::from_slice(&given)).unwrap();
        let back = Vec::<f32>::try_from(&join(&high, &low).unwrap()).unwrap();
        assert!(given.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
        let high = Vec::<f32>::try_from(&high.to_kind(Kind::Float)).unwrap();
        for (value, near) in given.iter().zip(&high).filter(|(value, _)| value.is_normal() && value.abs() < 1e38) {
            assert!((value - near).abs() <= value.abs() / 256.0, "{value} became {near}");
        }
    }
}
