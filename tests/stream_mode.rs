//! Stream mode on the simulated port, with a virtual clock (interface, serial 7).

#[allow(dead_code, reason = "others use more of it")]
#[path = "shared/random.rs"]
mod random;

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::{Peer, PeerListener, SimDevice, SimPort};
use openzentri::port::{Interface, Parity, UartSettings};
use random::Random;

type Settings = &'static [(&'static str, &'static str)];

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 7);

macro_rules! settings {
    ($($setting:expr),* $(,)?) => {
        &[
            ("bus.mode", "stream"),
            ("wlan.ssid", "Open House"),
            ("wlan.auto_join.enabled", "1"),
            ("http.server.enabled", "0"),
            $($setting),*
        ]
    };
}

const CLIENT: Settings = settings![
    ("tcp.client.auto_start", "1"),
    ("tcp.client.auto_retries", "255"),
    ("tcp.client.remote_host", "10.5.6.1"),
    ("tcp.client.remote_port", "7"),
];
const SERVERS: Settings = settings![("tcp.server.auto_start", "1"), ("udp.server.port", "3001")];

fn wait(device: &mut SimDevice, millis: u64) {
    device.advance(Duration::from_millis(millis));
}

/// A device in stream mode, whose client has connected.
fn connected(settings: Settings) -> (SimDevice, PeerListener, Peer) {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = SimDevice::boot(port, settings);
    wait(&mut device, 100);
    let peer = listener.accept().expect("the device has connected");
    assert_eq!(device.take_output(), "", "no log lines, no banner");
    (device, listener, peer)
}

/// Lets the host send, then lets time pass.
fn send(device: &mut SimDevice, bytes: &[u8], millis: u64) {
    device.port().type_bytes(bytes);
    wait(device, millis);
}

/// Breaks out, and returns what is printed.
fn break_out(device: &mut SimDevice) -> String {
    send(device, b"$$$\r\n", 200);
    device.take_output()
}

#[test]
fn bytes_go_both_ways_as_they_are() {
    let (mut device, _, peer) = connected(CLIENT);
    let all: Vec<u8> = (0..=255).collect();
    send(&mut device, &all, 10);
    assert_eq!(peer.received(), all);
    peer.send(&all);
    device.settle();
    assert_eq!(device.take_bytes(), all);
}

#[test]
fn a_packet_is_sent_when_the_host_pauses() {
    let (mut device, _, peer) = connected(CLIENT);
    send(&mut device, b"one ", 9);
    send(&mut device, b"two", 9);
    assert_eq!(peer.received(), b"");
    wait(&mut device, 1);
    assert_eq!(peer.received(), b"one two");
}

#[test]
fn without_flush_reset_the_time_runs_from_the_first_byte() {
    let (mut device, _, peer) = connected(settings![
        ("tcp.client.auto_start", "1"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
        ("bus.stream.flush_reset", "0"),
        ("bus.stream.flush_time", "30"),
    ]);
    for byte in b"abc" {
        send(&mut device, &[*byte], 10);
    }
    assert_eq!(peer.received(), b"abc");
    send(&mut device, b"d", 29);
    assert_eq!(peer.received(), b"");
    wait(&mut device, 1);
    assert_eq!(peer.received(), b"d");
}

#[test]
fn packets_of_a_number_of_bytes_are_datagrams() {
    let port = SimPort::new();
    let peer = port.udp_peer(SERVER);
    let settings = settings![
        ("udp.client.auto_start", "1"),
        ("udp.client.remote_host", "10.5.6.1"),
        ("udp.client.remote_port", "7"),
        ("udp.client.local_port", "4000"),
        ("bus.stream.flush_count", "16"),
        ("bus.stream.flush_time", "50"),
    ];
    let mut device = SimDevice::boot(port, settings);
    wait(&mut device, 100);
    send(&mut device, &[b'x'; 40], 0);
    let sizes = |peer: &openzentri::port::sim::UdpPeer| -> Vec<usize> {
        peer.received().iter().map(|datagram| datagram.data.len()).collect()
    };
    assert_eq!(sizes(&peer), [16, 16], "the rest waits for its time");
    wait(&mut device, 50);
    assert_eq!(sizes(&peer), [8]);
    for text in ["first", "second"] {
        peer.send(4000, text);
    }
    device.settle();
    assert_eq!(device.take_output(), "firstsecond");
}

#[test]
fn a_udp_server_answers_whom_it_has_heard() {
    let port = SimPort::new();
    let peer = port.udp_peer(SERVER);
    let mut device = SimDevice::boot(port, settings![("udp.server.auto_start", "1"), ("udp.server.port", "3001")]);
    wait(&mut device, 100);
    send(&mut device, b"to nobody yet, ", 100);
    peer.send(3001, "question");
    device.settle();
    assert_eq!(device.take_output(), "question");
    send(&mut device, b"answer", 10);
    let heard: Vec<u8> = peer.received().into_iter().flat_map(|datagram| datagram.data).collect();
    assert_eq!(heard, b"to nobody yet, answer");
}

#[test]
fn a_server_takes_one_client_at_a_time() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, SERVERS);
    wait(&mut device, 100);
    let first = port.connect(3000).unwrap();
    device.settle();
    let second = port.connect(3000).unwrap();
    device.settle();
    assert!(second.is_device_gone() && !first.is_device_gone());
    first.send("hello");
    send(&mut device, b"world", 10);
    assert_eq!((first.received_text(), device.take_output()), ("world".into(), "hello".into()));
    first.close();
    device.settle();
    let third = port.connect(3000).unwrap();
    device.settle();
    send(&mut device, b"again", 10);
    assert_eq!(third.received_text(), "again");
}

