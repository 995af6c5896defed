//! The remote terminal (interface, serial 10): who may come, what is sent in one piece, what the command UART does
//! meanwhile.
#![cfg(feature = "remote_terminal")]

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::Interface;
use openzentri::port::sim::{Answer, End, Peer, SimDevice, SimPort, framing};

const TERMINAL: u16 = 2000;
const SILENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 99);

macro_rules! settings {
    ($($more:expr),*) => {
        &[("wlan.ssid", "Open House"), ("http.server.enabled", "0"), ("remote_terminal.enabled", "1"),
          ("ntp.enabled", "0"), ("system.print_level", "0"), $($more),*]
    };
}

const OPEN: &[(&str, &str)] = settings!();
const PASSWORD: &[(&str, &str)] = settings!(("remote_terminal.password", "secret"));
const BOTH: &[(&str, &str)] = settings!(("remote_terminal.username", "me"), ("remote_terminal.password", "secret"));

/// A device in the network.
fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.command("network_up");
    device.take_output();
    device
}

/// A client, after it has received the device's first prompt.
fn client(device: &mut SimDevice) -> Peer {
    let client = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(client.received_text(), "> ", "the prompt comes at once");
    client
}

/// A client that has sent something and so has taken the command UART's place.
fn speaker(device: &mut SimDevice) -> Peer {
    let client = client(device);
    assert!(answer(device, &client, "\n").ends_with("\r\n> "));
    client
}

/// What the device sends the client at once for these bytes.
fn answer(device: &mut SimDevice, client: &Peer, bytes: impl AsRef<[u8]>) -> String {
    client.send(bytes);
    device.settle();
    client.received_text()
}

fn seconds(device: &mut SimDevice, seconds: u64) {
    device.advance(Duration::from_secs(seconds));
}

// Lines and pieces

#[test]
fn every_line_end_ends_one_line() {
    let mut device = device(OPEN);
    let client = client(&mut device);
    for end in ["\n", "\r\n", "\r\0", "\r"] {
        let shown = answer(&mut device, &client, format!("get wlan.mac{end}"));
        assert_eq!(shown, "get wlan.mac\r\n4C:55:CC:10:09:42\r\n> ", "{end:?}");
    }
}

#[test]
fn the_echo_of_a_line_and_its_answer_are_one_piece() {
    let mut device = device(OPEN);
    let client = client(&mut device);
    for line in ["ver", "get wlan.mac", "nonsense", "", "list", "set time.zone 1", "fcr a.txt 0"] {
        let before = client.pieces();
        let shown = answer(&mut device, &client, format!("{line}\n"));
        assert!(shown.starts_with(&format!("{line}\r\n")) && shown.ends_with("\r\n> "), "{shown:?}");
        assert_eq!(client.pieces(), before + 1, "{line:?}");
    }
    // Also an answer that is not ready at once, with its log lines.
    answer(&mut device, &client, "set system.print_level all\n");
    device.port().set_answer(SILENT, Duration::from_millis(100), Answer::Accept);
    let before = client.pieces();
    assert_eq!(answer(&mut device, &client, "tcpc 10.5.6.9 99\n"), "");
    seconds(&mut device, 1);
    let shown = client.received_text();
    assert!(
        shown.starts_with("tcpc 10.5.6.9 99\r\n[Opening: ") && shown.ends_with("[Opened: 0]\r\n0\r\n> "),
        "{shown}"
    );
    assert_eq!(client.pieces(), before + 1);
}

