//! The structured protocol on the simulated port (`docs/structured-protocol.md`): virtual time, lost and damaged frames.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::features;
use openzentri::port::sim::{SimDevice, SimPort};
use openzentri::wire::structured::frame::{self, Collector, encoded};
use openzentri::wire::structured::message::{Message, credit, notice, state};

const FRAME: usize = encoded(2048);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 7);

/// A device whose UART speaks the protocol, and the host at the other end.
struct Host {
    device: SimDevice,
    collector: Collector<FRAME>,
    /// Payloads that have come and were not looked at yet.
    payloads: Vec<Vec<u8>>,
    damaged: usize,
}

impl Host {
    /// With the protocol begun; `None` in a build without it.
    fn new() -> Option<Self> {
        if !features::STRUCTURED {
            return None;
        }
        let mut host = Self::before();
        host.device.type_line("structured_start");
        let text = host.device.take_bytes();
        let at = text.iter().position(|byte| *byte == 0).expect("the text ends");
        assert!(text[..at].ends_with(b"Success\r\n"), "{:?}", String::from_utf8_lossy(&text[..at]));
        host.take(&text[at..]);
        host.expect("Welcome");
        Some(host)
    }

    /// In machine mode, on the network, with the protocol not begun.
    fn before() -> Self {
        let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
        let mut device = SimDevice::boot_machine(SimPort::new(), settings);
        assert_eq!(device.request("nup").text(), "Success");
        Self { device, collector: Collector::new(), payloads: Vec::new(), damaged: 0 }
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.collector.push(*byte) {
                Some(Ok(payload)) => self.payloads.push(payload.to_vec()),
                Some(Err(_)) => self.damaged += 1,
                None => {}
            }
        }
    }

    fn send(&mut self, message: &Message<'_>) {
        let mut out = [0; FRAME];
        let length = frame::write(message, &mut out).unwrap();
        self.device.port().type_bytes(&out[..length]);
    }

    /// Takes all bytes that have come.
    fn receive(&mut self) {
        let bytes = self.device.take_bytes();
        self.take(&bytes);
    }

    /// The messages that have come so far, each as `Name { … }`.
    fn all(&mut self) -> Vec<String> {
        self.receive();
        let shown =
            |payload: Vec<u8>| format!("{:?}", Message::read(&payload).expect("the device sends what is known"));
        self.payloads.drain(..).map(shown).collect()
    }

    /// Waits for a message of this name, and drops what comes before.
    fn expect(&mut self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("no {name} has come"))
    }

    fn find(&mut self, name: &str) -> Option<String> {
        for _ in 0..100 {
            self.receive();
            while !self.payloads.is_empty() {
                let payload = self.payloads.remove(0);
                let shown = format!("{:?}", Message::read(&payload).expect("known"));
                if shown.starts_with(name) {
                    return Some(shown);
                }
            }
            self.device.advance(Duration::from_millis(100));
        }
        None
    }

    fn request(&mut self, id: u32, base: u32, line: &str, data: &[u8]) {
        self.send(&Message::Request { id, base, offset: 0, line: line.as_bytes(), data });
    }

    /// The code and text of a short answer.
    fn answer(&mut self, id: u32) -> (u8, String) {
        for _ in 0..100 {
            self.receive();
            while !self.payloads.is_empty() {
                let payload = self.payloads.remove(0);
                if let Some(Message::Response { id: of, code, total, offset: 0, text }) = Message::read(&payload)
                    && of == id
                {
                    assert_eq!(total as usize, text.len());
                    return (code, String::from_utf8_lossy(text).into_owned());
                }
            }
            self.device.advance(Duration::from_millis(100));
        }
        panic!("no answer to {id}");
    }

    fn run(&mut self, id: u32, line: &str) -> (u8, String) {
        self.request(id, id, line, b"");
        self.answer(id)
    }

    /// Bytes of a stream: each piece that has come, with its offset.
    fn data(&mut self, of: u32) -> Vec<(u64, bool, Vec<u8>)> {
        self.receive();
        let mut pieces = Vec::new();
        for payload in self.payloads.drain(..) {
            if let Some(Message::Data { stream, offset, last, bytes }) = Message::read(&payload)
                && stream == of
            {
                pieces.push((offset, last, bytes.to_vec()));
            }
        }
        pieces
    }

    /// The number of the stream that is open on a handle.
    fn stream(&mut self, handle: u8) -> u32 {
        self.receive();
        self.payloads.clear();
        self.send(&Message::Ask { handle });
        self.receive();
        for payload in self.payloads.drain(..) {
            if let Some(Message::Stream { event: 0, stream, handle: of, .. }) = Message::read(&payload) {
                assert_eq!(of, handle);
                return stream;
            }
        }
        panic!("nothing is said about handle {handle}");
    }

    /// Opens a TCP client to [`SERVER`]; returns its number.
    fn open(&mut self, id: u32) -> u32 {
        assert_eq!(self.run(id, "tcpc 10.5.6.1 7"), (0, "0\r\n".into()));
        self.stream(0)
    }

    fn grant(&mut self, stream: u32, received: u64, limit: u64, flags: u8) {
        self.send(&Message::Credit { stream, received, limit, flags });
    }
}

