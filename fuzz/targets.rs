//! The fuzz targets: one function each, which `cargo test` also runs with bounded random input (`tests/fuzz.rs`). Each
//! takes any bytes; it must not panic, nor find a codec that contradicts itself.

use openzentri::command::Line;
use openzentri::limits;
use openzentri::wire::date::Date;
use openzentri::wire::dhcp::{read_reply, read_request, write_reply};
use openzentri::wire::dns::{self, Data, Message, ResponseCode, Writer};
use openzentri::wire::http::body::{Body, chunk_line};
use openzentri::wire::http::conditions::{Part, names, part, tag};
use openzentri::wire::http::request::Request;
use openzentri::wire::http::response::{Head, location};
use openzentri::wire::http::version::serve_as_1_1;
use openzentri::wire::json::{self, Answer, Call, Opening, Place, Text};
use openzentri::wire::nbns::Query;
use openzentri::wire::output::{MIN_PIECE, Output};
use openzentri::wire::percent;
use openzentri::wire::smtp::address::{Mailbox, list};
use openzentri::wire::smtp::auth::write_cram_md5;
use openzentri::wire::smtp::body::{Encoder, MOST};
use openzentri::wire::smtp::header::{write_mailbox, write_text};
use openzentri::wire::smtp::reply::{self, Offers};
use openzentri::wire::sntp;
use openzentri::wire::structured::frame::{Collector, encoded, write as write_frame};
use openzentri::wire::structured::message;
use openzentri::wire::telnet::{self, IAC, Telnet};
use openzentri::wire::url::Url;
use openzentri::wire::websocket::{Reader, Sender, Step, handshake};

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
#[allow(dead_code)]
pub const TARGETS: &[Target] = &[
    ("request", request),
    ("response", response),
    ("body", body),
    ("conditions", conditions),
    ("url", url),
    ("call", call),
    ("text", text),
    ("answer", answer),
    ("date", date),
    ("websocket", websocket),
    ("handshake", handshake),
    ("line", line),
    ("dns", dns),
    ("dns_sd", dns_sd),
    ("nbns", nbns),
    ("dhcp", dhcp),
    ("sntp", sntp),
    ("smtp", smtp),
    ("structured", structured),
    ("telnet", telnet),
];

/// The first byte as a number, and the rest.
fn split(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest))
}

/// The head of a request: the parsed parts lie within it, and whether it is complete does not depend on what follows.
pub fn request(data: &[u8]) {
    let mut bytes = data.to_vec();
    serve_as_1_1(&mut bytes);
    let Ok(Some(request)) = Request::parse(&bytes) else { return };
    assert!(request.length <= bytes.len() && request.target.end <= request.length);
    assert!(!request.target.of(&bytes).is_empty());
    assert_eq!(Request::parse(&bytes[..request.length]), Ok(Some(request)));
    assert!(!matches!(Request::parse(&bytes[..request.length - 1]), Ok(Some(_))), "half a head is no head");
    if let Ok(path) = request.decode_path(&mut bytes) {
        assert!(path.end <= request.length);
    }
}

/// The head of an answer.
pub fn response(data: &[u8]) {
    let (flags, data) = split(data);
    let mut bytes = data.to_vec();
    serve_as_1_1(&mut bytes);
    let _ = location(&bytes);
    if let Ok(Some(head)) = Head::parse(&bytes, flags & 1 != 0) {
        assert!(head.length <= bytes.len() && (100..=999).contains(&head.status));
    }
}

/// Decodes a body that comes in pieces: content, bytes used, whether it is complete.
fn decode(mut body: Body, data: &[u8], piece: usize) -> Option<(Vec<u8>, usize, bool)> {
    let (mut content, mut used) = (Vec::new(), 0);
    for mut part in data.chunks(piece) {
        while !part.is_empty() && !body.is_done() {
            let taken = body.take(part).ok()?;
            assert!(taken.consumed > 0 && taken.content.end <= taken.consumed);
            content.extend_from_slice(&part[taken.content]);
            used += taken.consumed;
            part = &part[taken.consumed..];
        }
    }
    Some((content, used, body.is_done()))
}

