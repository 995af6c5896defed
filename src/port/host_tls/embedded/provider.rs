//! What the library asks for in a handshake: random numbers, verification of the server, and the device's own identity.

use std::sync::Arc;
use std::vec::Vec;

use aes_gcm::aead::rand_core::{CryptoRng, RngCore};
use embedded_tls::{
    Certificate, CertificateEntryRef, CertificateRef, CertificateVerifyRef, CryptoProvider, CryptoRngCore,
    SignatureScheme, TlsError as LibraryError, TlsVerifier,
};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::{AlertDescription, CertificateError, Error};
use sha2::Digest;
use webpki::ring;

use super::super::failure::of_error;
use super::alert;
use super::cipher::{Suite, noticed};
use super::refusal::Refusal;
use super::transcript::Transcript;
use super::wire::Shared;
use crate::port::{TlsError, TlsFailure};

/// The state in which a client looks at the server's certificate (interface, network 5.4).
const SERVER_CERTIFICATE: u8 = 3;

/// The messages until the server's certificate: ClientHello, ServerHello, EncryptedExtensions, Certificate.
const MESSAGES: &[u8] = &[1, 2, 8, 11];
/// The same, with a CertificateRequest.
const MESSAGES_OF_DEMAND: &[u8] = &[1, 2, 8, 13, 11];

/// The context string that precedes the hash in what a server signs (RFC 8446, 4.4.3).
const CONTEXT: &[u8] = b"TLS 1.3, server CertificateVerify\0";

/// The device's own certificate and its signer.
#[derive(Clone)]
pub(super) struct Own {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) signer: Signer,
}

/// Signs with the device's key.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) key: Arc<dyn rustls::sign::Signer>,
    pub(super) scheme: SignatureScheme,
}

/// An ECDSA signature.
pub(super) struct Signature(Vec<u8>);

impl AsRef<[u8]> for Signature {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl signature::Signer<Signature> for Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Signature, signature::Error> {
        self.key.sign(message).map(Signature).map_err(|_| signature::Error::new())
    }
}

/// Everything that the library asks for.
pub(super) struct Provider {
    pub(super) shared: Shared,
    pub(super) verifier: Verifier,
    pub(super) own: Option<Own>,
}

impl CryptoProvider for Provider {
    type CipherSuite = Suite;
    type Signature = Signature;

    fn rng(&mut self) -> impl CryptoRngCore {
        Random(&self.shared)
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Suite>, LibraryError> {
        Ok(&mut self.verifier)
    }

    fn signer(&mut self) -> Result<(impl signature::SignerMut<Signature>, SignatureScheme), LibraryError> {
        let signer = self.own.as_ref().map(|own| own.signer.clone()).ok_or(LibraryError::InvalidPrivateKey)?;
        let scheme = signer.scheme;
        Ok((signer, scheme))
    }

    fn client_cert(&mut self) -> Option<Certificate<impl AsRef<[u8]>>> {
        self.own.as_ref().map(|own| Certificate::X509(own.certificate.clone()))
    }
}

/// Random numbers from the operating system.
struct Random<'a>(&'a Shared);

impl CryptoRng for Random<'_> {}

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_ne_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_ne_bytes(bytes)
    }

    /// The library accepts no error here. A session without random numbers is refused, and none of its bytes are sent.
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        if rustls::crypto::ring::default_provider().secure_random.fill(bytes).is_err() {
            bytes.fill(1);
            self.0.with(|wire| wire.refuse(Refusal::new(TlsError::Internal, alert::INTERNAL_ERROR)));
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), aes_gcm::aead::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// Verifies the server.
pub(super) struct Verifier {
    pub(super) shared: Shared,
    pub(super) servers: Arc<dyn ServerCertVerifier>,
    pub(super) name: ServerName<'static>,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) now: UnixTime,
    /// The verified certificate, and the hash of the messages up to it.
    pub(super) shown: Option<(CertificateDer<'static>, [u8; 32])>,
}

impl Verifier {
    /// Refuses the server; the library learns only that it must stop.
    fn refuse(&self, refusal: Refusal) -> LibraryError {
        self.shared.with(|wire| wire.refuse(refusal));
        LibraryError::InvalidCertificate
    }

