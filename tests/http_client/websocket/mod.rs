//! Dialogues of `websocket_client` (interface, http 8; RFC 6455). Tests of frames alone are beside
//! `src/wire/websocket.rs`; tests with other projects' servers are in `tests/blackbox/test_websocket_client.py`.

use openzentri::port::sim::Peer;
use openzentri::wire::websocket::handshake::accept;

use super::World;

mod messages;
mod opening;

const OPENED: &str = "[Opening: example.com]\r\nRequest GET /a?b\r\nConnecting (ws): example.com:80\r\n\
                      HTTP response: 101\r\n[Opened: 0]\r\n0\r\n";
const BYE: &[u8] = b"\x88\x02\x03\xe8";

/// One frame of the device, unmasked.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    first: u8,
    payload: Vec<u8>,
    mask: [u8; 4],
}

/// The frames that a peer has received, which must be whole and masked.
fn frames(peer: Peer) -> Vec<Frame> {
    let received = peer.received();
    let (mut rest, mut frames) = (&received[..], Vec::new());
    while let [first, length, tail @ ..] = rest {
        assert!(length & 0x80 != 0, "a client masks its frames");
        let (length, tail) = match length & 0x7F {
            126 => (u16::from_be_bytes(*tail.first_chunk().unwrap()) as usize, &tail[2..]),
            127 => (u64::from_be_bytes(*tail.first_chunk().unwrap()) as usize, &tail[8..]),
            length => (length as usize, tail),
        };
        let mask = *tail.first_chunk().unwrap();
        let payload = tail[4..][..length].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        frames.push(Frame { first: *first, payload, mask });
        rest = &tail[4 + length..];
    }
    assert!(rest.is_empty(), "half a frame");
    frames
}

/// [`frames`] without their masks.
fn plain(peer: Peer) -> Vec<(u8, Vec<u8>)> {
    frames(peer).into_iter().map(|frame| (frame.first, frame.payload)).collect()
}

/// An answer that opens the WebSocket of a request, with more fields.
fn answer(request: &str, more: &str) -> String {
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let accept = accept(key.as_bytes()).unwrap();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

impl World {
    /// An open WebSocket with the handle 0.
    fn open(&mut self, line: &str) -> Peer {
        let peer = self.ask(line);
        peer.send(answer(&peer.received_text(), ""));
        let shown = self.raw_answer();
        assert!(shown.ends_with("HTTP response: 101\r\n[Opened: 0]\r\n0\r\n"), "{shown}");
        peer
    }

    /// The output that follows at once when a server sends these bytes.
    fn sent(&mut self, peer: Peer, bytes: impl AsRef<[u8]>) -> String {
        peer.send(bytes);
        self.device.settle();
        self.device.take_output()
    }

    /// Closes the stream 0 in order, from both sides.
    fn close(&mut self, peer: Peer) {
        assert_eq!(self.raw_command("close 0"), "Closing: 0\r\n[Closed: 0]\r\nSuccess\r\n");
        assert_eq!(plain(peer), [(0x88, b"\x03\xe8".to_vec())]);
        peer.send(BYE);
        peer.close();
        self.check_rest(0);
    }
}
