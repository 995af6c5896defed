//! TLS on sockets of the simulated port: real handshakes in virtual time, and streams that know nothing of it.

use std::cell::RefCell;
use std::io::Read;
use std::rc::Rc;

use embassy_executor::Spawner;
use embassy_time::{Duration, Timer, with_timeout};
use openzentri::device::{self, Device};
use openzentri::limits;
use openzentri::port::sim::{Answer, End, Peer, SimDevice, SimPort};
use openzentri::port::{
    IdentityRequest, Interface, Port, PortError, Socket, Sockets, TlsClient, TlsError, TlsFailure, TlsRole, TlsSession,
    TlsVersion, accept, connect, host, make_identity, tls_start,
};
use openzentri::stream::Kind;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::peers::*;

pub type Outcome = openzentri::port::Result<Result<TlsSession, TlsFailure>>;

/// What the tasks of a test leave behind.
#[derive(Clone, Default)]
pub struct Seen {
    device: Rc<RefCell<Option<&'static Device>>>,
    pub outcome: Rc<RefCell<Option<Outcome>>>,
}

/// A whole device on the network, with a task beside it.
fn device<F>(task: impl Fn(&'static SimPort, &'static Device, Seen) -> F + 'static) -> (SimDevice, Seen)
where
    F: Future<Output = ()> + 'static,
{
    let port = port();
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
    let seen = Seen::default();
    let kept = seen.clone();
    let boot = move |port: &'static SimPort, spawner: Spawner| {
        let device = device::boot(port, spawner, settings).unwrap();
        kept.device.replace(Some(device));
        let task = task(port, device, kept.clone());
        host::spawn(spawner, async move {
            Timer::after_secs(2).await;
            task.await;
        });
    };
    let mut device = SimDevice::boot_with(port, boot);
    device.command("nup");
    (device, seen)
}

/// The device connects to [`SERVER`], starts TLS as a client, and opens a stream on the socket.
pub fn client_stream(credentials: Owned, name: &'static str) -> (SimDevice, Seen) {
    device(move |port, device, seen| {
        let credentials = credentials.clone();
        async move {
            let socket = connect(port, Interface::Wlan, 0, SERVER).await.unwrap();
            let role = TlsRole::Client { name };
            let outcome = tls_start(port, socket, role, None, &credentials.borrow()).await;
            let open = matches!(outcome, Ok(Ok(_)));
            seen.outcome.replace(Some(outcome));
            if open {
                let reservation = device.shell.machine().streams.reserve_on(Kind::Tcpc, Interface::Wlan).unwrap();
                reservation.client(socket, Default::default(), SERVER).unwrap();
            } else {
                assert_eq!(port.send(socket, b"x"), Err(PortError::Closed));
                port.close(socket);
            }
        }
    })
}

/// The device accepts one client, starts TLS as a server, and opens a stream on the socket.
fn server_stream(credentials: Owned) -> (SimDevice, Seen) {
    device(move |port, device, seen| {
        let credentials = credentials.clone();
        async move {
            let listener = port.tcp_listen(Interface::Wlan, OWN).unwrap();
            let (socket, remote) = accept(port, listener).await.unwrap();
            // Like a server that waits for clients to send something.
            let mut first = [0];
            let event = openzentri::port::Event::Readable(socket);
            openzentri::port::io(port, event, || port.receive(socket, &mut first)).await.unwrap();
            let outcome = tls_start(port, socket, TlsRole::Server, Some(first[0]), &credentials.borrow()).await;
            let open = matches!(outcome, Ok(Ok(_)));
            seen.outcome.replace(Some(outcome));
            if open {
                let reservation = device.shell.machine().streams.reserve_on(Kind::Tcps, Interface::Wlan).unwrap();
                reservation.accepted(socket, 0, remote).unwrap();
            } else {
                port.close(socket);
            }
        }
    })
}

/// The other end of the connection that the device has opened.
pub fn accepted(device: &mut SimDevice, listener: openzentri::port::sim::PeerListener) -> Peer {
    let mut found = None;
    assert!(device.run_until(Duration::from_secs(5), |_| {
        found = listener.accept();
        found.is_some()
    }));
    found.unwrap()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'a' + (at % 23) as u8).collect()
}

/// Writes to and reads from stream 0 and its peer, more than a record each.
fn talk(device: &mut SimDevice, other: &mut Other) {
    let data = pattern(20_000);
    device.command_with_data("write 0 20000", &data);
    other.until(device, |other, _| other.received.len() >= data.len());
    assert_eq!(std::mem::take(&mut other.received), data);
    other.send(&data);
    device.advance(Duration::from_millis(10));
    let mut read = String::new();
    while read.len() < data.len() {
        let part = device.command("read 0 5000");
        assert!(part.len() > 2, "{} of {}", read.len(), data.len());
        read.push_str(part.strip_suffix("\r\n").unwrap_or(&part));
    }
    assert_eq!(read.as_bytes(), data);
}

