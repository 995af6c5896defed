//! The certificate of a device to which the owner has given none: made at the first start of HTTPS, and kept in files.

use core::fmt;

use sha2::{Digest, Sha256};

use super::files::{ServerFiles, is_own};
use super::session::Tls;
use crate::access::guard::{HTTPS_CERT, HTTPS_KEY};
use crate::features::{self, Built, Gate};
use crate::file::{FileError, FileSpec, Unfinished, Version, kind};
use crate::limits;
use crate::log::Level;
use crate::port::{self, IdentityRequest};
use crate::variable::{Id, expand_name, id};

const NAME: Id = id("mdns.name");

/// How long the certificate is valid, in seconds: about twenty years. Nothing renews it before its owner asks for that.
const VALIDITY: u64 = 20 * 365 * 86_400;
/// How far in the past the validity begins, in seconds (one day): the clocks of clients differ.
const BEFORE: u64 = 86_400;

/// A name of a host.
pub(super) type HostName = heapless::String<{ limits::HOST_NAME }>;

/// Why there is no certificate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// The port cannot make one.
    Port,
    /// It cannot be stored.
    File(FileError),
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port => out.write_str("No certificate made"),
            Self::File(error) => write!(out, "Certificate not stored: {error}"),
        }
    }
}

impl Tls {
    /// Makes sure that the HTTP server has a certificate and a key, and logs the fingerprint of the device's own.
    /// Failures are logged.
    pub async fn provide(&self) {
        Built::<{ features::TLS }>::run(self, async |tls: &Self| tls.provide_own().await, |_| ()).await;
    }

    async fn provide_own(&self) {
        if !is_own(self.base) {
            if !self.has_identity(ServerFiles::Http) {
                let text = format_args!("No certificate (see http.server.tls_cert and http.server.tls_key)");
                self.base.log.line(Level::Failure, text);
            }
            return;
        }
        if !self.has_identity(ServerFiles::Http) {
            match self.make().await {
                Ok(()) => self.base.log.line(Level::Progress, format_args!("Certificate made")),
                Err(failure) => self.base.log.line(Level::Failure, format_args!("{failure}")),
            }
        }
        if let Some(fingerprint) = self.fingerprint() {
            self.base.log.line(Level::Progress, format_args!("Certificate SHA-256: {fingerprint}"));
        }
    }

    /// Makes the device's own key and certificate, and stores them.
    pub(super) async fn make(&self) -> Result<(), Failure> {
        let _turn = self.turn().await;
        let port = self.base.port;
        let name = self.own_name();
        let (now, _) = self.now();
        let request = IdentityRequest { name: &name, validity: (now.saturating_sub(BEFORE), now + VALIDITY) };
        port::make_identity(port, request).await.map_err(|_| Failure::Port)?;
        self.store().await
    }

    /// The name of the device in its network.
    pub(super) fn own_name(&self) -> HostName {
        let mut name = HostName::new();
        self.base.variables.with(NAME, |value| {
            let expanded: heapless::Vec<u8, 64> = expand_name(self.base.port.board().mac(), value);
            let text = core::str::from_utf8(&expanded).ok().filter(|text| !text.is_empty()).unwrap_or("device");
            // Both together are shorter than a host name may be.
            let _ = name.push_str(text).and_then(|()| name.push_str(".local"));
        });
        name
    }

    /// Stores the key and the certificate that the port has made, the key first: without the certificate both are made
    /// again.
    async fn store(&self) -> Result<(), Failure> {
        let [key, certificate] = {
            let mut buffer = self.buffer.borrow_mut();
            let written = self.write(&mut *buffer);
            buffer.fill(0);
            written?
        };
        key.finish().await?;
        Ok(certificate.finish().await?)
    }

    fn write(&self, buffer: &mut [u8]) -> Result<[Unfinished<'static>; 2], Failure> {
        let (certificate, key) = self.base.port.jobs().identity(buffer).map_err(|_| Failure::Port)?;
        let (certificate, rest) = buffer.split_at_checked(certificate).ok_or(Failure::Port)?;
        let key = rest.get(..key).ok_or(Failure::Port)?;
        Ok([self.begin_file(HTTPS_KEY, kind::KEY, key)?, self.begin_file(HTTPS_CERT, kind::CERTIFICATE, certificate)?])
    }

    fn begin_file(&self, name: &[u8], kind: u8, content: &[u8]) -> Result<Unfinished<'static>, Failure> {
        let size = content.len() as u32;
        let spec = FileSpec { name, size, version: Version::default(), kind, flags: 0, crc: None, replace: true };
        let mut file = Unfinished::new(self.files, self.files.create(&spec)?);
        file.write(content)?;
        Ok(file)
    }

    /// The fingerprint of the device's own certificate.
    fn fingerprint(&self) -> Option<Fingerprint> {
        let reader = self.files.open(HTTPS_CERT).ok()?;
        let mut buffer = self.buffer.borrow_mut();
        let content = buffer.get_mut(..reader.size() as usize);
        let digest = content.and_then(|content| {
            self.files.read_at(&reader, 0, content).ok()?;
            Some(Fingerprint(Sha256::digest(content).into()))
        });
        self.files.close(reader);
        digest
    }
}

/// A digest in the usual form for certificates: pairs of digits with colons.
struct Fingerprint([u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(out, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}
