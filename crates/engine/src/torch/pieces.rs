//! The optimizer's state cut into pieces, each updated by itself: in 8-bit codes, in host memory, or both.
//!
//! In: the working copy of the parameters and their gradient on the device. Out: one AdamW step, piece by piece, so that
//! the device holds decoded state of one piece at a time and of off-loaded state nothing else. Pieces end on borders of
//! the 8-bit blocks, so their size does not change a bit. Where state is off-loaded to beside a GPU, its memory is pinned.

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};
use torch_ext::{AdamW, AdamWTensors, fused_adamw};

use super::codes::{BLOCK, Code, decode, encode, join, padded, split};
use crate::EngineError;

/// Values per piece on a processor: decoded they stay in its second-level cache.
const CPU_PIECE: i64 = 1 << 15;
/// Values per piece on a GPU: large enough for the bus, and a power of two, as pinned memory is handed out.
const GPU_PIECE: i64 = 1 << 22;
/// Bytes per value of a piece while it is updated: parameter, gradient and two moments in f32.
const WORKING_BYTES: u64 = 16;

/// How the pieces are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    /// Where the state is updated.
    pub(crate) device: Device,
    /// Whether it stays in host memory between updates.
    pub(crate) on_host: bool,
    /// Whether moments are 8-bit codes.
    pub(crate) coded: bool,
    /// Whether the working copy is bf16 and the pieces hold what it lacks to f32.
    pub(crate) halves: bool,
    /// Values of the model's largest layer: a piece is never larger.
    pub(crate) layer: i64,
}

/// One of AdamW's moments of a piece.
#[derive(Debug)]
enum Moment {
    F32(Tensor),
    Coded { codes: Tensor, scales: Tensor, code: Code },
}

#[derive(Debug)]
struct Piece {
    at: i64,
    len: i64,
    /// What the bf16 working copy lacks to the f32 parameter.
    low: Option<Tensor>,
    first: Moment,
    second: Moment,
}

/// All pieces, in buffer order, without gaps.
#[derive(Debug)]
pub(crate) struct Pieces {
    pieces: Vec<Piece>,
    keeping: Keeping,
    size: i64,
}

impl Pieces {
    /// Zero state for `total` parameters.
    pub(crate) fn new(total: i64, keeping: Keeping) -> Result<Self, EngineError> {
        let most = if keeping.device.is_cuda() { GPU_PIECE } else { CPU_PIECE };
        let size = most.min(padded(keeping.layer)).max(BLOCK);
        let make = |at: i64| {
            let len = size.min(total - at);
            let low = keeping.halves.then(|| keeping.zeros(len, Kind::Int16)).transpose()?;
            Ok(Piece {
                at,
                len,
                low,
                first: keeping.moment(len, Code::Signed)?,
                second: keeping.moment(len, Code::Unsigned)?,
            })
        };
        let pieces =
            (0..total).step_by(usize::try_from(size).unwrap_or(1)).map(make).collect::<Result<_, TchError>>()?;
        Ok(Self { pieces, keeping, size })
    }

    /// Bytes kept between updates.
    pub(crate) fn bytes(&self) -> u64 {
        self.pieces
            .iter()
            .flat_map(Piece::tensors)
            .map(|t| t.numel() as u64 * t.kind().elt_size_in_bytes() as u64)
            .sum()
    }

    /// Whether they are kept in host memory.
    pub(crate) fn on_host(&self) -> bool {
        self.keeping.on_host
    }

    /// Bytes that an update needs on the device besides: one piece, decoded, and as it is kept.
    pub(crate) fn working_bytes(&self) -> u64 {
        let kept = self
            .pieces
            .first()
            .map_or(0, |piece| piece.tensors().map(|t| t.numel() as u64 * t.kind().elt_size_in_bytes() as u64).sum());
        self.size as u64 * WORKING_BYTES + if self.keeping.on_host { kept } else { 0 }
    }