/// Chunks: any bytes mean the same however they are cut, and encoded content decodes to itself.
pub fn body(data: &[u8]) {
    let (size, data) = split(data);
    let piece = size % 32 + 1;
    assert_eq!(decode(Body::chunked(), data, piece), decode(Body::chunked(), data, data.len().max(1)));
    let mut encoded = Vec::new();
    for chunk in data.chunks(piece) {
        encoded.extend_from_slice(chunk_line(chunk.len()).as_bytes());
        encoded.extend_from_slice(chunk);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(b"0\r\n\r\n");
    let length = encoded.len();
    encoded.extend_from_slice(b"rest");
    assert_eq!(decode(Body::chunked(), &encoded, size + 1), Some((data.to_vec(), length, true)));
}

/// Ranges and entity tags.
pub fn conditions(data: &[u8]) {
    let (size, field) = split(data);
    if let Part::Range(first, last) = part(field, size as u32) {
        assert!(first <= last && last < size.max(1) as u32);
    }
    let tag = tag(size as u32, 1, 2);
    let _ = names(field, &tag);
    assert!(names(tag.as_bytes(), &tag));
}

/// URLs: a target is valid in a request line, and joined to its URL yields the same URL.
pub fn url(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let (base, location) = text.split_once(' ').unwrap_or((text, "/"));
    if let Some(rest) = base.strip_prefix("http").filter(|rest| rest.trim_start_matches('s').starts_with("://")) {
        // The same except for the scheme.
        assert_eq!(Url::parse_websocket(&format!("ws{rest}")).is_ok(), Url::parse(base).is_ok());
    }
    let Ok(url) = Url::parse(base) else { return };
    for url in [Some(url.clone()), url.join(location).ok()].into_iter().flatten() {
        assert!(url.target.starts_with('/') && url.target.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!url.host.is_empty() && url.target.len() <= limits::HTTP_TARGET);
        if !url.target.starts_with("//") {
            assert_eq!(url.join(&url.target).as_ref(), Ok(&url));
        }
    }
    let mut path = url.target.as_bytes().to_vec();
    assert!(percent::decode(&mut path).is_none_or(|length| length <= path.len()));
}

/// The object of a call.
pub fn call(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Ok(call) = Call::parse(&mut bytes) {
        assert!(call.command.end <= bytes.len() && call.data.end <= bytes.len() && call.flags < 8);
    }
    let mut bytes = data.to_vec();
    if let Ok(opening) = Opening::parse(&mut bytes) {
        assert!(opening.data <= bytes.len() && opening.call.command.end < opening.data);
    }
    let _ = json::is_end(&mut data.to_vec());
}

/// Decodes a JSON string that comes in pieces.
fn read_text(data: &[u8], is_base64: bool, piece: usize) -> Option<(Vec<u8>, usize, bool)> {
    let (mut buffer, mut text) = (data.to_vec(), Text::new(is_base64));
    let mut place = Place { written: 0, read: 0, ended: false };
    for end in (0..data.len()).step_by(piece).map(|begin| (begin + piece).min(data.len())) {
        if place.ended {
            break;
        }
        place = text.decode(&mut buffer, place, end).ok()?;
        assert!(place.written + text.pending() <= place.read && place.read <= end);
    }
    Some((buffer[..place.written].to_vec(), place.read, place.ended))
}

/// The text of data: any text means the same however it is cut.
pub fn text(data: &[u8]) {
    let (size, data) = split(data);
    for is_base64 in [false, true] {
        let whole = read_text(data, is_base64, data.len().max(1));
        let pieces = read_text(data, is_base64, size % 32 + 1);
        if whole.as_ref().is_some_and(|(.., ended)| *ended) {
            assert_eq!(pieces, whole);
        }
    }
}

/// Answers: the promised length, valid JSON, and the same in pieces.
pub fn answer(data: &[u8]) {
    let (size, data) = split(data);
    let written = |mut answer: Answer<'_>, piece: usize| {
        let (length, mut all, mut out) = (answer.length(), Vec::new(), vec![0; piece]);
        loop {
            match answer.fill(&mut out) {
                0 => break,
                count => all.extend_from_slice(&out[..count]),
            }
        }
        assert_eq!(all.len(), length);
        all
    };
    for flags in [0, 2] {
        let whole = written(Answer::command(1, 0, flags, data), 4096);
        assert_eq!(written(Answer::command(1, 0, flags, data), MIN_PIECE + size), whole);
        assert!(std::str::from_utf8(&whole).is_ok());
    }
}

