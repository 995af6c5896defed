//! How the loop sees a serial line, and how its descriptors survive a reboot.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::FdFlags;

/// The most descriptors of a line that the loop watches.
pub(super) const MAX_WATCHED: usize = 3;
/// The environment variable in which a device that reboots names the descriptors it leaves open.
pub(super) const HANDOVER: &str = "OPENZENTRI_SERIAL";

/// The role of a watched descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Input,
    Output,
    /// The listener of a TCP line.
    Door,
}

/// The descriptors that the device had open before its reboot: the pseudo-terminal's two ends, or a listener and its
/// client.
pub(super) struct Inherited {
    pub(super) first: OwnedFd,
    pub(super) second: Option<OwnedFd>,
}

impl Inherited {
    /// Takes the descriptors of a [`HANDOVER`] value. A value meant for another process (child processes inherit the
    /// variable) names another process id; `exec` does not change the id.
    pub(super) fn adopt(token: &str) -> Option<Self> {
        let mut parts = token.split(':');
        let own = parts.next()?.parse() == Ok(std::process::id());
        let first = parts.next()?.parse().ok()?;
        let second = parts.next()?.parse().ok()?;
        if !own || first == second || parts.next().is_some() {
            return None;
        }
        Some(Self { first: own_descriptor(first)?, second: own_descriptor(second) })
    }
}

/// Takes one inherited descriptor, if it is open and not one of the standard three.
pub(super) fn own_descriptor(fd: RawFd) -> Option<OwnedFd> {
    if fd <= 2 {
        return None;
    }
    // SAFETY: the borrow only asks the kernel whether the descriptor is open; a closed one answers EBADF.
    let flags = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) }).ok()?;
    if flags.contains(FdFlags::CLOEXEC) {
        // Opened since the start: not what was handed over.
        return None;
    }
    // SAFETY: the descriptor is open, was left open by the process image before this one for this very use, and its
    // close-on-exec flag, which everything opened since has, shows that nobody else in this image owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC).ok()?;
    Some(fd)
}
