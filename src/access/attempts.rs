//! Counts wrong passwords by address: this slows down guessing, but not other addresses.

use core::cell::RefCell;
use core::net::Ipv4Addr;

use embassy_time::{Duration, Instant};
use heapless::Vec;

/// Wrong passwords before an address must wait.
const ALLOWED: u8 = 10;
/// How long it must wait, and after which time a wrong password is forgotten.
const PENALTY: Duration = Duration::from_secs(60);
/// Addresses that are remembered; a new one replaces the one whose last failure is the oldest.
const ADDRESSES: usize = 16;

/// The addresses that have failed.
pub struct Attempts {
    failed: RefCell<Vec<Entry, ADDRESSES>>,
}

#[derive(Clone, Copy)]
struct Entry {
    address: Ipv4Addr,
    count: u8,
    last: Instant,
}

impl Attempts {
    /// No failed attempt yet.
    pub const fn new() -> Self {
        Self { failed: RefCell::new(Vec::new()) }
    }

    /// How many seconds an address must wait before its password is checked; `None` when it need not wait.
    pub fn wait(&self, address: Ipv4Addr) -> Option<u32> {
        let failed = self.failed.borrow();
        let entry = failed.iter().find(|entry| entry.address == address && entry.count >= ALLOWED)?;
        let left = (entry.last + PENALTY).checked_duration_since(Instant::now()).unwrap_or(Duration::from_ticks(0));
        (left > Duration::from_ticks(0)).then(|| left.as_secs() as u32 + 1)
    }

    /// Notes a wrong password.
    pub fn fail(&self, address: Ipv4Addr) {
        let mut failed = self.failed.borrow_mut();
        let now = Instant::now();
        if let Some(entry) = failed.iter_mut().find(|entry| entry.address == address) {
            let forgotten = entry.last + PENALTY <= now;
            *entry = Entry { count: if forgotten { 1 } else { entry.count.saturating_add(1) }, last: now, ..*entry };
            return;
        }
        if failed.is_full()
            && let Some(oldest) = (0..failed.len()).min_by_key(|place| failed.get(*place).map(|entry| entry.last))
        {
            failed.swap_remove(oldest);
        }
        // There is room now.
        let _ = failed.push(Entry { address, count: 1, last: now });
    }

    /// Forgets an address that has given the right password.
    pub fn succeed(&self, address: Ipv4Addr) {
        self.failed.borrow_mut().retain(|entry| entry.address != address);
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::host::set_virtual_time;

    #[test]
    fn an_address_waits_after_too_many_failures_and_others_do_not() {
        set_virtual_time(0);
        let attempts = Attempts::new();
        let (bad, good) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        for _ in 0..ALLOWED {
            assert_eq!(attempts.wait(bad), None);
            attempts.fail(bad);
        }
        assert_eq!((attempts.wait(bad), attempts.wait(good)), (Some(61), None));
        set_virtual_time(59_500_000);
        assert_eq!(attempts.wait(bad), Some(1));
        set_virtual_time(60_000_000);
        assert_eq!(attempts.wait(bad), None);
        attempts.fail(bad);
        assert_eq!(attempts.wait(bad), None, "the count starts again");
    }

    #[test]
    fn the_right_password_forgives_and_the_table_has_an_end() {
        set_virtual_time(0);
        let attempts = Attempts::new();
        for number in 0..=255 {
            set_virtual_time(number);
            for _ in 0..ALLOWED {
                attempts.fail(Ipv4Addr::from_bits(number as u32));
            }
        }
        assert_eq!(attempts.wait(Ipv4Addr::from_bits(0)), None);
        assert!(attempts.wait(Ipv4Addr::from_bits(255)).is_some());
        attempts.succeed(Ipv4Addr::from_bits(255));
        assert_eq!(attempts.wait(Ipv4Addr::from_bits(255)), None);
    }
}
