//! The certificates of both sides, and the other ends of the device's connections: rustls outside of the device.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use embassy_time::Duration;
use openzentri::port::sim::{Peer, SimDevice, SimPort};
use openzentri::port::{TlsCredentials, TlsVersion};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};

pub const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 443);
/// Where the device listens.
pub const OWN: u16 = 8443;
pub const NAME: &str = "server.example";
/// 2026-06-01.
pub const NOW: u64 = 1_780_272_000;
pub const YEAR: u64 = 365 * 86400;

/// A port whose clients use the library that is tested here.
pub fn port() -> &'static SimPort {
    let port = SimPort::new();
    port.set_tls_client(crate::CLIENT);
    port
}

/// An authority, and certificates that it has signed.
pub struct Authority {
    pub issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

pub struct Identity {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { issuer: rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap() }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn sign(&self, name: &str) -> Identity {
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

/// The certificates of both sides.
pub struct World {
    pub authority: Authority,
    pub server: Identity,
    pub client: Identity,
}

impl World {
    pub fn new() -> Self {
        let authority = Authority::new();
        Self { server: authority.sign(NAME), client: authority.sign("device.example"), authority }
    }

    /// The credentials of a device that is a client without a certificate.
    pub fn client(&self) -> Owned {
        Owned { authorities: self.authority.pem().into(), ..Owned::default() }
    }

    /// The credentials of a device that is a server.
    pub fn server(&self) -> Owned {
        let (chain, key) = (self.server.chain.clone().into(), self.server.key.clone().into());
        Owned { verify: false, chain, key, ..Owned::default() }
    }
}

/// Credentials that a task of the device can keep.
#[derive(Clone)]
pub struct Owned {
    pub verify: bool,
    pub authorities: Vec<u8>,
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
    pub versions: (TlsVersion, TlsVersion),
    pub alpn: Vec<&'static [u8]>,
    pub now: u64,
    pub clock_is_set: bool,
}

impl Default for Owned {
    fn default() -> Self {
        let versions = (TlsVersion::V1_2, TlsVersion::V1_3);
        let (authorities, chain, key) = (Vec::new(), Vec::new(), Vec::new());
        Self { verify: true, authorities, chain, key, versions, alpn: Vec::new(), now: NOW, clock_is_set: true }
    }
}

impl Owned {
    pub fn borrow(&self) -> TlsCredentials<'_> {
        TlsCredentials {
            verify: self.verify,
            authorities: &self.authorities,
            certificate: &self.chain,
            key: &self.key,
            versions: self.versions,
            alpn: &self.alpn,
            now: self.now,
            clock_is_set: self.clock_is_set,
        }
    }
}

/// The other end, outside of the device: rustls over the test's end of the connection.
pub struct Other {
    pub tls: Connection,
    pub peer: Peer,
    pub received: Vec<u8>,
    /// The device has said, encrypted, that nothing more comes.
    pub closed: bool,
    pub failed: Option<rustls::Error>,
}

#[derive(Debug)]
pub struct Now;

impl rustls::time_provider::TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW)))
    }
}

pub fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

pub fn roots(world: &World) -> RootCertStore {
    let mut store = RootCertStore::empty();
    chain(&world.authority.pem()).into_iter().for_each(|certificate| store.add(certificate).unwrap());
    store
}

impl Other {
    pub fn new(tls: Connection, peer: Peer) -> Self {
        Self { tls, peer, received: Vec::new(), closed: false, failed: None }
    }

    /// A server that the device connects to; with `demand` it wants the device's certificate.
    pub fn server(world: &World, peer: Peer, demand: bool, alpn: &[&[u8]]) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_details(provider.clone(), Arc::new(Now));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if demand {
            let roots = Arc::new(roots(world));
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_slice(world.server.key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain(&world.server.chain), key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Self::new(ServerConnection::new(Arc::new(config)).unwrap().into(), peer)
    }

    /// A client of the device.
    pub fn client(world: &World, peer: Peer) -> Self {
        Self::client_of(roots(world), peer)
    }

    /// A client that trusts these authorities.
    pub fn client_of(roots: RootCertStore, peer: Peer) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(Now));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(NAME).unwrap();
        Self::new(ClientConnection::new(Arc::new(config), name).unwrap().into(), peer)
    }

    /// Takes what the device has sent, and sends what rustls has to send.
    pub fn pump(&mut self) {
        let from_device = self.peer.received();
        let mut rest = &from_device[..];
        while !rest.is_empty() && self.failed.is_none() {
            self.tls.read_tls(&mut rest).unwrap();
            match self.tls.process_new_packets() {
                Ok(state) => self.closed |= state.peer_has_closed(),
                Err(error) => self.failed = Some(error),
            }
            let mut part = Vec::new();
            // Anything but an end is "nothing more now".
            let _ = self.tls.reader().read_to_end(&mut part);
            self.received.extend(part);
        }
        let mut out = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut out).unwrap();
        }
        if !out.is_empty() {
            self.peer.send(out);
        }
    }

    pub fn send(&mut self, data: &[u8]) {
        self.tls.writer().write_all(data).unwrap();
        self.pump();
    }

    pub fn close(&mut self) {
        self.tls.send_close_notify();
        self.pump();
        self.peer.close();
    }

    /// Lets both ends talk until `condition` holds.
    pub fn until(&mut self, device: &mut SimDevice, mut condition: impl FnMut(&mut Self, &mut SimDevice) -> bool) {
        for _ in 0..10_000 {
            device.settle();
            self.pump();
            if condition(self, device) {
                return;
            }
            device.advance(Duration::from_millis(1));
        }
        panic!("it never happens; {:?}", self.failed);
    }
}

impl Other {
    /// A client of the device that shows its certificate.
    pub fn known_client(world: &World, peer: Peer) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(Now));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots(world));
        let key = PrivateKeyDer::from_pem_slice(world.client.key.as_bytes()).unwrap();
        let config = builder.with_client_auth_cert(chain(&world.client.chain), key).unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        Self::new(ClientConnection::new(Arc::new(config), name).unwrap().into(), peer)
    }

    /// A client that takes any certificate.
    pub fn trustful(peer: Peer) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().unwrap().dangerous();
        let config = builder.with_custom_certificate_verifier(Arc::new(Trustful(provider))).with_no_client_auth();
        let name = ServerName::try_from("lamp.local").unwrap();
        Self::new(ClientConnection::new(Arc::new(config), name).unwrap().into(), peer)
    }
}

/// Takes any certificate whose key the server has.
#[derive(Debug)]
struct Trustful(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Trustful {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
