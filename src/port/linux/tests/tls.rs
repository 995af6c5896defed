//! TLS over the loopback interface.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use embassy_time::with_timeout;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use super::super::LinuxPort;
use super::{port, run};
use crate::limits;
use crate::port::{
    Event, IdentityRequest, Interface, Port, PortError, Socket, TlsCredentials, TlsError, TlsRole, TlsVersion, accept,
    connect, io, make_identity, tls_start,
};

const NAME: &str = "device.example";
/// 2026-06-01, and some years around it.
const NOW: u64 = 1_780_272_000;
const YEARS: u64 = 10 * 365 * 86400;

/// A certificate and its key, made by the port.
#[derive(Clone)]
struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    async fn make(port: &dyn Port) -> Self {
        let mut buffer = [0; limits::IDENTITY];
        let request = IdentityRequest { name: NAME, validity: (NOW - YEARS, NOW + YEARS) };
        make_identity(port, request).await.unwrap();
        let (certificate, key) = port.jobs().identity(&mut buffer).unwrap();
        Self { certificate: buffer[..certificate].to_vec(), key: buffer[certificate..certificate + key].to_vec() }
    }

    fn server(&self) -> TlsCredentials<'_> {
        TlsCredentials { verify: false, certificate: &self.certificate, key: &self.key, ..self.client() }
    }

    /// Credentials of a client that trusts it.
    fn client(&self) -> TlsCredentials<'_> {
        TlsCredentials {
            verify: true,
            authorities: &self.certificate,
            certificate: &[],
            key: &[],
            versions: (TlsVersion::V1_2, TlsVersion::V1_3),
            alpn: &[],
            now: NOW,
            clock_is_set: true,
        }
    }

    /// Configuration of a client outside the device.
    fn client_config(&self) -> Arc<ClientConfig> {
        let mut store = RootCertStore::empty();
        store.add(CertificateDer::from(self.certificate.clone())).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(store).with_no_client_auth())
    }

    fn connect(&self, address: SocketAddrV4) -> StreamOwned<ClientConnection, TcpStream> {
        connect_with(self.client_config(), address)
    }

    /// Configuration of a server outside the device.
    fn server_config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![CertificateDer::from(self.certificate.clone())];
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
    }

    fn accept(&self, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        StreamOwned::new(ServerConnection::new(self.server_config()).unwrap(), stream)
    }
}