#[test]
fn the_stream_that_was_opened_first_is_the_one() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let settings = settings![
        ("tcp.server.auto_start", "1"),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ];
    let mut device = SimDevice::boot(port, settings);
    wait(&mut device, 100);
    let server = listener.accept().unwrap();
    let client = port.connect(3000).unwrap();
    client.send("later");
    device.settle();
    send(&mut device, b"one", 10);
    assert_eq!(
        (server.received_text(), client.received_text(), device.take_output()),
        ("one".into(), "".into(), "".into())
    );
    server.close();
    device.settle();
    send(&mut device, b"two", 10);
    assert_eq!((client.received_text(), device.take_output()), ("two".into(), "later".into()), "the next one");
}

#[test]
fn what_came_last_from_a_peer_is_not_lost() {
    let (mut device, listener, peer) = connected(CLIENT);
    device.port().limit_output(10);
    peer.send([b'z'; 5000]);
    peer.close();
    let mut printed = 0;
    for _ in 0..600 {
        printed += device.port().printed().len();
        device.settle();
    }
    assert_eq!(printed, 5000);
    wait(&mut device, 1000);
    let next = listener.accept().expect("connected again");
    send(&mut device, b"to the next", 10);
    assert_eq!(next.received_text(), "to the next");
    assert_eq!(device.port().stale_calls(), 0);
}

#[test]
fn without_auto_close_the_next_connection_comes_as_well() {
    let (mut device, listener, peer) = connected(settings![
        ("stream.auto_close", "0"),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.auto_retries", "255"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ]);
    peer.send("bye");
    peer.close();
    wait(&mut device, 1000);
    assert_eq!(device.take_output(), "bye");
    assert!(listener.accept().is_some());
}

#[test]
fn a_peer_that_only_listens_gets_what_the_host_has_sent() {
    let (mut device, _, peer) = connected(CLIENT);
    peer.finish();
    device.port().type_bytes(b"answer");
    device.settle();
    wait(&mut device, 10);
    // The connection ends when nothing is left to send: later bytes are for the next one.
    assert!(peer.is_device_gone());
}

#[test]
fn input_waits_for_a_connection() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, CLIENT);
    send(&mut device, b"early ", 3500);
    send(&mut device, b"birds", 3500);
    let listener = port.listen(SERVER);
    wait(&mut device, 1000);
    assert_eq!(listener.accept().unwrap().received_text(), "early birds");
}

/// More input than can wait.
fn flood() -> Vec<u8> {
    (0..limits::SERIAL_RX + 1000).map(|place| b'a' + (place % 26) as u8).collect()
}

