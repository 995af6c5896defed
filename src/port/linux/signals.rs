//! Turns the signals that end or interrupt the device into bytes in socket pairs that the loop watches.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// The receiving ends.
pub(super) struct Signals {
    /// SIGTERM, SIGHUP and SIGINT: the device ends, or may do so.
    any: UnixStream,
    /// SIGTERM and SIGHUP.
    end: UnixStream,
}

impl Signals {
    /// Handles SIGINT, SIGTERM and SIGHUP for the whole process. SIGXFSZ, for a file beyond the user's size limit, is
    /// caught and ignored: the write then fails as on a full disk. (Rust's start-up code already ignores SIGPIPE.)
    pub(super) fn install() -> io::Result<Self> {
        let (end, sender) = pair()?;
        for signal in [SIGTERM, SIGHUP] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        // Registered last, so that the loop, woken by this byte, already finds the other one.
        let (any, sender) = pair()?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        flag::register(Signal::XFSZ.as_raw(), Arc::default())?;
        Ok(Self { any, end })
    }

    /// Takes the pending signals; returns whether the device must end. Otherwise it was SIGINT alone.
    pub(super) fn take(&self) -> bool {
        drain(&self.any);
        drain(&self.end)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.any.as_fd()
    }
}

/// A receiver that never blocks, and a sender.
fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (receiver, sender) = UnixStream::pair()?;
    receiver.set_nonblocking(true)?;
    Ok((receiver, sender))
}

/// Takes all bytes; returns whether there were any.
fn drain(mut receiver: &UnixStream) -> bool {
    let mut any = false;
    while receiver.read(&mut [0; 16]).is_ok_and(|count| count > 0) {
        any = true;
    }
    any
}