#[test]
fn who_types_sees_it_and_a_slow_command_shows_what_it_does() {
    let mut device = device(settings!(("system.print_level", "all")));
    let client = client(&mut device);
    for key in ["l", "i", "s", "x"] {
        assert_eq!(answer(&mut device, &client, key), key);
    }
    assert_eq!(answer(&mut device, &client, "\x7f"), "\x08 \x08");
    assert_eq!(answer(&mut device, &client, "t\r\0"), "t\r\n! # Type  Info\r\n> ");
    device.port().set_answer(SILENT, Duration::from_secs(3600), Answer::Silence);
    assert_eq!(answer(&mut device, &client, "tcpc 10.5.6.9 99\n"), "");
    seconds(&mut device, 1);
    let shown = client.received_text();
    assert!(shown.starts_with("tcpc 10.5.6.9 99\r\n[Opening: ") && !shown.contains("failed"), "{shown:?}");
    // Ctrl-C ends it, and so does Telnet's "interrupt process".
    assert!(answer(&mut device, &client, "\x03").ends_with("Command failed\r\n> "));
    answer(&mut device, &client, "tcpc 10.5.6.9 99\n");
    assert!(answer(&mut device, &client, b"\xff\xf4").ends_with("Command failed\r\n> "));
}

#[test]
fn machine_mode_has_headers_as_on_the_uart() {
    let mut device = device(OPEN);
    let client = client(&mut device);
    assert!(answer(&mut device, &client, "set system.cmd.mode machine\n").ends_with("R000008\r\nSet OK\r\n"));
    let before = client.pieces();
    assert_eq!(answer(&mut device, &client, "get wlan.mac\n"), "R000019\r\n4C:55:CC:10:09:42\r\n");
    assert_eq!(client.pieces(), before + 1);
    answer(&mut device, &client, "set system.print_level all\nfcr a.txt 3\nabcfop a.txt\n");
    device.settle();
    assert_eq!(answer(&mut device, &client, "read 0 9\n"), "L000013\r\n[Closed: 0]\r\nR000005\r\nabc\r\n");
    // A client that connects in machine mode gets no greeting.
    client.close();
    device.settle();
    let next = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(next.received_text(), "");
    assert!(answer(&mut device, &next, "ver\n").starts_with("R0"));
}

#[test]
fn long_answers_and_long_answers_in_a_stream() {
    let mut device = device(OPEN);
    let client = client(&mut device);
    let all = answer(&mut device, &client, "get all\n");
    assert!(all.len() > 5000 && all.contains("wlan.ssid: Open House\r\n") && all.ends_with("\r\n> "));
    answer(&mut device, &client, "set system.cmd.buffered 1\n");
    let handle = answer(&mut device, &client, "get all\n");
    assert!(handle.starts_with("get all\r\n0,"), "{handle:?}");
    assert!(answer(&mut device, &client, "list\n").starts_with("list\r\n1,"), "the list is long, too");
    assert!(answer(&mut device, &client, "list 0\n").contains("CMD"));
}

// Telnet

#[test]
fn negotiation_is_refused_wherever_it_is_split() {
    let text = b"\xff\xfd\x03ge\xff\xfb\x18t wlan.mac\xff\xfa\x1f\x00\x50\xff\xff\x18\xff\xf0\r\0";
    for at in 0..text.len() {
        let mut device = device(settings!(("system.cmd.echo", "0")));
        let client = client(&mut device);
        let mut received = Vec::new();
        for part in [&text[..at], &text[at..]] {
            client.send(part);
            device.settle();
            received.extend(client.received());
        }
        assert_eq!(received, b"\xff\xfc\x03\xff\xfe\x184C:55:CC:10:09:42\r\n> ", "{at}");
    }
}

#[test]
fn data_of_any_bytes_pass() {
    let mut device = device(OPEN);
    let telnet = client(&mut device);
    let data: Vec<u8> = (0..=255).collect();
    // A client that speaks Telnet sends 255 twice and a NUL after CR, and gets 255 twice.
    let sent: Vec<u8> = data
        .iter()
        .flat_map(|byte| match byte {
            255 => vec![255, 255],
            13 => vec![13, 0],
            byte => vec![*byte],
        })
        .collect();
    answer(&mut device, &telnet, [b"\xff\xf1fcr any.bin 256\r\0".as_slice(), &sent].concat());
    answer(&mut device, &telnet, "set system.cmd.echo 0\nfop any.bin\n");
    telnet.send("read 0 256\n");
    device.settle();
    let doubled: Vec<u8> =
        data.iter().flat_map(|byte| if *byte == 255 { vec![255, 255] } else { vec![*byte] }).collect();
    assert_eq!(telnet.received(), [&doubled[..], b"\r\n> "].concat());
    telnet.close();
    device.settle();
    // A client that does not speak Telnet gets the bytes as they are.
    let raw = client(&mut device);
    answer(&mut device, &raw, "fop any.bin\n");
    raw.send("read 0 256\n");
    device.settle();
    assert_eq!(raw.received(), [&data[..], b"\r\n> "].concat());
}