#[test]
fn commands_are_answered_by_id_and_text_comes_back_at_the_end() {
    let Some(mut host) = Host::new() else { return };
    assert_eq!(host.run(1, "get uart.baud 0"), (0, "115200\r\n".into()));
    assert_eq!(host.run(2, "frobnicate"), (3, "Unknown command\r\n".into()));
    assert_eq!(host.run(3, "structured_start"), (1, "Command failed\r\n".into()));
    assert_eq!(host.run(4, &"x".repeat(1025)), (8, "Command too long\r\n".into()));
    host.send(&Message::Stop {});
    host.device.port().type_bytes(b"\nget uart.baud 0\n");
    let bytes = host.device.take_bytes();
    let at = bytes.iter().rposition(|byte| *byte == 0).unwrap() + 1;
    host.take(&bytes[..at]);
    host.expect("Bye");
    assert_eq!(&bytes[at..], b"R000007\r\nReady\r\nR000008\r\n115200\r\n");
}

#[test]
fn a_break_condition_and_a_restart_end_it() {
    let Some(mut host) = Host::new() else { return };
    host.device.port().send_break();
    host.device.take_bytes();
    assert_eq!(host.device.request("get uart.baud 0").text(), "115200");
    let Some(mut host) = Host::new() else { return };
    host.request(1, 1, "reboot", b"");
    assert_eq!(host.answer(1), (0, "Rebooting\r\n".into()));
    host.device.port().type_bytes(b"version\r\n");
    host.device.advance(Duration::from_secs(2));
    assert_eq!(host.device.restarts(), 1);
    let output = host.device.take_output();
    assert!(output.contains("> version\r\nOPENZENTRI"), "the device speaks text again: {output}");
}

#[test]
fn a_repeated_request_is_answered_again_and_not_run_again() {
    let Some(mut host) = Host::new() else { return };
    host.request(1, 1, "fcr a.txt 3", b"abc");
    assert_eq!(host.answer(1), (0, "Success\r\n".into()));
    for _ in 0..3 {
        host.request(1, 1, "fcr a.txt 3", b"abc");
        assert_eq!(host.answer(1), (0, "Success\r\n".into()), "a second run would fail");
    }
    host.request(2, 2, "fcr a.txt 3", b"abc");
    assert_eq!(host.answer(2).0, 1);
    // The answer to the first is not wanted any more.
    host.request(1, 1, "fcr a.txt 3", b"abc");
    assert!(host.all().iter().all(|message| !message.contains("id: 1,")));
    host.send(&Message::Done { base: 3 });
    host.request(2, 2, "fcr a.txt 3", b"abc");
    assert!(host.all().iter().all(|message| !message.contains("id: 2,")));
}

