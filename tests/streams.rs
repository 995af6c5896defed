//! Dialogues about streams on the simulated port: virtual time, injected faults (interface, network 4).

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::PortError;
use openzentri::port::sim::{Answer, Call, SimDevice, SimPort};

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 7);

/// A device in machine mode, on the network.
fn device() -> SimDevice {
    let port = SimPort::new();
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
    let mut device = SimDevice::boot_machine(port, settings);
    assert_eq!(device.success("nup"), "Success");
    device
}

/// The code of the answer to a command.
fn code(device: &mut SimDevice, line: &str) -> u8 {
    device.request(line).code
}

fn write(device: &mut SimDevice, handle: &str, data: &[u8]) -> String {
    let header = device.command_with_data(&format!("write {handle} {}", data.len()), data);
    header.trim_end().lines().last().unwrap_or_default().to_owned()
}

fn wait(device: &mut SimDevice, millis: u64) {
    device.advance(Duration::from_millis(millis));
}

#[test]
fn a_tcp_client_sends_and_receives() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    assert_eq!(device.success("tcpc 10.5.6.1 7"), "0");
    let peer = listener.accept().expect("the device has connected");
    assert_eq!(device.success("poll 0"), "0");
    assert_eq!(write(&mut device, "0", b"hello\r\n\0"), "Success");
    device.settle();
    assert_eq!(peer.received(), b"hello\r\n\0");
    peer.send(b"good\r\nbye");
    device.settle();
    assert_eq!(device.success("poll 0"), "1");
    assert_eq!(device.success("poll all -c"), "0,1,9");
    assert_eq!(device.success("read 0 4"), "good");
    assert_eq!(device.success("read 0 100"), "\r\nbye");
    assert_eq!(device.request("read 0 100").payload, b"");
    let list = device.success("list");
    assert!(list.starts_with("! # Type  Info\r\n# 0 TCPC  10.5.6.1:7 ("), "{list}");
    assert_eq!(device.success("close 0"), "Success");
    device.settle();
    assert!(peer.is_device_gone() || peer.end().is_some());
    assert_eq!(code(&mut device, "poll 0"), 1);
    assert_eq!(device.port().stale_calls(), 0);
}

#[test]
fn without_auto_close_the_handle_stays_and_the_end_is_said_when_it_comes() {
    let mut device = device();
    device.success("set stream.auto_close 0");
    device.success("set system.print_level 1");
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.send(b"last words");
    peer.close();
    device.settle();
    assert_eq!(device.success("poll 0"), "1");
    assert_eq!(device.success("read 0 4"), "last");
    assert_eq!(device.success("poll all -c"), "0,1,6");
    assert_eq!(device.success("read 0 40"), " words");
    assert_eq!(device.success("poll all"), "0,2");
    for _ in 0..2 {
        assert_eq!(code(&mut device, "read 0 40"), 1, "nothing is left, and nothing will come");
    }
    let printed = device.take_output();
    assert_eq!(printed.matches("[Closed: 0]").count(), 1, "{printed}");
    assert_eq!(device.success("close 0"), "Success");
    assert!(!device.take_output().contains("[Closed: 0]"), "it was said before");
    assert_eq!(device.success("poll all"), "None");
}

#[test]
fn with_auto_close_the_handle_goes_when_the_data_are_read() {
    let mut device = device();
    assert_eq!(device.success("get stream.auto_close"), "1");
    device.success("set system.print_level 1");
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.send(b"rest");
    peer.close();
    device.settle();
    assert_eq!(device.success("poll 0"), "1");
    assert!(!device.take_output().contains("[Closed"), "there are data to read");
    assert_eq!(device.success("read 0 3"), "res");
    assert_eq!(device.success("poll 0"), "1");
    assert_eq!(device.success("read 0 40"), "t");
    assert_eq!(code(&mut device, "poll 0"), 1);
    assert_eq!(code(&mut device, "read 0 40"), 1);
    assert_eq!(device.port().open_sockets(), 0);
}

