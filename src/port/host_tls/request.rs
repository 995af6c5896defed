//! A request for a certificate, signed by a key of the device.

use std::string::ToString;
use std::sync::Arc;
use std::vec::Vec;

use rcgen::{CertificateParams, DistinguishedName, DnType, PublicKeyData, SignatureAlgorithm};
use rustls::SignatureScheme;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::credentials::key;
use crate::port::{PortError, Result, SigningRequest};

/// A key of any kind that sessions accept, in the form that rcgen needs.
struct Key {
    key: Arc<dyn rustls::sign::SigningKey>,
    scheme: SignatureScheme,
    algorithm: &'static SignatureAlgorithm,
    public: Vec<u8>,
}

impl Key {
    /// `None` when the file has no key of these kinds.
    fn read(file: &[u8]) -> Option<Self> {
        let kinds = [
            (SignatureScheme::ECDSA_NISTP256_SHA256, &rcgen::PKCS_ECDSA_P256_SHA256),
            (SignatureScheme::ECDSA_NISTP384_SHA384, &rcgen::PKCS_ECDSA_P384_SHA384),
            (SignatureScheme::RSA_PKCS1_SHA256, &rcgen::PKCS_RSA_SHA256),
        ];
        let key = rustls::crypto::ring::sign::any_supported_type(&key(file).ok()?).ok()?;
        let (scheme, algorithm) = kinds.into_iter().find(|(scheme, _)| key.choose_scheme(&[*scheme]).is_some())?;
        let info = key.public_key()?;
        let (_, info) = SubjectPublicKeyInfo::from_der(&info).ok()?;
        let public = info.subject_public_key.data.to_vec();
        Some(Self { key, scheme, algorithm, public })
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> core::result::Result<Vec<u8>, rcgen::Error> {
        let signer = self.key.choose_scheme(&[self.scheme]).ok_or(rcgen::Error::RemoteKeyError)?;
        signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// Makes a request for a certificate, in DER.
pub(in crate::port) fn make_request(request: &SigningRequest<'_>) -> Result<Vec<u8>> {
    let key = Key::read(request.key).ok_or(PortError::Unsupported)?;
    make(request.name, &key).map_err(|_| PortError::Failed(0))
}

fn make(name: &str, key: &Key) -> core::result::Result<Vec<u8>, rcgen::Error> {
    let mut parameters = CertificateParams::new([name.to_string()])?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    Ok(parameters.serialize_request(key)?.der().to_vec())
}

/// See [`crate::port::Jobs::request`].
pub(in crate::port) fn put(request: &[u8], buffer: &mut [u8]) -> Result<usize> {
    buffer.get_mut(..request.len()).ok_or(PortError::NoRoom)?.copy_from_slice(request);
    Ok(request.len())
}
