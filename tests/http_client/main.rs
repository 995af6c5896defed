//! Dialogues of the HTTP client commands on the simulated port (interface, http 7).

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{Peer, PeerListener, SimDevice, SimPort};

mod dripping;
mod ends;
mod files;
mod own_servers;
mod requests;
mod servers;
mod websocket;

/// With `stream.auto_close` 0, tests can look at what a request leaves; `ends.rs` has tests with the default.
const SETTINGS: [(&str, &str); 5] = [
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("wlan.auto_join.enabled", "1"),
    ("system.cmd.echo", "0"),
    ("stream.auto_close", "0"),
];
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 8, 7), 80);
const LONG: Duration = Duration::from_secs(600);

/// A device that has joined, and a web server on port 80 of `example.com`.
struct World {
    device: SimDevice,
    server: PeerListener,
}

impl World {
    fn new() -> Self {
        Self::with(&SETTINGS)
    }

    fn with(settings: &'static [(&'static str, &'static str)]) -> Self {
        let port = SimPort::new();
        port.set_name("example.com", Duration::from_millis(3), Ok(*SERVER.ip()));
        let mut device = SimDevice::boot(port, settings);
        device.expect("[Associated]\r\n", LONG);
        Self { server: port.listen(SERVER), device }
    }

    /// Types a command and waits until the device connects to the server.
    fn ask(&mut self, line: &str) -> Peer {
        self.device.type_line(line);
        self.connected()
    }

    fn connected(&mut self) -> Peer {
        let mut peer = None;
        let server = self.server;
        assert!(self.device.run_until(LONG, |_| {
            peer = peer.or_else(|| server.accept());
            peer.is_some()
        }));
        self.device.settle();
        peer.unwrap()
    }

    /// What is printed up to the next prompt, without the ends of streams: their time depends on the server.
    fn answer(&mut self) -> String {
        let text = self.raw_answer();
        text.split_inclusive('\n').filter(|line| !line.starts_with("[Closed: ")).collect()
    }

    /// What is printed up to the next prompt.
    fn raw_answer(&mut self) -> String {
        let mut text = self.device.expect("> ", LONG);
        text.truncate(text.len() - 2);
        text
    }

    fn command(&mut self, line: &str) -> String {
        self.device.type_line(line);
        self.answer()
    }

    fn raw_command(&mut self, line: &str) -> String {
        self.device.type_line(line);
        self.raw_answer()
    }

    fn write(&mut self, handle: u8, data: &[u8]) -> String {
        self.device.type_line(&format!("stream_write {handle} {}", data.len()));
        self.device.port().type_bytes(data);
        self.answer()
    }

    /// The device has left nothing open: no sockets but those of open streams, no file; and it made no call with an old
    /// socket.
    fn check_rest(&mut self, sockets: usize) {
        self.device.settle();
        let port = self.device.port();
        assert_eq!((port.open_sockets(), port.open_jobs(), port.stale_calls()), (sockets, 0, 0));
        assert_eq!(port.flash().open_files(), 0);
    }

    /// Types a download, answers it, and returns what the device printed.
    fn download(&mut self, line: &str, response: &[u8]) -> String {
        let peer = self.ask(line);
        peer.send(response);
        peer.finish();
        self.answer()
    }

    fn content(&mut self, name: &str) -> String {
        let handle = self.command(&format!("file_open {name}"));
        let handle = handle.trim_end().rsplit("\r\n").next().unwrap().to_owned();
        let text = self.command(&format!("stream_read {handle} 60000"));
        // A file closes itself when its end was read.
        text.replace(&format!("[Closed: {handle}]\r\n"), "")
    }
}

fn head(peer: Peer) -> String {
    let text = peer.received_text();
    assert!(text.ends_with("\r\n\r\n"), "{text:?}");
    text
}

const AGENT: &str = concat!("User-Agent: OpenZentri/", env!("CARGO_PKG_VERSION"), "\r\n");
const OK: &str = "HTTP/1.1 200 OK\r\n";