pub fn agreed(seen: &Seen) -> TlsSession {
    seen.outcome.borrow().clone().unwrap().unwrap().unwrap()
}

pub fn refused(seen: &Seen) -> TlsFailure {
    seen.outcome.borrow().clone().unwrap().unwrap().unwrap_err()
}

/// Connects the device as a client, and lets the handshake end.
fn shake_hands(world: &World, credentials: Owned, name: &'static str, demand: bool) -> (SimDevice, Seen, Other) {
    let (mut device, seen) = client_stream(credentials, name);
    let listener = device.port().listen(SERVER);
    let peer = accepted(&mut device, listener);
    let mut other = Other::server(world, peer, demand, &[b"other", b"zentri"]);
    other.until(&mut device, |_, _| seen.outcome.borrow().is_some());
    (device, seen, other)
}

#[test]
fn a_stream_of_a_client_is_encrypted_and_ends_in_order() {
    let world = World::new();
    let mut versions = vec![((TlsVersion::V1_2, TlsVersion::V1_3), TlsVersion::V1_3)];
    if crate::CLIENT == TlsClient::Rustls {
        versions.push(((TlsVersion::V1_2, TlsVersion::V1_2), TlsVersion::V1_2));
    }
    for (versions, version) in versions {
        let credentials = Owned { versions, alpn: vec![b"zentri"], ..world.client() };
        let (mut device, seen, mut other) = shake_hands(&world, credentials, NAME, false);
        let session = agreed(&seen);
        assert_eq!((session.version, session.name.as_str(), &*session.alpn), (version, NAME, &b"zentri"[..]));
        assert_ne!(session.suite, 0);
        talk(&mut device, &mut other);
        // The peer closes; what it sent before is read, then the stream ends.
        other.send(b"bye");
        other.close();
        device.advance(Duration::from_millis(10));
        assert_eq!(device.command("read 0 10").trim_end(), "[Closed: 0]\r\nbye");
        device.settle();
        assert_eq!((device.port().open_sessions(), device.port().stale_calls()), (0, 0));
    }
}

#[test]
fn a_stream_of_a_server_is_encrypted_and_its_end_is_said() {
    let world = World::new();
    let (mut device, seen) = server_stream(world.server());
    device.advance(Duration::from_secs(3));
    let peer = device.port().connect(OWN).unwrap();
    let mut other = Other::client(&world, peer);
    other.until(&mut device, |_, _| seen.outcome.borrow().is_some());
    assert_eq!(agreed(&seen).name, NAME, "the name that the client asks for");
    talk(&mut device, &mut other);
    device.command_with_data("write 0 4", b"last");
    device.command("close 0");
    other.until(&mut device, |other, _| other.closed);
    assert_eq!(other.received, b"last");
    assert_eq!(peer.end(), Some(End::Finished), "no reset");
    assert_eq!(device.port().open_sessions(), 0);
}

#[test]
fn nothing_of_a_stream_is_readable_on_the_wire() {
    let world = World::new();
    let (mut device, _, mut other) = shake_hands(&world, world.client(), NAME, false);
    device.command_with_data("write 0 16", b"sixteen letters.");
    device.settle();
    let wire = other.peer.received();
    assert!(wire.len() > 16 && !wire.windows(7).any(|part| part == b"letters"));
    let mut rest = &wire[..];
    other.tls.read_tls(&mut rest).unwrap();
    other.tls.process_new_packets().unwrap();
    let mut plain = [0; 16];
    other.tls.reader().read_exact(&mut plain).unwrap();
    assert_eq!(&plain, b"sixteen letters.");
}

#[test]
fn a_certificate_for_another_name_or_of_another_time_or_authority_ends_the_handshake() {
    let world = World::new();
    let stranger = Owned { authorities: Authority::new().pem().into(), ..Owned::default() };
    let late = Owned { now: NOW + YEAR, ..world.client() };
    let early = Owned { now: NOW - YEAR, ..world.client() };
    for (credentials, name, error) in [
        (world.client(), "other.example", TlsError::WrongName),
        (late, NAME, TlsError::Expired),
        (early, NAME, TlsError::Expired),
        (stranger, NAME, TlsError::Untrusted),
    ] {
        let (mut device, seen, mut other) = shake_hands(&world, credentials, name, false);
        let failure = refused(&seen);
        assert_eq!((failure.error, failure.state), (error, Some(3)), "{name}");
        // The peer is told why.
        other.until(&mut device, |other, _| other.failed.is_some());
        assert!(matches!(other.failed, Some(rustls::Error::AlertReceived(_))), "{:?}", other.failed);
        assert_eq!((device.port().open_sessions(), device.port().open_jobs()), (0, 0));
    }
}