#[test]
fn with_flow_control_nothing_is_lost_without_a_connection() {
    let port = SimPort::new();
    let settings = settings![
        ("uart.flow 0", "1"),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.auto_retries", "255"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ];
    let mut device = SimDevice::boot(port, settings);
    send(&mut device, &flood(), 5000);
    assert_eq!(port.unread(), 1000, "the UART keeps the host waiting");
    let listener = port.listen(SERVER);
    wait(&mut device, 2000);
    assert_eq!(listener.accept().unwrap().received(), flood());
}

#[test]
fn without_flow_control_the_newest_are_lost_but_the_host_can_break_out() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, CLIENT);
    send(&mut device, &flood(), 5000);
    assert_eq!(port.unread(), 0);
    let listener = port.listen(SERVER);
    wait(&mut device, 2000);
    assert_eq!(listener.accept().unwrap().received(), flood()[..limits::SERIAL_RX]);
    let mut device = SimDevice::boot(SimPort::new(), CLIENT);
    send(&mut device, &flood(), 5000);
    assert!(break_out(&mut device).starts_with("Command Mode Start\r\n"));
    assert!(device.command("ver").ends_with("\r\n"), "what waited is no command");
}

#[test]
fn rx_bufsize_bounds_what_waits() {
    let port = SimPort::new();
    let settings = settings![
        ("bus.command.rx_bufsize", "256"),
        ("bus.stream.flush_count", "300"),
        ("uart.flow 0", "1"),
        ("tcp.server.auto_start", "1"),
    ];
    let mut device = SimDevice::boot(port, settings);
    send(&mut device, &[b'x'; 1000], 5000);
    assert_eq!(port.unread(), 700, "the larger of the two");
}

#[test]
fn silence_before_and_behind_the_sequence_breaks_out() {
    for (before, behind, breaks) in [(2990, 3000, false), (3010, 2999, false), (3010, 3000, true)] {
        let (mut device, _, peer) = connected(CLIENT);
        send(&mut device, b"data", before);
        send(&mut device, b"$$$", behind);
        let printed = device.take_output();
        assert_eq!(printed == "Command Mode Start\r\n> ", breaks, "{before} {behind}: {printed}");
        send(&mut device, if breaks { b"" } else { b"more" }, 3000);
        let sent = if breaks { "data" } else { "data$$$more" };
        assert_eq!(peer.received_text(), sent, "{before} {behind}");
    }
}

#[test]
fn the_sequence_and_cr_lf_break_out_wherever_they_are_cut() {
    let sequence = b"data$$$\r\n";
    for cut in 1..sequence.len() {
        for pause in [0, 1, 50] {
            let (mut device, _, peer) = connected(CLIENT);
            send(&mut device, &sequence[..cut], pause);
            send(&mut device, &sequence[cut..], 199);
            assert_eq!(device.take_output(), "", "{cut} {pause}");
            wait(&mut device, 1);
            assert_eq!(device.take_output(), "Command Mode Start\r\n> ", "{cut} {pause}");
            assert_eq!(peer.received_text(), "data", "{cut} {pause}");
        }
    }
}

#[test]
fn byte_by_byte_it_breaks_out_as_well() {
    let (mut device, _, peer) = connected(CLIENT);
    for byte in b"data$$$\r\n" {
        send(&mut device, &[*byte], 20);
    }
    wait(&mut device, 180);
    assert_eq!((device.take_output(), peer.received_text()), ("Command Mode Start\r\n> ".into(), "data".into()));
}

#[test]
fn data_that_begin_like_the_sequence_are_forwarded_whole() {
    let data: [&[u8]; 8] = [b"$$x", b"$", b"$$$", b"$$$\r", b"$$$\n", b"$$$\r\nx", b"$$$$$$$$$\r", b"$$$\r\n$$$\r\n$"];
    for bytes in data {
        for cut in 0..bytes.len() {
            let (mut device, _, peer) = connected(CLIENT);
            send(&mut device, b".", 100);
            send(&mut device, &bytes[..cut], 1);
            send(&mut device, &bytes[cut..], 100);
            assert_eq!(peer.received(), [b".", bytes].concat(), "{bytes:?} at {cut}");
            wait(&mut device, 10_000);
            assert_eq!(device.take_output(), "", "{bytes:?} at {cut}");
        }
    }
}

