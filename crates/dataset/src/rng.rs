//! numpy's `default_rng`: SeedSequence and PCG64 (XSL-RR 128/64), bit for bit (protocol.md §11.1).
//!
//! In: an integer seed. Out: the same 64-bit words, and the same bounded integers, as numpy 2.0 gives.
//! Not for secrets: whoever knows the seed knows the stream.

/// First multiplier state of the seed pool's hash.
const INIT_A: u32 = 0x43b0_d7e5;
/// Its step.
const MULT_A: u32 = 0x931e_8875;
/// First multiplier state of the output hash.
const INIT_B: u32 = 0x8b51_f9dd;
/// Its step.
const MULT_B: u32 = 0x58f3_8ded;
const MIX_L: u32 = 0xca01_f9dd;
const MIX_R: u32 = 0x4973_f715;
/// Multiplier of the 128-bit congruential generator.
const PCG_MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// numpy's `SeedSequence` over one unsigned integer.
#[derive(Debug, Clone)]
pub struct SeedSequence {
    pool: [u32; 4],
}

impl SeedSequence {
    /// The pool of `SeedSequence(seed)`. The reference only uses 32-bit seeds; 64-bit ones give numpy's pool too.
    pub fn new(seed: u64) -> Self {
        let mut multiplier = INIT_A;
        let mut hash = |value: u32| {
            let value = value ^ multiplier;
            multiplier = multiplier.wrapping_mul(MULT_A);
            let value = value.wrapping_mul(multiplier);
            value ^ (value >> 16)
        };
        let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
        for source in 0..4 {
            for target in (0..4).filter(|target| *target != source) {
                pool[target] = mix(pool[target], hash(pool[source]));
            }
        }
        Self { pool }
    }

    /// The four 64-bit words a PCG64 is seeded from: `generate_state(4, uint64)`.
    pub fn words(&self) -> [u64; 4] {
        let mut multiplier = INIT_B;
        let mut out = [0u64; 4];
        for i in 0..8 {
            let value = self.pool[i % 4] ^ multiplier;
            multiplier = multiplier.wrapping_mul(MULT_B);
            let value = value.wrapping_mul(multiplier);
            let word = u64::from(value ^ (value >> 16));
            out[i / 2] |= word << (32 * (i % 2));
        }
        out
    }
}

fn mix(x: u32, y: u32) -> u32 {
    let mixed = x.wrapping_mul(MIX_L).wrapping_sub(y.wrapping_mul(MIX_R));
    mixed ^ (mixed >> 16)
}

/// numpy's `PCG64` behind `default_rng(seed)`.
#[derive(Debug, Clone)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
    /// High half of a word whose low half was given out.
    half: Option<u32>,
}

impl Pcg64 {
    /// The generator of `numpy.random.default_rng(seed)`.
    pub fn new(seed: u64) -> Self {
        let [state_high, state_low, sequence_high, sequence_low] = SeedSequence::new(seed).words().map(u128::from);
        let increment = (((sequence_high << 64) | sequence_low) << 1) | 1;
        let mut rng = Self { state: 0, increment, half: None };
        rng.step();
        rng.state = rng.state.wrapping_add((state_high << 64) | state_low);
        rng.step();
        rng
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(PCG_MULTIPLIER).wrapping_add(self.increment);
    }

    /// Next 64-bit word.
    pub fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// Next 32-bit word: the low half of a fresh word, then its high half.
    pub fn next_u32(&mut self) -> u32 {
        if let Some(high) = self.half.take() {
            return high;
        }
        let word = self.next_u64();
        self.half = Some((word >> 32) as u32);
        word as u32
    }

    /// A uniform float in `[0, 1)` with 53 random bits, as numpy's `random()`.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A uniform integer in `0..=max`, by Lemire's method as numpy does it.
    pub fn bounded(&mut self, max: u64) -> u64 {
        match max {
            0 => 0,
            u64::MAX => self.next_u64(),
            max if max == u64::from(u32::MAX) => u64::from(self.next_u32()),
            max if max < u64::from(u32::MAX) => self.bounded_u32(max as u32),
            max => self.bounded_u64(max),
        }
    }

    fn bounded_u32(&mut self, max: u32) -> u64 {
        let range = u64::from(max) + 1;
        let mut product = u64::from(self.next_u32()) * range;
        if u64::from(product as u32) < range {
            let threshold = u64::from(u32::MAX - max) % range;
            while u64::from(product as u32) < threshold {
                product = u64::from(self.next_u32()) * range;
            }
        }
        product >> 32
    }

    fn bounded_u64(&mut self, max: u64) -> u64 {
        let range = max + 1;
        let mut product = u128::from(self.next_u64()) * u128::from(range);
        if (product as u64) < range {
            let threshold = (u64::MAX - max) % range;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(range);
            }
        }
        (product >> 64) as u64
    }
}
