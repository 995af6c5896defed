//! A key and a self-signed certificate that a device makes for itself.

use std::string::ToString;
use std::vec::Vec;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};

use crate::port::{IdentityRequest, PortError, Result};

/// The new certificate and key, in DER.
pub(in crate::port) struct MadeIdentity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl MadeIdentity {
    /// See [`crate::port::Jobs::identity`].
    pub(in crate::port) fn put(&self, buffer: &mut [u8]) -> Result<(usize, usize)> {
        let lengths = (self.certificate.len(), self.key.len());
        let place = buffer.get_mut(..lengths.0 + lengths.1).ok_or(PortError::NoRoom)?;
        let (certificate, key) = place.split_at_mut(lengths.0);
        certificate.copy_from_slice(&self.certificate);
        key.copy_from_slice(&self.key);
        Ok(lengths)
    }
}

/// Makes a key on P-256 and its certificate.
pub(in crate::port) fn make_identity(request: &IdentityRequest<'_>) -> Result<MadeIdentity> {
    make(request).map_err(|_| PortError::Failed(0))
}

fn make(request: &IdentityRequest<'_>) -> core::result::Result<MadeIdentity, rcgen::Error> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new([request.name.to_string()])?;
    let day = |seconds: u64| (rcgen::date_time_ymd(1970, 1, 1), core::time::Duration::from_secs(seconds));
    let (epoch, from) = day(request.validity.0);
    parameters.not_before = epoch + from;
    let (epoch, until) = day(request.validity.1);
    parameters.not_after = epoch + until;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, request.name);
    parameters.is_ca = rcgen::IsCa::ExplicitNoCa;
    parameters.extended_key_usages = Vec::from([ExtendedKeyUsagePurpose::ServerAuth]);
    let certificate = parameters.self_signed(&key)?;
    Ok(MadeIdentity { certificate: certificate.der().to_vec(), key: key.serialize_der() })
}