#[test]
fn several_wait_at_once_and_one_more_is_busy() {
    let Some(mut host) = Host::new() else { return };
    for id in 1..=4 {
        host.request(id, 1, &format!("stream_wait all {}000", 9 - id), b"");
    }
    host.request(5, 1, "version", b"");
    host.request(2, 1, "stream_wait all 7000", b"");
    let said = host.all();
    let busy = format!("{:?}", Message::Notice { id: 5, what: notice::BUSY });
    let runs = format!("{:?}", Message::Notice { id: 2, what: notice::RUNS });
    assert!(said.contains(&busy) && said.contains(&runs), "{said:?}");
    // The others are given up, and a place is free.
    host.send(&Message::Done { base: 4 });
    host.device.settle();
    host.request(5, 4, "get uart.baud 0", b"");
    assert_eq!(host.answer(5).1, "115200\r\n");
    assert_eq!(host.answer(4).1, "None\r\n");
    assert!(host.device.millis() < 6500);
}

#[test]
fn a_long_answer_comes_in_pieces_from_any_offset() {
    let Some(mut host) = Host::new() else { return };
    host.request(1, 1, "help all", b"");
    host.send(&Message::Hello { restart: false, frame: 256 });
    let mut text = Vec::new();
    for _ in 0..2 {
        let resumed = text.len() / 2;
        text.truncate(resumed);
        host.send(&Message::Request { id: 1, base: 1, offset: resumed as u32, line: b"", data: b"" });
        host.receive();
        let mut whole = 0;
        for payload in host.payloads.drain(..) {
            if let Some(Message::Response { id: 1, code: 0, total, offset, text: part }) = Message::read(&payload) {
                assert!(payload.len() <= 256);
                if offset as usize == text.len() {
                    text.extend_from_slice(part);
                }
                whole = total as usize;
            }
        }
        assert_eq!(text.len(), whole);
        assert!(whole > 3000 && text.ends_with(b"\r\n"));
    }
}

#[test]
fn a_stream_flows_as_far_as_it_is_granted() {
    let Some(mut host) = Host::new() else { return };
    let listener = host.device.port().listen(SERVER);
    let stream = host.open(1);
    let peer = listener.accept().unwrap();
    peer.send(b"hello\0world");
    assert_eq!(host.data(stream), [], "nothing without credit");
    assert_eq!(host.run(2, "poll 0 -c").1, "0,1,11\r\n");
    host.grant(stream, 0, 5, 0);
    assert_eq!(host.data(stream), [(0, true, b"hello".to_vec())]);
    host.grant(stream, 5, 100, 0);
    assert_eq!(host.data(stream), [(5, true, b"\0world".to_vec())]);
    // The piece was lost, and a later one shows the gap.
    peer.send(b"!");
    assert_eq!(host.data(stream), [(11, true, b"!".to_vec())]);
    host.grant(stream, 5, 100, credit::AGAIN);
    assert_eq!(host.data(stream), [(5, true, b"\0world!".to_vec())]);
    // All of it was lost, and nothing comes after it.
    host.device.advance(Duration::from_millis(499));
    assert_eq!(host.data(stream), []);
    host.device.advance(Duration::from_millis(1));
    assert_eq!(host.data(stream), [(5, true, b"\0world!".to_vec())]);
    host.grant(stream, 12, 100, 0);
    assert_eq!(host.run(3, "poll 0 -c").1, "0,0,0\r\n", "what is acknowledged is read");
}

