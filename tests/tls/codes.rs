//! Each documented code (interface, network 5.3): a test that makes it occur, or the reason why it does not. The result
//! is `docs/tls-codes.md`, which `OPENZENTRI_WRITE_DOCS=1 cargo test --test tls codes` writes.

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::PortError;
use openzentri::port::sim::{Call, SimDevice};
use openzentri::tls::Code;

use crate::peers::*;
use crate::streams::{CA, device, run, server, with_server};

/// How far a code is built.
enum How {
    /// It occurs: in which case, and a function that makes it occur and returns what the device prints.
    Occurs(&'static str, fn(&World) -> String),
    /// The device would print it, but nothing outside the device can cause it: why.
    Kept(&'static str),
    /// The device does not print it: why.
    Never(&'static str),
}

use How::{Kept, Never, Occurs};

/// A code, what it means, and how far it is built.
type Row = (u16, &'static str, How);

const OF_MESSAGES: How = Never("neither rustls nor Mbed TLS tells which message of the peer is wrong: 5017");
const OF_RECORDS: How = Never("a record that cannot be read is a message that cannot be: 5017");

#[rustfmt::skip]
const CODES: &[Row] = &[
    (0, "success", Never("a handshake that succeeds prints no line")),
    (2, "time-out", Never("the only wait is that for the handshake: 5031")),
    (4, "error", Kept("the TLS library fails by itself; there is no peer and no file that makes it do so")),
    (5001, "receive failed", Occurs("the server closes the connection", closes)),
    (5002, "no certificate alert", Occurs("the server sends the alert no_certificate (41)", |world| alert(world, 41))),
    (5003, "out of memory", Occurs("all sessions are in use", no_session)),
    (5004, "feature not available", Occurs("the port has no TLS; also a build without it (`tests/features.rs`)", no_tls)),
    (5005, "bad input data", Occurs("the file of the CA certificate is no certificate", |world| files(world, " garbage.pem"))),
    (5006, "invalid MAC", OF_RECORDS),
    (5007, "invalid record", OF_RECORDS),
    (5008, "invalid modulus size", Never("a key that is too short is something that is wrong with a certificate: 5019, or 5005 for the device's own")),
    (5009, "unknown cipher", Never("a suite that was not offered is none in common: 5010, or 5017")),
    (5010, "no cipher chosen", Occurs("the server answers in TLS 1.1", old_server)),
    (5011, "no session found", Never("a session that cannot be resumed is made anew")),
    (5012, "no client certificate", Occurs("a client of `tls_server` shows no certificate, and one is demanded", no_client_certificate)),
    (5013, "certificate too large", Occurs("the files are larger than the device takes", |world| files(world, " big.pem"))),
    (5014, "certificate required", Occurs("the file of the device's certificate is missing", |world| files(world, " geotrust_ca.pem absent.pem key.pem"))),
    (5015, "private key required", Occurs("the file of its key is missing", |world| files(world, " geotrust_ca.pem cert.pem absent.pem"))),
    (5016, "CA chain required", Occurs("the file of the CA certificate is missing", |world| files(world, " absent.pem"))),
    (5017, "unexpected message", Occurs("the server speaks HTTP", |world| says(world, b"HTTP/1.1 400 Bad Request\r\n\r\n"))),
    (5018, "fatal alert received", Occurs("the server sends any other alert: handshake_failure (40)", |world| alert(world, 40))),
    (5019, "peer verification failed", Occurs("the server shows a certificate for clients", wrong_purpose)),
    (5020, "peer sent close notify", Occurs("the server sends the alert close_notify (0) in the handshake", |world| alert(world, 0))),
    (5021, "bad client hello", OF_MESSAGES),
    (5022, "bad server hello", OF_MESSAGES),
    (5023, "bad certificate message", OF_MESSAGES),
    (5024, "bad certificate request", OF_MESSAGES),
    (5025, "bad server key exchange", OF_MESSAGES),
    (5026, "bad server hello done", OF_MESSAGES),
    (5027, "bad client key exchange", OF_MESSAGES),
    (5028, "bad certificate verify", OF_MESSAGES),
    (5029, "bad change cipher spec", OF_MESSAGES),
    (5030, "bad finished", OF_MESSAGES),
    (5031, "handshake time-out", Occurs("the server says nothing", silent)),
    (5032, "handshake error", Never("there is always a narrower code")),
    (5033, "initialisation failed", Never("what fails before the first message has codes of its own: 5003 to 5005, 5013 to 5016")),
    (5034, "bad message", Never("a message that cannot be read is 5017")),
    (5035, "untrusted certificate", Occurs("the authority is another one", |world| files(world, " foreign.pem"))),
    (5036, "expired certificate", Occurs("the certificate ended years ago", expired)),
    (5037, "certificate name mismatch", Occurs("the certificate is for another name", other_name)),
    (5038, "decryption failed", OF_RECORDS),
    (5039, "encryption failed", Never("it is no step of its own in either library: 4")),
    (5040, "HMAC check failed", OF_RECORDS),
    (5041, "certificate revoked", Never("the device reads no revocation lists")),
    (5042, "no data", Never("a connection that ends without data is 5001, a silent one 5031")),
    (5043, "unsupported extension", Never("an extension that was not asked for is 5010 or 5017, as the library takes it")),
    (5044, "context not initialised", Never("a session exists once its handshake begins")),
    (5045, "unrecognised server name", Occurs("the server sends the alert unrecognized_name (112)", |world| alert(world, 112))),
    (5046, "illegal parameter", OF_MESSAGES),
    (5047, "record overflow", OF_RECORDS),
];

const LINE: &str = "tlsc server.example 443";

/// A device that trusts the authority, and has all kinds of files.
fn client(world: &World) -> SimDevice {
    let big = "x".repeat(limits::TLS_FILES + 1);
    let (foreign, ca) = (Authority::new().pem(), world.authority.pem());
    let files = [
        (CA, ca.as_str()),
        ("foreign.pem", &foreign),
        ("garbage.pem", "garbage"),
        ("big.pem", &big),
        ("cert.pem", &world.client.chain),
        ("key.pem", &world.client.key),
    ];
    device(&files)
}

/// What the device prints when its command names these files.
fn files(world: &World, names: &str) -> String {
    with_server(&mut client(world), world, false, &format!("{LINE}{names}")).0
}

/// What the device prints when a server does this to its connection, once.
fn server_that(world: &World, act: impl Fn(&openzentri::port::sim::Peer)) -> String {
    let mut device = client(world);
    device.port().set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    let listener = device.port().listen(SERVER);
    run(&mut device, LINE, |_| listener.accept().iter().for_each(&act))
}

fn closes(world: &World) -> String {
    server_that(world, |peer| peer.close())
}

fn silent(world: &World) -> String {
    server_that(world, |_| {})
}

fn says(world: &World, bytes: &[u8]) -> String {
    server_that(world, |peer| peer.send(bytes))
}

/// A fatal alert (RFC 5246, 7.2).
fn alert(world: &World, number: u8) -> String {
    says(world, &[21, 3, 3, 0, 2, 2, number])
}

/// A ServerHello of TLS 1.1 (RFC 4346, 7.4.1.3).
fn old_server(world: &World) -> String {
    let head = [22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    says(world, &[&head[..], &[7; 32], &[0, 0, 0x2F, 0]].concat())
}

fn no_session(world: &World) -> String {
    let mut device = client(world);
    device.port().limit_sessions(0);
    with_server(&mut device, world, false, LINE).0
}

fn no_tls(world: &World) -> String {
    let mut device = client(world);
    device.port().fail(Call::TlsStart, PortError::Unsupported);
    with_server(&mut device, world, false, LINE).0
}

fn expired(world: &World) -> String {
    let mut device = client(world);
    device.command("set time.rtc 1893456000");
    with_server(&mut device, world, false, LINE).0
}

fn other_name(world: &World) -> String {
    let mut device = client(world);
    device.port().set_name("other.example", Duration::from_millis(1), Ok(*SERVER.ip()));
    with_server(&mut device, world, false, "tlsc other.example 443").0
}

fn wrong_purpose(world: &World) -> String {
    let mut parameters = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = parameters.signed_by(&key, &world.authority.issuer).unwrap().pem();
    let mut other = World::new();
    other.server = Identity { chain, key: key.serialize_pem() };
    with_server(&mut client(world), &other, false, LINE).0
}

fn no_client_certificate(world: &World) -> String {
    let mut device = server(world);
    crate::streams::store(&mut device, "ca.pem", &world.authority.pem(), "");
    device.command("set network.tls.server_ca_cert ca.pem");
    device.command("tls_server start 8443");
    let peer = device.port().connect(8443).unwrap();
    let mut other = Other::client(world, peer);
    other.until(&mut device, |other, _| other.failed.is_some());
    device.settle();
    device.take_output()
}

#[test]
fn every_code_that_can_occur_does() {
    let world = World::new();
    for (code, meaning, how) in CODES {
        let Occurs(when, happens) = how else { continue };
        let shown = happens(&world);
        let said = shown.split("Error with TLS handshake: ").nth(1).unwrap_or_else(|| panic!("{code}: {shown}"));
        let number: String = said.chars().take_while(char::is_ascii_digit).collect();
        assert_eq!(number, code.to_string(), "{meaning}: {when}: {shown}");
    }
}

#[test]
fn every_code_of_the_reference_is_listed_once_and_what_the_device_prints_is_among_them() {
    let numbers: Vec<u16> = CODES.iter().map(|row| row.0).collect();
    let wanted: Vec<u16> = [0, 2, 4].into_iter().chain(5001..=5047).collect();
    assert_eq!(numbers, wanted);
    for (code, meaning, how) in CODES {
        let printed = Code::ALL.iter().any(|printed| *printed as u16 == *code);
        assert_eq!(
            printed,
            !matches!(how, Never(_)),
            "{code}, {meaning}: what the row says and what the device prints"
        );
    }
    let listed = |code: &&Code| numbers.contains(&(**code as u16));
    assert_eq!(Code::ALL.iter().filter(listed).count(), Code::ALL.len(), "a code that the reference does not have");
}

#[test]
fn the_document_is_up_to_date() {
    let mut text = String::from(
        "# Codes of TLS failures\n\n<!-- Written by `OPENZENTRI_WRITE_DOCS=1 cargo test --test tls codes` from the table in \
         `tests/tls/codes.rs`. -->\n\nThe numbers of `Error with TLS handshake: <code>` (interface, network 5.3). What \
         \"occurs\" is made to occur by that test on the simulated port; the line is in `src/tls/refusal.rs`.\n\n\
         | code | meaning | here | when, or why not |\n| --- | --- | --- | --- |\n",
    );
    for (code, meaning, how) in CODES {
        let (here, why) = match how {
            Occurs(when, _) => ("occurs", when),
            Kept(why) => ("cannot be brought about", why),
            Never(why) => ("never", why),
        };
        text.push_str(&format!("| {code} | {meaning} | {here} | {why} |\n"));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tls-codes.md");
    if std::env::var_os("OPENZENTRI_WRITE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "OPENZENTRI_WRITE_DOCS=1 cargo test --test tls codes");
}
