//! Verifies the certificate of a peer.
//!
//! A peer's certificate is also valid when it is itself one of the authorities: a server with a self-signed
//! certificate, which its clients store as their authority. webpki accepts such a certificate only when it says that it
//! is no authority.

use core::time::Duration;
use std::sync::Arc;
use std::vec::Vec;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Verifies servers, for a client.
#[derive(Debug)]
pub(super) struct Servers {
    trusted: Vec<CertificateDer<'static>>,
    clock_is_set: bool,
    chains: Arc<WebPkiServerVerifier>,
}

impl Servers {
    /// `None` when nothing can be verified with these authorities.
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        roots: RootCertStore,
        clock_is_set: bool,
        provider: Arc<CryptoProvider>,
    ) -> Option<Self> {
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
        Some(Self { trusted, clock_is_set, chains })
    }
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let now = if self.clock_is_set { now } else { begun(end, between, now) };
        if !self.trusted.iter().any(|trusted| trusted == end) {
            return self.chains.verify_server_cert(end, between, name, stapled, now);
        }
        verify_validity(end, now)?;
        verify_server_name(&ParsedCertificate::try_from(end)?, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Verifies clients, for a server.
#[derive(Debug)]
pub(super) struct Clients {
    trusted: Vec<CertificateDer<'static>>,
    clock_is_set: bool,
    chains: Arc<dyn ClientCertVerifier>,
}

impl Clients {
    /// `None` when nothing can be verified with these authorities.
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        roots: RootCertStore,
        clock_is_set: bool,
        provider: Arc<CryptoProvider>,
    ) -> Option<Self> {
        let chains = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
        Some(Self { trusted, clock_is_set, chains })
    }
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let now = if self.clock_is_set { now } else { begun(end, between, now) };
        if !self.trusted.iter().any(|trusted| trusted == end) {
            return self.chains.verify_client_cert(end, between, now);
        }
        verify_validity(end, now)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Accepts every server, for a client that does not verify. The server must still have the key of its certificate.
#[derive(Debug)]
pub(super) struct AnyServer(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The earliest time, not before `now`, at which all these certificates have become valid.
fn begun(end: &CertificateDer<'_>, between: &[CertificateDer<'_>], now: UnixTime) -> UnixTime {
    let begin = |certificate: &CertificateDer<'_>| {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        u64::try_from(certificate.validity().not_before.timestamp()).ok()
    };
    let latest = between.iter().chain([end]).filter_map(begin).max().unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(latest.max(now.as_secs())))
}

/// Whether a certificate is valid now.
fn verify_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = certificate.validity();
    let second = |time: x509_parser::time::ASN1Time| Duration::from_secs(time.timestamp().try_into().unwrap_or(0));
    let now = Duration::from_secs(now.as_secs());
    if now < second(validity.not_before) {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > second(validity.not_after) {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}
