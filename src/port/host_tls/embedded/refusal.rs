//! Why a session ends here, and what the server is told about it.

use embedded_tls::TlsError as LibraryError;

use super::alert;
use crate::port::{TlsError, TlsFailure};

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) failure: TlsFailure,
    /// The alert for the server; `None` when the server has ended the session itself.
    pub(super) alert: Option<u8>,
}

impl Refusal {
    pub(super) const fn new(error: TlsError, alert: u8) -> Self {
        Self { failure: TlsFailure { error, state: None, code: 0 }, alert: Some(alert) }
    }

    /// The server does not keep to the protocol.
    pub(super) const fn protocol(alert: u8) -> Self {
        Self::new(TlsError::Protocol, alert)
    }

    /// The server has sent this alert.
    pub(super) const fn told(description: u8) -> Self {
        Self { failure: TlsFailure { error: TlsError::Alert(description), state: None, code: 0 }, alert: None }
    }

    /// The meaning of an error of the library. A refusal that our side recorded earlier takes precedence.
    pub(super) fn library(error: &LibraryError) -> Self {
        match error {
            LibraryError::CryptoError => Self::protocol(alert::BAD_RECORD_MAC),
            LibraryError::AbortHandshake(_, description) => Self::protocol(*description as u8),
            LibraryError::InvalidKeyShare => Self::protocol(alert::ILLEGAL_PARAMETER),
            LibraryError::Io(_)
            | LibraryError::IoError
            | LibraryError::InternalError
            | LibraryError::EncodeError
            | LibraryError::MissingHandshake => Self::new(TlsError::Internal, alert::INTERNAL_ERROR),
            _ => Self::protocol(alert::DECODE_ERROR),
        }
    }
}
