//! Signals that end the device, as bytes in a socket pair that the loop watches.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// The receiving end.
pub(super) struct Signals(UnixStream);

impl Signals {
    /// Takes SIGINT, SIGTERM and SIGHUP over for the whole process. (SIGPIPE is ignored by Rust's start-up already.)
    pub(super) fn install() -> io::Result<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Self(receiver))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