#[test]
fn without_a_clock_only_what_has_ended_before_is_refused() {
    let world = World::new();
    let early = Owned { now: NOW - YEAR, clock_is_set: false, ..world.client() };
    let (_, seen, _) = shake_hands(&world, early, NAME, false);
    agreed(&seen);
    let late = Owned { now: NOW + YEAR, clock_is_set: false, ..world.client() };
    let (_, seen, _) = shake_hands(&world, late, NAME, false);
    assert_eq!(refused(&seen).error, TlsError::Expired);
}

#[test]
fn a_server_that_demands_a_certificate_gets_one_or_ends_the_session() {
    let world = World::new();
    let (chain, key) = (world.client.chain.clone().into(), world.client.key.clone().into());
    let own = Owned { chain, key, ..world.client() };
    let (mut device, seen, mut other) = shake_hands(&world, own, NAME, true);
    agreed(&seen);
    talk(&mut device, &mut other);

    // In TLS 1.3 the device's part of the handshake is over before the server has checked it.
    let (mut device, seen, mut other) = shake_hands(&world, world.client(), NAME, true);
    agreed(&seen);
    other.until(&mut device, |other, device| other.failed.is_some() && device.port().open_sessions() == 0);

    if crate::CLIENT == TlsClient::Rustls {
        let versions = (TlsVersion::V1_2, TlsVersion::V1_2);
        let (_, seen, _) = shake_hands(&world, Owned { versions, ..world.client() }, NAME, true);
        assert!(matches!(refused(&seen).error, TlsError::Alert(_)), "{:?}", refused(&seen));
    }
}

#[test]
fn credentials_that_cannot_be_read_fail_before_anything_is_sent() {
    let world = World::new();
    let none = Owned::default();
    let garbage = Owned { authorities: "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n".into(), ..none };
    let keyless = Owned { chain: world.client.chain.clone().into(), ..world.client() };
    let key = world.server.key.clone().into();
    let foreign = Owned { key, ..keyless.clone() };
    let mut cases = vec![
        (Owned::default(), NAME, TlsError::Credentials),
        (garbage, NAME, TlsError::Credentials),
        (keyless, NAME, TlsError::Credentials),
        (foreign, NAME, TlsError::Credentials),
        (world.client(), "no name", TlsError::Name),
    ];
    if crate::CLIENT == TlsClient::Embedded {
        // What this library cannot do.
        let versions = (TlsVersion::V1_2, TlsVersion::V1_2);
        let chain = [world.client.chain.as_bytes(), world.authority.pem().as_bytes()].concat();
        let key = world.client.key.clone().into();
        cases.push((Owned { versions, ..world.client() }, NAME, TlsError::Incompatible));
        cases.push((Owned { chain, key, ..world.client() }, NAME, TlsError::Credentials));
    }
    for (credentials, name, error) in cases {
        let (mut device, seen) = device(move |port, _, seen| {
            let credentials = credentials.clone();
            async move {
                let socket = connect(port, Interface::Wlan, 0, SERVER).await.unwrap();
                let outcome = tls_start(port, socket, TlsRole::Client { name }, None, &credentials.borrow()).await;
                seen.outcome.replace(Some(outcome));
                port.close(socket);
            }
        });
        let listener = device.port().listen(SERVER);
        let peer = accepted(&mut device, listener);
        device.advance(Duration::from_millis(10));
        assert_eq!(refused(&seen).error, error, "{name}");
        assert_eq!(peer.received(), b"");
    }
}

#[test]
fn a_silent_peer_is_given_up_and_a_lost_one_noticed() {
    let world = World::new();
    let credentials = world.client();
    let (mut device, seen) = device(move |port, _, seen| {
        let credentials = credentials.clone();
        async move {
            let socket = connect(port, Interface::Wlan, 0, SERVER).await.unwrap();
            let role = TlsRole::Client { name: NAME };
            let limit = Duration::from_secs(10);
            let shake = with_timeout(limit, async { tls_start(port, socket, role, None, &credentials.borrow()).await });
            assert!(shake.await.is_err());
            assert_eq!(port.receive(socket, &mut [0]), Err(PortError::Closed));
            port.close(socket);
            let socket = connect(port, Interface::Wlan, 0, SERVER).await.unwrap();
            seen.outcome.replace(Some(tls_start(port, socket, role, None, &credentials.borrow()).await));
            port.close(socket);
        }
    });
    let listener = device.port().listen(SERVER);
    let silent = accepted(&mut device, listener);
    assert!(device.run_until(Duration::from_secs(20), |_| silent.is_device_gone()));
    let lost = accepted(&mut device, listener);
    lost.close();
    device.advance(Duration::from_secs(1));
    assert_eq!(refused(&seen), TlsFailure { error: TlsError::Closed, state: None, code: 0 });
    assert_eq!((device.port().open_sessions(), device.port().open_jobs()), (0, 0));
}