fn connect_with(config: Arc<ClientConfig>, address: SocketAddrV4) -> StreamOwned<ClientConnection, TcpStream> {
    let connection = ClientConnection::new(config, ServerName::try_from(NAME).unwrap()).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

fn listener(port: &LinuxPort) -> (Socket, SocketAddrV4) {
    let listener = port.sockets().tcp_listen(Interface::Wlan, 0).unwrap();
    (listener, port.sockets().local_address(listener).unwrap())
}

async fn receive(port: &dyn Port, socket: Socket, buffer: &mut [u8]) -> crate::port::Result<usize> {
    io(port, Event::Readable(socket), || port.sockets().receive(socket, buffer)).await
}

async fn send_all(port: &dyn Port, socket: Socket, mut data: &[u8]) {
    while !data.is_empty() {
        let sent = io(port, Event::Writable(socket), || port.sockets().send(socket, data)).await.unwrap();
        data = &data[sent..];
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_server_takes_and_gives_much() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    run(port, async move {
        let identity = Identity::make(port).await;
        let kept = identity.clone();
        let client = thread::spawn(move || {
            let mut stream = kept.connect(address);
            let (data, mut back) = (pattern(1_000_000), Vec::new());
            for part in data.chunks(40_000) {
                stream.write_all(part).unwrap();
                let mut piece = vec![0; part.len()];
                stream.read_exact(&mut piece).unwrap();
                back.extend(piece);
            }
            assert!(back == data);
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            let mut rest = Vec::new();
            assert_eq!(stream.read_to_end(&mut rest).unwrap(), 3, "ended in order");
        });
        let (socket, _) = accept(port, listener).await.unwrap();
        let mut first = [0];
        assert_eq!(receive(port, socket, &mut first).await, Ok(1));
        let session = tls_start(port, socket, TlsRole::Server, Some(first[0]), &identity.server()).await;
        assert_eq!(session.unwrap().unwrap().name, NAME);
        // In pieces smaller than a record: the system does not report the rest of a record as readable.
        let mut buffer = [0; 1000];
        loop {
            match receive(port, socket, &mut buffer).await.unwrap() {
                0 => break,
                count => send_all(port, socket, &buffer[..count]).await,
            }
        }
        send_all(port, socket, b"end").await;
        port.sockets().close(socket);
        client.join().unwrap();
    });
}

#[test]
fn what_was_taken_for_a_slow_peer_leaves_after_the_socket_is_closed() {
    let (port, _folder) = port();
    let peer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let std::net::SocketAddr::V4(address) = peer.local_addr().unwrap() else { unreachable!() };
    run(port, async move {
        let identity = Identity::make(port).await;
        let kept = identity.clone();
        let server = thread::spawn(move || {
            let mut stream = kept.accept(peer.accept().unwrap().0);
            stream.conn.complete_io(&mut stream.sock).unwrap();
            thread::sleep(Duration::from_millis(300));
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all.len()
        });
        let socket = connect(port, Interface::Wlan, 0, address).await.unwrap();
        let role = TlsRole::Client { name: NAME };
        tls_start(port, socket, role, None, &identity.client()).await.unwrap().unwrap();
        let (data, mut taken) = (pattern(50_000), 0);
        while let Ok(sent) = port.sockets().send(socket, &data) {
            taken += sent;
        }
        assert_eq!(port.sockets().send(socket, &data), Err(PortError::WouldBlock));
        port.sockets().close(socket);
        let patience = Instant::now();
        while !server.is_finished() {
            embassy_time::Timer::after_millis(5).await;
            assert!(patience.elapsed() < Duration::from_secs(10));
        }
        assert_eq!(server.join().unwrap(), taken);
    });
}

#[test]
fn silent_peers_keep_nobody_waiting_until_no_session_is_left() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    run(port, async move {
        let identity = Identity::make(port).await;
        let credentials = identity.server();
        let start = |socket| {
            let role = TlsRole::Server;
            port.jobs().start(&crate::port::JobRequest::Tls { socket, role, first: None, credentials: &credentials })
        };
        let mut silent = Vec::new();
        for _ in 1..limits::TLS_SESSIONS {
            let peer = TcpStream::connect(address).unwrap();
            let (socket, _) = accept(port, listener).await.unwrap();
            silent.push((peer, socket, start(socket).unwrap()));
        }
        let kept = identity.clone();
        let client = thread::spawn(move || {
            let mut stream = kept.connect(address);
            stream.write_all(b"hello").unwrap();
            stream
        });
        let (socket, _) = accept(port, listener).await.unwrap();
        tls_start(port, socket, TlsRole::Server, None, &credentials).await.unwrap().unwrap();
        let mut hello = [0; 5];
        assert_eq!(receive(port, socket, &mut hello).await, Ok(5));
        assert_eq!(start(socket), Err(PortError::Unsupported), "it has a session");
        drop(client.join().unwrap());

        let peer = TcpStream::connect(address).unwrap();
        let (late, _) = accept(port, listener).await.unwrap();
        let refused = tls_start(port, late, TlsRole::Server, None, &credentials).await.unwrap().unwrap_err();
        assert_eq!(refused.error, TlsError::NoMemory);
        port.sockets().close(socket);
        let limit = embassy_time::Duration::from_millis(50);
        let shake = async { tls_start(port, late, TlsRole::Server, None, &credentials).await };
        assert!(with_timeout(limit, shake).await.is_err(), "there is a session now, and the peer is silent");
        assert_eq!(port.sockets().receive(late, &mut hello), Err(PortError::Closed));
        drop(peer);
        for (_, socket, job) in silent {
            assert_eq!(port.jobs().result(job), Err(PortError::WouldBlock));
            port.jobs().cancel(job);
            port.sockets().close(socket);
        }
    });
}

#[test]
fn a_lost_peer_and_bad_credentials_end_the_handshake() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    run(port, async move {
        let identity = Identity::make(port).await;
        let peer = TcpStream::connect(address).unwrap();
        let (socket, _) = accept(port, listener).await.unwrap();
        drop(peer);
        let lost = tls_start(port, socket, TlsRole::Server, None, &identity.server()).await.unwrap();
        assert_eq!(lost.unwrap_err().error, TlsError::Closed);
        let _peer = TcpStream::connect(address).unwrap();
        let (socket, _) = accept(port, listener).await.unwrap();
        let foreign = TlsCredentials { key: b"-----BEGIN nothing", ..identity.server() };
        let refused = tls_start(port, socket, TlsRole::Server, None, &foreign).await.unwrap();
        assert_eq!(refused.unwrap_err().error, TlsError::Credentials);
        assert_eq!(port.sockets().send(socket, b"x"), Err(PortError::Closed));
        port.sockets().close(socket);
    });
}

