//! `smtp_send` (interface, network 9) with servers that behave, and with others.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::PortError;
use openzentri::port::sim::{Answer, Call, Peer, PeerListener, SimDevice, SimPort};

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 25), 587);
const SETTINGS: &[(&str, &str)] = &[
    ("wlan.ssid", "Open House"),
    ("http.server.enabled", "1"),
    ("ntp.enabled", "0"),
    ("system.print_level", "2"),
    ("email.smtp.host", "10.5.6.25"),
    ("email.name_address", "My Device <device@my.org>"),
];
const HELLO: &str =
    "250-mail.example greets you\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 SIZE 100000\r\n";

/// A server: what it has heard, and the messages that it has taken.
#[derive(Default)]
struct Server {
    peer: Option<Peer>,
    waiting: Vec<u8>,
    in_message: bool,
    heard: Vec<String>,
    messages: Vec<String>,
}

/// What a server says to a line; `None` for what good servers say. A text of `CLOSE` ends the connection, an empty one
/// is silence.
type Script<'a> = &'a dyn Fn(&str) -> Option<&'static str>;

fn good(line: &str) -> &'static str {
    match line {
        "" => "220 mail.example ESMTP\r\n",
        "." => "250 Taken\r\n",
        "DATA" => "354 Go on\r\n",
        "QUIT" => "221 Bye\r\nCLOSE",
        "AUTH LOGIN" => "334 VXNlcm5hbWU6\r\n",
        "dGlt" => "334 UGFzc3dvcmQ6\r\n",
        "AUTH CRAM-MD5" => "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n",
        line if line.starts_with("AUTH PLAIN ") => "235 Welcome\r\n",
        line if line.starts_with("EHLO ") => HELLO,
        line if line.starts_with("HELO ") || line.starts_with("MAIL ") || line.starts_with("RCPT ") => "250 OK\r\n",
        // The rest of a log-in.
        "dGFuc3RhYWZ0YW5zdGFhZg==" | "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw" => "235 Welcome\r\n",
        _ => "500 What?\r\n",
    }
}

impl Server {
    /// Takes what has come, and answers it; returns whether anything has happened.
    fn serve(&mut self, listener: &PeerListener, script: Script<'_>) -> bool {
        if let Some(peer) = listener.accept() {
            *self = Self { peer: Some(peer), messages: std::mem::take(&mut self.messages), ..Self::default() };
            self.say(script(""), "");
            return true;
        }
        let Some(peer) = self.peer else { return false };
        self.waiting.extend(peer.received());
        let mut any = false;
        while let Some(end) = self.waiting.windows(2).position(|pair| pair == b"\r\n") {
            let line = String::from_utf8(self.waiting.drain(..end + 2).collect()).expect("only ASCII goes out");
            let line = line.trim_end_matches("\r\n").to_owned();
            any = true;
            if self.in_message {
                self.take(&line, script);
                continue;
            }
            self.heard.push(line.clone());
            let said = self.say(script(&line), &line);
            self.in_message = line == "DATA" && said.starts_with("354");
            if self.in_message {
                self.messages.push(String::new());
            }
        }
        any
    }

    fn take(&mut self, line: &str, script: Script<'_>) {
        if line == "." {
            self.in_message = false;
            let said = self.say(script("."), ".");
            if !said.starts_with("250") {
                self.messages.pop();
            }
            return;
        }
        let message = self.messages.last_mut().unwrap();
        message.push_str(line.strip_prefix('.').unwrap_or(line));
        message.push_str("\r\n");
    }

    fn say(&mut self, scripted: Option<&'static str>, line: &str) -> &'static str {
        let text = scripted.unwrap_or_else(|| good(line));
        let peer = self.peer.unwrap();
        peer.send(text.trim_end_matches("CLOSE"));
        if text.ends_with("CLOSE") {
            peer.close();
        }
        text
    }

    /// The message that was taken completely: header and content, decoded.
    fn message(&self) -> (String, Vec<u8>) {
        assert_eq!(self.messages.len(), 1);
        assert!(!self.in_message);
        let (header, content) = self.messages[0].split_once("\r\n\r\n").expect("a header and a content");
        (header.to_owned(), decode(content))
    }
}

/// Quoted-printable.
fn decode(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    bytes
}

struct World {
    device: SimDevice,
    listener: PeerListener,
    server: Server,
}

impl World {
    fn new() -> Self {
        let port = SimPort::new();
        let listener = port.listen(SERVER);
        let mut device = SimDevice::boot(port, SETTINGS);
        device.settle();
        device.command("network_up");
        device.take_output();
        Self { device, listener, server: Server::default() }
    }