/// Dates: the day before the day after is the same day, and every part is in its range.
pub fn date(data: &[u8]) {
    let mut bytes = [0; 8];
    let count = data.len().min(5);
    bytes[..count].copy_from_slice(&data[..count]);
    let millis = u64::from_le_bytes(bytes) * 60;
    let date = Date::from_millis(millis);
    assert!((1..=12).contains(&date.month) && (1..=31).contains(&date.day) && date.hour < 24 && date.minute < 60);
    let next = Date::from_millis(millis + 86_400_000);
    let ordinal = |date: &Date| (date.year, date.month, date.day);
    assert!(ordinal(&next) > ordinal(&date));
    assert_eq!((next.hour, next.minute, next.second), (date.hour, date.minute, date.second));
    assert!(next.day == date.day + 1 || next.day == 1);
}

/// WebSocket frames of a client or of a server: the same steps however they are cut.
pub fn websocket(data: &[u8]) {
    let (size, data) = split(data);
    let sender = if size < 128 { Sender::Client } else { Sender::Server };
    let read = |piece: usize| {
        let (mut reader, mut content) = (Reader::new(sender), Vec::new());
        for part in data.chunks(piece) {
            let mut bytes = part.to_vec();
            let mut rest = bytes.as_mut_slice();
            while !rest.is_empty() {
                let (taken, step) = match reader.read(rest) {
                    Ok(step) => step,
                    Err(code) => return (content, Some(code)),
                };
                assert!(taken > 0 || step != Step::More);
                let (now, later) = rest.split_at_mut(taken);
                match step {
                    Step::Data => content.extend_from_slice(now),
                    Step::Close(_) => return (content, None),
                    Step::More | Step::Ping(_) => {}
                }
                rest = later;
            }
        }
        (content, None)
    };
    let ((one, end), (other, other_end)) = (read(data.len().max(1)), read(size % 16 + 1));
    // Broken text is noticed earlier in small pieces.
    assert!(end != other_end || one.starts_with(&other) || other.starts_with(&one));
}

/// The answer that opens a WebSocket: an answer without the proof of the key is refused.
pub fn handshake(data: &[u8]) {
    let key = handshake::key(*b"the sample nonce");
    let opened = handshake::check(data, &key, |protocol| protocol == b"chat");
    let proof = handshake::accept(key.as_bytes()).unwrap();
    assert!(opened.is_err() || data.windows(proof.len()).any(|part| part == proof.as_bytes()));
    if let Some(accept) = handshake::accept(data) {
        assert_eq!((data.len(), accept.len()), (24, 28));
    }
}

/// Command lines: words lie within the line, and any quoted bytes are parsed back.
pub fn line(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Ok(line) = Line::parse(&mut bytes) {
        assert!(line.words().map(<[u8]>::len).sum::<usize>() <= data.len());
    }
    let word = &data[..data.len().min(100)];
    let mut quoted = b"x \"".to_vec();
    word.iter().for_each(|byte| quoted.extend_from_slice(format!("\\x{byte:02x}").as_bytes()));
    quoted.push(b'"');
    assert_eq!(Line::parse(&mut quoted).unwrap().get(1), Some(word));
}