#[test]
fn a_reset_ends_reading_and_writing_but_not_the_handle() {
    let mut device = device();
    device.success("set stream.auto_close 0");
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.reset();
    device.settle();
    assert_eq!(device.success("poll 0"), "2");
    assert_eq!(write(&mut device, "0", b"x"), "Command failed");
    assert_eq!(device.success("close 0"), "Success");
    assert_eq!(device.port().open_sockets(), 0);
}

#[test]
fn a_peer_that_only_listens_still_gets_its_answer() {
    let mut device = device();
    device.success("set stream.auto_close 0");
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.send(b"question");
    peer.finish();
    device.settle();
    assert_eq!(device.success("poll 0"), "1");
    assert_eq!(device.success("read 0 40"), "question");
    assert_eq!(device.success("poll 0"), "2");
    assert_eq!(write(&mut device, "0", b"answer"), "Success");
    device.success("close 0");
    device.settle();
    assert_eq!(peer.received(), b"answer");
}

#[test]
fn what_was_written_goes_out_before_the_close() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.set_window(10);
    assert_eq!(write(&mut device, "0", &[b'x'; 200]), "Success");
    device.settle();
    device.type_line("close 0");
    device.settle();
    assert_eq!(device.take_output(), "");
    let mut received = 0;
    while received < 200 {
        let got = peer.received().len();
        assert!(got > 0, "the device has stopped sending after {received} bytes");
        received += got;
        device.settle();
    }
    assert!(device.expect("Success\r\n", Duration::from_secs(1)).contains("R000009"));
}

#[test]
fn a_peer_that_never_reads_holds_a_close_up_for_a_bounded_time() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.set_window(1);
    write(&mut device, "0", &[b'x'; 200]);
    device.type_line("close 0");
    wait(&mut device, 6000);
    assert!(device.take_output().contains("Success"));
    assert_eq!(device.success("poll all"), "None");
}

#[test]
fn a_peer_that_never_reads_does_not_stop_the_device() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.set_window(1);
    let data = vec![b'x'; 2 * openzentri::limits::STREAM_TX];
    device.type_line(&format!("write 0 {}", data.len()));
    device.port().type_bytes(&data);
    wait(&mut device, 19_000);
    assert_eq!(device.take_output(), "");
    wait(&mut device, 2_000);
    assert_eq!(device.take_output(), "R100016\r\nCommand failed\r\n");
    assert_eq!(device.success("get sy c e"), "0");
}

#[test]
fn connecting_fails_in_time_and_leaves_nothing() {
    let mut device = device();
    device.success("set tcp.client.connect_timeout 500");
    device.success("set tcp.client.retries 2");
    device.port().set_answer(SERVER, Duration::from_ticks(0), Answer::Silence);
    device.type_line("tcpc 10.5.6.1 7");
    wait(&mut device, 400);
    assert_eq!(device.take_output(), "");
    wait(&mut device, 20_000);
    assert_eq!(device.take_output(), "R100016\r\nCommand failed\r\n");
    device.port().set_answer(SERVER, Duration::from_ticks(0), Answer::Refuse);
    assert_eq!(code(&mut device, "tcpc 10.5.6.1 7"), 1);
    assert_eq!(code(&mut device, "tcpc no.such.host 7"), 1);
    assert_eq!(device.success("poll all"), "None");
    assert_eq!((device.port().open_sockets(), device.port().open_jobs()), (0, 0));
}

#[test]
fn names_are_resolved() {
    let mut device = device();
    device.port().set_name("server.example", Duration::from_millis(30), Ok(*SERVER.ip()));
    let _listener = device.port().listen(SERVER);
    assert_eq!(device.success("nlo server.example"), "10.5.6.1");
    assert_eq!(device.success("tcpc server.example 7"), "0");
    assert!(device.success("list").contains("# 0 TCPC  server.example:7 ("));
}