#[test]
fn a_cut_connection_is_no_end_in_order() {
    let world = World::new();
    let credentials = world.client();
    let result: Rc<RefCell<Vec<openzentri::port::Result<usize>>>> = Rc::default();
    let kept = result.clone();
    let (mut device, seen) = device(move |port, _, seen| {
        let (credentials, kept) = (credentials.clone(), kept.clone());
        async move {
            let socket = connect(port, Interface::Wlan, 0, SERVER).await.unwrap();
            let role = TlsRole::Client { name: NAME };
            seen.outcome.replace(Some(tls_start(port, socket, role, None, &credentials.borrow()).await));
            for _ in 0..2 {
                let mut buffer = [0; 8];
                let event = openzentri::port::Event::Readable(socket);
                let received = openzentri::port::io(port, event, || port.receive(socket, &mut buffer)).await;
                kept.borrow_mut().push(received);
            }
            port.close(socket);
        }
    });
    let listener = device.port().listen(SERVER);
    let peer = accepted(&mut device, listener);
    let mut other = Other::server(&world, peer, false, &[]);
    other.until(&mut device, |_, _| seen.outcome.borrow().is_some());
    other.send(b"ab");
    // The end of the connection without the end of the session: an attacker could have made it (RFC 8446, 6.1).
    peer.close();
    device.advance(Duration::from_millis(10));
    assert_eq!(*result.borrow(), [Ok(2), Err(PortError::Closed)]);
}

#[test]
fn a_narrow_connection_carries_everything() {
    let world = World::new();
    let (mut device, seen) = client_stream(world.client(), NAME);
    device.port().set_window(100);
    device.port().set_delay(Duration::from_millis(3));
    let listener = device.port().listen(SERVER);
    let peer = accepted(&mut device, listener);
    peer.limit_calls(7, 13);
    let mut other = Other::server(&world, peer, false, &[]);
    other.until(&mut device, |_, _| seen.outcome.borrow().is_some());
    agreed(&seen);
    let data = pattern(3000);
    device.command_with_data("write 0 3000", &data);
    other.until(&mut device, |other, _| other.received.len() == data.len());
    // Bytes of a stream that is closed at once still all go out.
    device.command_with_data("write 0 3000", &data);
    device.command("close 0");
    other.until(&mut device, |other, _| other.closed);
    assert!(other.received.starts_with(&data));
}

#[test]
fn sessions_run_out_with_an_error_and_come_back() {
    let world = World::new();
    let (mut device, seen) = device(move |port, _, seen| {
        let credentials = world.client();
        async move {
            let mut sockets: Vec<Socket> = Vec::new();
            for _ in 0..=limits::TLS_SESSIONS {
                sockets.push(connect(port, Interface::Wlan, 0, SERVER).await.unwrap());
            }
            let credentials = credentials.borrow();
            let role = TlsRole::Client { name: NAME };
            let start = |socket| {
                port.jobs().start(&openzentri::port::JobRequest::Tls {
                    socket,
                    role,
                    first: None,
                    credentials: &credentials,
                })
            };
            let (last, others) = sockets.split_last().unwrap();
            let jobs: Vec<_> = others.iter().map(|socket| start(*socket).unwrap()).collect();
            assert_eq!(start(others[0]), Err(PortError::Unsupported), "it has a session");
            assert_eq!(start(*last), Err(PortError::NoRoom));
            jobs.iter().for_each(|job| port.jobs().cancel(*job));
            port.close(others[0]);
            let job = start(*last).unwrap();
            port.jobs().cancel(job);
            sockets[1..].iter().for_each(|socket| port.close(*socket));
            seen.outcome.replace(Some(Err(PortError::NoRoom)));
        }
    });
    device.port().set_answer(SERVER, Duration::from_millis(1), Answer::Accept);
    assert!(device.run_until(Duration::from_secs(5), |_| seen.outcome.borrow().is_some()));
    assert_eq!((device.port().open_sessions(), device.port().open_jobs(), device.port().stale_calls()), (0, 0, 0));
}

