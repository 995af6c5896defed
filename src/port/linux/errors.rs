//! Why the port cannot start, and how the kernel's errors read in the port contract.

use std::fmt;

use rustix::io::Errno;

use crate::port::PortError;

/// Why the port cannot start; one line for the user.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// `cannot <what>: <why>`.
    pub fn new(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self(format!("cannot {what}: {why}"))
    }
}

/// The port error for an errno.
pub(super) fn port_error(errno: Errno) -> PortError {
    match errno {
        Errno::AGAIN | Errno::INPROGRESS | Errno::ALREADY => PortError::WouldBlock,
        Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED | Errno::NOTCONN | Errno::SHUTDOWN => PortError::Closed,
        Errno::CONNREFUSED => PortError::Refused,
        Errno::TIMEDOUT => PortError::TimedOut,
        Errno::ADDRINUSE => PortError::InUse,
        Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC | Errno::DQUOT | Errno::FBIG => {
            PortError::NoRoom
        }
        Errno::NOENT => PortError::NotFound,
        Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN | Errno::ADDRNOTAVAIL => {
            PortError::Unreachable
        }
        Errno::ACCESS | Errno::PERM => PortError::Denied,
        Errno::ROFS => PortError::ReadOnly,
        other => PortError::Failed(other.raw_os_error()),
    }
}

/// The port error for an error of the standard library.
pub(super) fn io_error(error: &std::io::Error) -> PortError {
    match error.raw_os_error() {
        Some(errno) => port_error(Errno::from_raw_os_error(errno)),
        None => PortError::Failed(Errno::IO.raw_os_error()),
    }
}