// Log-in

#[test]
fn a_password_is_asked_for_and_never_shown() {
    for end in ["\n", "\r\n", "\r\0", "\r"] {
        let mut device = device(PASSWORD);
        let client = device.port().connect(TERMINAL).expect("the device listens");
        device.settle();
        assert_eq!(client.received_text(), "Password: ");
        // A correction counts, and the line end is no line of its own.
        assert_eq!(answer(&mut device, &client, format!("secred\x7ft{end}")), "\r\n> ");
        assert_eq!(
            answer(&mut device, &client, format!("get wlan.mac{end}")),
            "get wlan.mac\r\n4C:55:CC:10:09:42\r\n> "
        );
    }
}

#[test]
fn name_and_password_must_both_be_right() {
    for (name, password, right) in [
        ("me", "secret", true),
        ("you", "secret", false),
        ("me", "secre", false),
        ("me", "secret!", false),
        ("", "", false),
    ] {
        let mut device = device(BOTH);
        let client = device.port().connect(TERMINAL).expect("the device listens");
        device.settle();
        assert_eq!(client.received_text(), "Login: ");
        assert_eq!(answer(&mut device, &client, format!("{name}\r\n")), "\r\nPassword: ");
        let shown = answer(&mut device, &client, format!("{password}\r\n"));
        assert_eq!(shown, if right { "\r\n> " } else { "\r\n" }, "{name} {password}");
        seconds(&mut device, 1);
        assert_eq!(client.received_text(), if right { "" } else { "Login incorrect\r\nLogin: " });
    }
}

#[test]
fn wrong_passwords_take_time_and_end() {
    let mut device = device(PASSWORD);
    let mut tried = 0;
    // Three per connection; after ten, an address must wait.
    loop {
        let client = device.port().connect(TERMINAL).expect("the device listens");
        device.settle();
        assert_eq!(client.received_text(), "Password: ");
        for _ in 0..3 {
            let before = device.millis();
            client.send("wrong\n");
            assert!(device.run_until(Duration::from_secs(5), |_| client.received_text().contains("Login incorrect")));
            assert!(device.millis() - before >= 1000);
            tried += 1;
            if client.is_device_gone() {
                break;
            }
        }
        assert!(client.is_device_gone());
        if tried % 3 > 0 {
            break;
        }
    }
    assert_eq!(tried, 10);
    let client = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(client.received_text(), "Too many attempts\r\n");
    assert_eq!(client.end(), Some(End::Finished));
    // Another address is not held back, and neither is this one for ever.
    let other = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 77), 40_000);
    let client = device.port().connect_from(Interface::Wlan, other, TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(client.received_text(), "Password: ");
    assert_eq!(answer(&mut device, &client, "secret\n"), "\r\n> ");
    client.close();
    seconds(&mut device, 61);
    let client = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(answer(&mut device, &client, "secret\n"), "Password: \r\n> ");
}

#[test]
fn who_does_not_log_in_keeps_nobody_out_and_leaves_the_uart_alone() {
    let mut device = device(PASSWORD);
    let first = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(device.command("get wlan.mac"), "4C:55:CC:10:09:42\r\n");
    let second = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert!(second.is_device_gone() && !first.is_device_gone());
    seconds(&mut device, 11);
    let third = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert!(first.is_device_gone(), "it has had its time");
    assert_eq!(answer(&mut device, &third, "secret\n"), "Password: \r\n> ");
    seconds(&mut device, 11);
    let fourth = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert!(fourth.is_device_gone() && !third.is_device_gone(), "who has logged in stays");
}