#[test]
fn a_sequence_of_ones_own_and_none() {
    let (mut device, _, peer) = connected(settings![
        ("bus.stream.cmd_seq", "+++leave now+++"),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ]);
    send(&mut device, b"$$$\r\n", 5000);
    assert_eq!((device.take_output(), peer.received_text()), ("".into(), "$$$\r\n".into()));
    send(&mut device, b"+++leave now+++\r\n", 200);
    assert!(device.take_output().starts_with("Command Mode Start\r\n"));

    let (mut device, _, peer) = connected(settings![
        ("bus.stream.cmd_seq", ""),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ]);
    wait(&mut device, 5000);
    send(&mut device, b"$$$", 5000);
    send(&mut device, b"$$$\r\n", 5000);
    send(&mut device, b"\r\n", 5000);
    assert_eq!((device.take_output(), peer.received_text()), ("".into(), "$$$$$$\r\n\r\n".into()));
}

#[test]
fn in_command_mode_the_stream_waits_and_exit_goes_back() {
    let (mut device, _, peer) = connected(CLIENT);
    assert_eq!(break_out(&mut device), "Command Mode Start\r\n> ");
    peer.send("while away");
    device.settle();
    assert_eq!(device.command("poll 0"), "1\r\n");
    assert_eq!(device.command("read 0 6"), "while \r\n");
    assert_eq!(device.command_with_data("write 0 6", b"direct"), "Success\r\n");
    assert!(device.command("list").contains("# 0 TCPC  10.5.6.1:7"));
    device.type_line("exit");
    device.port().type_bytes(b"behind");
    wait(&mut device, 10);
    assert_eq!(device.take_output(), "exit\r\nSuccess\r\naway");
    assert_eq!(peer.received_text(), "directbehind");
    assert_eq!(break_out(&mut device), "Command Mode Start\r\n> ", "and again");
}

#[test]
fn exit_needs_stream_mode() {
    let mut device = SimDevice::boot(SimPort::new(), &[("http.server.enabled", "0")]);
    device.take_output();
    assert_eq!(device.command("exit"), "This line is not in stream mode\r\nCommand failed\r\n");
}

#[test]
fn machine_mode_gets_frames() {
    let (mut device, _, _) = connected(settings![
        ("system.cmd.mode", "machine"),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ]);
    assert_eq!(break_out(&mut device), "L000020\r\nCommand Mode Start\r\n");
    assert_eq!(device.request("poll all -r").code, 0);
    device.type_line("exit");
    device.settle();
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
}

#[test]
fn the_log_is_silent_but_kept() {
    let (mut device, _, peer) = connected(CLIENT);
    peer.close();
    wait(&mut device, 5000);
    assert_eq!(device.take_output(), "");
    break_out(&mut device);
    let log = device.device().unwrap().base.log;
    let lines = (log.first()..log.next()).filter_map(|number| log.get(number));
    let closed = lines.filter(|(_, _, text)| text.starts_with(b"[Closed")).count();
    assert!(closed >= 1, "but it is in the event log");
}

#[test]
fn a_pin_chooses_the_mode() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let settings = settings![
        ("bus.stream.cmd_gpio", "9"),
        ("tcp.client.auto_start", "1"),
        ("tcp.client.remote_host", "10.5.6.1"),
        ("tcp.client.remote_port", "7"),
    ];
    let mut device = SimDevice::boot(port, settings);
    wait(&mut device, 100);
    let peer = listener.accept().unwrap();
    send(&mut device, b"low ", 10);
    port.drive_pin(9, Some(true));
    device.settle();
    assert_eq!(device.take_output(), "Command Mode Start\r\n> ");
    assert!(device.command("ver").contains("ZentriOS") || !device.command("ver").is_empty());
    port.drive_pin(9, Some(false));
    device.settle();
    device.take_output();
    send(&mut device, b"low again", 10);
    assert_eq!(peer.received_text(), "low low again");
    // The sequence works as well; the pin takes the line back to stream mode once it has been high.
    break_out(&mut device);
    assert_eq!(device.command("poll 0"), "0\r\n");
    for level in [true, false] {
        port.drive_pin(9, Some(level));
        device.settle();
    }
    device.take_output();
    send(&mut device, b"!", 10);
    assert_eq!(peer.received_text(), "!");
}

#[test]
fn a_pin_that_is_high_at_the_start_means_command_mode() {
    let port = SimPort::new();
    port.drive_pin(9, Some(true));
    let mut device = SimDevice::boot(port, settings![("bus.stream.cmd_gpio", "9")]);
    device.settle();
    assert_eq!(device.take_output(), "Command Mode Start\r\n> ");
}