    /// Types a command and its data, and lets the server talk until the answer is there.
    fn run(&mut self, line: &str, data: &[u8], script: Script<'_>) -> String {
        self.device.take_output();
        self.device.type_line(line);
        self.device.port().type_bytes(data);
        self.answer(script)
    }

    fn answer(&mut self, script: Script<'_>) -> String {
        let mut output = String::new();
        for _ in 0..100_000 {
            self.device.settle();
            let any = self.server.serve(&self.listener, script);
            output.push_str(&self.device.take_output());
            if output.ends_with("\r\n> ") {
                let shown = output.split_once("\r\n").map_or("", |(_, shown)| shown);
                return shown.trim_end_matches("> ").to_owned();
            }
            if !any {
                self.device.advance(Duration::from_millis(20));
            }
        }
        panic!("no answer: {output:?}");
    }

    /// Nothing that was begun is left.
    fn check_rest(&mut self) {
        self.device.advance(Duration::from_secs(3));
        let port = self.device.port();
        // The listener of the HTTP server.
        assert_eq!((port.open_sockets(), port.open_jobs(), port.stale_calls()), (1, 0, 0));
    }
}

#[test]
fn a_message_arrives() {
    let mut world = World::new();
    world.device.command("set time.rtc 1795780805");
    assert_eq!(
        world.run("smtp_send you@your.org \"Door open\" 23", b"Hello!\r\n.\r\nT\xC3\xBCr = 1\0x\t ", &|_| None),
        "Success\r\n"
    );
    let heard = ["EHLO [10.5.6.108]", "MAIL FROM:<device@my.org>", "RCPT TO:<you@your.org>", "DATA", "QUIT"];
    assert_eq!(world.server.heard, heard);
    let (header, content) = world.server.message();
    assert_eq!(content, b"Hello!\r\n.\r\nT\xC3\xBCr = 1\0x\t ");
    let fields: Vec<_> = header.split("\r\n").collect();
    assert_eq!(
        fields[..4],
        [
            "From: My Device <device@my.org>",
            "To: you@your.org",
            "Subject: Door open",
            "Date: Fri, 27 Nov 2026 12:00:05 +0000"
        ]
    );
    assert!(fields[4].starts_with("Message-ID: <") && fields[4].ends_with("@my.org>"), "{header}");
    let last =
        ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"];
    assert_eq!(fields[5..], last);
    world.check_rest();
    // The short name; no content; no date while the clock is not set.
    let mut world = World::new();
    assert_eq!(world.run("smtp a@b \"\" 0", b"", &|_| None), "Success\r\n");
    let (header, content) = world.server.message();
    assert!(content.is_empty() && header.contains("\r\nSubject: \r\nMessage-ID") && !header.contains("Date:"));
}

#[test]
fn several_recipients_and_texts_beyond_ascii() {
    let mut world = World::new();
    world.device.command("set email.name_address \"K\u{e4}the <k@my.org>\"");
    let line = "smtp_send \"a@b, Smith <c@d>,\\\"x, y\\\" <e@[10.0.0.1]>\" \"T\u{fc}r auf\" 2";
    assert_eq!(world.run(line, b"x\n", &|_| None), "Success\r\n");
    let recipients: Vec<_> = world.server.heard.iter().filter(|line| line.starts_with("RCPT")).collect();
    assert_eq!(recipients, ["RCPT TO:<a@b>", "RCPT TO:<c@d>", "RCPT TO:<e@[10.0.0.1]>"]);
    let (header, content) = world.server.message();
    assert!(header.starts_with(
        "From: =?UTF-8?B?S8OkdGhl?= <k@my.org>\r\nTo: a@b,\r\n Smith <c@d>,\r\n \"x, y\" <e@[10.0.0.1]>\r\nSubject: =?UTF-8?B?VMO8ciBhdWY=?=\r\n"
    ), "{header}");
    assert_eq!(content, b"x\n");
    // If one recipient is refused, nobody gets the message.
    let refuse = |line: &str| line.contains("<c@d>").then_some("550 5.1.1 No such user\r\n");
    assert_eq!(world.run(line, b"x\n", &refuse), "SMTP RCPT TO: 550 5.1.1 No such user\r\nCommand failed\r\n");
    assert!(!world.server.heard.contains(&"DATA".to_owned()));
}

#[test]
fn long_subjects_and_long_contents_arrive() {
    let mut world = World::new();
    let subject = "\u{20ac}".repeat(300);
    let content: Vec<u8> = (0..90_000_u32).map(|at| (at.wrapping_mul(at) / 7) as u8).collect();
    let printed = world.run(&format!("smtp_send a@b \"{subject}\" 90000"), &content, &|_| None);
    assert_eq!(printed, "Success\r\n");
    let (header, arrived) = world.server.message();
    assert!(arrived == content);
    assert!(header.split("\r\n").all(|line| line.len() <= 78));
    world.check_rest();
    let subject = "x".repeat(700);
    assert_eq!(world.run(&format!("smtp_send a@b {subject} 1"), b"y", &|_| None), "Success\r\n");
    assert!(world.server.messages[1].contains(&format!("Subject: {subject}\r\n")));
}

#[test]
fn a_server_that_takes_little_at_a_time_is_waited_for() {
    let mut world = World::new();
    world.device.port().set_window(100);
    let content: Vec<u8> = (0..5000_u32).map(|at| at as u8).collect();
    assert_eq!(world.run("smtp_send a@b c 5000", &content, &|_| None), "Success\r\n");
    assert!(world.server.message().1 == content);
}

#[test]
fn old_servers_know_only_helo() {
    for refusal in ["500 What?\r\n", "502 No\r\n", "504-No\r\n504 such thing\r\n"] {
        let mut world = World::new();
        let script = move |line: &str| line.starts_with("EHLO").then_some(refusal);
        assert_eq!(world.run("smtp_send a@b c 1", b"x", &script), "Success\r\n");
        assert_eq!(world.server.heard[1], "HELO [10.5.6.108]");
        world.server.message();
    }
}

#[test]
fn what_a_server_refuses_is_in_the_log() {
    const STEPS: [(&str, &str); 7] = [
        ("", "greeting"),
        ("EHLO", "EHLO"),
        ("AUTH", "AUTH"),
        ("MAIL", "MAIL FROM"),
        ("RCPT", "RCPT TO"),
        ("DATA", "DATA"),
        (".", "message"),
    ];
    let mut world = World::new();
    world.device.command("set email.smtp.auth_without_tls 1");
    world.device.command("set email.smtp.username tim");
    world.device.command("set email.smtp.password tanstaaftanstaaf");
    for (begin, step) in STEPS {
        for (text, shown) in [
            ("421 4.3.2 Come back later\r\n", "421 4.3.2 Come back later"),
            ("554-No\r\n554 \x1B[2J\u{e4}\tno\r\n", "554 ?[2J\u{e4}?no"),
            ("299 Odd\r\nCLOSE", "299 Odd"),
            ("550\r\n", "550 "),
        ] {
            let script = move |line: &str| {
                (if begin.is_empty() { line.is_empty() } else { line.starts_with(begin) }).then_some(text)
            };
            let printed = world.run("smtp_send a@b c 3", b"abc", &script);
            assert_eq!(printed, format!("SMTP {step}: {shown}\r\nCommand failed\r\n"), "{step}");
            assert!(world.server.messages.is_empty());
            assert!(world.server.peer.unwrap().is_device_gone());
            world.check_rest();
        }
    }
    // The device still works.
    assert_eq!(world.run("smtp_send a@b c 3", b"abc", &|_| None), "Success\r\n");
}

#[test]
fn servers_that_end_are_silent_or_talk_nonsense() {
    const STEPS: [&str; 6] = ["", "EHLO", "MAIL", "RCPT", "DATA", "."];
    const LONG: &str =
        "250-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
    let endless: &'static str = LONG.repeat(200).leak();
    let one_line: &'static str = "250 ".repeat(2000).leak();
    let mut world = World::new();
    for step in STEPS {
        for (text, shown) in [
            ("CLOSE", "the server has closed the connection"),
            ("250-half of itCLOSE", "the server has closed the connection"),
            ("250-half of it\r\nCLOSE", "the server has closed the connection"),
            ("", "the server does not answer"),
            ("250-half of it\r\n", "the server does not answer"),
            ("+OK POP3 ready\r\n", "the server does not keep to the protocol"),
            ("\r\n", "the server does not keep to the protocol"),
            ("250-one\r\n251 two\r\n", "the server does not keep to the protocol"),
            ("\0\x01\x02\n", "the server does not keep to the protocol"),
            (endless, "the server does not keep to the protocol"),
            (one_line, "the server does not keep to the protocol"),
        ] {
            let script = move |line: &str| {
                (if step.is_empty() { line.is_empty() } else { line.starts_with(step) }).then_some(text)
            };
            let before = world.device.millis();
            let printed = world.run("smtp_send a@b c 3", b"abc", &script);
            assert!(
                printed.starts_with("SMTP ") && printed.ends_with(&format!("{shown}\r\nCommand failed\r\n")),
                "{step} {printed}"
            );
            assert!(world.device.millis() - before < 122_000, "{step} {printed}");
            assert!(world.server.peer.unwrap().is_device_gone());
            world.check_rest();
        }
    }
}

#[test]
fn a_server_that_breaks_off_within_the_content_is_heard() {
    let mut world = World::new();
    let content = vec![b'x'; 200_000];
    world.device.port().set_window(1000);
    // It says why, and takes no more.
    let script = |line: &str| (line == "DATA").then_some("354 Go on\r\n552 Too much\r\nCLOSE");
    let printed = world.run("smtp_send a@b c 200000", &content, &|_| None);
    assert_eq!(printed, "SMTP the server takes no message of this size\r\nCommand failed\r\n", "it offers SIZE 100000");
    let printed = world.run("smtp_send a@b c 90000", &content[..90_000], &script);
    assert_eq!(printed, "SMTP message: 552 Too much\r\nCommand failed\r\n");
    world.check_rest();
}

#[test]
fn no_argument_begins_another_line() {
    let mut world = World::new();
    for line in [
        r#"smtp_send "a@b\x0d\x0aRCPT TO:<c@d>" s 1"#,
        r#"smtp_send "a@b\x0a" s 1"#,
        r#"smtp_send a@b "s\x0d\x0aBcc: c@d" 1"#,
        r#"smtp_send a@b "s\x0aBcc: c@d" 1"#,
        r#"smtp_send a@b "s\x00" 1"#,
        r#"smtp_send "a@b>\x20<c@d" s 1"#,
        "smtp_send a@b, s 1",
        "smtp_send \"\" s 1",
        "smtp_send nobody s 1",
        "smtp_send a@b s -1",
    ] {
        assert_eq!(world.run(line, b"", &|_| None), "Invalid argument\r\n", "{line}");
    }
    assert_eq!(world.run("smtp_send a@b s", b"", &|_| None), "Too few arguments\r\n");
    assert_eq!(world.run("smtp_send a@b s 1 2", b"", &|_| None), "Too many arguments\r\n");
    let set = world.run(r#"set email.name_address "a@b\x0d\x0aBcc: c@d""#, b"", &|_| None);
    assert_eq!(set, "Invalid argument\r\n");
    assert!(world.server.peer.is_none(), "nobody was asked");
}

#[test]
fn a_host_that_sends_its_data_with_a_bad_line_is_not_misread() {
    let mut world = World::new();
    world.device.command("set system.cmd.mode machine");
    world.device.take_bytes();
    world.device.type_line("smtp_send nobody s 9");
    world.device.port().type_bytes(b"reboot\r\n!");
    world.device.type_line("get wlan.ssid");
    world.device.advance(Duration::from_secs(2));
    assert_eq!(world.device.take_output(), "R700018\r\nInvalid argument\r\nR000012\r\nOpen House\r\n");
    assert_eq!(world.device.restarts(), 0);
}

#[test]
fn settings_that_are_missing_are_named() {
    for (setting, shown) in [
        ("email.smtp.host \"\"", "SMTP set email.smtp.host"),
        ("email.name_address \"\"", "SMTP set email.name_address"),
        ("email.name_address Me", "SMTP set email.name_address"),
        ("email.smtp.host mail.example", "SMTP the server has no address"),
        ("email.smtp.port 26", "SMTP the server cannot be reached"),
    ] {
        let mut world = World::new();
        world.device.command("set tcp.client.retries 1");
        world.device.command(&format!("set {setting}"));
        assert_eq!(world.run("smtp_send a@b s 1", b"x", &|_| None), format!("{shown}\r\nCommand failed\r\n"));
        world.check_rest();
    }
    let mut world = World::new();
    world.device.port().set_answer(SERVER, Duration::from_secs(1), Answer::Error(PortError::Unreachable));
    world.device.port().fail(Call::TcpConnect, PortError::NoRoom);
    assert!(
        world
            .run("smtp_send a@b s 1", b"x", &|_| None)
            .ends_with("SMTP the server cannot be reached\r\nCommand failed\r\n")
    );
}

#[test]
fn a_password_stays_here_unless_the_owner_says_so() {
    let mut world = World::new();
    world.device.command("set email.smtp.username tim");
    world.device.command("set email.smtp.password tanstaaftanstaaf");
    let printed = world.run("smtp_send a@b s 1", b"x", &|_| None);
    let shown = "SMTP AUTH: the password is not sent without TLS (email.smtp.auth_without_tls)\r\nCommand failed\r\n";
    assert_eq!(printed, shown);
    assert_eq!(world.server.heard, ["EHLO [10.5.6.108]"]);
    world.device.command("set email.smtp.auth_without_tls 1");
    for (hello, said) in [
        (
            "250-a\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n",
            &["AUTH CRAM-MD5", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"][..],
        ),
        ("250-a\r\n250 AUTH LOGIN PLAIN\r\n", &["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"]),
        ("250-a\r\n250 AUTH=LOGIN\r\n", &["AUTH LOGIN", "dGlt", "dGFuc3RhYWZ0YW5zdGFhZg=="]),
    ] {
        let script = move |line: &str| line.starts_with("EHLO").then_some(hello);
        world.server.messages.clear();
        assert_eq!(world.run("smtp_send a@b s 1", b"x", &script), "Success\r\n");
        assert_eq!(world.server.heard[1..=said.len()], *said);
    }
    for hello in ["250 a\r\n", "250-a\r\n250 AUTH XOAUTH2\r\n", "502 No\r\n"] {
        let script = move |line: &str| line.starts_with("EHLO").then_some(hello);
        let printed = world.run("smtp_send a@b s 1", b"x", &script);
        assert_eq!(printed, "SMTP AUTH: the server offers neither PLAIN nor LOGIN nor CRAM-MD5\r\nCommand failed\r\n");
    }
    let script = |line: &str| (line == "AUTH CRAM-MD5").then_some("334 not base64\r\n");
    let printed = world.run("smtp_send a@b s 1", b"x", &script);
    assert_eq!(printed, "SMTP AUTH: the server does not keep to the protocol\r\nCommand failed\r\n");
    assert_eq!(world.device.command("get email.smtp.password"), "", "it does not come out again");
}

#[test]
fn data_that_do_not_come_make_no_message() {
    let mut world = World::new();
    world.device.command("set system.cmd.mode machine");
    world.device.take_bytes();
    world.device.type_line("smtp_send a@b s 10");
    world.device.port().type_bytes(b"half");
    world.device.advance(Duration::from_secs(30));
    assert_eq!(world.device.take_output(), "R100016\r\nCommand failed\r\n");
    assert!(world.listener.accept().is_none(), "nobody was asked");
    world.check_rest();
}

#[test]
fn somebody_else_is_told_that_a_message_is_on_its_way_and_who_gives_up_leaves_nothing() {
    let mut world = World::new();
    world.device.type_line("smtp_send a@b s 3");
    world.device.port().type_bytes(b"abc");
    world.device.settle();
    let server = world.listener.accept().unwrap();
    // REST goes on meanwhile.
    let rest = world.device.port().connect(80).unwrap();
    let body = r#"{"command":"smtp_send c@d s 2","data":"hi"}"#;
    rest.send(format!("POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    world.device.settle();
    let answer = rest.received_text();
    assert!(answer.contains("\"code\":1") && answer.contains("Command failed"), "{answer}");
    world.device.take_output();
    // A lone Ctrl-C.
    world.device.advance(Duration::from_secs(2));
    world.device.port().type_bytes(b"\x03");
    world.device.advance(Duration::from_secs(2));
    assert!(server.is_device_gone());
    world.device.advance(Duration::from_secs(1));
    world.device.take_output();
    // The next message, over REST.
    let rest = world.device.port().connect(80).unwrap();
    rest.send(format!("POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    for _ in 0..100 {
        world.device.settle();
        world.server.serve(&world.listener, &|_| None);
    }
    assert_eq!(world.server.message().1, b"hi");
    world.device.advance(Duration::from_secs(3));
    assert!(rest.received_text().contains("\"code\":0"));
}

#[test]
fn the_interface_comes_up_by_itself_and_its_end_ends_the_message() {
    let mut world = World::new();
    world.device.command("network_down");
    assert!(world.run("smtp_send a@b s 1", b"x", &|_| None).ends_with("Success\r\n"));
    world.server.message();
    let printed = world.run("smtp_send -i softap a@b s 1", b"x", &|_| None);
    assert!(printed.ends_with("Success\r\n"), "{printed}");
    assert_eq!(world.server.heard[0], "EHLO [10.10.10.1]");
    assert_eq!(world.run("smtp_send -i lan a@b s 1", b"", &|_| None), "Invalid argument\r\n");
}
