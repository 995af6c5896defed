//! Servers with a good certificate that send what no server sends: their bytes are changed before or after encryption.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use embassy_time::Duration;
use hmac::Mac;
use openzentri::port::sim::{PeerListener, SimDevice};
use openzentri::port::{TlsClient, TlsError, TlsVersion};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, KeyLog, ServerConfig, ServerConnection};
use sha2::{Digest, Sha256};

use crate::contract::{Seen, accepted, agreed, client_stream, refused};
use crate::peers::*;

const HANDSHAKE: &str = "SERVER_HANDSHAKE_TRAFFIC_SECRET";
const DATA: &str = "SERVER_TRAFFIC_SECRET_0";
const FINISHED: u8 = 20;

/// The secrets of a session, as rustls tells them.
#[derive(Debug, Default)]
struct Secrets(Mutex<HashMap<String, Vec<u8>>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        self.0.lock().unwrap().insert(label.to_owned(), secret.to_vec());
    }
}

/// HKDF-Expand-Label without a context, for outputs that fit in one block (RFC 8446, 7.1).
fn expand(secret: &[u8], label: &str, length: u8) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let info = [&[0, length, label.len() as u8], label.as_bytes(), &[0, 1]].concat();
    hmac_of(secret, &info)[..length.into()].to_vec()
}

fn hmac_of(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <hmac::Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// A server, and an attacker that has its secrets and changes what it sends.
struct Hostile {
    device: SimDevice,
    seen: Seen,
    other: Other,
    secrets: Arc<Secrets>,
    /// Which keys the server and the device have reached, and the records under them.
    is_open: bool,
    read: u64,
    written: u64,
    /// The messages in the clear.
    hellos: Vec<u8>,
    /// What the device has sent since the ServerHello.
    answer: Vec<u8>,
}

/// Changes the content of a record; the record type is its last byte.
type Change<'a> = &'a mut dyn FnMut(&Hostile, &mut Vec<u8>);

impl Hostile {
    fn new(world: &World) -> Self {
        let (mut device, seen) =
            client_stream(Owned { versions: (TlsVersion::V1_3, TlsVersion::V1_3), ..world.client() }, NAME);
        let listener: PeerListener = device.port().listen(SERVER);
        let peer = accepted(&mut device, listener);
        // The suite that both libraries have.
        let mut provider = rustls::crypto::ring::default_provider();
        provider.cipher_suites = vec![rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256];
        let builder = ServerConfig::builder_with_details(Arc::new(provider), Arc::new(Now));
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap().with_no_client_auth();
        let key = PrivateKeyDer::from_pem_slice(world.server.key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain(&world.server.chain), key).unwrap();
        let secrets = Arc::new(Secrets::default());
        config.key_log = secrets.clone();
        let other = Other::new(ServerConnection::new(Arc::new(config)).unwrap().into(), peer);
        let (hellos, answer) = Default::default();
        Self { device, seen, other, secrets, is_open: false, read: 0, written: 0, hellos, answer }
    }

    fn secret(&self, label: &str) -> Vec<u8> {
        self.secrets.0.lock().unwrap()[label].clone()
    }

    fn cipher(&self, number: u64) -> (Aes128Gcm, [u8; 12]) {
        let secret = self.secret(if self.is_open { DATA } else { HANDSHAKE });
        let mut nonce: [u8; 12] = expand(&secret, "iv", 12).try_into().unwrap();
        nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, other)| *byte ^= other);
        (Aes128Gcm::new_from_slice(&expand(&secret, "key", 16)).unwrap(), nonce)
    }

    /// A record with this content, under the present keys.
    fn encrypted(&mut self, content: &[u8]) -> Vec<u8> {
        let (cipher, nonce) = self.cipher(self.written);
        self.written += 1;
        let [.., high, low] = (content.len() + 16).to_be_bytes();
        let header = [23, 3, 3, high, low];
        let mut record = content.to_vec();
        cipher.encrypt_in_place(&nonce.into(), &header, &mut record).unwrap();
        [&header[..], &record].concat()
    }

    /// Changes what the server sends, record by record.
    fn changed(&mut self, mut bytes: &[u8], change: Change<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let (header, rest) = bytes.split_at(5);
            let (record, rest) = rest.split_at(u16::from_be_bytes([header[3], header[4]]).into());
            bytes = rest;
            if header[0] != 23 {
                if header[0] == 22 {
                    self.hellos.extend(record);
                }
                out.extend([header, record].concat());
                continue;
            }
            let (cipher, nonce) = self.cipher(self.read);
            self.read += 1;
            let mut content = record.to_vec();
            cipher.decrypt_in_place(&nonce.into(), header, &mut content).unwrap();
            let ends = ends_flight(&content);
            change(self, &mut content);
            out.extend(self.encrypted(&content));
            if ends && !self.is_open {
                (self.is_open, self.read, self.written) = (true, 0, 0);
            }
        }
        out
    }

    /// Lets all talk for a while.
    fn talk(&mut self, change: Change<'_>) {
        for _ in 0..20 {
            self.device.settle();
            let from_device = self.other.peer.received();
            if self.hellos.is_empty() && from_device.len() > 5 {
                self.hellos.extend(&from_device[5..]);
            } else {
                self.answer.extend(&from_device);
            }
            let mut rest = &from_device[..];
            while !rest.is_empty() && self.other.failed.is_none() {
                self.other.tls.read_tls(&mut rest).unwrap();
                self.other.failed = self.other.tls.process_new_packets().err();
            }
            let mut out = Vec::new();
            while self.other.tls.wants_write() {
                self.other.tls.write_tls(&mut out).unwrap();
            }
            if !out.is_empty() {
                let out = self.changed(&out, change);
                self.other.peer.send(out);
            }
            self.device.advance(Duration::from_millis(1));
        }
    }

    /// Checks that the device has come through unharmed.
    fn end_well(mut self) {
        self.other.peer.close();
        self.device.advance(Duration::from_secs(20));
        assert!(self.device.command("get network.tls.version").contains("13"));
        assert_eq!((self.device.port().open_sessions(), self.device.port().open_jobs()), (0, 0));
    }
}

