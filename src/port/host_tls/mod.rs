//! TLS for ports with a heap: rustls over whatever moves bytes. Nothing here waits or knows of sockets.

use std::sync::Arc;
use std::vec::Vec;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{SupportedProtocolVersion, version};

use crate::port::{TlsCredentials, TlsError, TlsFailure, TlsRole, TlsVersion};

mod failure;
mod session;

use failure::refused;
use session::DeviceTime;
pub(in crate::port) use session::{Session, Transport};

type Outcome<T> = Result<T, TlsFailure>;

/// A session that has not begun to talk yet.
pub(in crate::port) fn session(role: &TlsRole<'_>, credentials: &TlsCredentials<'_>) -> Outcome<Session> {
    match *role {
        TlsRole::Client { name } => {
            let server = ServerName::try_from(name.to_owned()).map_err(|_| refused(TlsError::Name))?;
            let connection = ClientConnection::new(Arc::new(client(credentials)?), server);
            let connection = connection.map_err(|_| refused(TlsError::Internal))?;
            Ok(Session::over(Connection::Client(connection), name.to_owned()))
        }
        TlsRole::Server => {
            let connection = ServerConnection::new(Arc::new(server(credentials)?));
            let connection = connection.map_err(|_| refused(TlsError::Internal))?;
            Ok(Session::over(Connection::Server(connection), Default::default()))
        }
    }
}

fn client(credentials: &TlsCredentials<'_>) -> Outcome<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(DeviceTime(credentials.now)))
        .with_protocol_versions(&versions(credentials))
        .map_err(|_| refused(TlsError::Incompatible))?
        .with_root_certificates(authorities(credentials)?);
    let mut config = if credentials.certificate.is_empty() {
        builder.with_no_client_auth()
    } else {
        builder
            .with_client_auth_cert(chain(credentials.certificate)?, key(credentials)?)
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
    let builder = if credentials.authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let roots = Arc::new(authorities(credentials)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
        builder.with_client_cert_verifier(verifier.map_err(|_| refused(TlsError::Credentials))?)
    };
    let mut config = builder
        .with_single_cert(chain(credentials.certificate)?, key(credentials)?)
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

fn authorities(credentials: &TlsCredentials<'_>) -> Outcome<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in chain(credentials.authorities)? {
        store.add(certificate).map_err(|_| refused(TlsError::Credentials))?;
    }
    Ok(store)
}

/// The certificates of a PEM file; none is an error.
fn chain(pem: &[u8]) -> Outcome<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(refused(TlsError::Credentials))
}

fn key(credentials: &TlsCredentials<'_>) -> Outcome<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(credentials.key).map_err(|_| refused(TlsError::Credentials))
}

fn alpn(credentials: &TlsCredentials<'_>) -> Vec<Vec<u8>> {
    credentials.alpn.iter().map(|name| name.to_vec()).collect()
}