#[test]
fn a_peer_that_is_slow_stops_the_host_and_the_other_way_round() {
    let (mut device, _, peer) = connected(CLIENT);
    peer.set_window(100);
    let sent: Vec<u8> = (0..3 * limits::STREAM_TX).map(|place| (place % 251) as u8).collect();
    device.port().type_bytes(&sent);
    wait(&mut device, 1000);
    assert!(device.port().unread() > limits::STREAM_TX, "the host has to wait");
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let next = peer.received();
        assert!(!next.is_empty(), "stopped after {} bytes", received.len());
        received.extend(next);
        wait(&mut device, 20);
    }
    assert!(received == sent);
    device.port().limit_output(100);
    peer.send(&sent);
    wait(&mut device, 1000);
    assert!(peer.unread() > limits::STREAM_RX, "the peer has to wait");
    let mut printed = Vec::new();
    while printed.len() < sent.len() {
        let next = device.port().printed();
        assert!(!next.is_empty(), "stopped after {} bytes", printed.len());
        printed.extend(next);
        device.settle();
    }
    assert!(printed == sent);
}

/// Random pieces both ways, short reads and writes: nothing is lost, doubled or mixed up.
#[test]
fn random_segments_arrive_whole() {
    for seed in 0..20 {
        let (mut device, _, peer) = connected(CLIENT);
        let mut random = Random::new(seed);
        let port = device.port();
        port.limit_serial_calls(1 + random.below(5000), 1 + random.below(5000));
        peer.limit_calls(1 + random.below(5000), 1 + random.below(5000));
        let mut bytes = |count: usize| -> Vec<u8> { (0..count).map(|_| b"$\r\nxyz"[random.below(6)]).collect() };
        let (up, down) = (bytes(100_000), bytes(100_000));
        let mut cut = Random::new(seed + 1000);
        let (mut sent, mut answered, mut arrived, mut printed) = (0, 0, Vec::new(), Vec::new());
        while sent < up.len() || answered < down.len() {
            let next = (sent + 1 + cut.below(4000)).min(up.len());
            port.type_bytes(&up[sent..next]);
            sent = next;
            let next = (answered + 1 + cut.below(4000)).min(down.len());
            peer.send(&down[answered..next]);
            answered = next;
            wait(&mut device, cut.below(30) as u64);
            arrived.extend(peer.received());
            printed.extend(device.take_bytes());
        }
        send(&mut device, b".", 5000);
        arrived.extend(peer.received());
        printed.extend(device.take_bytes());
        assert!(arrived == [&up[..], b"."].concat(), "seed {seed}: to the peer, {} bytes", arrived.len());
        assert!(printed == down, "seed {seed}: to the host, {} bytes", printed.len());
    }
}

/// The vendor's acceptance script: afterwards everything comes up by itself.
#[test]
fn after_a_restart_soft_ap_server_and_bridge_come_up_alone() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, &[("http.server.enabled", "0")]);
    device.take_output();
    for value in [
        "softap.ssid Bridge",
        "softap.passkey mypassword",
        "softap.auto_start 1",
        "tcp.server.auto_start 1",
        "tcp.server.auto_interface softap",
        "tcp.server.connected_gpio 22",
        "tcp.keepalive.enabled 1",
        "tcp.keepalive.retry_count 5",
        "tcp.keepalive.initial_timeout 7",
        "tcp.keepalive.retry_timeout 2",
        "bus.mode stream",
    ] {
        assert_eq!(device.command(&format!("set {value}")), "Set OK\r\n", "{value}");
    }
    assert!(device.command("save").ends_with("Success\r\n"));
    device.type_line("reboot");
    device.run_until(Duration::from_secs(10), |device| device.restarts() == 1);
    wait(&mut device, 1000);
    device.take_output();
    assert_eq!(port.pin(22), Some(false));
    let guest = SocketAddrV4::new(Ipv4Addr::new(10, 10, 10, 9), 5000);
    let peer = port.connect_from(Interface::SoftAp, guest, 3000).expect("the server runs");
    device.settle();
    assert_eq!(port.pin(22), Some(true));
    let keepalive = peer.keepalive().unwrap();
    assert_eq!((keepalive.idle, keepalive.interval, keepalive.count), (7, 2, 5));
    peer.send("from the guest");
    send(&mut device, b"from the host", 10);
    assert_eq!((device.take_output(), peer.received_text()), ("from the guest".into(), "from the host".into()));
    peer.close();
    device.settle();
    assert_eq!(port.pin(22), Some(false));
    // And back for good.
    break_out(&mut device);
    assert_eq!(device.command("set bus.mode command"), "Set OK\r\n");
    device.command("save");
    device.type_line("reboot");
    device.run_until(Duration::from_secs(10), |device| device.restarts() == 2);
    assert!(device.expect("[Ready]", Duration::from_secs(1)).contains("Rebooting"));
}

