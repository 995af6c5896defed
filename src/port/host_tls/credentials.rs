//! The credentials of a session, converted to rustls' types.

use std::sync::Arc;
use std::vec::Vec;

use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::failure::{Outcome, refused};
use super::verify;
use crate::port::{TlsCredentials, TlsError};

/// The verifier of the server's certificate.
pub(super) fn server_verifier(
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

/// The certificates of the authorities, and the root store made of them.
pub(super) fn authorities(credentials: &TlsCredentials<'_>) -> Outcome<(Vec<CertificateDer<'static>>, RootCertStore)> {
    let all = chain(credentials.authorities)?;
    let mut store = RootCertStore::empty();
    for certificate in &all {
        store.add(certificate.clone()).map_err(|_| refused(TlsError::Credentials))?;
    }
    Ok((all, store))
}

/// The first byte of everything in DER here: a sequence (X.690, 8.9).
const SEQUENCE: u8 = 0x30;

/// The certificates of a file, PEM or DER; a file without any is an error.
pub(super) fn chain(file: &[u8]) -> Outcome<Vec<CertificateDer<'static>>> {
    if file.first() == Some(&SEQUENCE) {
        return Ok(Vec::from([CertificateDer::from(file.to_vec())]));
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(refused(TlsError::Credentials))
}

/// The key of a file, PEM or DER.
pub(super) fn key(file: &[u8]) -> Outcome<PrivateKeyDer<'static>> {
    if file.first() == Some(&SEQUENCE) {
        return PrivateKeyDer::try_from(file.to_vec()).map_err(|_| refused(TlsError::Credentials));
    }
    PrivateKeyDer::from_pem_slice(file).map_err(|_| refused(TlsError::Credentials))
}

pub(super) fn alpn(credentials: &TlsCredentials<'_>) -> Vec<Vec<u8>> {
    credentials.alpn.iter().map(|name| name.to_vec()).collect()
}
