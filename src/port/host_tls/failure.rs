//! What rustls says of a failure, in the words of the port contract.

use rustls::{CertificateError, Connection, Error};

use crate::port::{TlsError, TlsFailure};

/// The state in which a client looks at the server's certificate (interface, network 5.4).
const SERVER_CERTIFICATE: u8 = 3;
/// The same for a server and its client.
const CLIENT_CERTIFICATE: u8 = 7;

/// A failure without numbers of the library.
pub(super) fn refused(error: TlsError) -> TlsFailure {
    TlsFailure { error, state: None, code: 0 }
}

/// What an error of a connection means.
pub(super) fn failure(error: &Error, connection: &Connection) -> TlsFailure {
    let certificate = match connection {
        Connection::Client(_) => SERVER_CERTIFICATE,
        Connection::Server(_) => CLIENT_CERTIFICATE,
    };
    let (kind, state) = match error {
        Error::NoCertificatesPresented => (TlsError::NoCertificate, Some(certificate)),
        Error::InvalidCertificate(why) => (of_certificate(why), Some(certificate)),
        Error::AlertReceived(alert) => (TlsError::Alert((*alert).into()), None),
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => (TlsError::Incompatible, None),
        Error::General(_) | Error::FailedToGetCurrentTime | Error::FailedToGetRandomBytes => (TlsError::Internal, None),
        _ => (TlsError::Protocol, None),
    };
    TlsFailure { error: kind, state, code: 0 }
}

fn of_certificate(why: &CertificateError) -> TlsError {
    match why {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsError::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsError::WrongName,
        // The authority has the same name, but not the same key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsError::Untrusted,
        _ => TlsError::BadCertificate,
    }
}
