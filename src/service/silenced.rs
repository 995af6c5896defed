//! Time servers that have sent a kiss of death (RFC 5905, 7.4): they are asked less often, or not again.
//!
//! The table is by address: one name may have many servers, and one of them cannot speak for the others.

use core::cell::RefCell;
use core::net::SocketAddrV4;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use crate::limits;
use crate::wire::sntp::Kiss;

/// The longest pause that a server can ask for.
const LONGEST: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy)]
struct Entry {
    server: SocketAddrV4,
    /// The pause that it wants after each request; `None` for no more requests.
    pause: Option<Duration>,
    /// The end of the current pause.
    until: Instant,
}

/// The servers that have asked for fewer requests or none.
pub(super) struct Silenced(RefCell<Vec<Entry, { limits::NTP_SILENCED }>>);

impl Silenced {
    pub const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Whether a server may be asked now.
    pub fn may_be_asked(&self, server: SocketAddrV4, now: Instant) -> bool {
        let entries = self.0.borrow();
        let entry = entries.iter().find(|entry| entry.server == server);
        entry.is_none_or(|entry| entry.pause.is_some() && entry.until <= now)
    }

    /// How long to wait after a request that a server has answered.
    pub fn pause(&self, server: SocketAddrV4) -> Duration {
        let entries = self.0.borrow();
        entries.iter().find(|entry| entry.server == server).and_then(|entry| entry.pause).unwrap_or_default()
    }

    /// A server has sent a kiss of death; until now the pause between requests was `usual`.
    pub fn kissed(&self, server: SocketAddrV4, kiss: Kiss, usual: Duration, now: Instant) {
        let twice = (self.pause(server).max(usual) * 2).min(LONGEST);
        let pause = (kiss == Kiss::Rate).then_some(twice);
        let entry = Entry { server, pause, until: now + pause.unwrap_or_default() };
        let mut entries = self.0.borrow_mut();
        entries.retain(|known| known.server != server);
        if entries.is_full() {
            // Removes the one that may be asked again first; those that may never be asked come last.
            let (at, _) =
                entries.iter().enumerate().min_by_key(|(_, known)| (known.pause.is_none(), known.until)).unzip();
            entries.remove(at.unwrap_or(0));
        }
        // Room was made above.
        let _ = entries.push(entry);
    }

    /// Forgets all entries: the owner has named other servers.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    fn server(last: u8) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, last), 123)
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn one_that_is_kissed_twice_waits_longer() {
        let silenced = Silenced::new();
        assert!(silenced.may_be_asked(server(1), at(0)));
        silenced.kissed(server(1), Kiss::Rate, Duration::from_secs(64), at(10));
        assert!(!silenced.may_be_asked(server(1), at(137)) && silenced.may_be_asked(server(1), at(138)));
        assert!(silenced.may_be_asked(server(2), at(10)));
        silenced.kissed(server(1), Kiss::Rate, Duration::from_secs(64), at(138));
        assert_eq!(silenced.pause(server(1)), Duration::from_secs(256));
        for _ in 0..20 {
            silenced.kissed(server(1), Kiss::Rate, Duration::from_secs(64), at(500));
        }
        assert_eq!(silenced.pause(server(1)), LONGEST);
        silenced.kissed(server(1), Kiss::Deny, Duration::from_secs(64), at(500));
        assert!(!silenced.may_be_asked(server(1), at(10_000_000)));
        silenced.forget();
        assert!(silenced.may_be_asked(server(1), at(500)));
    }

    #[test]
    fn those_that_never_want_to_be_asked_are_remembered_longest() {
        let silenced = Silenced::new();
        silenced.kissed(server(1), Kiss::Deny, Duration::from_secs(64), at(0));
        for last in 2..100 {
            silenced.kissed(server(last), Kiss::Rate, Duration::from_secs(64), at(last.into()));
        }
        assert!(!silenced.may_be_asked(server(1), at(100)) && !silenced.may_be_asked(server(99), at(100)));
        assert!(silenced.may_be_asked(server(2), at(100)), "it was forgotten");
    }
}