    fn certificate(&mut self, transcript: &Transcript, shown: &CertificateRef<'_>) -> Result<(), Refusal> {
        let chain: Vec<CertificateDer<'_>> = shown
            .entries
            .iter()
            .filter_map(|entry| match entry {
                CertificateEntryRef::X509(certificate) => Some(CertificateDer::from(*certificate)),
                CertificateEntryRef::RawPublicKey(_) => None,
            })
            .collect();
        if let Some(refusal) = chain.first().and_then(|certificate| noticed(certificate)) {
            return Err(refusal);
        }
        if !matches!(&transcript.kinds[..], MESSAGES | MESSAGES_OF_DEMAND) {
            return Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE));
        }
        let chosen =
            transcript.alpn().filter(|name| name.is_empty() || self.alpn.iter().any(|offered| offered[..] == name[..]));
        let chosen = chosen.ok_or(Refusal::protocol(alert::ILLEGAL_PARAMETER))?;
        let (end, between) = chain.split_first().ok_or(of_certificate(&Error::NoCertificatesPresented))?;
        self.servers
            .verify_server_cert(end, between, &self.name, &[], self.now)
            .map_err(|error| of_certificate(&error))?;
        self.shared.with(|wire| wire.alpn = chosen);
        self.shown = Some((end.clone().into_owned(), transcript.clone().finalize().into()));
        Ok(())
    }

    fn signature(&mut self, verify: &CertificateVerifyRef<'_>) -> Result<(), Refusal> {
        let (certificate, hash) = self.shown.take().ok_or(Refusal::protocol(alert::UNEXPECTED_MESSAGE))?;
        let algorithm = algorithm(verify.signature_scheme).ok_or(Refusal::protocol(alert::ILLEGAL_PARAMETER))?;
        let message = [&[b' '; 64][..], CONTEXT, &hash].concat();
        let certificate = webpki::EndEntityCert::try_from(&certificate)
            .map_err(|_| of_certificate(&CertificateError::BadEncoding.into()))?;
        certificate
            .verify_signature(algorithm, &message, verify.signature)
            .map_err(|_| of_certificate(&CertificateError::BadSignature.into()))
    }
}

impl TlsVerifier<Suite> for Verifier {
    fn set_hostname_verification(&mut self, _: &str) -> Result<(), LibraryError> {
        Ok(())
    }

    fn verify_certificate(&mut self, transcript: &Transcript, shown: CertificateRef<'_>) -> Result<(), LibraryError> {
        self.certificate(transcript, &shown).map_err(|refusal| self.refuse(refusal))
    }

    fn verify_signature(&mut self, verify: CertificateVerifyRef<'_>) -> Result<(), LibraryError> {
        self.signature(&verify).map_err(|refusal| self.refuse(refusal))?;
        self.shared.with(|wire| wire.proved = true);
        Ok(())
    }
}

/// The refusal for a bad certificate, with the alert for the server.
fn of_certificate(error: &Error) -> Refusal {
    let alert = match error {
        Error::InvalidCertificate(why) => AlertDescription::from(why.clone()).into(),
        Error::NoCertificatesPresented => alert::DECODE_ERROR,
        _ => alert::BAD_CERTIFICATE,
    };
    let (error, state) = of_error(error, SERVER_CERTIFICATE);
    Refusal { failure: TlsFailure { error, state, code: 0 }, alert: Some(alert) }
}

/// The algorithm that verifies a handshake signature. PKCS#1 signatures are for certificates only (RFC 8446, 4.2.3).
fn algorithm(scheme: SignatureScheme) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    Some(match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 => ring::ECDSA_P256_SHA256,
        SignatureScheme::EcdsaSecp384r1Sha384 => ring::ECDSA_P384_SHA384,
        SignatureScheme::Ed25519 => ring::ED25519,
        SignatureScheme::RsaPssRsaeSha256 => ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        SignatureScheme::RsaPssRsaeSha384 => ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        SignatureScheme::RsaPssRsaeSha512 => ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        _ => return None,
    })
}
