//! The fuzz targets as bounded tests: random bytes, and samples with random changes (see `fuzz/README.md`).

#[allow(dead_code)]
#[path = "shared/random.rs"]
mod random;
#[path = "../fuzz/targets.rs"]
mod targets;

use targets::TARGETS;

/// Inputs for each target.
const COUNT: usize = 3000;

/// The samples to spoil; each target gets each of them.
const SAMPLES: &[&[u8]] = &[
    b"POST http://h:80/command?x=%41 HTTP/1.2\r\nHost: a\r\nTransfer-Encoding: chunked\r\nRange: bytes=1-2\r\n\r\n",
    b"\0HTTP/1.1 302 Found\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\nLocation: /a?b\r\n\r\n",
    b"\x034\r\nWiki\r\n5;x=\"y\"\r\npedia\r\n0\r\nA: b\r\n\r\n",
    b"\xc8bytes=10-99",
    b"https://host.example:8443/a/b?c=%20#d ../e?f",
    br#"{"x":[{"y":null}],"flags":4.0e0,"command":"fcr \"a\" 3","data":"QUJD"}"#,
    br#"7QUJD\u0052EVG\ud83d\ude00\n==", "x":1}"#,
    b"\x01\x81\x85\x01\x02\x03\x04HGOOO\x89\x80\0\0\0\0\x82\xfe\x00\x80aaaabbbbcccc",
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: x, Upgrade\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    br#"set wlan.passkey "a\"b\x41\\" -x 'y'"#,
    b"\x80\x51\x01\x77\x18",
    b"\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0\x03www\x01a\0\0\x01\0\x01\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x10\x01b\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01",
    b"\0\x24\x02\x06\xe9\0\0\x03\x5a\0\0\0\x2bLOCL\xe9\x11\x22\x33\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08\xe9\x11\x22\x40\0\0\0\0\xe9\x11\x22\x40\xc0\0\0\0",
    b"\x07250-mail.example\r\n250-AUTH PLAIN CRAM-MD5\r\n250 SIZE 9\r\n.\r\n \r\n.x\t\r\n",
    "\x07\"Smith, J.\" <a.b@c-d.e>, K\u{e4}the =?x?= <k@[10.0.0.1]>,x@y".as_bytes(),
    b"\x02\x83\x04\xf5\x19\x02\x05\x3d\xdb\x9f\xb9\0\x04\x85\x04\x01\x08\xf5Fhello\x05\xd3\xe4\xd7\x2b\0",
    b"\x86\x01\x1a\x01\x02\x03\x04\x05\x18\x40\x43ver\x42ab",
];

/// Changes a few bytes of a sample, as fuzzers do.
fn spoil(random: &mut random::Random, sample: &[u8]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..random.below(5) {
        let at = random.below(bytes.len() + 1);
        let other = SAMPLES[random.below(SAMPLES.len())];
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..(at + random.below(6)).min(bytes.len()))),
            3 => {
                let from = random.below(other.len());
                bytes.splice(at..at, other[from..(from + random.below(12)).min(other.len())].iter().copied());
            }
            _ => bytes.insert(at, random.below(256) as u8),
        }
    }
    bytes
}

fn run(name: &str) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let factor = std::env::var("OPENZENTRI_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut random = random::Random::new(20_261_126);
    for number in 0..COUNT * factor {
        let input: Vec<u8> = match number % 4 {
            0 => (0..random.below(80)).map(|_| random.below(256) as u8).collect(),
            _ => spoil(&mut random, SAMPLES[number / 4 % SAMPLES.len()]),
        };
        if std::panic::catch_unwind(|| target(&input)).is_err() {
            panic!("{name} fails with {:?}", input.escape_ascii().to_string());
        }
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_target_is_run() {
            let names = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
            let binaries = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets")).unwrap();
            assert_eq!(binaries.count(), names.len());
        }
    };
}

targets! { request response body conditions url call text answer date websocket handshake line dns dns_sd nbns dhcp sntp smtp structured telnet }
