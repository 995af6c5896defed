//! Golden bytes both ways, invalid names, and random bytes.

use super::*;
use proptest::prelude::*;
use std::vec::Vec as List;

/// A query for `setup.com` and its answer, as dig and dnsmasq exchange them.
const QUERY: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x05setup\x03com\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\x12\x34\x85\x80\0\x01\0\x01\0\0\0\0\x05setup\x03com\0\0\x01\0\x01\
                        \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x0a\x0a\x01";

const OWN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);

#[test]
fn golden_bytes_both_ways() {
    let mut buffer = [0; 64];
    let name = Name::parse("setup.com").unwrap();
    let size = query(&mut buffer, 0x1234, &name, kind::A).unwrap();
    assert_eq!(&buffer[..size], QUERY);
    let message = Message::new(QUERY).unwrap();
    let (question, end) = message.question().unwrap();
    assert_eq!((question.kind, question.class, end), (kind::A, INTERNET, QUERY.len()));
    assert!(question.name.is("SETUP.com.") && !question.name.is("setup.org"));
    assert_eq!(question.name.labels().collect::<List<_>>(), [&b"setup"[..], b"com"]);
    let size = respond(&mut buffer, &message, ResponseCode::Ok, Some((OWN, 60))).unwrap();
    assert_eq!(&buffer[..size], ANSWER);
    let answer = Message::new(ANSWER).unwrap();
    assert!(answer.is_response() && answer.is_standard() && !message.is_response());
    assert_eq!(addresses::<4>(&answer, &name).unwrap(), [OWN]);
    let size = respond(&mut buffer, &message, ResponseCode::NameError, None).unwrap();
    assert_eq!(Message::new(&buffer[..size]).unwrap().code(), 3);
}

#[test]
fn aliases_are_followed() {
    // www.a -> b.a (compressed) -> two addresses, one of them twice, and one address of another name.
    let mut message = b"\0\x07\x81\x80\0\x01\0\x05\0\0\0\0\x03www\x01a\0\0\x01\0\x01".to_vec();
    message.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x10");
    for address in [1, 2, 1] {
        message.extend(b"\x01b\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0");
        message.push(address);
    }
    message.extend(b"\x01c\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x09");
    let response = Message::new(&message).unwrap();
    let found = addresses::<4>(&response, &Name::parse("www.A").unwrap()).unwrap();
    assert_eq!(found, [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]);
}

#[test]
fn names_that_are_none() {
    for text in ["", ".", "a..b", ".a", "a".repeat(64).as_str(), "a.".repeat(128).as_str()] {
        assert!(Name::parse(text).is_none(), "{text:?}");
    }
    assert!(Name::parse(&"a.".repeat(127)).is_some());
}

#[test]
fn pointers_that_lead_nowhere_or_in_circles() {
    for name in [&b"\xc0\x0c"[..], b"\xc0\x0e", b"\xc0\0", b"\x01a\xc0\x0c", b"\x40", b"\x80", b"\x05abc", b"\xc0"] {
        let mut message = b"\0\0\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        message.extend(name);
        assert_eq!(Message::new(&message).unwrap().question(), Err(DnsError), "{name:?}");
    }
    assert!(Message::new(&QUERY[..11]).is_err());
    let message = Message::new(QUERY).unwrap();
    assert_eq!(respond(&mut [0; 20], &message, ResponseCode::Ok, None), Err(DnsError));
}

/// An announcement as a responder of multicast DNS sends it: pointer, service and text, the address, and the record
/// that denies other types. The end of a name points to its earlier occurrence; the host of the service is not
/// compressed.
const ANNOUNCEMENT: &[u8] = b"\0\0\x84\0\0\0\0\x04\0\0\0\x01\
    \x05_http\x04_tcp\x05local\0\0\x0c\0\x01\0\0\x01\x2c\0\x07\x04lamp\xc0\x0c\
    \xc0\x28\0\x21\x80\x01\0\0\x01\x2c\0\x12\0\0\0\0\0\x50\x04lamp\x05local\0\
    \xc0\x28\0\x10\x80\x01\0\0\x01\x2c\0\x04\x03a=b\
    \x04lamp\xc0\x17\0\x01\x80\x01\0\0\x01\x2c\0\x04\x0a\x0a\x0a\x01\
    \xc0\x5d\0\x2f\x80\x01\0\0\x01\x2c\0\x05\xc0\x5d\0\x01\x40";

fn announcement(buffer: &mut [u8]) -> Result<usize, DnsError> {
    let kind = Name::parse("_http._tcp.local").ok_or(DnsError)?;
    let (host, instance) = (Name::parse("lamp.local").ok_or(DnsError)?, Name::under(b"lamp", &kind).ok_or(DnsError)?);
    let unique = |kind| (kind, INTERNET | CLASS_FLAG, 300);
    let mut writer = Writer::new(buffer, 0, flag::RESPONSE | flag::AUTHORITATIVE)?;
    writer.record(Section::Answer, &kind, (kind::PTR, INTERNET, 300), &Data::Name(&instance))?;
    writer.record(Section::Answer, &instance, unique(kind::SRV), &Data::Service { port: 80, host: &host })?;
    writer.record(Section::Answer, &instance, unique(kind::TXT), &Data::Bytes(b"\x03a=b"))?;
    writer.record(Section::Answer, &host, unique(kind::A), &Data::Address(OWN))?;
    writer.record(Section::Additional, &host, unique(kind::NSEC), &Data::Only(&host, &[kind::A]))?;
    Ok(writer.size())
}