/// DNS messages: reading ends, and a response has the question of its query.
pub fn dns(data: &[u8]) {
    let Ok(message) = Message::new(data) else { return };
    let _ = message.answers(|record| {
        let _ = message.name_at(record.at);
    });
    rewrite(&message);
    let mut buffer = [0; 512];
    let question = message.question();
    if let (Ok((question, _)), Ok(size)) = (&question, dns::respond(&mut buffer, &message, ResponseCode::Ok, None)) {
        let response = Message::new(&buffer[..size]).unwrap();
        assert_eq!(response.id(), message.id());
        // A compressed name points to bytes that the response does not have.
        if let Ok((asked, _)) = response.question() {
            assert_eq!(asked.name, question.name);
        }
    }
}

/// Writes what was read of a message, compressed: it must read the same.
fn rewrite(message: &Message<'_>) {
    let mut buffer = [0; 2048];
    let mut writer = Writer::new(&mut buffer, message.id(), message.flags()).unwrap();
    let (mut questions, mut records) = (Vec::new(), Vec::new());
    let _ = message.each_question(|question| {
        if writer.question(&question.name, question.kind, question.class).is_ok() {
            questions.push(question);
        }
    });
    let _ = message.records(|section, record| {
        let _ = message.service(&record);
        let Ok(plain) = message.plain(&record) else { return };
        let (kind, class, ttl) = (record.kind, record.class, record.ttl);
        let is_whole = plain.len() < plain.capacity();
        if is_whole && writer.record(section, &record.name, (kind, class, ttl), &Data::Bytes(&plain)).is_ok() {
            records.push((section, record.name, kind, class, ttl, plain));
        }
    });
    let size = writer.size();
    let written = Message::new(&buffer[..size]).unwrap();
    let (mut read_questions, mut read_records) = (Vec::new(), Vec::new());
    written.each_question(|question| read_questions.push(question)).unwrap();
    let read = written.records(|section, record| {
        let plain = written.plain(&record).unwrap();
        read_records.push((section, record.name, record.kind, record.class, record.ttl, plain));
    });
    assert_eq!((read, questions, records), (Ok(()), read_questions, read_records));
}

/// Lists of services: their texts are whole strings.
pub fn dns_sd(data: &[u8]) {
    for service in openzentri::wire::dns_sd::services(data.get(..limits::VALUE).unwrap_or(data)).flatten() {
        let text = service.text();
        let mut rest = text.as_slice();
        while let Some((length, after)) = rest.split_first() {
            rest = &after[usize::from(*length)..];
        }
    }
}

/// Queries of the NetBIOS name service: every query that is read can be answered, and the answer belongs to its query.
pub fn nbns(data: &[u8]) {
    let Some(query) = Query::read(data) else { return };
    let mut buffer = [0; 512];
    let size = query.address(&mut buffer, std::net::Ipv4Addr::LOCALHOST, 1).unwrap();
    assert_eq!((&buffer[..2], &buffer[13..45]), (&data[..2], &data[13..45].to_ascii_uppercase()[..]));
    assert!(query.status(&mut buffer, &[query.name], [0; 6]).unwrap() > size);
    assert_eq!(Query::read(&buffer), None);
}

/// DHCP messages: every request that is read can be answered.
pub fn dhcp(data: &[u8]) {
    let _ = read_reply(data, 0, [0; 6]);
    if let Some(request) = read_request(data) {
        let server = std::net::Ipv4Addr::new(10, 10, 10, 1);
        let kind = openzentri::wire::dhcp::MessageType::Nak;
        assert!(write_reply(&mut [0; 576], &request, kind, Err(server), None).is_some());
    }
}

/// Messages of time servers: a message that is read is written the same, and an answer never gives a time before it was
/// sent.
pub fn sntp(data: &[u8]) {
    let (_, bytes) = split(data);
    let Some(message) = sntp::Message::read(bytes) else { return };
    assert_eq!(message.write()[..], bytes[..sntp::MESSAGE]);
    assert_eq!(sntp::answer(bytes, !message.origin.0), None);
    if let Some(sntp::Answer::Time { receive, transmit }) = sntp::answer(bytes, message.origin.0) {
        assert!(sntp::time_at_arrival(receive, transmit, 4000) >= transmit.millis());
    }
}