/// A PEM certificate in DER.
fn der(pem: &[u8]) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}

#[test]
fn certificates_and_keys_are_taken_in_der_and_with_the_line_ends_of_others() {
    let world = World::new();
    let key = PrivateKeyDer::from_pem_slice(world.client.key.as_bytes()).unwrap().secret_der().to_vec();
    let binary = Owned {
        authorities: der(world.authority.pem().as_bytes()),
        chain: der(world.client.chain.as_bytes()),
        key,
        ..Owned::default()
    };
    let ends = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
    let text = Owned {
        authorities: ends(&format!("a word in front\n{}and behind\n", world.authority.pem())),
        chain: ends(&world.client.chain),
        key: ends(&world.client.key),
        ..Owned::default()
    };
    for credentials in [binary, text] {
        let (mut device, seen, mut other) = shake_hands(&world, credentials, NAME, true);
        agreed(&seen);
        talk(&mut device, &mut other);
    }
}

#[test]
fn who_does_not_verify_takes_any_server() {
    let world = World::new();
    for authorities in [Vec::new(), Authority::new().pem().into()] {
        let credentials = Owned { verify: false, authorities, ..Owned::default() };
        let (mut device, seen, mut other) = shake_hands(&world, credentials, "other.example", false);
        agreed(&seen);
        talk(&mut device, &mut other);
    }
}

#[test]
fn the_certificate_of_the_server_itself_may_be_the_authority() {
    for is_ca in [rcgen::IsCa::NoCa, rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)] {
        let mut world = World::new();
        let mut parameters = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2027, 1, 1);
        parameters.is_ca = is_ca;
        let key = rcgen::KeyPair::generate().unwrap();
        world.server = Identity { chain: parameters.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
        let credentials = Owned { authorities: world.server.chain.clone().into(), ..Owned::default() };
        let (mut device, seen, mut other) = shake_hands(&world, credentials.clone(), NAME, false);
        agreed(&seen);
        talk(&mut device, &mut other);
        for (credentials, name, error) in [
            (credentials.clone(), "other.example", TlsError::WrongName),
            (Owned { now: NOW + YEAR, ..credentials.clone() }, NAME, TlsError::Expired),
            (Owned { now: NOW - YEAR, ..credentials.clone() }, NAME, TlsError::Expired),
        ] {
            let (_, seen, _) = shake_hands(&world, credentials, name, false);
            assert_eq!(refused(&seen).error, error, "{name}");
        }
    }
}

#[test]
fn a_device_makes_a_certificate_of_its_own_that_clients_can_keep() {
    let made: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
    let kept = made.clone();
    let (mut device, seen) = device(move |port, _, seen| {
        let kept = kept.clone();
        async move {
            assert_eq!(port.jobs().identity(&mut [0; limits::IDENTITY]), Err(PortError::NotFound));
            let mut buffer = [0; limits::IDENTITY];
            let request = IdentityRequest { name: NAME, validity: (NOW - YEAR, NOW + YEAR) };
            make_identity(port, request).await.unwrap();
            let (certificate, key) = port.jobs().identity(&mut buffer).unwrap();
            let (chain, rest) = buffer.split_at(certificate);
            kept.borrow_mut().push(chain.to_vec());
            let credentials =
                Owned { verify: false, chain: chain.to_vec(), key: rest[..key].to_vec(), ..Owned::default() };
            let listener = port.tcp_listen(Interface::Wlan, OWN).unwrap();
            let (socket, _) = accept(port, listener).await.unwrap();
            seen.outcome.replace(Some(tls_start(port, socket, TlsRole::Server, None, &credentials.borrow()).await));
        }
    });
    assert!(device.run_until(Duration::from_secs(5), |_| !made.borrow().is_empty()));
    device.advance(Duration::from_millis(10));
    let certificate = CertificateDer::from(made.borrow()[0].clone());
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    assert!(parsed.verify_signature(None).is_ok(), "signed by its own key");
    assert_eq!(parsed.subject().to_string(), format!("CN={NAME}"));
    assert_eq!(parsed.validity().not_before.timestamp() as u64, NOW - YEAR);
    assert_eq!(parsed.validity().not_after.timestamp() as u64, NOW + YEAR);
    let mut store = RootCertStore::empty();
    store.add(certificate).unwrap();
    let peer = device.port().connect(OWN).unwrap();
    let mut other = Other::client_of(store, peer);
    other.until(&mut device, |_, _| seen.outcome.borrow().is_some());
    assert_eq!(agreed(&seen).version, TlsVersion::V1_3);
}
