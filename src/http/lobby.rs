//! Connections that wait for a worker.
//!
//! They cost a socket each and nothing else. The lobby receives one byte of each to know which connections have sent
//! something: only these make others give way. While it is full, a new connection takes the place of another one.

use core::net::Ipv4Addr;
use core::task::Context;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use super::state::Accepted;
use crate::limits;
use crate::port::{Event, Port, PortError};

/// How long a connection keeps its place at least: its first bytes may be on their way.
const STAY: Duration = Duration::from_millis(20);

/// The same for a connection that has sent something. Meanwhile new ones wait in the port.
const STAY_SPEAKING: Duration = Duration::from_millis(2000);

/// When the first connection has waited this long, there are more than can be served. Then the last one is served
/// first, since the first may have given up by now.
const LONG: Duration = Duration::from_millis(250);

/// Connections per second and worker that do not count as a crowd: as many as a browser opens for a page.
const CALM_ARRIVALS: usize = 6;

struct Guest {
    accepted: Accepted,
    since: Instant,
    /// It has sent nothing yet, and the port wakes the task when it does.
    awaited: bool,
}

/// How many connections arrived lately: where the lobby is small, most of a crowd waits in the port, where it cannot be
/// counted.
struct Arrivals {
    /// Start of the newer half second.
    since: Instant,
    /// Connections in the older half second and in the newer one.
    counts: [usize; 2],
}

impl Arrivals {
    const HALF: Duration = Duration::from_millis(500);

    fn count(&mut self, now: Instant, more: usize) -> usize {
        let age = now.saturating_duration_since(self.since);
        if age >= Self::HALF {
            let [_, newer] = self.counts;
            self.counts = if age < Self::HALF * 2 { [newer, 0] } else { [0, 0] };
            self.since = if age < Self::HALF * 2 { self.since + Self::HALF } else { now };
        }
        let [older, newer] = &mut self.counts;
        *newer += more;
        *older + *newer
    }
}

/// The connections, in the order in which they arrived.
pub(super) struct Lobby {
    port: &'static dyn Port,
    guests: Vec<Guest, { limits::HTTP_WAITING }>,
    arrivals: Arrivals,
}

impl Drop for Lobby {
    fn drop(&mut self) {
        for guest in &self.guests {
            self.port.sockets().close(guest.accepted.socket);
        }
    }
}

impl Lobby {
    /// An empty lobby.
    pub fn new(port: &'static dyn Port) -> Self {
        Self { port, guests: Vec::new(), arrivals: Arrivals { since: Instant::now(), counts: [0, 0] } }
    }

    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    /// Connections that have sent something.
    pub fn speaking(&self) -> usize {
        self.guests.iter().filter(|guest| guest.accepted.first.is_some()).count()
    }

    /// Connections that wait: those here, and an estimate of those in the port. `size` are served at once; more than a
    /// few arrivals per second for each of these count as a crowd.
    pub fn crowd(&mut self, size: usize) -> usize {
        self.speaking() + self.arrivals.count(Instant::now(), 0).saturating_sub(size * CALM_ARRIVALS)
    }

    /// Connections of an address.
    pub fn count(&self, client: Ipv4Addr) -> usize {
        self.guests.iter().filter(|guest| *guest.accepted.remote.ip() == client).count()
    }

    /// Lets a connection in; there must be a place ([`Lobby::make_place`]).
    pub fn enter(&mut self, accepted: Accepted) {
        let since = Instant::now();
        self.arrivals.count(since, 1);
        if self.guests.push(Guest { accepted, since, awaited: false }).is_err() {
            self.port.sockets().close(accepted.socket);
        }
    }

    /// Makes a place for one more. A silent connection goes first, then one of the address with most connections, here
    /// and (`also`) served, then the one that arrived first. False when all have arrived just now.
    pub fn make_place(&mut self, also: impl Fn(Ipv4Addr) -> usize) -> bool {
        if !self.guests.is_full() {
            return true;
        }
        let now = Instant::now();
        let stay = |guest: &Guest| if guest.accepted.first.is_none() { STAY } else { STAY_SPEAKING };
        let old = self.guests.iter().enumerate().filter(|(_, guest)| guest.since + stay(guest) <= now);
        let victim = old.max_by_key(|(number, guest)| {
            let client = *guest.accepted.remote.ip();
            let silent = guest.accepted.first.is_none();
            (silent, self.count(client) + also(client), usize::MAX - number)
        });
        let Some((number, _)) = victim else { return false };
        let guest = self.guests.remove(number);
        self.port.sockets().close(guest.accepted.socket);
        true
    }

    /// Drops the connections that have sent nothing.
    pub fn clear_silent(&mut self) {
        let port = self.port;
        self.guests.retain(|guest| {
            if guest.accepted.first.is_none() {
                port.sockets().close(guest.accepted.socket);
            }
            guest.accepted.first.is_some()
        });
    }

    /// Finds out which connections have sent something, drops those whose client is gone, and wakes the task when that
    /// changes. A connection is polled again only after the task was `woken`: to poll all for each arrival would cost
    /// too much in a crowd.
    pub fn listen(&mut self, context: &Context<'_>, woken: bool) -> bool {
        let (port, mut changed) = (self.port, false);
        self.guests.retain_mut(|guest| {
            if guest.accepted.first.is_some() || (guest.awaited && !woken) {
                return true;
            }
            let mut byte = [0];
            match port.sockets().receive(guest.accepted.socket, &mut byte) {
                Ok(1..) => guest.accepted.first = byte.first().copied(),
                Err(PortError::WouldBlock) => {
                    port.wake_when(Event::Readable(guest.accepted.socket), context.waker());
                    guest.awaited = true;
                    return true;
                }
                Ok(0) | Err(_) => port.sockets().close(guest.accepted.socket),
            }
            changed = true;
            guest.accepted.first.is_some()
        });
        changed
    }

    /// Takes out the connection that is served next: one that has sent something, or else a silent one if `silent`.
    pub fn next(&mut self, silent: bool) -> Option<Accepted> {
        let speaks = |guest: &Guest| guest.accepted.first.is_some();
        let first = self.guests.iter().position(speaks);
        let late = first.and_then(|first| self.guests.get(first)).is_some_and(|guest| guest.since.elapsed() >= LONG)
            || self.speaking() > self.guests.capacity() / 2;
        let number = if late { self.guests.iter().rposition(speaks) } else { first.or(silent.then_some(0)) }?;
        (number < self.guests.len()).then(|| self.guests.remove(number).accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::host::set_virtual_time;

    #[test]
    fn arrivals_of_the_last_second_are_counted() {
        set_virtual_time(0);
        let mut arrivals = Arrivals { since: Instant::now(), counts: [0, 0] };
        assert_eq!(arrivals.count(Instant::now(), 3), 3);
        set_virtual_time(499_000);
        assert_eq!(arrivals.count(Instant::now(), 2), 5);
        set_virtual_time(900_000);
        assert_eq!(arrivals.count(Instant::now(), 4), 9);
        set_virtual_time(1_000_000);
        assert_eq!(arrivals.count(Instant::now(), 0), 4, "those of the first half second are long ago");
        set_virtual_time(1_500_000);
        assert_eq!(arrivals.count(Instant::now(), 1), 1);
        set_virtual_time(60_000_000);
        assert_eq!(arrivals.count(Instant::now(), 0), 0);
    }
}
