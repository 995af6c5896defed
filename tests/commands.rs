//! Commands that wait, and the data of commands: other front ends go on, and nothing is left when one is given up.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::command::{Asker, Bytes};
use openzentri::limits;
use openzentri::port::sim::{Answer, Peer, SimDevice, SimPort};

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 7);

/// A device in machine mode, on the network, with its HTTP server.
fn device() -> SimDevice {
    let port = SimPort::new();
    let settings = &[
        ("wlan.ssid", "MyNet"),
        ("wlan.passkey", "mypassword"),
        ("bus.command.write_timeout", "25000"),
        ("http.server.enabled", "1"),
        ("http.server.api_enabled", "1"),
    ];
    let mut device = SimDevice::boot_machine(port, settings);
    assert_eq!(device.success("nup"), "Success");
    device
}

fn ask(device: &SimDevice, line: &str) -> Peer {
    let peer = device.port().connect(80).unwrap();
    peer.send(format!("GET /command/{} HTTP/1.1\r\n\r\n", line.replace(' ', "%20")));
    peer
}

/// The answer to a REST client.
fn rest(device: &mut SimDevice, line: &str) -> String {
    let peer = ask(device, line);
    device.settle();
    peer.received_text()
}

fn wait(device: &mut SimDevice, millis: u64) {
    device.advance(Duration::from_millis(millis));
}

/// Issue 8, 4.5: data that never come stop nobody else.
#[test]
fn a_half_typed_file_create_stops_nobody() {
    let mut device = device();
    device.type_line("fcr x.txt 10");
    device.port().type_bytes(b"half");
    device.settle();
    assert_eq!(device.take_output(), "");
    assert!(rest(&mut device, "version").contains("\"code\":0"));
    assert!(rest(&mut device, "ls").contains("\"code\":0"));
    // Nobody else can make a file of this name meanwhile.
    assert!(rest(&mut device, "fcr -o x.txt 5").contains("\"code\":1"));
    device.port().type_bytes(b" done!");
    device.settle();
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
    assert!(rest(&mut device, "ls").contains("x.txt"));
}

#[test]
fn a_command_of_the_host_waits_while_rest_goes_on_and_the_other_way_round() {
    let mut device = device();
    device.type_line("ping 10.9.9.9");
    device.settle();
    assert!(rest(&mut device, "get wlan.ssid").contains("MyNet"));
    assert_eq!(device.take_output(), "");
    // The host's own commands stay in order.
    device.type_line("get wlan.ssid");
    wait(&mut device, 4000);
    assert_eq!(device.take_output(), "R100013\r\nPing failed\r\nR000007\r\nMyNet\r\n");
    let waiting = ask(&device, "ping 10.9.9.9");
    device.settle();
    assert_eq!(device.success("get wlan.ssid"), "MyNet");
    assert!(waiting.received().is_empty());
    wait(&mut device, 4000);
    assert!(waiting.received_text().contains("Ping failed"));
}

/// Issue 8, 1.8: a host sends its data up to 400 ms late.
#[test]
fn late_data_are_waited_for() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    device.type_line("write 0 5");
    wait(&mut device, 400);
    device.port().type_bytes(b"ab");
    wait(&mut device, 24_000);
    device.port().type_bytes(b"cde");
    device.settle();
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
    assert_eq!(peer.received(), b"abcde");
}

/// Issue 8, 1.8: a timeout fails every command that takes data.
#[test]
fn missing_data_fail_the_command() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    device.success("udpc 10.5.6.1 9");
    let udp = device.port().udp_peer(SocketAddrV4::new(*SERVER.ip(), 9));
    device.success("set bus.command.write_timeout 500");
    for line in ["write 0 5", "write 1 5", "fcr x.txt 5", "write 7 5"] {
        device.type_line(line);
        device.port().type_bytes(b"ab");
        wait(&mut device, 400);
        assert_eq!(device.take_output(), "", "{line}");
        wait(&mut device, 200);
        let output = device.take_output();
        assert!(output.ends_with("R100016\r\nCommand failed\r\n"), "{line}: {output}");
    }
    assert_eq!(peer.received(), b"ab", "a byte stream has what came");
    assert!(udp.received().is_empty(), "a message is whole or not there");
    assert!(!device.success("ls").contains("x.txt"));
}

/// Issue 8, 1.8: no empty WebSocket message when the data do not come.
#[test]
fn a_websocket_gets_no_empty_message_for_missing_data() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send(
        "GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    device.settle();
    assert!(peer.received_text().starts_with("HTTP/1.1 101"));
    device.take_output();
    device.success("set bus.command.write_timeout 500");
    for typed in ["", "abc"] {
        device.type_line("write 0 5");
        device.port().type_bytes(typed.as_bytes());
        wait(&mut device, 600);
        assert!(device.take_output().ends_with("Command failed\r\n"));
        assert_eq!(peer.received(), b"", "{typed}");
    }
    // A message that comes in pieces is still one.
    device.type_line("write 0 5");
    for bytes in ["a", "bc", "de"] {
        wait(&mut device, 300);
        device.port().type_bytes(bytes.as_bytes());
    }
    device.settle();
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
    assert_eq!(peer.received(), b"\x82\x05abcde");
}

