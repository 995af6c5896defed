//! Why a request came to nothing.

use core::fmt;

use crate::base::Base;
use crate::file::FileError;
use crate::log::Level;
use crate::stream::StreamError;
use crate::wire::websocket::handshake::Fault;

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// All streams or all requests are in use.
    Full,
    /// The stream is no request, or not in a state to do that.
    NoRequest,
    /// The name has no address.
    NotFound,
    /// The server does not take the connection.
    Connect,
    /// The device's own server would have answered.
    OwnServer,
    /// There is no TLS session with the server; the log says why already.
    Tls,
    /// The server did not answer, take or send anything for too long.
    TimedOut,
    /// Less came or went than a transfer needs.
    TooSlow,
    /// The server closed the connection before it answered.
    Closed,
    /// So many bytes of the request's body have not been written yet.
    BodyMissing(u32),
    /// The head of the answer is longer than the device takes.
    HeadTooLong,
    /// The answer is not HTTP.
    Malformed,
    /// The answer ended before its body was whole.
    Incomplete,
    /// One redirection after the other.
    Redirections,
    /// The server sends a WebSocket elsewhere, with this status.
    Redirected(u16),
    /// The answer opens no WebSocket, because of this field.
    Handshake(Fault),
    /// The server said so.
    Status(u16),
    /// More bytes than a file can have.
    TooLarge,
    /// The file could not be stored or read.
    File(FileError),
}

/// What the log says about it. Empty for a connection that was not made: `Open failed` says that.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound | Self::Connect | Self::Tls | Self::NoRequest => Ok(()),
            Self::Full => f.write_str("No more streams"),
            Self::OwnServer => f.write_str("Not connected: the device does not send itself requests"),
            Self::TimedOut => f.write_str("HTTP timeout"),
            Self::TooSlow => f.write_str("HTTP transfer too slow"),
            Self::Closed => f.write_str("HTTP connection closed"),
            Self::BodyMissing(bytes) => write!(f, "HTTP request body incomplete: {bytes} bytes missing"),
            Self::HeadTooLong => f.write_str("HTTP response header too long"),
            Self::Malformed => f.write_str("HTTP response not understood"),
            Self::Incomplete => f.write_str("HTTP response incomplete"),
            Self::Redirections => f.write_str("Too many HTTP redirections"),
            Self::Redirected(status) => {
                write!(f, "HTTP status: {status}, redirections of a WebSocket are not followed")
            }
            Self::Handshake(fault) => {
                write!(f, "WebSocket handshake failed: {} is missing, wrong or not asked for", fault.field())
            }
            Self::Status(status) => write!(f, "HTTP status: {status}"),
            Self::TooLarge => f.write_str("File too large"),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl Failure {
    /// Logs it, as far as there is something to say.
    pub(super) fn log(self, base: &Base) {
        if !matches!(self, Self::NotFound | Self::Connect | Self::Tls | Self::NoRequest) {
            base.log.line(Level::Failure, format_args!("{self}"));
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// A stream that is closed while its room works on it ends the work soon.
impl From<StreamError> for Failure {
    fn from(_: StreamError) -> Self {
        Self::Closed
    }
}