/// Whether the last message of a record is Finished.
fn ends_flight(content: &[u8]) -> bool {
    messages(content).last().is_some_and(|message| message[0] == FINISHED)
}

/// The messages in the content of a record of the handshake.
fn messages(content: &[u8]) -> Vec<Vec<u8>> {
    let Some((22, mut rest)) = content.split_last() else { return Vec::new() };
    let mut all = Vec::new();
    while let [_, high, middle, low, ..] = *rest {
        let (message, others) = rest.split_at(4 + u32::from_be_bytes([0, high, middle, low]) as usize);
        all.push(message.to_vec());
        rest = others;
    }
    all
}

/// Small numbers that look random.
fn number(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize % below
}

/// Sends these messages of the server's flight, which rustls has in one record. Finished is correct for them, so that
/// only the omission, or the order, is wrong.
fn with_flight(world: &World, flight: &[u8]) -> Hostile {
    let mut hostile = Hostile::new(world);
    hostile.talk(&mut |hostile, content| {
        if hostile.is_open {
            return;
        }
        let flown = messages(content);
        let mut transcript = hostile.hellos.clone();
        content.clear();
        for kind in flight {
            let message = if *kind == FINISHED {
                let key = expand(&hostile.secret(HANDSHAKE), "finished", 32);
                [&[FINISHED, 0, 0, 32], &hmac_of(&key, &Sha256::digest(&transcript))[..]].concat()
            } else {
                flown.iter().find(|message| message[0] == *kind).unwrap().clone()
            };
            transcript.extend(&message);
            content.extend(message);
        }
        content.push(22);
    });
    hostile
}

#[test]
fn who_leaves_out_what_proves_who_it_is_gets_nothing() {
    let world = World::new();
    agreed(&with_flight(&world, &[8, 11, 15, 20]).seen);
    for flight in
        [&[8, 20][..], &[20], &[8, 11, 20], &[8, 15, 20], &[8, 20, 11, 15], &[11, 8, 15, 20], &[8, 15, 11, 20]]
    {
        let hostile = with_flight(&world, flight);
        let failure = refused(&hostile.seen);
        assert!(matches!(failure.error, TlsError::Protocol | TlsError::NoCertificate), "{flight:?} {failure:?}");
        if crate::CLIENT == TlsClient::Embedded {
            // The alert, and no Finished of the device.
            assert_eq!(hostile.answer, [21, 3, 3, 0, 2, 2, 10], "{flight:?}");
        }
        hostile.end_well();
    }
}

