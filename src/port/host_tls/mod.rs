//! TLS for ports with a heap: rustls over whatever moves bytes. Nothing here waits or knows of sockets.

use std::sync::Arc;
use std::vec::Vec;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{SupportedProtocolVersion, version};

use crate::port::{TlsCredentials, TlsError, TlsFailure, TlsRole, TlsVersion};

mod failure;
mod identity;
mod request;
mod session;
mod verify;

use failure::refused;
pub(in crate::port) use identity::{MadeIdentity, make_identity};
pub(in crate::port) use request::{make_request, put};
use session::DeviceTime;
pub(in crate::port) use session::{Session, Transport};

type Outcome<T> = Result<T, TlsFailure>;

/// A session that has not begun to talk yet. `first` is a byte that was received before.
pub(in crate::port) fn session(
    role: &TlsRole<'_>,
    first: Option<u8>,
    credentials: &TlsCredentials<'_>,
) -> Outcome<Session> {
    match *role {
        TlsRole::Client { name } => {
            let server = ServerName::try_from(name.to_owned()).map_err(|_| refused(TlsError::Name))?;
            let connection = ClientConnection::new(Arc::new(client(credentials)?), server);
            let connection = connection.map_err(|_| refused(TlsError::Internal))?;
            Ok(Session::over(Connection::Client(connection), name.to_owned(), first))
        }
        TlsRole::Server => {
            let connection = ServerConnection::new(Arc::new(server(credentials)?));
            let connection = connection.map_err(|_| refused(TlsError::Internal))?;
            Ok(Session::over(Connection::Server(connection), Default::default(), first))
        }
    }
}

fn client(credentials: &TlsCredentials<'_>) -> Outcome<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider.clone(), Arc::new(DeviceTime(credentials.now)))
        .with_protocol_versions(&versions(credentials))
        .map_err(|_| refused(TlsError::Incompatible))?
        .dangerous()
        .with_custom_certificate_verifier(server_verifier(credentials, provider)?);
    let mut config = if credentials.certificate.is_empty() {
        builder.with_no_client_auth()
    } else {
        builder
            .with_client_auth_cert(chain(credentials.certificate)?, key(credentials.key)?)
            .map_err(|_| refused(TlsError::Credentials))?
    };
    config.alpn_protocols = alpn(credentials);
    Ok(config)
}

fn server(credentials: &TlsCredentials<'_>) -> Outcome<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_details(provider.clone(), Arc::new(DeviceTime(credentials.now)))
        .with_protocol_versions(&versions(credentials))
        .map_err(|_| refused(TlsError::Incompatible))?;
    let builder = if credentials.verify {
        let (trusted, roots) = authorities(credentials)?;
        let verifier = verify::Clients::new(trusted, roots, credentials.clock_is_set, provider)
            .ok_or(refused(TlsError::Credentials))?;
        builder.with_client_cert_verifier(Arc::new(verifier))
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder
        .with_single_cert(chain(credentials.certificate)?, key(credentials.key)?)
        .map_err(|_| refused(TlsError::Credentials))?;
    config.alpn_protocols = alpn(credentials);
    Ok(config)
}

/// The versions from the oldest to the newest that may be used.
fn versions(credentials: &TlsCredentials<'_>) -> Vec<&'static SupportedProtocolVersion> {
    let (oldest, newest) = credentials.versions;
    let all = [(TlsVersion::V1_3, &version::TLS13), (TlsVersion::V1_2, &version::TLS12)];
    all.into_iter().filter(|(number, _)| (oldest..=newest).contains(number)).map(|(_, version)| version).collect()
}

/// What decides whether a server is the right one.
fn server_verifier(
    credentials: &TlsCredentials<'_>,
    provider: Arc<CryptoProvider>,
) -> Outcome<Arc<dyn ServerCertVerifier>> {
    if !credentials.verify {
        return Ok(Arc::new(verify::AnyServer(provider)));
    }
    let (trusted, roots) = authorities(credentials)?;
    let verifier = verify::Servers::new(trusted, roots, credentials.clock_is_set, provider)
        .ok_or(refused(TlsError::Credentials))?;
    Ok(Arc::new(verifier))
}

/// The certificates of the authorities, and what can be verified with them.
fn authorities(credentials: &TlsCredentials<'_>) -> Outcome<(Vec<CertificateDer<'static>>, RootCertStore)> {
    let all = chain(credentials.authorities)?;
    let mut store = RootCertStore::empty();
    for certificate in &all {
        store.add(certificate.clone()).map_err(|_| refused(TlsError::Credentials))?;
    }
    Ok((all, store))
}

/// The first byte of everything in DER here: a sequence (X.690, 8.9).
const SEQUENCE: u8 = 0x30;

/// The certificates of a file, PEM or DER; none is an error.
fn chain(file: &[u8]) -> Outcome<Vec<CertificateDer<'static>>> {
    if file.first() == Some(&SEQUENCE) {
        return Ok(Vec::from([CertificateDer::from(file.to_vec())]));
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(refused(TlsError::Credentials))
}

/// The key of a file, PEM or DER.
fn key(file: &[u8]) -> Outcome<PrivateKeyDer<'static>> {
    if file.first() == Some(&SEQUENCE) {
        return PrivateKeyDer::try_from(file.to_vec()).map_err(|_| refused(TlsError::Credentials));
    }
    PrivateKeyDer::from_pem_slice(file).map_err(|_| refused(TlsError::Credentials))
}

fn alpn(credentials: &TlsCredentials<'_>) -> Vec<Vec<u8>> {
    credentials.alpn.iter().map(|name| name.to_vec()).collect()
}