#[test]
fn a_log_in_has_its_time() {
    let mut device = device(PASSWORD);
    let client = device.port().connect(TERMINAL).expect("the device listens");
    seconds(&mut device, 59);
    client.send("sec");
    assert!(!client.is_device_gone());
    seconds(&mut device, 2);
    assert!(client.is_device_gone());
    assert_eq!(device.port().open_sockets(), 1, "the listener");
}

// One at a time, and the UART

#[test]
fn a_second_client_is_refused_at_once() {
    let mut device = device(OPEN);
    let first = client(&mut device);
    let second = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert!(second.is_device_gone() && second.received().is_empty());
    assert!(answer(&mut device, &first, "ver\n").ends_with("\r\n> "));
    first.close();
    device.settle();
    client(&mut device);
}

#[test]
fn the_uart_takes_no_commands_meanwhile_and_loses_none() {
    let mut device = device(OPEN);
    device.port().type_bytes(b"get wl");
    device.settle();
    assert_eq!(device.take_output(), "get wl");
    let remote = speaker(&mut device);
    device.port().type_bytes(b"an.mac\r\nget time.zone\r\n");
    seconds(&mut device, 1);
    assert_eq!(device.take_output(), "");
    assert_eq!(answer(&mut device, &remote, "set time.zone 2\n"), "set time.zone 2\r\nSet OK\r\n> ");
    // Log lines go to both.
    answer(&mut device, &remote, "set system.print_level all\nfcr a.txt 3\nabc");
    device.settle();
    assert!(device.take_output().contains("File created\r\n"));
    answer(&mut device, &remote, "set system.print_level 0\n");
    remote.close();
    device.settle();
    assert_eq!(device.take_output(), "an.mac\r\n4C:55:CC:10:09:42\r\n> get time.zone\r\n2\r\n> ");
    assert_eq!(device.command("get wlan.mac"), "4C:55:CC:10:09:42\r\n");
}

#[test]
fn who_only_connects_leaves_the_uart_alone() {
    let mut device = device(OPEN);
    let remote = client(&mut device);
    assert_eq!(device.command("get time.zone"), "0\r\n");
    // Telnet negotiation does not count as input.
    remote.send([0xFF, 0xFD, 0x01]);
    device.settle();
    remote.received();
    assert_eq!(device.command("get time.zone"), "0\r\n");
    remote.send("g");
    device.settle();
    device.port().type_bytes(b"get wlan.mac\r\n");
    device.settle();
    assert_eq!(device.take_output(), "");
    remote.close();
    device.settle();
    assert_eq!(device.take_output(), "get wlan.mac\r\n4C:55:CC:10:09:42\r\n> ");
}

#[test]
fn a_command_of_the_uart_that_runs_is_answered_there() {
    let mut device = device(OPEN);
    device.port().set_answer(SILENT, Duration::from_secs(5), Answer::Refuse);
    device.type_line("tcpc 10.5.6.9 99");
    device.settle();
    device.take_output();
    let remote = client(&mut device);
    assert!(answer(&mut device, &remote, "ver\n").ends_with("\r\n> "));
    seconds(&mut device, 30);
    assert_eq!(device.take_output(), "Command failed\r\n> ");
}

#[test]
fn what_the_uart_sends_without_end_waits_as_flow_control_has_it() {
    let mut device = device(OPEN);
    let remote = speaker(&mut device);
    let lines = "get time.zone\r\n".repeat(1000);
    device.port().type_bytes(lines.as_bytes());
    seconds(&mut device, 1);
    assert!(device.port().unread() > 0, "more than fits is left to the UART");
    assert_eq!(device.take_output(), "");
    remote.reset();
    device.settle();
    assert_eq!(device.take_output().matches("\r\n0\r\n> ").count(), 1000);
}