/// Mail: replies of a server, an owner's texts in a header, and content, which encodes the same however it is cut and
/// contains no end of mail.
pub fn smtp(data: &[u8]) {
    let (size, data) = split(data);
    let (mut offers, mut rest) = (Offers::default(), data);
    while let Ok(Some((line, used))) = reply::Line::read(rest) {
        offers.note(line.text);
        rest = &rest[used..];
    }
    let _ = write_cram_md5(&mut String::new(), b"user", b"password", data);
    if let Ok(text) = core::str::from_utf8(data) {
        header(text);
    }
    let encoded = encode(data, data.len().max(1), 2 * MOST + 64);
    assert_eq!(encoded, encode(data, size % 16 + 1, MOST + size));
    let end = encoded.windows(5).position(|bytes| bytes == b"\r\n.\r\n");
    assert_eq!(end.unwrap_or(0) + if end.is_some() { 5 } else { 3 }, encoded.len());
}

/// Texts without control characters cannot add lines to their fields.
fn header(text: &str) {
    let mut fields = String::new();
    for mailbox in list(text).filter_map(Mailbox::parse) {
        write_mailbox(&mut fields, mailbox).unwrap();
    }
    if !text.chars().any(char::is_control) {
        write_text(&mut fields, text).unwrap();
    }
    assert!(fields.split("\r\n").skip(1).all(|line| line.starts_with(" =?") && line.len() < 78), "{fields}");
}

/// Content that comes in pieces, encoded as quoted-printable.
fn encode(content: &[u8], piece: usize, room: usize) -> Vec<u8> {
    let (mut encoder, mut all, mut out) = (Encoder::default(), Vec::new(), vec![0; room]);
    for mut part in content.chunks(piece) {
        while !part.is_empty() {
            let (used, written) = encoder.encode(part, &mut out);
            assert!(used > 0 && written <= room);
            all.extend_from_slice(&out[..written]);
            part = &part[used..];
        }
    }
    let mut out = [0; 2 * MOST];
    let written = encoder.end(&mut out);
    all.extend_from_slice(&out[..written]);
    all
}

/// Bytes of a line: a message that is read can be sent again, and means the same.
pub fn structured(data: &[u8]) {
    const N: usize = encoded(512);
    let mut collector = Collector::<N>::new();
    // As a payload, and as bytes from a line.
    repeated(data);
    for byte in data.iter().chain(&[0]) {
        if let Some(Ok(payload)) = collector.push(*byte) {
            repeated(payload);
        }
    }
}

/// Reads a message, sends it and reads it again.
fn repeated(payload: &[u8]) {
    let Some(message) = message::Message::read(payload) else { return };
    let mut frame = vec![0; encoded(payload.len() + 64)];
    let length = write_frame(&message, &mut frame).expect("it is no longer than it came, but for longer heads");
    let mut collector = Collector::<4096>::new();
    for byte in frame.iter().take(length) {
        if let Some(again) = collector.push(*byte) {
            assert_eq!(again.map(message::Message::read), Ok(Some(message)));
        }
    }
}

/// Bytes of a Telnet client: encoded data is decoded to itself, and each byte has at most one answer.
pub fn telnet(data: &[u8]) {
    let mut client = Telnet::default();
    for byte in data {
        if let telnet::Step::Answer([first, verb, _]) = client.byte(*byte) {
            assert!(first == IAC && matches!(verb, 252 | 254), "everything is refused");
        }
    }
    let encoded = data.iter().flat_map(|byte| match byte {
        &IAC => vec![IAC, IAC],
        b'\r' => vec![b'\r', 0],
        byte => vec![*byte],
    });
    let (mut client, mut decoded) = (Telnet::default(), Vec::new());
    for byte in [IAC, 241].into_iter().chain(encoded) {
        match client.byte(byte) {
            telnet::Step::Data(byte) => decoded.push(byte),
            telnet::Step::Nothing => {}
            step => panic!("{step:?} in data"),
        }
    }
    assert_eq!(decoded, data);
}