#[test]
fn the_ninth_stream_is_refused() {
    let mut device = device();
    let _listener = device.port().listen(SERVER);
    for handle in 0..8 {
        assert_eq!(device.success("tcpc 10.5.6.1 7"), handle.to_string());
    }
    assert_eq!(code(&mut device, "tcpc 10.5.6.1 7"), 1);
    assert_eq!(code(&mut device, "fcr -o a.txt 10"), 1);
    device.success("close 3");
    assert_eq!(device.success("udpc 10.5.6.1 7"), "3");
    device.success("close all");
    assert_eq!(device.success("poll all"), "None");
    assert_eq!(device.port().open_sockets(), 0);
}

#[test]
fn a_tcp_server_takes_clients_up_to_its_limit() {
    let mut device = device();
    device.success("set tcp.server.max_clients 2");
    assert_eq!(device.success("tcps start 3000"), "Success");
    assert_eq!(device.success("tcps start 3001"), "Success");
    assert_eq!(code(&mut device, "tcps start 3000"), 1);
    let clients: Vec<_> = (0..3).map(|_| device.port().connect(3000).unwrap()).collect();
    device.settle();
    assert_eq!(device.success("poll all"), "0,0|1,0");
    assert!(clients[2].end().is_some(), "the third client is turned away");
    clients[1].send(b"from one");
    device.settle();
    assert_eq!(device.success("poll all"), "0,0|1,1");
    assert_eq!(device.success("read 1 20"), "from one");
    assert!(device.success("list 0").contains("# 0 TCPS  "));
    assert_eq!(device.success("tcps stop 3000"), "Success");
    device.settle();
    assert_eq!(device.success("poll all"), "None");
    assert!(device.port().connect(3000).is_err());
    assert!(device.port().connect(3001).is_ok());
    assert_eq!(device.success("tcps stop"), "Success");
    assert_eq!(code(&mut device, "tcps stop"), 1);
    assert_eq!(device.port().open_sockets(), 0);
}

#[test]
fn an_idle_client_of_the_server_is_dropped() {
    let mut device = device();
    device.success("set tcp.server.idle_timeout 30");
    device.success("tcps start 3000");
    let client = device.port().connect(3000).unwrap();
    wait(&mut device, 20_000);
    client.send(b"still here");
    wait(&mut device, 20_000);
    assert_eq!(device.success("poll 0"), "1");
    wait(&mut device, 11_000);
    assert!(client.end().is_some());
    assert_eq!(device.success("poll 0"), "1");
    assert_eq!(device.success("read 0 20"), "still here");
    assert_eq!(device.success("poll all"), "None");
}

#[test]
fn without_an_idle_timeout_nobody_is_dropped() {
    let mut device = device();
    device.success("set tcp.server.idle_timeout 0");
    device.success("tcps start 3000");
    let client = device.port().connect(3000).unwrap();
    wait(&mut device, 86_400_000);
    assert_eq!((device.success("poll 0"), client.end()), ("0".into(), None));
}

#[test]
fn keepalive_comes_from_the_variables() {
    let mut device = device();
    for line in ["enabled 1", "initial_timeout 7", "retry_count 4", "retry_timeout 2"] {
        device.success(&format!("set tcp.keepalive.{line}"));
    }
    device.success("tcps start 3000");
    let client = device.port().connect(3000).unwrap();
    device.settle();
    let keepalive = client.keepalive().expect("keepalive is on");
    assert_eq!((keepalive.idle, keepalive.count, keepalive.interval), (7, 4, 2));
}