#[test]
fn a_restart_keeps_what_the_uart_has_sent() {
    let mut device = device(OPEN);
    let remote = speaker(&mut device);
    device.port().type_bytes(b"get wlan.mac\r\n");
    device.settle();
    assert_eq!(answer(&mut device, &remote, "reboot\n"), "reboot\r\nRebooting\r\n");
    seconds(&mut device, 1);
    assert_eq!(device.restarts(), 1);
    assert!(device.take_output().ends_with("get wlan.mac\r\n4C:55:CC:10:09:42\r\n> "));
}

#[test]
fn what_the_uart_was_asked_is_not_answered_by_the_remote_terminal() {
    let mut device = device(OPEN);
    device.type_line("network_up -s");
    seconds(&mut device, 10);
    assert!(device.take_output().ends_with("Number of the network (nothing: none):\r\n> "));
    let remote = client(&mut device);
    assert!(answer(&mut device, &remote, "get time.zone\n").ends_with("\r\n0\r\n> "));
    // The remote terminal can be asked itself; when its client goes, nobody is asked any more.
    answer(&mut device, &remote, "network_up -s\n");
    seconds(&mut device, 10);
    assert!(remote.received_text().ends_with("Number of the network (nothing: none):\r\n> "));
    remote.close();
    device.settle();
    assert_eq!(device.command("get time.zone"), "0\r\n");
}

// Time and slowness

#[test]
fn a_silent_client_is_dropped() {
    for (settings, limit) in [(OPEN, 60), (settings!(("remote_terminal.timeout", "5")), 5)] {
        let mut device = device(settings);
        let client = client(&mut device);
        seconds(&mut device, limit - 1);
        client.send("v");
        seconds(&mut device, limit - 1);
        assert!(!client.is_device_gone(), "a byte is a sign of life");
        seconds(&mut device, 3);
        assert!(client.is_device_gone());
        device.take_output();
        assert_eq!(device.command("get wlan.mac"), "4C:55:CC:10:09:42\r\n");
    }
    let mut device = device(settings!(("remote_terminal.timeout", "0")));
    let client = client(&mut device);
    seconds(&mut device, 100_000);
    assert!(!client.is_device_gone());
    assert!(client.keepalive().is_some(), "one that is gone without a word is found out");
}

#[test]
fn negotiation_is_no_sign_of_life_and_a_command_that_runs_is() {
    let mut device = device(settings!(("remote_terminal.timeout", "5"), ("tcp.client.connect_timeout", "30000")));
    let idle = client(&mut device);
    for _ in 0..7 {
        idle.send(b"\xff\xf1");
        seconds(&mut device, 1);
    }
    assert!(idle.is_device_gone());
    let patient = client(&mut device);
    device.port().set_answer(SILENT, Duration::from_secs(20), Answer::Refuse);
    answer(&mut device, &patient, "tcpc 10.5.6.9 99\n");
    seconds(&mut device, 19);
    assert!(!patient.is_device_gone());
}

#[test]
fn a_client_that_takes_nothing_is_dropped_and_delays_nobody() {
    let mut device = device(settings!(("http.server.enabled", "1"), ("system.print_level", "all")));
    device.port().set_window(100);
    let client = device.port().connect(TERMINAL).expect("the device listens");
    device.port().set_window(65_536);
    device.settle();
    client.send("get all\nget all\n");
    device.settle();
    let peer = device.port().connect(80).expect("the device listens");
    peer.send("GET /command/get%20all HTTP/1.1\r\nHost: d\r\n\r\n");
    let mut answer = String::new();
    assert!(device.run_until(Duration::from_secs(1), |_| {
        answer += &peer.received_text();
        peer.end().is_some()
    }));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    seconds(&mut device, 58);
    assert!(!client.is_device_gone());
    seconds(&mut device, 4);
    assert!(client.is_device_gone());
    device.take_output();
    assert_eq!(device.command("get wlan.mac"), "4C:55:CC:10:09:42\r\n");
}