    /// One AdamW step; `step` counts it already, `grad_scale` multiplies the gradient first (clipping).
    pub(crate) fn update(
        &mut self,
        work: &Tensor,
        grad: &Tensor,
        step: &Tensor,
        grad_scale: f64,
        numbers: AdamW,
    ) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        let device = self.keeping.device;
        for piece in &mut self.pieces {
            let theta = piece.theta(work, device)?;
            let grad = grad.f_narrow(0, piece.at, piece.len)?.f_to_kind(Kind::Float)?;
            let grad = if grad_scale < 1.0 { grad.f_mul_scalar(grad_scale)? } else { grad };
            let (first, second) = (piece.first.values(device, piece.len)?, piece.second.values(device, piece.len)?);
            let (params, grads, steps) = ([theta], [grad], [step.shallow_clone()]);
            let (first, second) = ([first], [second]);
            let lists = AdamWTensors { params: &params, grads: &grads, first: &first, second: &second, steps: &steps };
            fused_adamw(lists, numbers)?;
            piece.first.keep(&first[0])?;
            piece.second.keep(&second[0])?;
            piece.keep_theta(work, &params[0])?;
        }
        Ok(())
    }

    /// Copies the parameters out.
    pub(crate) fn read_theta(&self, work: &Tensor, out: &mut [f32]) -> Result<(), EngineError> {
        self.each(out, |piece, part| read(&piece.theta(work, self.keeping.device)?, part))
    }

    /// Replaces the parameters: the working copy and what it lacks.
    pub(crate) fn write_theta(&mut self, work: &Tensor, theta: &[f32]) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        for piece in &mut self.pieces {
            let values = Tensor::f_from_slice(&theta[piece.range()])?.f_to_device(self.keeping.device)?;
            piece.keep_theta(work, &values)?;
        }
        Ok(())
    }

    /// Copies first and second moments out, decoded.
    pub(crate) fn read_moments(&self, first: &mut [f32], second: &mut [f32]) -> Result<(), EngineError> {
        self.each(first, |piece, part| read(&piece.first.values(Device::Cpu, piece.len)?, part))?;
        self.each(second, |piece, part| read(&piece.second.values(Device::Cpu, piece.len)?, part))
    }

    /// Replaces the moments. What [`read_moments`](Self::read_moments) gave comes back bit for bit.
    pub(crate) fn write_moments(&mut self, first: &[f32], second: &[f32]) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        for piece in &mut self.pieces {
            let range = piece.range();
            piece.first.keep(&Tensor::f_from_slice(&first[range.clone()])?)?;
            piece.second.keep(&Tensor::f_from_slice(&second[range])?)?;
        }
        Ok(())
    }

    fn each(
        &self,
        out: &mut [f32],
        mut act: impl FnMut(&Piece, &mut [f32]) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        self.pieces.iter().try_for_each(|piece| act(piece, &mut out[piece.range()]))
    }
}

impl Keeping {
    fn zeros(&self, len: i64, kind: Kind) -> Result<Tensor, TchError> {
        if !self.on_host {
            return Tensor::f_zeros([len], (kind, self.device));
        }
        let plain = Tensor::f_zeros([len], (kind, Device::Cpu))?;
        if self.device.is_cuda() { plain.f_pin_memory(self.device) } else { Ok(plain) }
    }

    fn moment(&self, len: i64, code: Code) -> Result<Moment, TchError> {
        if !self.coded {
            return Ok(Moment::F32(self.zeros(len, Kind::Float)?));
        }
        let kind = if code == Code::Signed { Kind::Int8 } else { Kind::Uint8 };
        let (codes, scales) = (self.zeros(padded(len), kind)?, self.zeros(padded(len) / BLOCK, Kind::Float)?);
        Ok(Moment::Coded { codes, scales, code })
    }
}

impl Piece {
    fn range(&self) -> std::ops::Range<usize> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        at..at + usize::try_from(self.len).unwrap_or(0)
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.low.iter().chain(self.first.tensors()).chain(self.second.tensors())
    }

    /// The f32 parameters on the device: a view of the working copy where that is f32.
    fn theta(&self, work: &Tensor, device: Device) -> Result<Tensor, TchError> {
        let high = work.f_narrow(0, self.at, self.len)?;
        match &self.low {
            Some(low) => join(&high, &fetched(low, device)?),
            None => Ok(high),
        }
    }

    fn keep_theta(&mut self, work: &Tensor, theta: &Tensor) -> Result<(), TchError> {
        let mut high = work.f_narrow(0, self.at, self.len)?;
        match &mut self.low {
            Some(kept) => {
                let (near, low) = split(theta)?;
                high.f_copy_(&near)?;
                kept.f_copy_(&low)
            }
            // An update has written through the view already.
            None if high.data_ptr() == theta.data_ptr() => Ok(()),
            None => high.f_copy_(theta),
        }
    }
}

impl Moment {
    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        match self {
            Self::F32(values) => std::iter::once(values).chain(None),
            Self::Coded { codes, scales, .. } => std::iter::once(codes).chain(Some(scales)),
        }
    }

    /// The f32 values on a device; where they are kept so there, they themselves.
    fn values(&self, device: Device, len: i64) -> Result<Tensor, TchError> {
        match self {
            Self::F32(values) => fetched(values, device),
            Self::Coded { codes, scales, code } => {
                decode(&fetched(codes, device)?, &fetched(scales, device)?, *code, len)
            }
        }
    }

    fn keep(&mut self, values: &Tensor) -> Result<(), TchError> {
        match self {
            Self::F32(kept) if kept.data_ptr() == values.data_ptr() => Ok(()),
            Self::F32(kept) => kept.f_copy_(values),
            Self::Coded { codes, scales, code } => {
                let (new_codes, new_scales) = encode(values, *code)?;
                codes.f_copy_(&new_codes)?;
                scales.f_copy_(&new_scales)
            }
        }
    }
}

/// The tensor on a device: itself where it is there.
fn fetched(kept: &Tensor, device: Device) -> Result<Tensor, TchError> {
    if kept.device() == device { Ok(kept.shallow_clone()) } else { kept.f_to_device_(device, kept.kind(), true, false) }
}

fn read(values: &Tensor, out: &mut [f32]) -> Result<(), EngineError> {
    let len = out.len();
    Ok(values.f_copy_data(out, len)?)
}
