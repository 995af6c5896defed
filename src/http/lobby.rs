//! Connections that wait for a worker.
//!
//! They cost a socket each and nothing else. One byte is received of each, so that those are known who have something to
//! say: only they make others give way. While it is full, a new connection takes the place of another one.

use core::net::Ipv4Addr;
use core::task::Context;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use super::state::Accepted;
use crate::limits;
use crate::port::{Event, Port, PortError};

/// How long a connection has its place at least: its first bytes may be on their way.
const STAY: Duration = Duration::from_millis(20);

/// The same for one that has something to say. Meanwhile new ones wait in the port.
const STAY_SPEAKING: Duration = Duration::from_millis(2000);

/// When the first has waited so long there are more than can be served: the last is served first then, since the first
/// may have given up by now.
const LONG: Duration = Duration::from_millis(250);

/// Connections a second for each worker that are no crowd: what a browser opens for a page.
const CALM_ARRIVALS: usize = 6;

struct Guest {
    accepted: Accepted,
    since: Instant,
    /// It has said nothing yet, and the port wakes the task when it does.
    awaited: bool,
}

/// How many came lately: where the lobby is small, most of a crowd waits in the port, where nobody can count it.
struct Arrivals {
    /// Begin of the newer half second.
    since: Instant,
    /// In the half second before that and in this one.
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

/// The connections, in the order in which they came.
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
    /// Nobody is there.
    pub fn new(port: &'static dyn Port) -> Self {
        Self { port, guests: Vec::new(), arrivals: Arrivals { since: Instant::now(), counts: [0, 0] } }
    }

    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    /// Connections that have something to say.
    pub fn speaking(&self) -> usize {
        self.guests.iter().filter(|guest| guest.accepted.first.is_some()).count()
    }

    /// Connections that wait, here or as far as can be guessed in the port, where `size` are served at once: more than a
    /// few in a second for each of those are a crowd.
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

    /// Makes a place for one more: who says nothing goes first, then the address with most connections, here and
    /// (`also`) served, then the one that came first. False when all have come just now.
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

    /// Drops those who say nothing.
    pub fn clear_silent(&mut self) {
        let port = self.port;
        self.guests.retain(|guest| {
            if guest.accepted.first.is_none() {
                port.sockets().close(guest.accepted.socket);
            }
            guest.accepted.first.is_some()
        });
    }

    /// Finds out who has something to say, drops who has gone, and wakes the task when that changes. Who was asked before
    /// is asked again only after the task was `woken`: asking everybody for each one who comes would cost a crowd dearly.
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

    /// Takes out who is served next: somebody who has something to say if there is one, else `silent` ones too.
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