#[test]
fn golden_bytes_of_an_announcement() {
    let mut buffer = [0; 256];
    let size = announcement(&mut buffer).unwrap();
    assert_eq!(&buffer[..size], ANNOUNCEMENT);
    let message = Message::new(ANNOUNCEMENT).unwrap();
    let (kind, host) = (Name::parse("_http._tcp.local").unwrap(), Name::parse("lamp.local").unwrap());
    let instance = Name::under(b"lamp", &kind).unwrap();
    assert_eq!(instance.parent(), kind);
    let only = Data::Only(&host, &[kind::A]);
    let expected = [
        (Section::Answer, &kind, kind::PTR, Data::Name(&instance)),
        (Section::Answer, &instance, kind::SRV, Data::Service { port: 80, host: &host }),
        (Section::Answer, &instance, kind::TXT, Data::Bytes(b"\x03a=b")),
        (Section::Answer, &host, kind::A, Data::Address(OWN)),
        (Section::Additional, &host, kind::NSEC, only),
    ];
    let mut number = 0;
    let read = message.records(|section, record| {
        let (of, name, kind, data) = &expected[number];
        assert_eq!((section, &record.name, record.kind), (*of, *name, *kind));
        assert_eq!(message.plain(&record).unwrap(), data.plain(), "record {number}");
        if record.kind == kind::SRV {
            assert_eq!(message.service(&record).unwrap(), (80, host.clone()));
        }
        number += 1;
    });
    assert_eq!((read, number), (Ok(()), 5));
    // Whatever the size of the buffer, a record that does not fit is an error.
    for room in 0..size {
        assert_eq!(announcement(&mut buffer[..room]), Err(DnsError), "{room}");
    }
}

#[test]
fn what_does_not_fit_leaves_the_message_whole() {
    let mut buffer = [0; 64];
    let (long, short) = (Name::parse(&"abc.".repeat(12)).unwrap(), Name::parse("lamp.local").unwrap());
    let mut writer = Writer::new(&mut buffer, 7, 0).unwrap();
    writer.question(&short, kind::A, INTERNET).unwrap();
    assert_eq!(writer.question(&long, kind::A, INTERNET), Err(DnsError));
    writer.question(&short, kind::AAAA, INTERNET | CLASS_FLAG).unwrap();
    let size = writer.size();
    let message = Message::new(&buffer[..size]).unwrap();
    let mut questions = List::new();
    message.each_question(|question| questions.push((question.name, question.kind, question.class))).unwrap();
    assert_eq!(questions, [(short.clone(), kind::A, INTERNET), (short, kind::AAAA, INTERNET | CLASS_FLAG)]);
}

#[test]
fn names_of_addresses_and_labels() {
    assert!(Name::of_address(OWN).is("1.10.10.10.in-addr.arpa"));
    let local = Name::parse("local").unwrap();
    assert!(Name::under(b"", &local).is_none() && Name::under(&[b'a'; 64], &local).is_none());
    assert!(Name::under(b"a", &Name::parse(&"a.".repeat(127)).unwrap()).is_none());
    let dotted = Name::under(b"My lamp. 2", &local).unwrap();
    assert_eq!(dotted.labels().collect::<List<_>>(), [&b"My lamp. 2"[..], b"local"]);
    assert_eq!(local.parent(), Name::default());
    assert_eq!(Name::default().parent(), Name::default());
}

proptest! {
    #[test]
    fn nothing_panics_and_everything_ends(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::new(&bytes) {
            let _ = message.question();
            let _ = message.answers(|_| {});
            let _ = message.each_question(|_| {});
            let _ = message.records(|_, record| {
                let _ = (message.plain(&record), message.service(&record));
            });
            let _ = addresses::<2>(&message, &Name::default());
            let mut buffer = [0; 512];
            let _ = respond(&mut buffer, &message, ResponseCode::Ok, Some((OWN, 1)));
            let _ = refuse(&mut buffer, &message, ResponseCode::FormatError);
        }
    }

    #[test]
    fn what_is_written_is_read(labels in proptest::collection::vec("[a-z0-9-]{1,20}", 1..6), id: u16, kind: u16) {
        let text = labels.join(".");
        let name = Name::parse(&text).unwrap();
        let mut buffer = [0; 300];
        let size = query(&mut buffer, id, &name, kind).unwrap();
        let message = Message::new(&buffer[..size]).unwrap();
        let (question, end) = message.question().unwrap();
        prop_assert_eq!((message.id(), question.kind, end), (id, kind, size));
        prop_assert!(question.name.is(&text));
    }
}