#[test]
fn what_the_host_sends_is_taken_in_order_and_once() {
    let Some(mut host) = Host::new() else { return };
    let listener = host.device.port().listen(SERVER);
    let stream = host.open(1);
    let peer = listener.accept().unwrap();
    let send = |host: &mut Host, offset, bytes: &[u8]| {
        host.send(&Message::Data { stream, offset, last: true, bytes });
        host.all().into_iter().filter(|message| message.starts_with("Credit")).collect::<Vec<_>>()
    };
    assert_eq!(send(&mut host, 0, b"abc").len(), 1);
    assert_eq!(send(&mut host, 0, b"abc").len(), 1, "a repeated one is acknowledged again");
    let gap = send(&mut host, 6, b"ghi");
    assert!(gap[0].contains("received: 3,") && gap[0].ends_with("flags: 1 }"), "{gap:?}");
    assert_eq!(send(&mut host, 9, b"jkl"), [""; 0], "a gap is told once");
    send(&mut host, 2, b"cdefghi");
    host.device.settle();
    assert_eq!(peer.received(), b"abcdefghi");
    // A peer that does not read stops the host, and the others go on.
    peer.received();
    let mut offset = 9;
    for _ in 0..200 {
        let before = offset;
        for credit in send(&mut host, offset, &[b'x'; 1500]) {
            let received = credit.split("received: ").nth(1).unwrap().split(',').next().unwrap();
            offset = received.parse().unwrap();
        }
        if offset == before {
            break;
        }
    }
    assert_eq!(host.run(2, "get uart.baud 0").1, "115200\r\n");
    let mut got = peer.received().len() as u64;
    host.device.advance(Duration::from_secs(1));
    got += peer.received().len() as u64;
    assert!(got > 60_000, "{got}");
}