#[test]
fn pins_tell_of_data_and_clients() {
    let port = SimPort::new();
    let settings = &[
        ("wlan.ssid", "Open House"),
        ("wlan.auto_join.enabled", "1"),
        ("http.server.enabled", "0"),
        ("tcp.server.auto_start", "1"),
        ("tcp.server.connected_gpio", "1"),
        ("tcp.server.data_gpio", "2"),
        ("udp.server.auto_start", "1"),
        ("udp.server.port", "3001"),
        ("udp.server.data_gpio", "3"),
    ];
    let mut device = SimDevice::boot(port, settings);
    wait(&mut device, 100);
    let levels = || [1, 2, 3].map(|pin| port.pin(pin).unwrap());
    assert_eq!(levels(), [false; 3]);
    let peer = port.connect(3000).unwrap();
    device.settle();
    assert_eq!(levels(), [true, false, false]);
    peer.send("data");
    port.udp_peer(SERVER).send(3001, "datagram");
    device.settle();
    assert_eq!(levels(), [true, true, true]);
    device.command("read 1 2");
    device.settle();
    assert_eq!(levels(), [true, true, true], "there is more");
    device.command("read 1 2");
    device.command("read 0 100");
    device.settle();
    assert_eq!(levels(), [true, false, false]);
    peer.close();
    device.settle();
    assert_eq!(levels(), [false; 3]);
    // The pins move with the next start of the interface.
    assert_eq!(device.command("set tcp.server.connected_gpio 8"), "Set OK\r\n");
    device.settle();
    assert_eq!((port.pin(1), port.pin(8)), (Some(false), None));
    device.type_line("network_restart");
    wait(&mut device, 100);
    assert_eq!((port.pin(1), port.pin(8)), (None, Some(false)));
}

#[test]
fn the_uart_has_the_settings_of_its_variables_when_they_act() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, &[("http.server.enabled", "0")]);
    device.take_output();
    assert_eq!(port.uart_settings(), Some(UartSettings::default()));
    for value in ["baud 0 921600", "parity 0 even", "stop 0 2", "data 0 7", "flow 0 on", "baud 1 9600"] {
        assert_eq!(device.command(&format!("set uart.{value}")), "Set OK\r\n");
    }
    wait(&mut device, 1000);
    assert_eq!(port.uart_settings(), Some(UartSettings::default()), "not yet");
    let fast = UartSettings { baud: 921_600, data: 7, parity: Parity::Even, stop: 2, flow: true };
    port.hold_output(true);
    assert_eq!(device.command("uart_update"), "Success\r\n");
    wait(&mut device, 1000);
    assert_eq!(port.uart_settings(), Some(UartSettings::default()), "the answer has not left");
    port.hold_output(false);
    wait(&mut device, 10);
    assert_eq!(port.uart_settings(), Some(fast));
    device.command("set bus.data_bus uart1");
    device.command("save");
    device.type_line("reboot");
    device.run_until(Duration::from_secs(10), |device| device.restarts() == 1);
    device.settle();
    assert_eq!(port.uart_settings().unwrap().baud, 9600, "at a restart those of the data bus");
}

#[test]
fn another_log_bus_keeps_log_lines_off_the_command_uart() {
    let port = SimPort::new();
    let mut device =
        SimDevice::boot(port, &[("bus.log_bus", "uart1"), ("wlan.ssid", "Open House"), ("http.server.enabled", "0")]);
    device.settle();
    assert_eq!(device.take_output(), "> ");
    device.type_line("network_up");
    wait(&mut device, 1000);
    assert_eq!(device.take_output(), "network_up\r\nSuccess\r\n> ");
}