/// When the waiting command comes back, the handle belongs to another stream.
#[test]
fn a_close_that_waits_does_not_close_a_later_stream() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.set_window(1);
    device.command_with_data("write 0 200", &[b'x'; 200]);
    device.type_line("close 0");
    device.settle();
    assert_eq!(device.take_output(), "");
    // Another client takes the interface down and opens something else on the handle.
    rest(&mut device, "ndo");
    let output = device.take_output();
    assert!(output.ends_with("Success\r\n"), "{output}");
    assert_eq!(device.success("fcr -o new.txt 3"), "0");
    wait(&mut device, 6000);
    assert!(device.success("list").contains("# 0 FILE"));
}

/// Issue 8, 1.6.
#[test]
fn poll_all_r_lists_what_is_ready() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    for _ in 0..3 {
        device.success("tcpc 10.5.6.1 7");
    }
    let peers: Vec<Peer> = (0..3).map(|_| listener.accept().unwrap()).collect();
    assert_eq!(device.success("poll all -r"), "None");
    peers[1].send("x");
    device.settle();
    assert_eq!(device.success("poll all"), "0,0|1,1|2,0");
    assert_eq!(device.success("poll all -r"), "1,1");
    assert_eq!(device.success("poll -r all -c"), "1,1,1");
    assert_eq!(device.success("poll all -cr"), "1,1,1");
}