#[test]
fn streams_and_interfaces_are_told_until_they_are_seen() {
    let Some(mut host) = Host::new() else { return };
    let told = |messages: &[String]| messages.iter().filter(|message| message.starts_with("Network")).count();
    assert_eq!(told(&host.all()), 2);
    host.device.advance(Duration::from_millis(499));
    assert_eq!(told(&host.all()), 0);
    host.device.advance(Duration::from_millis(1));
    assert_eq!(told(&host.all()), 2);
    host.device.advance(Duration::from_millis(1000));
    let again = host.all();
    assert_eq!(told(&again), 2);
    for message in again {
        let event = message.split("event: ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
        if let Some(event) = event {
            host.send(&Message::Seen { event });
        }
    }
    host.device.advance(Duration::from_secs(60));
    assert_eq!(told(&host.all()), 0);
    let listener = host.device.port().listen(SERVER);
    let stream = host.open(1);
    let peer = listener.accept().unwrap();
    host.grant(stream, 0, 100, 0);
    peer.send(b"bye");
    peer.finish();
    let ended = host.expect(&format!("Stream {{ event: 4, stream: {stream}, handle: 0, state: {}", state::ENDED));
    assert!(ended.contains("end: 3,"), "{ended}");
    host.grant(stream, 3, 100, 0);
    host.expect(&format!("Stream {{ event: 5, stream: {stream}, handle: 0, state: {}, end: 3", state::CLOSED));
    assert_eq!(host.stream(0), 0);
    host.run(2, "network_down");
    host.expect("Network { event: 6, interface: 0, up: false, address: [] }");
}

#[test]
fn a_new_beginning_forgets_all_but_the_bytes() {
    let Some(mut host) = Host::new() else { return };
    let listener = host.device.port().listen(SERVER);
    let stream = host.open(1);
    let peer = listener.accept().unwrap();
    peer.send(b"abcdef");
    host.grant(stream, 0, 100, 0);
    assert_eq!(host.data(stream).len(), 1);
    host.grant(stream, 2, 100, 0);
    host.request(7, 7, "stream_wait all 600000", b"");
    host.device.type_line("structured_start");
    host.device.port().type_bytes(b"\0");
    host.send(&Message::Hello { restart: true, frame: 0 });
    let welcome = host.expect("Welcome");
    assert!(welcome.ends_with("dropped: 1 }"), "{welcome}");
    assert_eq!(host.run(1, "get uart.baud 0").1, "115200\r\n");
    host.grant(stream, 0, 100, 0);
    assert_eq!(host.data(stream), [(0, true, b"cdef".to_vec())]);
}

#[test]
fn messages_of_udp_stay_whole() {
    let Some(mut host) = Host::new() else { return };
    let peer = host.device.port().udp_peer(SERVER);
    assert_eq!(host.run(1, "udpc 10.5.6.1 7 4000").1, "0\r\n");
    let stream = host.stream(0);
    host.send(&Message::Data { stream, offset: 0, last: true, bytes: b"one" });
    host.send(&Message::Data { stream, offset: 3, last: true, bytes: b"two" });
    host.device.settle();
    let got: Vec<Vec<u8>> = peer.received().into_iter().map(|datagram| datagram.data).collect();
    assert_eq!(got, [b"one".to_vec(), b"two".to_vec()]);
    host.grant(stream, 0, 4000, 0);
    peer.send(4000, [b'a'; 2100]);
    peer.send(4000, b"b");
    let first = host.data(stream);
    assert_eq!(
        first.iter().map(|(_, last, bytes)| (*last, bytes.len())).collect::<Vec<_>>(),
        [(false, 2000), (true, 100)]
    );
    host.grant(stream, 2100, 6000, 0);
    assert_eq!(host.data(stream), [(2100, true, b"b".to_vec())]);
}

#[test]
fn files_are_read_and_written_as_streams() {
    let Some(mut host) = Host::new() else { return };
    assert_eq!(host.run(1, "fcr -o a.bin 5000").1, "0\r\n");
    let stream = host.stream(0);
    let content: Vec<u8> = (0..5000u32).map(|number| number as u8).collect();
    for (number, part) in content.chunks(1000).enumerate() {
        host.send(&Message::Data { stream, offset: 1000 * number as u64, last: true, bytes: part });
        host.device.settle();
    }
    host.expect(&format!("Stream {{ event: 4, stream: {stream}, handle: 0, state: {}", state::CLOSED));
    assert_eq!(host.run(2, "fop a.bin").1, "0\r\n");
    let stream = host.stream(0);
    let mut got = Vec::new();
    host.grant(stream, 0, 10_000, 0);
    for (offset, _, bytes) in host.data(stream) {
        assert_eq!(offset as usize, got.len());
        got.extend(bytes);
    }
    assert!(got == content);
    host.grant(stream, 5000, 10_000, 0);
    host.expect(&format!("Stream {{ event: 6, stream: {stream}, handle: 0, state: {}, end: 5000", state::CLOSED));
}

#[test]
fn lines_of_the_log_come_before_the_answer_and_can_be_had_again() {
    let Some(mut host) = Host::new() else { return };
    let _listener = host.device.port().listen(SERVER);
    assert_eq!(host.run(1, "set system.print_level 5").0, 0);
    host.all();
    host.request(2, 2, "tcpc 10.5.6.1 7", b"");
    host.device.advance(Duration::from_secs(1));
    let said = host.all();
    let place = |mark: &str| said.iter().position(|message| message.contains(mark)).unwrap_or_else(|| panic!("{mark}"));
    let opened = format!("{:?}", b"Opened: 0]").replace(['[', ']'], "");
    assert!(place(&opened) < place("Response"));
    let line: u32 = said[place(&opened)].split("number: ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    host.send(&Message::Replay { number: line });
    assert!(host.expect("Log").contains(&opened));
}

#[test]
fn any_bytes_do_no_harm() {
    let Some(mut host) = Host::new() else { return };
    let mut seed = 7u32;
    for round in 0..300 {
        let bytes: Vec<u8> = (0..50)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        host.device.port().type_bytes(&bytes);
        host.send(&Message::Data { stream: seed, offset: u64::MAX, last: true, bytes: &bytes });
        host.send(&Message::Credit { stream: round, received: u64::MAX, limit: u64::MAX, flags: 0xFF });
        host.send(&Message::Ask { handle: seed as u8 });
        host.send(&Message::Replay { number: seed });
        host.all();
    }
    host.device.port().type_bytes(b"\0");
    assert_eq!(host.run(1, "get uart.baud 0").1, "115200\r\n");
}
