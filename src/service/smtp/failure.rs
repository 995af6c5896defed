//! Why a message was not sent, in words.

use core::fmt;

use crate::base::Base;
use crate::log::Level;

/// A message was not sent; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent;

/// Why a message was not sent. The text names the step of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Another message is being sent.
    Busy,
    /// A variable that is needed is empty, or not valid.
    Variable(&'static str),
    /// The name has no address.
    NotFound,
    /// The connection could not be made.
    Connect,
    /// There is no TLS session; the `tls` room has logged why.
    Tls,
    /// The server has refused; that is in the log.
    Refused,
    /// The server has closed the connection.
    Closed(&'static str),
    /// The server has not answered in time.
    Silent(&'static str),
    /// The server has sent something that is not a valid reply.
    Malformed(&'static str),
    /// The server offers no login mechanism that this device supports.
    NoMechanism,
    /// The password would be sent without TLS.
    Unprotected,
    /// The server accepts no message of this size.
    TooLarge,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => out.write_str("another message is being sent"),
            Self::Variable(name) => write!(out, "set {name}"),
            Self::NotFound => out.write_str("the server has no address"),
            Self::Connect => out.write_str("the server cannot be reached"),
            Self::Tls => out.write_str("no TLS session"),
            Self::Refused => out.write_str("refused"),
            Self::Closed(step) => write!(out, "{step}: the server has closed the connection"),
            Self::Silent(step) => write!(out, "{step}: the server does not answer"),
            Self::Malformed(step) => write!(out, "{step}: the server does not keep to the protocol"),
            Self::NoMechanism => out.write_str("AUTH: the server offers neither PLAIN nor LOGIN nor CRAM-MD5"),
            Self::Unprotected => {
                out.write_str("AUTH: the password is not sent without TLS (email.smtp.auth_without_tls)")
            }
            Self::TooLarge => out.write_str("the server takes no message of this size"),
        }
    }
}

impl Failure {
    /// Logs the failure, unless it was logged before.
    pub fn log(self, base: &Base) -> NotSent {
        if !matches!(self, Self::Tls | Self::Refused) {
            base.log.line(Level::Failure, format_args!("SMTP {self}"));
        }
        NotSent
    }
}