/// A connection that comes about after its command was given up belongs to nobody.
#[test]
fn a_client_that_breaks_off_leaves_nothing_open() {
    let mut device = device();
    device.port().set_answer(SERVER, Duration::from_secs(2), Answer::Accept);
    let sockets = device.port().open_sockets();
    for line in ["tcpc 10.5.6.1 7", "hge http://10.5.6.1:7/", "hdo http://10.5.6.1:7/ a", "nlo example.com"] {
        let peer = ask(&device, line);
        wait(&mut device, 100);
        peer.reset();
        wait(&mut device, 5000);
        assert_eq!(device.port().open_sockets(), sockets, "{line}");
        assert!(rest(&mut device, "list").contains(r#"Info\r\n"}"#), "{line}");
    }
}

/// A REST client that takes nothing of a long answer.
fn slow_reader(device: &mut SimDevice) -> Peer {
    let handle = rest(device, "fop long.bin");
    let handle = handle.split("response\":\"").nth(1).expect("a handle").chars().next().unwrap();
    let peer = ask(device, &format!("read {handle} {}", limits::RESPONSE));
    peer.set_window(10);
    device.settle();
    peer
}

/// A file whose content does not fit into the buffer of a connection.
fn long_file(device: &mut SimDevice) {
    let data = vec![b'x'; limits::RESPONSE - 2];
    device.type_line(&format!("fcr long.bin {}", data.len()));
    device.port().type_bytes(&data);
    device.settle();
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
}

/// Answers that are kept beyond a turn leave one buffer: slow clients and a CMD stream stop neither the host nor REST.
#[test]
fn kept_answers_leave_a_buffer() {
    let mut device = device();
    long_file(&mut device);
    device.success("set system.cmd.buffered 1");
    let kept: Vec<Peer> = (2..limits::ANSWERS).map(|_| slow_reader(&mut device)).collect();
    let handle = device.success("help variables");
    assert!(handle.starts_with("0,"), "{handle}");
    // The most that may be kept are kept. The next long answer is refused, short ones are not.
    let refused = slow_reader(&mut device);
    refused.set_window(100_000);
    assert_eq!(refused.received_text().len(), 0);
    wait(&mut device, 110);
    assert!(refused.received_text().starts_with("HTTP/1.1 503"), "{}", refused.received_text());
    assert!(rest(&mut device, "version").contains("\"code\":0"));
    assert_eq!(device.success("get wlan.ssid"), "MyNet");
    device.type_line("get all");
    device.settle();
    assert!(device.take_output().ends_with("Command failed\r\n"), "a buffer for its text may not be kept");
    // A buffer that is given back makes room.
    assert_eq!(device.success("close 0"), "Success");
    assert!(device.success("help variables").starts_with("0,"));
    drop(kept);
}

/// A half-sent message keeps a buffer only from its first byte on.
#[test]
fn a_message_takes_no_buffer_before_it_comes() {
    let mut device = device();
    long_file(&mut device);
    device.success("udpc 10.5.6.1 9");
    let _kept: Vec<Peer> = (1..limits::ANSWERS).map(|_| slow_reader(&mut device)).collect();
    device.type_line("write 0 5");
    device.settle();
    assert!(rest(&mut device, "version").contains("\"code\":0"));
    device.port().type_bytes(b"abcde");
    device.settle();
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
}

#[test]
fn a_client_that_goes_gives_its_buffer_back() {
    let mut device = device();
    long_file(&mut device);
    for _ in 0..3 * limits::ANSWERS {
        let peer = slow_reader(&mut device);
        peer.reset();
        device.settle();
    }
    device.success("set system.cmd.buffered 1");
    assert!(device.success("help variables").starts_with("0,"));
}

/// The future of a command is as large as that of the largest handler, and every HTTP connection has one. It was 1,720
/// bytes with `smtp_send` as the largest; what was added since then should become smaller.
#[test]
fn the_future_of_a_command_stays_small() {
    let device = device();
    let shell = device.device().expect("it runs").shell;
    let (mut line, mut data) = ([], Bytes(&[]));
    let future = shell.run(&mut line, &mut data, Asker::Http);
    let size = size_of_val(&future);
    assert!(size <= 2080, "{size} bytes");
}

#[test]
fn stream_wait_answers_when_there_is_something() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    device.success("tcpc 10.5.6.1 7");
    let peers: Vec<Peer> = (0..2).map(|_| listener.accept().unwrap()).collect();
    for (line, answer) in [("stream_wait 1 5000", "1"), ("stream_wait all 5000 -r -c", "1,1,1")] {
        device.type_line(line);
        let waiting = ask(&device, line);
        wait(&mut device, 4000);
        assert_eq!(device.take_output(), "", "{line}");
        peers[1].send("x");
        device.settle();
        let length = answer.len() + 2;
        assert_eq!(device.take_output(), format!("R0{length:05}\r\n{answer}\r\n"), "{line}");
        assert!(waiting.received_text().contains(&format!(r#""code":0,"flags":0,"response":"{answer}\r\n""#)));
        device.success("read 1 10");
    }
    // A timeout is no failure; data that have come already are answered at once.
    device.type_line("stream_wait 0 1000");
    wait(&mut device, 1001);
    assert_eq!(device.take_output(), "R000003\r\n0\r\n");
    peers[0].send("x");
    device.settle();
    assert_eq!(device.success("stream_wait 0 600000"), "1");
    // A stream that is closed meanwhile.
    device.type_line("stream_wait 1 5000");
    device.settle();
    assert!(rest(&mut device, "close 1").contains("Success"));
    assert!(device.take_output().ends_with("R100016\r\nCommand failed\r\n"));
    for (line, code) in
        [("stream_wait 7 1", 1), ("stream_wait 0", 4), ("stream_wait 0 600001", 7), ("stream_wait 0 1 -x", 6)]
    {
        assert_eq!(device.request(line).code, code, "{line}");
    }
}

/// Two front ends write to one stream at a time: the bytes of one command stay together.
#[test]
fn what_two_front_ends_write_to_a_stream_does_not_mix() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.set_window(1);
    let size = openzentri::limits::STREAM_TX + 1000;
    device.type_line(&format!("write 0 {size}"));
    device.port().type_bytes(&vec![b'x'; size]);
    device.settle();
    let client = device.port().connect(80).unwrap();
    let body = r#"{"command":"write 0 3","data":"yyy"}"#;
    client.send(format!("POST /command HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    device.settle();
    assert_eq!((client.received_text(), device.take_output()), (String::new(), String::new()));
    peer.set_window(1_000_000);
    let mut received = Vec::new();
    for _ in 0..8 {
        device.settle();
        received.extend(peer.received());
    }
    assert_eq!(device.take_output(), "R000009\r\nSuccess\r\n");
    assert!(client.received_text().contains(r#""code":0"#));
    assert_eq!(received.len(), size + 3);
    assert_eq!(received.iter().position(|byte| *byte == b'y'), Some(size));
}

/// One front end closes the stream while another waits to write to it: the waiting one ends, and does not write to a
/// later stream of the same handle.
#[test]
fn a_write_that_waits_for_another_ends_with_its_stream() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    device.type_line("write 0 10");
    device.port().type_bytes(b"half");
    device.settle();
    let mut clients = Vec::new();
    for body in [r#"{"command":"write 0 3","data":"yyy"}"#, r#"{"command":"close 0"}"#] {
        let client = device.port().connect(80).unwrap();
        client.send(format!("POST /command HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        device.settle();
        clients.push(client);
    }
    wait(&mut device, 100);
    assert!(clients[0].received_text().contains(r#""code":1"#), "the second writer");
    assert!(clients[1].received_text().contains(r#""code":0"#), "who closes");
    assert_eq!(peer.received(), b"half");
    device.port().type_bytes(b"enough");
    device.settle();
    assert_eq!(device.take_output(), "R100016\r\nCommand failed\r\n");
}
