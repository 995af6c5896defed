//! Mail over TLS: begun on the connection, or at once; what must not be believed.

use std::net::SocketAddrV4;

use embassy_time::Duration;

use crate::peers::*;
use crate::streams::{device, run};

/// A mail server: lines in, replies out.
struct Mail {
    clear: bool,
    waiting: Vec<u8>,
    heard: Vec<String>,
    in_message: bool,
}

fn reply(line: &str, clear: bool) -> &'static str {
    match line.split(' ').next().unwrap() {
        "EHLO" if clear => "250-mail\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5\r\n",
        "EHLO" => "250-mail\r\n250 AUTH PLAIN\r\n",
        "STARTTLS" => "220 Go on\r\n",
        "AUTH" => "235 Welcome\r\n",
        "DATA" => "354 Go on\r\n",
        "QUIT" => "221 Bye\r\n",
        _ => "250 OK\r\n",
    }
}

impl Mail {
    fn new(clear: bool) -> Self {
        Self { clear, waiting: Vec::new(), heard: Vec::new(), in_message: false }
    }

    /// The replies to what has come.
    fn replies(&mut self, bytes: &[u8]) -> Vec<&'static str> {
        self.waiting.extend_from_slice(bytes);
        let mut replies = Vec::new();
        while let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8(self.waiting.drain(..=end).collect()).unwrap().trim_end().to_owned();
            if !self.in_message || line == "." {
                replies.push(reply(&line, self.clear));
            }
            self.in_message = (self.in_message && line != ".") || line == "DATA";
            self.heard.push(line);
        }
        replies
    }
}

const SETTINGS: [&str; 5] = [
    "set email.smtp.host server.example",
    "set email.name_address device@my.org",
    "set email.smtp.username tim",
    "set email.smtp.password tanstaaftanstaaf",
    "set network.tls.ca_cert ca.pem",
];
const TAKEN: [&str; 4] =
    ["EHLO [10.5.6.108]", "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "MAIL FROM:<device@my.org>", "RCPT TO:<a@b>"];

/// Sends a message to a server on that port, which says `starttls` in the clear, and returns what was printed, and what
/// the server has heard in the clear and within TLS.
fn send(world: &World, number: u16, ca: &str, starttls: &'static str) -> (String, Vec<String>, Vec<String>) {
    let mut device = device(&[("ca.pem", ca)]);
    device.command("set time.rtc 1780272000");
    SETTINGS.iter().for_each(|line| assert_eq!(device.command(line), "Set OK\r\n", "{line}"));
    device.command(&format!("set email.smtp.port {number}"));
    device.command("set system.print_level 2");
    device.port().set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    let listener = device.port().listen(SocketAddrV4::new(*SERVER.ip(), number));
    let (mut peer, mut tls, mut clear, mut secret) = (None, None, Mail::new(true), Mail::new(false));
    device.port().type_bytes(b"");
    let shown = run(&mut device, "smtp_send a@b s 0", |_| {
        if let Some(new) = listener.accept() {
            peer = Some(new);
            if number == 465 {
                let mut other = Other::server(world, new, false, &[]);
                other.send(b"220 mail\r\n");
                tls = Some(other);
            } else {
                new.send("220 mail\r\n");
            }
        }
        match (&mut tls, peer) {
            (Some(other), _) => {
                other.pump();
                let received = std::mem::take(&mut other.received);
                for reply in secret.replies(&received) {
                    other.send(reply.as_bytes());
                }
            }
            (None, Some(peer)) => {
                for reply in clear.replies(&peer.received()) {
                    peer.send(if reply.starts_with("220") { starttls } else { reply });
                    if reply.starts_with("220") && starttls == reply {
                        tls = Some(Other::server(world, peer, false, &[]));
                    }
                }
            }
            _ => {}
        }
    });
    assert_eq!(device.port().stale_calls(), 0);
    (shown, clear.heard, secret.heard)
}

#[test]
fn tls_begins_on_the_connection() {
    let world = World::new();
    let (shown, clear, secret) = send(&world, 587, &world.authority.pem(), "220 Go on\r\n");
    assert_eq!(shown, "Success\r\n");
    assert_eq!(clear, ["EHLO [10.5.6.108]", "STARTTLS"]);
    assert_eq!(secret[..4], TAKEN);
    assert_eq!(secret.last().unwrap(), "QUIT");
}

#[test]
fn tls_begins_at_once() {
    let world = World::new();
    let (shown, clear, secret) = send(&world, 465, &world.authority.pem(), "");
    assert_eq!(shown, "Success\r\n");
    assert!(clear.is_empty());
    assert_eq!(secret[..4], TAKEN);
}

#[test]
fn a_server_that_proves_nothing_gets_nothing() {
    let (world, stranger) = (World::new(), World::new());
    for number in [587, 465] {
        let (shown, _, secret) = send(&world, number, &stranger.authority.pem(), "220 Go on\r\n");
        assert!(shown.contains("Error with TLS handshake: 50") && shown.ends_with("Command failed\r\n"), "{shown}");
        assert!(secret.is_empty());
    }
}

#[test]
fn what_was_said_before_tls_does_not_count() {
    let world = World::new();
    // After the reply comes another that an attacker has put there.
    let (shown, clear, _) = send(&world, 587, &world.authority.pem(), "220 Go on\r\n250 AUTH PLAIN\r\n");
    assert_eq!(shown, "SMTP STARTTLS: the server does not keep to the protocol\r\nCommand failed\r\n");
    assert_eq!(clear.last().unwrap(), "STARTTLS");
    // A refusal is a refusal: the message does not go on in the clear.
    let (shown, clear, _) = send(&world, 587, &world.authority.pem(), "454 Not now\r\n");
    assert_eq!(shown, "SMTP STARTTLS: 454 Not now\r\nCommand failed\r\n");
    assert_eq!(clear.last().unwrap(), "STARTTLS");
}