#[test]
fn a_udp_server_answers_who_spoke_last() {
    let mut device = device();
    assert_eq!(device.success("udps start 4000"), "0");
    let one = device.port().udp_peer("10.5.6.21:1001".parse().unwrap());
    let two = device.port().udp_peer("10.5.6.22:1002".parse().unwrap());
    one.send(4000, b"from one");
    two.send(4000, b"from two");
    device.settle();
    // The arrival of a datagram decides who spoke last, not the read.
    assert!(device.success("list 0").ends_with(" 10.5.6.22:1002"));
    assert_eq!(write(&mut device, "0", b"to two"), "Success");
    assert_eq!(device.success("read 0 4"), "from");
    assert_eq!(device.success("read 0 99"), " one");
    assert!(device.success("list 0").ends_with(" 10.5.6.22:1002"));
    // An empty datagram counts.
    one.send(4000, b"");
    device.settle();
    assert!(device.success("list 0").ends_with(" 10.5.6.21:1001"));
    assert_eq!(write(&mut device, "0", b"to one"), "Success");
    assert_eq!(device.success("read 0 99"), "from two");
    assert_eq!(device.request("read 0 99").payload, b"");
    let answer = device.command_with_data("udps write 5 10.5.6.21 1001", b"again");
    assert!(answer.contains("Success"), "{answer}");
    device.settle();
    let texts = |peer: &openzentri::port::sim::UdpPeer| {
        peer.received().into_iter().map(|datagram| String::from_utf8(datagram.data).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&one), ["to one", "again"]);
    assert_eq!(texts(&two), ["to two"]);
    device.success("udps stop 4000");
    assert_eq!(device.success("poll all"), "None");
}

#[test]
fn a_locked_udp_server_hears_its_first_client_only() {
    let mut device = device();
    device.success("set udp.server.lock_client 1");
    device.success("udps start 4000");
    let one = device.port().udp_peer("10.5.6.21:1001".parse().unwrap());
    let two = device.port().udp_peer("10.5.6.22:1002".parse().unwrap());
    one.send(4000, b"first");
    device.settle();
    assert_eq!(write(&mut device, "0", b"to one"), "Success");
    two.send(4000, b"stranger");
    two.send(4000, b"");
    one.send(4000, b"second");
    device.settle();
    assert_eq!(device.success("read 0 99"), "first");
    assert_eq!(device.success("read 0 99"), "second");
    assert_eq!(device.request("read 0 99").payload, b"");
}

#[test]
fn closing_the_stream_of_a_udp_server_stops_it() {
    let mut device = device();
    device.success("udps start 4000");
    device.success("close 0");
    assert_eq!(device.success("udps start 4000"), "0");
}

#[test]
fn short_reads_and_a_slow_link_lose_nothing() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.limit_calls(3, 2);
    let data: Vec<u8> = (0..5000u32).map(|number| (number % 251) as u8).collect();
    assert_eq!(write(&mut device, "0", &data), "Success");
    device.settle();
    let mut received = Vec::new();
    for _ in 0..10_000 {
        let more = peer.received();
        if more.is_empty() {
            break;
        }
        received.extend(more);
        device.settle();
    }
    assert_eq!(received, data);
    peer.send(&data);
    device.settle();
    let mut read = Vec::new();
    while read.len() < data.len() {
        let piece = device.request("read 0 700").payload;
        assert!(!piece.is_empty(), "only {} bytes came", read.len());
        read.extend_from_slice(&piece[..piece.len() - 2]);
    }
    assert_eq!(read, data);
}

#[test]
fn network_down_closes_streams_and_servers_but_not_files() {
    let mut device = device();
    let _listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    device.success("fcr -o a.txt 3");
    device.success("tcps start 3000");
    device.success("udps start 4000");
    assert_eq!(device.success("ndo"), "Success");
    assert_eq!(device.success("poll all"), "1,0");
    assert_eq!(write(&mut device, "1", b"abc"), "Success");
    assert_eq!(device.success("poll all"), "None");
    assert_eq!(device.port().open_sockets(), 0);
}

#[test]
fn running_out_of_sockets_is_an_error_and_passes() {
    let mut device = device();
    device.port().fail(Call::TcpConnect, PortError::NoRoom);
    device.success("set tcp.client.retries 1");
    let _listener = device.port().listen(SERVER);
    assert_eq!(code(&mut device, "tcpc 10.5.6.1 7"), 1);
    assert_eq!(device.success("tcpc 10.5.6.1 7"), "0");
}

