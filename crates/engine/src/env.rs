//! Time and randomness, handed in so that tests own them.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use millpond_model::Timestamp;

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// The time of day. May jump in either direction.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment. Never goes back.
    fn monotonic(&self) -> Duration;
}

/// A source of randomness fit for secrets.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// 128 random bits.
    fn random(&self) -> u128 {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        u128::from_le_bytes(bytes)
    }
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicI64,
    monotonic_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now_ms: AtomicI64::new(now.as_millis()), monotonic_ms: AtomicU64::new(0) }
    }

    /// Lets `by` pass.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.monotonic_ms.fetch_add(millis, Ordering::SeqCst);
        self.now_ms.fetch_add(i64::try_from(millis).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets the time of day, in either direction; the monotonic time stays.
    pub fn jump_to(&self, now: Timestamp) {
        self.now_ms.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic_ms.load(Ordering::SeqCst))
    }
}

/// The operating system's randomness.
///
/// Each request takes a few ids of 16 bytes, and asking the system costs more than all else that is done
/// with them; so each thread asks for many bytes at once and hands every one out a single time.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

/// Bytes that a thread asks the system for at once; longer wishes go to the system.
const POOL_BYTES: usize = 512;

/// Random bytes of a thread that were not handed out yet: the first `left`.
struct Pool {
    bytes: [u8; POOL_BYTES],
    left: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], left: 0 }) };
}

impl Pool {
    /// Hands bytes out and keeps none of them: some become secrets.
    fn take(&mut self, bytes: &mut [u8]) {
        if self.left < bytes.len() {
            ask_system(&mut self.bytes);
            self.left = POOL_BYTES;
        }
        self.left -= bytes.len();
        let end = self.left + bytes.len();
        let taken = self.bytes.get_mut(self.left..end).expect("no more are asked for than the pool has");
        bytes.copy_from_slice(taken);
        taken.fill(0);
    }
}

fn ask_system(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system provides randomness");
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > POOL_BYTES {
            return ask_system(bytes);
        }
        POOL.with_borrow_mut(|pool| pool.take(bytes));
    }
}

/// Numbers that look random and follow from a seed. For tests only: they are no secret.
#[derive(Debug)]
pub struct SeededEntropy {
    state: AtomicU64,
}

impl SeededEntropy {
    /// The sequence of that seed.
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    fn next(&self) -> u64 {
        // SplitMix64: a counter, and a mix that spreads its bits.
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_random_bytes_are_handed_out_twice() {
        // Lengths that fit, that leave a rest behind, and that the pool does not hold.
        let mut seen = BTreeSet::new();
        for len in [16, 8, POOL_BYTES, 24, POOL_BYTES + 1, POOL_BYTES - 7, 33].repeat(20) {
            let mut bytes = vec![0; len];
            OsEntropy.fill(&mut bytes);
            for piece in bytes.chunks_exact(8) {
                assert!(seen.insert(piece.to_vec()), "{piece:?} twice, of {len} bytes");
            }
        }
        let other = std::thread::spawn(|| OsEntropy.random()).join().unwrap();
        assert_ne!(other, OsEntropy.random());
    }

    #[test]
    fn what_was_handed_out_is_not_kept() {
        let mut pool = Pool { bytes: [0; POOL_BYTES], left: 0 };
        let mut bytes = [0; 40];
        pool.take(&mut bytes);
        assert_eq!(pool.left, POOL_BYTES - 40);
        assert!(pool.bytes[pool.left..].iter().all(|byte| *byte == 0));
        assert!(bytes.iter().any(|byte| *byte != 0));
    }
}
