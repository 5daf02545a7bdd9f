//! Random choices that one printed number repeats.

use millpond_engine::{Entropy as _, OsEntropy};

/// `SplitMix64`: small, and good enough to choose with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The choices that follow from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed nobody has seen, or the one in `MILLPOND_SEED`.
    pub fn seed() -> u64 {
        let chosen = std::env::var("MILLPOND_SEED").ok();
        chosen.map_or_else(fresh, |seed| seed.parse().expect("a number"))
    }

    /// Other choices, which follow from these.
    pub fn fork(&mut self) -> Self {
        Self(self.draw())
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.draw() % u64::from(end)).expect("it is below a 32-bit number")
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }
}

fn fresh() -> u64 {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
