//! TLS is a session on a socket. [`super::JobRequest::Tls`] starts it; once that job has succeeded, `send`, `receive`,
//! `finish`, `close` and the events of that socket go through the session, and code that moves bytes need not know
//! about it.

use heapless::{String, Vec};

use crate::limits;

/// Which end of the session the device is.
#[derive(Clone, Copy, Debug)]
pub enum TlsRole<'a> {
    /// The client. The name goes out as server name indication, and the server's certificate must be for it.
    Client {
        /// A host name, or a dotted address.
        name: &'a str,
    },
    /// The server. If it verifies, it requires a certificate from the client.
    Server,
}

/// The library that a device on a host uses as a client. As a server it uses rustls.
#[cfg(feature = "host")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsClient {
    /// rustls: TLS 1.2 and 1.3.
    #[default]
    Rustls,
    /// embedded-tls: TLS 1.3 only, which boards without Mbed TLS can use.
    Embedded,
}

#[cfg(feature = "host")]
impl core::str::FromStr for TlsClient {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "rustls" => Ok(Self::Rustls),
            "embedded" => Ok(Self::Embedded),
            _ => Err(()),
        }
    }
}

/// A version of TLS, with its number on the wire. Earlier ones are refused (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V1_2 = 0x0303,
    /// TLS 1.3 (RFC 8446).
    V1_3 = 0x0304,
}

/// The credentials of a session.
///
/// Certificates are PEM, one after the other, with LF or CR LF, and with any text between them; or one certificate in
/// DER. A key is PKCS#8, PKCS#1 or SEC1, in PEM or DER: RSA, or a key on P-256 or P-384.
#[derive(Clone, Copy, Debug)]
pub struct TlsCredentials<'a> {
    /// Whether the peer must prove its identity: its certificate must come from one of the authorities, or be one of
    /// them, and be valid now; a server's certificate must also be for the requested name. Without this, a client
    /// accepts any server, and a server asks for no certificate.
    pub verify: bool,
    /// Certificates of the authorities; without one, verification is impossible (`TlsError::Credentials`).
    pub authorities: &'a [u8],
    /// The device's certificate, and the intermediate certificates; empty for a client without one.
    pub certificate: &'a [u8],
    /// The key of the device's certificate, not encrypted.
    pub key: &'a [u8],
    /// The oldest and the newest version that may be used.
    pub versions: (TlsVersion, TlsVersion),
    /// Protocols for ALPN (RFC 7301), the preferred one first; empty for none.
    pub alpn: &'a [&'a [u8]],
    /// The time in seconds since 1970, against which the validity of certificates is checked.
    pub now: u64,
    /// Whether `now` is the present time. If not, it is an earlier time: certificates that had expired by then are
    /// refused, and certificates that become valid later are accepted, because they may be valid by now.
    pub clock_is_set: bool,
}

/// The parameters that both ends of a session have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite's number (IANA).
    pub suite: u16,
    /// For a client, the name that the server has proved; for a server, the name that the client has asked for.
    pub name: String<{ limits::HOST_NAME }>,
    /// The protocol chosen by ALPN; empty for none.
    pub alpn: Vec<u8, { limits::ALPN }>,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    /// What went wrong.
    pub error: TlsError,
    /// The state of the handshake (interface, network 5.4), if the library reports it.
    pub state: Option<u8>,
    /// The library's own error number, 0 if it has none.
    pub code: i32,
}

/// The kinds of failure that the documented table distinguishes (interface, network 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The connection ended before the handshake.
    Closed,
    /// No session is free, or the memory for one has run out.
    NoMemory,
    /// The device's certificate, key or authorities cannot be read, or do not match.
    Credentials,
    /// The name to check is not a host name.
    Name,
    /// The peer sent no certificate.
    NoCertificate,
    /// The peer's certificate comes from none of the authorities.
    Untrusted,
    /// The peer's certificate is no longer, or not yet, valid.
    Expired,
    /// The peer's certificate is for another name.
    WrongName,
    /// Something else is wrong with the peer's certificate.
    BadCertificate,
    /// The peer has sent this alert (RFC 8446, 6).
    Alert(u8),
    /// No version, suite or protocol in common.
    Incompatible,
    /// The peer does not keep to the protocol.
    Protocol,
    /// An internal error of the library.
    Internal,
}

/// A request to make a key and a certificate for the device: a new key on P-256, and a version 3 certificate for it,
/// signed by that key, with `name` as common name and as its only DNS name, for servers (basic constraints: no
/// authority).
#[derive(Clone, Copy, Debug)]
pub struct IdentityRequest<'a> {
    /// The name, at most [`limits::HOST_NAME`] bytes: letters, digits, `-` and `.`.
    pub name: &'a str,
    /// The first and the last second, since 1970, in which the certificate is valid.
    pub validity: (u64, u64),
}

/// A request for a certificate (PKCS#10, RFC 2986) for the device to make: with `name` as common name and as its only
/// DNS name, signed by `key`.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// The name, as in [`IdentityRequest`].
    pub name: &'a str,
    /// The key, as in [`TlsCredentials`].
    pub key: &'a [u8],
}
