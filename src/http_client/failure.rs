//! Why a request failed.

use core::fmt;

use crate::base::Base;
use crate::file::FileError;
use crate::log::Level;
use crate::stream::StreamError;
use crate::wire::websocket::handshake::Fault;

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// All streams or all requests are in use.
    Full,
    /// The stream is not a request, or not in a state that allows the operation.
    NoRequest,
    /// The name has no address.
    NotFound,
    /// The server does not accept the connection.
    Connect,
    /// The device's own server would have answered.
    OwnServer,
    /// The TLS handshake with the server failed; the log already says why.
    Tls,
    /// The server did not answer, take or send anything for too long.
    TimedOut,
    /// Too few bytes moved in the time window of a transfer.
    TooSlow,
    /// The server closed the connection before it answered.
    Closed,
    /// This number of bytes of the request's body has not been written yet.
    BodyMissing(u32),
    /// The head of the answer is longer than the device accepts.
    HeadTooLong,
    /// The answer is not HTTP.
    Malformed,
    /// The answer ended before its body was complete.
    Incomplete,
    /// Too many redirections in a row.
    Redirections,
    /// The server redirects a WebSocket, with this status.
    Redirected(u16),
    /// The answer opens no WebSocket, because of this field.
    Handshake(Fault),
    /// The server answered with this status.
    Status(u16),
    /// More bytes than a file can have.
    TooLarge,
    /// The file could not be stored or read.
    File(FileError),
}

/// The text for the log. Empty for a connection that was not made: `Open failed` says that.
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
    /// Logs the failure, unless that is logged elsewhere.
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

/// A stream that is closed while its room works on it soon ends that work.
impl From<StreamError> for Failure {
    fn from(_: StreamError) -> Self {
        Self::Closed
    }
}
