//! `tls_certificate_request`: what an authority would sign.

use embassy_time::Duration;
use openzentri::port::sim::SimDevice;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer, ParsedExtension};

use crate::peers::*;
use crate::streams::{run, store};

const SETTINGS: &[(&str, &str)] = &[("mdns.name", "lamp"), ("system.print_level", "5")];

fn device() -> SimDevice {
    let mut device = SimDevice::boot(port(), SETTINGS);
    device.advance(Duration::from_secs(1));
    device.take_output();
    device
}

/// The common name, the DNS names and the public key of a request that is signed by its own key.
fn read(shown: &str) -> (String, Vec<String>, Vec<u8>) {
    let text = &shown[shown.find("-----BEGIN").unwrap_or_else(|| panic!("no request: {shown}"))..];
    assert!(text.contains("-----END CERTIFICATE REQUEST-----\r\n"), "{text}");
    let (_, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap();
    assert_eq!(pem.label, "CERTIFICATE REQUEST");
    let (rest, request) = X509CertificationRequest::from_der(&pem.contents).unwrap();
    assert!(rest.is_empty());
    request.verify_signature().unwrap();
    let info = &request.certification_request_info;
    let names = request.requested_extensions().unwrap().find_map(|extension| match extension {
        ParsedExtension::SubjectAlternativeName(names) => {
            Some(names.general_names.iter().map(ToString::to_string).collect())
        }
        _ => None,
    });
    (info.subject.to_string(), names.unwrap_or_default(), info.subject_pki.raw.to_vec())
}

#[test]
fn the_first_request_makes_the_key_and_all_are_for_the_same() {
    let mut device = device();
    let shown = run(&mut device, "tls_certificate_request", |_| {});
    let (subject, names, key) = read(&shown);
    assert_eq!((subject.as_str(), names), ("CN=lamp.local", vec!["DNSName(lamp.local)".to_owned()]));
    assert!(device.command("ls").contains("https_key.der"));
    let (subject, names, same) = read(&run(&mut device, "tlscr lamp-1.example", |_| {}));
    assert_eq!((subject.as_str(), names), ("CN=lamp-1.example", vec!["DNSName(lamp-1.example)".to_owned()]));
    assert_eq!(same, key);
}

#[test]
fn the_key_may_be_one_of_the_owner() {
    let world = World::new();
    let mut device = device();
    store(&mut device, "key.pem", &world.server.key, "");
    device.command("set http.server.tls_key key.pem");
    let (_, _, key) = read(&run(&mut device, "tls_certificate_request", |_| {}));
    let pair = rcgen::KeyPair::from_pem(&world.server.key).unwrap();
    assert_eq!(key, rcgen::PublicKeyData::subject_public_key_info(&pair));
    assert!(!device.command("ls").contains("https_key.der"));
}

#[test]
fn failures_are_told() {
    let mut device = device();
    for name in ["a_b", "127.0.0.1", "a..b"] {
        let shown = run(&mut device, &format!("tls_certificate_request {name}"), |_| {});
        assert!(shown.contains("Invalid argument\r\n"), "{shown}");
    }
    device.command("set http.server.tls_key key.pem");
    let shown = run(&mut device, "tls_certificate_request", |_| {});
    assert!(shown.contains("No certificate request: there is no key (see http.server.tls_key)\r\n"), "{shown}");
    assert!(shown.contains("Command failed\r\n"), "{shown}");
    store(&mut device, "key.pem", "no key", "");
    let shown = run(&mut device, "tls_certificate_request", |_| {});
    assert!(shown.contains("No certificate request: not supported\r\n"), "{shown}");
    assert!(shown.contains("Command failed\r\n"), "{shown}");
}
