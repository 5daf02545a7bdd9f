//! Sums over the rows of the view's tables.

/// The rows of a table, summed up, so that one that is missing or outdated is noticed: the store follows
/// its pages without checking them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    rows: u64,
    checksums: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, sealed: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.checksums = self.checksums.wrapping_add(Self::checksum(sealed));
    }

    pub(crate) fn remove(&mut self, sealed: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.checksums = self.checksums.wrapping_sub(Self::checksum(sealed));
    }

    fn checksum(sealed: &[u8]) -> u64 {
        sealed.first_chunk::<4>().map_or(0, |crc| u64::from(u32::from_le_bytes(*crc)))
    }
}

/// The sums of all tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) state: Sum,
    pub(crate) logs: Sum,
    pub(crate) partitions: Sum,
    pub(crate) segments: Sum,
}

impl Sums {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let sums = [self.state, self.logs, self.partitions, self.segments];
        sums.iter().flat_map(|sum| [sum.rows, sum.checksums]).flat_map(u64::to_le_bytes).collect()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let sum = |i: usize| Some(Sum { rows: *words.get(i)?, checksums: *words.get(i + 1)? });
        Some(Self { state: sum(0)?, logs: sum(2)?, partitions: sum(4)?, segments: sum(6)? })
    }
}