#[test]
fn whatever_is_changed_in_a_handshake_ends_it_in_order() {
    let world = World::new();
    let mut seed = 20_261_127;
    for round in 0..400 {
        let mut hostile = Hostile::new(&world);
        let mut is_changed = false;
        hostile.talk(&mut |hostile, content| {
            if hostile.is_open || number(&mut seed, 2) == 0 {
                return;
            }
            let before = content.clone();
            let at = number(&mut seed, content.len());
            match number(&mut seed, 5) {
                0 => content[at] = number(&mut seed, 256) as u8,
                1 => content[at] ^= 1 << number(&mut seed, 8),
                2 => content.truncate(at.max(1)),
                3 => content.insert(at, number(&mut seed, 256) as u8),
                _ => drop(content.drain(at..(at + 4).min(content.len()))),
            }
            if content.is_empty() {
                content.push(0);
            }
            is_changed |= *content != before;
        });
        if is_changed {
            hostile.other.peer.close();
            hostile.device.advance(Duration::from_millis(10));
            refused(&hostile.seen);
        } else {
            agreed(&hostile.seen);
        }
        if round % 20 == 0 {
            hostile.end_well();
        }
    }
}

#[test]
fn whatever_comes_in_an_open_session_ends_it_in_order() {
    let world = World::new();
    let update = if crate::CLIENT == TlsClient::Rustls { None } else { Some(AlertDescription::InternalError) };
    let unexpected = Some(AlertDescription::UnexpectedMessage);
    for (content, told) in [
        // New keys, which only rustls can make.
        (&b"\x18\0\0\x01\0\x16"[..], update),
        (b"\x0b\0\0\x04\0\0\0\0\x16", unexpected),
        (b"\x14\0\0\x00\x16", unexpected),
        (b"\x04\0\0\x10ab\x16", None),
        (b"\x17", None),
        (b"\x17\0\0\0\0", None),
        (b"data\x18", unexpected),
        (b"\x16", unexpected),
        (b"\x02\x28\x15", None),
        (b"\x01\0\x15", None),
        (b"\x02\x15", None),
        (b"\0\0\0", unexpected),
    ] {
        let mut hostile = Hostile::new(&world);
        hostile.talk(&mut |_, _| {});
        agreed(&hostile.seen);
        let record = hostile.encrypted(content);
        hostile.other.peer.send(record);
        hostile.talk(&mut |_, _| {});
        if crate::CLIENT == TlsClient::Embedded
            && let Some(told) = told
        {
            // A record without a type cannot be distinguished from one that is not authentic.
            let told = if content == b"\0\0\0" { AlertDescription::BadRecordMac } else { told };
            assert_eq!(hostile.other.failed, Some(rustls::Error::AlertReceived(told)), "{content:?}");
        }
        hostile.end_well();
    }
}

#[test]
fn records_in_the_clear_end_nothing_in_order() {
    let world = World::new();
    for record in [
        &b"\x15\x03\x03\0\x02\x01\0"[..],
        b"\x14\x03\x03\0\x01\x01",
        b"\x17\x03\x03\0\0",
        b"\x16\x03\x03\xff\xff",
        b"HTTP/",
    ] {
        let mut hostile = Hostile::new(&world);
        hostile.talk(&mut |_, _| {});
        agreed(&hostile.seen);
        hostile.other.peer.send(record);
        hostile.talk(&mut |_, _| {});
        assert!(hostile.other.failed.is_some(), "{record:?}");
        hostile.end_well();
    }
}

/// Changes without the keys, from the first byte on.
#[test]
fn no_change_on_the_way_harms_the_device() {
    let world = World::new();
    let mut seed = 4711;
    for round in 0..300 {
        let (mut device, seen) = client_stream(world.client(), NAME);
        let listener = device.port().listen(SERVER);
        let peer = accepted(&mut device, listener);
        let mut other = Other::server(&world, peer, round % 3 == 0, &[]);
        for _ in 0..10 {
            device.settle();
            let from_device = other.peer.received();
            let mut rest = &from_device[..];
            while !rest.is_empty() && other.failed.is_none() {
                other.tls.read_tls(&mut rest).unwrap();
                other.failed = other.tls.process_new_packets().err();
            }
            let mut out = Vec::new();
            while other.tls.wants_write() {
                other.tls.write_tls(&mut out).unwrap();
            }
            if !out.is_empty() {
                let end = if number(&mut seed, 2) == 0 { 200.min(out.len()) } else { out.len() };
                let at = number(&mut seed, end);
                match number(&mut seed, 4) {
                    0 => out[at] = number(&mut seed, 256) as u8,
                    1 => drop(out.drain(at..(at + 3).min(end))),
                    2 => out.truncate(at),
                    _ => out.insert(at, number(&mut seed, 256) as u8),
                }
                other.peer.send(out);
            }
            device.advance(Duration::from_millis(1));
        }
        other.peer.close();
        device.advance(Duration::from_millis(10));
        assert!(seen.outcome.borrow().is_some());
        assert_eq!((device.port().open_jobs(), device.port().stale_calls()), (0, 0));
    }
}
