//! Seeded mutations, the same on every machine.
//!
//! In: inputs to begin with, a seed. Out: an endless row of changed inputs: flipped and set bytes, numbers at their ends, cuts,
//! repeats, pieces of other inputs. libFuzzer does this better with coverage; this runs everywhere, as a test.

/// Values that length fields and counters break at.
const EDGES: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX / 2, u64::MAX];

/// An endless row of mutated inputs.
pub struct Mutations {
    inputs: Vec<Vec<u8>>,
    max_bytes: usize,
    state: u64,
}

impl Mutations {
    /// Mutations of `inputs`, decided by `seed`.
    pub fn new(inputs: Vec<Vec<u8>>, max_bytes: usize, seed: u64) -> Self {
        let inputs = if inputs.is_empty() { vec![Vec::new()] } else { inputs };
        Self { inputs, max_bytes, state: seed }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// The next input.
    pub fn mutant(&mut self) -> Vec<u8> {
        let at = self.below(self.inputs.len());
        let mut bytes = self.inputs[at].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes.truncate(self.max_bytes);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let length = 1 + self.below(16);
        match self.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.next() as u8,
            2 => bytes.truncate(at),
            3 => {
                let end = (at + length).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let new: Vec<u8> = (0..length).map(|_| self.next() as u8).collect();
                bytes.splice(at..at, new);
            }
            5 => {
                let end = (at + length).min(bytes.len());
                let again = bytes[at..end].repeat(1 + self.below(8));
                bytes.splice(at..at, again);
            }
            6 => {
                let number = EDGES[self.below(EDGES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.below(4)];
                let end = (at + width).min(bytes.len());
                bytes.splice(at..end, number[..width].iter().copied());
            }
            7 => {
                // Text formats break at other numbers than binary ones.
                let number = EDGES[self.below(EDGES.len())].to_string();
                bytes.splice(at..at, number.into_bytes());
            }
            _ => {
                let other = self.below(self.inputs.len());
                let other = self.inputs[other].clone();
                let (from, to) = (self.below(other.len()), self.below(other.len()));
                let piece = other.get(from.min(to)..from.max(to)).unwrap_or_default().to_vec();
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at..end, piece);
            }
        }
    }
}
