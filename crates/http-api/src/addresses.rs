//! Addresses that fail to authenticate again and again (spec/13 §4).
//!
//! ```text
//!   failure ─▶ counted ─▶ as many as may be, none of them older than the block lasts ─▶ blocked
//!   success ─▶ forgotten                        the block is over ─▶ forgotten
//! ```

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::extract::ConnectInfo;
use http::Extensions;
use parking_lot::Mutex;

/// Most addresses that are remembered. When there are more, one that is not blocked gives way.
const ADDRESSES_MAX: usize = 10_000;

/// When and how long an address is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthBlock {
    /// After so many failures in a row.
    pub failures: u32,
    /// For so long; failures that are older than that no longer count.
    pub time: Duration,
}

/// Where a request comes from: an address, of IPv6 the network that one host has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// The peer of a connection; `None` where there is none, as in tests.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| Self::new(peer.ip()))
    }

    fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into()),
        }
    }
}

/// The addresses that have failed.
#[derive(Debug)]
pub(crate) struct Addresses {
    block: AuthBlock,
    /// How many there are, so that nobody waits for the lock as long as all is well.
    number: AtomicUsize,
    failed: Mutex<HashMap<Peer, Failed>>,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    failures: u32,
    last: Duration,
}

impl Addresses {
    pub(crate) fn new(block: AuthBlock) -> Self {
        Self { block, number: AtomicUsize::new(0), failed: Mutex::default() }
    }

    pub(crate) fn is_blocked(&self, peer: Peer, now: Duration) -> bool {
        if self.number.load(Ordering::Acquire) == 0 {
            return false;
        }
        let failed = self.failed.lock();
        failed
            .get(&peer)
            .is_some_and(|failed| failed.failures >= self.block.failures && self.counts(failed, now))
    }

    /// An authentication failed.
    pub(crate) fn failed(&self, peer: Peer, now: Duration) {
        let mut failed = self.failed.lock();
        if failed.len() >= ADDRESSES_MAX && !failed.contains_key(&peer) {
            self.make_room(&mut failed, now);
        }
        if failed.len() < ADDRESSES_MAX || failed.contains_key(&peer) {
            let entry = failed.entry(peer).or_insert(Failed { failures: 0, last: now });
            let before = if self.counts(entry, now) { entry.failures } else { 0 };
            *entry = Failed { failures: before.saturating_add(1), last: now };
            if entry.failures == self.block.failures {
                let (address, time) = (peer.0, self.block.time);
                tracing::warn!(%address, ?time, "blocked: too many failed authentications");
            }
        }
        self.number.store(failed.len(), Ordering::Release);
    }

    /// An authentication succeeded: what failed before was a mistake.
    pub(crate) fn succeeded(&self, peer: Peer) {
        if self.number.load(Ordering::Acquire) > 0 {
            let mut failed = self.failed.lock();
            failed.remove(&peer);
            self.number.store(failed.len(), Ordering::Release);
        }
    }

    /// Forgets what no longer counts, or else an address that is not blocked.
    fn make_room(&self, failed: &mut HashMap<Peer, Failed>, now: Duration) {
        let blocked = |failed: &Failed| failed.failures >= self.block.failures;
        // The order of a map is any order: whoever wants to be forgotten cannot choose to be.
        let one = failed.iter().find(|(_, failed)| !blocked(failed)).map(|(peer, _)| *peer);
        match one {
            Some(peer) => drop(failed.remove(&peer)),
            None => failed.retain(|_, failed| self.counts(failed, now)),
        }
    }

    fn counts(&self, failed: &Failed, now: Duration) -> bool {
        now.saturating_sub(failed.last) < self.block.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: AuthBlock = AuthBlock { failures: 3, time: Duration::from_mins(30) };

    fn peer(text: &str) -> Peer {
        Peer::new(text.parse().unwrap())
    }

    fn at(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    #[test]
    fn an_address_is_blocked_for_half_an_hour() {
        let addresses = Addresses::new(BLOCK);
        let (bad, good) = (peer("192.0.2.1"), peer("192.0.2.2"));
        for minute in 0..3 {
            assert!(!addresses.is_blocked(bad, at(minute)), "{minute}");
            addresses.failed(bad, at(minute));
        }
        assert!(addresses.is_blocked(bad, at(2)) && !addresses.is_blocked(good, at(2)));
        assert!(addresses.is_blocked(bad, at(31)));
        assert!(!addresses.is_blocked(bad, at(32)), "thirty minutes after the last failure");
        addresses.failed(bad, at(33));
        assert!(!addresses.is_blocked(bad, at(33)), "it is counted from the beginning");
    }

    #[test]
    fn a_success_and_time_forgive() {
        let addresses = Addresses::new(BLOCK);
        let one = peer("192.0.2.1");
        for _ in 0..10 {
            addresses.failed(one, at(0));
            addresses.failed(one, at(0));
            addresses.succeeded(one);
        }
        assert!(!addresses.is_blocked(one, at(0)));
        for turn in 0..10 {
            addresses.failed(one, at(turn * 31));
        }
        assert!(!addresses.is_blocked(one, at(279)));
    }

    #[test]
    fn one_host_has_one_address() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
    }

    #[test]
    fn the_table_is_bounded_and_keeps_whoever_is_blocked() {
        let addresses = Addresses::new(BLOCK);
        let bad = peer("192.0.2.1");
        for _ in 0..3 {
            addresses.failed(bad, at(0));
        }
        for number in 0..3 * u32::try_from(ADDRESSES_MAX).unwrap() {
            addresses.failed(Peer::new(IpAddr::V4((0x0a00_0000 + number).into())), at(0));
        }
        assert_eq!(addresses.failed.lock().len(), ADDRESSES_MAX);
        assert!(addresses.is_blocked(bad, at(0)));
        // Only blocked ones are left: nobody new is remembered until their time is over.
        addresses.failed.lock().values_mut().for_each(|failed| failed.failures = 3);
        addresses.failed(peer("192.0.2.9"), at(1));
        assert_eq!(addresses.failed.lock().len(), ADDRESSES_MAX);
        addresses.failed(peer("192.0.2.9"), at(30));
        assert_eq!(addresses.failed.lock().len(), 1);
    }
}