/// Serves one session to an outside client, which receives one byte; returns the kind of the client's handshake.
async fn serve(
    port: &dyn Port,
    (listener, address): (Socket, SocketAddrV4),
    credentials: &TlsCredentials<'_>,
    config: Arc<ClientConfig>,
) -> Option<HandshakeKind> {
    let client = thread::spawn(move || {
        let mut stream = connect_with(config, address);
        stream.read_exact(&mut [0]).unwrap();
        stream.conn.handshake_kind()
    });
    let (socket, _) = accept(port, listener).await.unwrap();
    tls_start(port, socket, TlsRole::Server, None, credentials).await.unwrap().unwrap();
    send_all(port, socket, b"x").await;
    while !client.is_finished() {
        embassy_time::Timer::after_millis(1).await;
    }
    port.sockets().close(socket);
    client.join().unwrap()
}

#[test]
fn a_server_resumes_sessions_under_the_same_credentials() {
    let (port, _folder) = port();
    let place = listener(port);
    run(port, async move {
        let identity = Identity::make(port).await;
        let config = identity.client_config();
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let credentials = TlsCredentials { versions: (version, version), ..identity.server() };
            assert_eq!(serve(port, place, &credentials, config.clone()).await, Some(HandshakeKind::Full));
            assert_eq!(serve(port, place, &credentials, config.clone()).await, Some(HandshakeKind::Resumed));
            let tomorrow = TlsCredentials { now: NOW + 86_400, ..credentials };
            assert_eq!(serve(port, place, &tomorrow, config.clone()).await, Some(HandshakeKind::Full));
        }
    });
}

/// Opens one session to an outside server and receives one byte; returns the kind of the server's handshake.
async fn ask(
    port: &dyn Port,
    peer: &TcpListener,
    credentials: &TlsCredentials<'_>,
    config: Arc<ServerConfig>,
) -> Option<HandshakeKind> {
    let std::net::SocketAddr::V4(address) = peer.local_addr().unwrap() else { unreachable!() };
    let peer = peer.try_clone().unwrap();
    let server = thread::spawn(move || {
        let stream = peer.accept().unwrap().0;
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
        stream.write_all(b"x").unwrap();
        stream.flush().unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.conn.handshake_kind()
    });
    let socket = connect(port, Interface::Wlan, 0, address).await.unwrap();
    tls_start(port, socket, TlsRole::Client { name: NAME }, None, credentials).await.unwrap().unwrap();
    assert_eq!(receive(port, socket, &mut [0]).await, Ok(1));
    port.sockets().finish(socket).unwrap();
    while !server.is_finished() {
        embassy_time::Timer::after_millis(1).await;
    }
    port.sockets().close(socket);
    server.join().unwrap()
}

#[test]
fn a_client_resumes_sessions_under_the_same_credentials() {
    let (port, _folder) = port();
    let peer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    run(port, async move {
        let identity = Identity::make(port).await;
        let config = identity.server_config();
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let credentials = TlsCredentials { versions: (version, version), ..identity.client() };
            assert_eq!(ask(port, &peer, &credentials, config.clone()).await, Some(HandshakeKind::Full));
            assert_eq!(ask(port, &peer, &credentials, config.clone()).await, Some(HandshakeKind::Resumed));
            let unverified = TlsCredentials { verify: false, ..credentials };
            assert_eq!(ask(port, &peer, &unverified, config.clone()).await, Some(HandshakeKind::Full));
        }
    });
}
