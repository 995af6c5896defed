//! The watchdog of a supervisor (systemd's `WatchdogSec=`, see sd_watchdog_enabled(3)): it ends a process that does not
//! report in time.

use std::cell::Cell;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// The connection to the supervisor.
pub(super) struct Watchdog {
    socket: UnixDatagram,
    /// Time between two calls.
    period: Duration,
    next: Cell<Instant>,
}

impl Watchdog {
    /// The watchdog that the environment names, if it is for this process.
    pub(super) fn from_environment() -> Option<Self> {
        let variable = |name| std::env::var(name).ok();
        if variable("WATCHDOG_PID").is_some_and(|process| process != std::process::id().to_string()) {
            return None;
        }
        Self::new(&variable("NOTIFY_SOCKET")?, variable("WATCHDOG_USEC")?.parse().ok()?)
    }

    /// A supervisor at this socket, which waits `patience_us` for a call.
    fn new(place: &str, patience_us: u64) -> Option<Self> {
        let address = match place.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(place),
        };
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect_addr(&address.ok()?).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, period: Duration::from_micros(patience_us / 2), next: Cell::new(Instant::now()) })
    }

    /// Reports to the supervisor when it is time; returns when it must be called again.
    pub(super) fn call(&self) -> Instant {
        let now = Instant::now();
        if now >= self.next.get() {
            // A supervisor that does not listen does not need it.
            let _ = self.socket.send(b"READY=1\nWATCHDOG=1");
            self.next.set(now + self.period);
        }
        self.next.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::linux::tests::Folder;

    #[test]
    fn it_calls_in_half_the_time() {
        let folder = Folder::new();
        let place = folder.path().join("notify");
        let supervisor = UnixDatagram::bind(&place).unwrap();
        supervisor.set_nonblocking(true).unwrap();
        let watchdog = Watchdog::new(place.to_str().unwrap(), 60_000_000).unwrap();
        let mut text = [0; 64];
        let next = watchdog.call();
        let count = supervisor.recv(&mut text).unwrap();
        assert_eq!(&text[..count], b"READY=1\nWATCHDOG=1");
        assert_eq!(watchdog.call(), next, "not again so soon");
        assert!(supervisor.recv(&mut text).is_err());
        assert!(next.duration_since(Instant::now()) <= Duration::from_secs(30));
    }

    #[test]
    fn a_supervisor_that_is_not_there_is_none() {
        assert!(Watchdog::new("/nonexistent/notify", 1).is_none());
        assert!(Watchdog::new("@openzentri-nobody", 1).is_none());
    }
}
