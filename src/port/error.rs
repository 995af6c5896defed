//! Why a call of the port failed.

use core::fmt;

/// What a port call can answer besides success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortError {
    /// Not ready; see [`super::Port::wake_when`].
    WouldBlock,
    /// The peer, or the port itself, has closed the connection (reset included).
    Closed,
    /// The peer refused the connection.
    Refused,
    /// The other side did not answer in time.
    TimedOut,
    /// The local port is taken.
    InUse,
    /// No socket, memory or flash space is left.
    NoRoom,
    /// No such name, file or host.
    NotFound,
    /// No route to the host, or the interface is down.
    Unreachable,
    /// Not allowed (a privileged port, say).
    Denied,
    /// The flash cannot be written.
    ReadOnly,
    /// Not supported by this port.
    Unsupported,
    /// Any other failure, with the platform's positive errno.
    Failed(i32),
}

/// Result of a port call.
pub type Result<T> = core::result::Result<T, PortError>;

/// The reason in a log line.
impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WouldBlock => "not ready",
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::InUse => "in use",
            Self::NoRoom => "no space left",
            Self::NotFound => "not found",
            Self::Unreachable => "unreachable",
            Self::Denied => "not allowed",
            Self::ReadOnly => "read-only",
            Self::Unsupported => "not supported",
            Self::Failed(number) => return write!(f, "error {number}"),
        })
    }
}