#[test]
fn a_client_that_sends_without_end_and_reads_nothing_stops_nobody() {
    let mut device = device(OPEN);
    device.port().set_window(100);
    let client = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    client.send(b"\xff\xfd\x03".repeat(100_000));
    seconds(&mut device, 1);
    client.send("ver\n".repeat(10_000));
    seconds(&mut device, 100);
    assert!(client.is_device_gone());
    assert_eq!(device.command("get wlan.mac"), "4C:55:CC:10:09:42\r\n");
}

// Starts and stops

#[test]
fn it_comes_and_goes_with_its_interface() {
    let mut device = device(settings!());
    let others = device.port().open_sockets() - 1;
    let first = client(&mut device);
    assert!(device.port().connect(2001).is_err(), "nobody listens there");
    answer(&mut device, &first, "set remote_terminal.port 2001\n");
    assert!(device.port().connect(2001).is_err(), "not before the next start");
    first.send("network_restart\n");
    seconds(&mut device, 10);
    assert!(first.is_device_gone());
    assert!(device.port().connect(TERMINAL).is_err(), "it has moved");
    let second = device.port().connect(2001).expect("the device listens");
    device.settle();
    answer(&mut device, &second, "set remote_terminal.interface softap\n");
    second.send("network_restart\n");
    seconds(&mut device, 10);
    assert!(device.port().connect(2001).is_err(), "it is not for this interface");
    assert!(second.is_device_gone());
    assert_eq!(device.port().open_sockets(), others);
    assert_eq!(device.port().stale_calls(), 0);
}

#[test]
fn off_is_off() {
    let mut device = device(&[("wlan.ssid", "Open House"), ("system.print_level", "0")]);
    assert!(device.port().connect(TERMINAL).is_err(), "it is not enabled");
    device.command("set remote_terminal.enabled 1");
    device.command("network_restart");
    client(&mut device);
}

#[test]
fn half_a_connection_still_has_its_answers() {
    let mut device = device(OPEN);
    let client = client(&mut device);
    client.send("get wlan.mac\nget time.zone\n");
    client.finish();
    device.settle();
    assert_eq!(client.received_text(), "get wlan.mac\r\n4C:55:CC:10:09:42\r\n> get time.zone\r\n0\r\n> ");
    assert_eq!(client.end(), Some(End::Finished));
}

#[test]
fn frames_never_lie_in_one_another() {
    let mut device = device(settings!(("system.cmd.mode", "machine"), ("system.print_level", "all")));
    let client = device.port().connect(TERMINAL).expect("the device listens");
    client.limit_calls(3, 7);
    let mut bytes = Vec::new();
    for _ in 0..50 {
        client.send("fcr a.txt 3\nabcfop a.txt\nread 0 9\nfde a.txt\n");
        device.settle();
        bytes.extend(client.received());
    }
    let (frames, rest) = framing::frames(&bytes);
    assert!(rest.is_empty());
    assert_eq!(frames.iter().filter(|frame| frame.kind == b'R').count(), 200);
}

#[test]
#[cfg(feature = "stream_mode")]
fn in_stream_mode_the_bridge_goes_on() {
    let settings = settings!(("bus.mode", "stream"), ("tcp.server.auto_start", "1"), ("wlan.auto_join.enabled", "1"));
    let mut device = SimDevice::boot(SimPort::new(), settings);
    seconds(&mut device, 10);
    device.take_output();
    let peer = device.port().connect(3000).expect("the server has started");
    device.settle();
    let remote = client(&mut device);
    assert_eq!(answer(&mut device, &remote, "get wlan.mac\n"), "get wlan.mac\r\n4C:55:CC:10:09:42\r\n> ");
    device.port().type_bytes(b"hello");
    seconds(&mut device, 1);
    assert_eq!(peer.received_text(), "hello");
    peer.send("world");
    seconds(&mut device, 1);
    assert_eq!(device.take_output(), "world");
    assert!(answer(&mut device, &remote, "exit\n").contains("Command failed"), "it is the UART that is in stream mode");
}