#[test]
fn a_client_whose_network_goes_away_while_it_connects_keeps_nothing() {
    let mut device = device();
    let sockets = device.port().open_sockets();
    device.port().set_answer(SERVER, Duration::from_secs(3), Answer::Accept);
    device.type_line("tcpc 10.5.6.1 7");
    wait(&mut device, 1000);
    assert_eq!(device.port().open_sockets(), sockets + 1, "it is connecting");
    device.port().radio().vanish();
    wait(&mut device, 10_000);
    let printed = device.take_output();
    assert!(printed.ends_with("R100016\r\nCommand failed\r\n"), "{printed}");
    assert_eq!((device.success("poll all"), device.port().open_sockets()), ("None".to_owned(), sockets));
}

#[test]
fn every_address_of_a_name_is_tried_in_order_within_the_time_limit() {
    let mut device = device();
    device.success("set tcp.client.connect_timeout 3000");
    device.success("set tcp.client.retries 1");
    let silent = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 2), 7);
    let refusing = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 3), 7);
    device.port().set_answer(silent, Duration::from_ticks(0), Answer::Silence);
    device.port().set_names("many.example", Duration::from_millis(5), &[*silent.ip(), *refusing.ip(), *SERVER.ip()]);
    let listener = device.port().listen(SERVER);
    let before = device.millis();
    assert_eq!(device.success("tcpc many.example 7"), "0");
    let taken = device.millis() - before;
    assert!((1000..1100).contains(&taken), "the silent one has a third of the time: {taken}");
    assert!(listener.accept().is_some());
    // All silent: the limit is that of one connection, not of each address.
    device.port().set_names("silent.example", Duration::from_millis(5), &[*silent.ip(); 3]);
    let before = device.millis();
    assert_eq!(code(&mut device, "tcpc silent.example 7"), 1);
    assert!(device.millis() - before <= 3100);
    // Every attempt tries all addresses again.
    device.success("set tcp.client.retries 2");
    device.success("set tcp.client.retry_period 100");
    device.port().set_names("both.example", Duration::from_millis(5), &[*refusing.ip(), *silent.ip()]);
    let before = device.millis();
    assert_eq!(code(&mut device, "tcpc both.example 7"), 1);
    assert!((6100..6300).contains(&(device.millis() - before)));
    device.success("close all");
    assert_eq!((device.port().open_sockets(), device.port().stale_calls()), (0, 0));
}

/// A host may write its answer before it has read the last bytes of a peer that has finished sending.
#[test]
fn what_was_written_goes_out_before_a_stream_closes_itself() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    let peer = listener.accept().unwrap();
    peer.set_window(10);
    peer.send(b"question");
    peer.finish();
    device.settle();
    assert_eq!(write(&mut device, "0", &[b'x'; 100]), "Success");
    assert_eq!(device.success("read 0 40"), "question");
    let mut received = 0;
    for _ in 0..20 {
        received += peer.received().len();
        device.settle();
    }
    assert_eq!(received, 100);
    assert_eq!(device.success("poll all"), "None");
    assert_eq!(device.port().open_sockets(), 0);
}

#[test]
fn the_text_of_a_buffered_command_ends_too() {
    let mut device = device();
    device.success("set system.cmd.buffered 1");
    let answer = device.success("help commands");
    assert!(answer.starts_with("0,"), "{answer}");
    assert_eq!(device.success("poll 0"), "1");
    while device.request("poll 0").payload.starts_with(b"1") {
        device.success("read 0 9999");
    }
    assert_eq!(code(&mut device, "read 0 9999"), 1);
    assert_eq!(device.success("close 0"), "Success");
}

#[test]
fn buffers_in_use_are_told() {
    let mut device = device();
    let listener = device.port().listen(SERVER);
    device.success("tcpc 10.5.6.1 7");
    assert_eq!(device.success("get network.buffer.usage"), "rx:0,tx:0");
    let peer = listener.accept().unwrap();
    peer.send(vec![0; openzentri::limits::STREAM_RX]);
    device.settle();
    let percent = 100usize.div_ceil(openzentri::limits::STREAMS);
    assert_eq!(device.success("get network.buffer.usage"), format!("rx:{percent},tx:0"));
}
