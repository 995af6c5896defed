//! TLS for ports with a heap: rustls, or for clients embedded-tls, over any transport of bytes. Nothing here blocks or
//! knows about sockets.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::server::ServerSessionMemoryCache;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use rustls::{SupportedProtocolVersion, version};

use crate::port::{TlsClient, TlsCredentials, TlsError, TlsRole, TlsVersion};

mod credentials;
mod embedded;
mod engine;
mod failure;
mod identity;
mod request;
mod session;
mod setups;
mod verify;

use credentials::{alpn, authorities, chain, key, server_verifier};
use engine::Rustls;
use failure::{Outcome, refused};
pub(in crate::port) use identity::{MadeIdentity, make_identity};
pub(in crate::port) use request::{make_request, put};
pub(in crate::port) use session::{Session, Transport};
pub(in crate::port) use setups::Setups;
use setups::{Clock, SESSIONS};

/// A new session that has sent and received nothing yet; a client's session uses `library`. `first` is a byte that was
/// received before. Sessions with the same `setups` and credentials can be resumed.
pub(in crate::port) fn session(
    setups: &mut Setups,
    library: TlsClient,
    role: &TlsRole<'_>,
    first: Option<u8>,
    credentials: &TlsCredentials<'_>,
) -> Outcome<Session> {
    Ok(Session::over(match *role {
        TlsRole::Client { name } if library == TlsClient::Embedded => {
            Box::new(embedded::Client::new(name, first, credentials)?)
        }
        TlsRole::Client { name } => {
            let server = ServerName::try_from(name.to_owned()).map_err(|_| refused(TlsError::Name))?;
            let connection =
                ClientConnection::new(setups.client(credentials, |clock| client(credentials, clock))?, server);
            let connection = connection.map_err(|_| refused(TlsError::Internal))?;
            Box::new(Rustls::new(Connection::Client(connection), name.to_owned(), first))
        }
        TlsRole::Server => {
            let connection = ServerConnection::new(setups.server(credentials, |clock| server(credentials, clock))?);
            let connection = connection.map_err(|_| refused(TlsError::Internal))?;
            Box::new(Rustls::new(Connection::Server(connection), Default::default(), first))
        }
    }))
}

fn client(credentials: &TlsCredentials<'_>, clock: Arc<Clock>) -> Outcome<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider.clone(), clock)
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
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    config.alpn_protocols = alpn(credentials);
    Ok(config)
}

fn server(credentials: &TlsCredentials<'_>, clock: Arc<Clock>) -> Outcome<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_details(provider.clone(), clock)
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
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.alpn_protocols = alpn(credentials);
    Ok(config)
}

/// The versions from the oldest to the newest that may be used.
fn versions(credentials: &TlsCredentials<'_>) -> Vec<&'static SupportedProtocolVersion> {
    let (oldest, newest) = credentials.versions;
    let all = [(TlsVersion::V1_3, &version::TLS13), (TlsVersion::V1_2, &version::TLS12)];
    all.into_iter().filter(|(number, _)| (oldest..=newest).contains(number)).map(|(_, version)| version).collect()
}
