//! Time limits, queues and clients that go away.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::PortError;
use openzentri::port::sim::{Answer as Outcome, Call, Peer, SimDevice};

use super::{Answer, LONG, all, device, device_with, get};

fn request(device: &SimDevice, target: &str) -> Peer {
    let peer = device.port().connect(80).unwrap();
    peer.send(format!("GET {target} HTTP/1.1\r\n\r\n"));
    peer
}

/// Keeps the command interpreter busy for some seconds.
fn slow(device: &mut SimDevice) -> Peer {
    let peer = request(device, "/command/ping%2010.9.9.9");
    device.settle();
    assert!(peer.received().is_empty() && peer.end().is_none());
    peer
}

#[test]
fn a_head_that_does_not_come_is_given_up() {
    let mut device = device();
    let start = device.millis();
    let peer = device.port().connect(80).unwrap();
    let silent = device.port().connect(80).unwrap();
    for byte in "GET / HTTP/1.1\r\n".bytes().chain(std::iter::repeat(b'a')).take(20) {
        device.advance(Duration::from_secs(1));
        peer.send([byte]);
    }
    let answer = Answer::parse(&peer.received());
    assert_eq!(answer.status, 408);
    assert!(device.run_until(LONG, |_| peer.is_device_gone()));
    assert!(device.millis() - start < 25_000);
    // A client that never sent anything gets no answer: its next request would take that for its own.
    assert!(silent.is_device_gone() && silent.received().is_empty());
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send("POST /command HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
    device.advance(Duration::from_secs(29));
    assert!(peer.received().is_empty());
    assert_eq!(Answer::parse(&all(&mut device, peer)).status, 408);
    // A body that drips for ever is given up, too.
    let peer = device.port().connect(80).unwrap();
    peer.send("POST /command HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
    for _ in 0..200 {
        device.advance(Duration::from_secs(1));
        peer.send("x");
    }
    assert_eq!(Answer::parse(&peer.received()).status, 408);
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let mut device = device();
    device.port().set_window(10);
    let peer = request(&device, "/command/ver");
    device.advance(Duration::from_secs(29));
    assert!(!peer.is_device_gone());
    device.advance(Duration::from_secs(2));
    assert!(peer.is_device_gone());
}

#[test]
fn commands_run_while_others_wait() {
    let mut device = device();
    let first = slow(&mut device);
    for id in 1..=12 {
        let answer = get(&mut device, "/command/poll%20all");
        assert!(answer.text().starts_with(&format!("{{\"id\":{id},")), "{answer:?}");
    }
    assert_eq!(get(&mut device, "/log").status, 200);
    assert!(first.received().is_empty(), "it still waits for its echo");
    assert!(Answer::parse(&all(&mut device, first)).text().starts_with("{\"id\":13,\"code\":1,"));
}

/// A bounded number of commands waits at once, and the serial line always can.
#[test]
fn too_many_waiting_commands_fail() {
    let mut device = device();
    let most = limits::COMMANDS_APART - limits::LINES;
    let waiting: Vec<Peer> = (0..most).map(|_| slow(&mut device)).collect();
    let answer = get(&mut device, "/command/ping%2010.9.9.9");
    assert!(answer.text().contains("\"code\":1,") && answer.text().contains("Command failed"), "{answer:?}");
    assert!(get(&mut device, "/log").text().contains("Too many commands wait at once"));
    device.type_line("ping 10.9.9.9");
    device.settle();
    assert!(!device.take_output().contains("Command failed"));
    assert!(get(&mut device, "/command/poll%20all").text().contains("\"code\":0,"));
    for peer in waiting {
        assert!(Answer::parse(&all(&mut device, peer)).text().contains("Ping failed"));
    }
}

#[test]
fn a_client_that_goes_away_frees_its_place() {
    let mut device = device();
    let sockets = device.port().open_sockets();
    let silent = SocketAddrV4::new(Ipv4Addr::new(10, 9, 9, 9), 7);
    device.port().set_answer(silent, Duration::from_secs(1), Outcome::Silence);
    for _ in 0..2 * limits::COMMANDS_APART {
        let passing = request(&device, "/command/tcpc%2010.9.9.9%207");
        device.settle();
        assert!(passing.received().is_empty() && passing.end().is_none());
        passing.reset();
        device.settle();
    }
    assert_eq!(device.port().open_sockets(), sockets, "nothing goes on connecting");
    let listed = get(&mut device, "/command/list");
    assert!(listed.text().ends_with("Info\\r\\n\"}"), "no handle is reserved: {listed:?}");
    let waiting = slow(&mut device);
    assert_eq!(get(&mut device, "/command/ver").status, 200);
    assert!(Answer::parse(&all(&mut device, waiting)).text().contains("Ping failed"));
}

#[test]
fn a_running_command_ends_though_its_client_has_gone() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send("GET /command/network_restart HTTP/1.1\r\n\r\n");
    peer.close();
    device.advance(Duration::from_secs(10));
    assert_eq!(get(&mut device, "/command/get%20wlan.network.status").status, 200);
}

#[test]
fn more_clients_than_workers_wait_in_the_backlog() {
    let mut device = device_with(&[("http.server.max_clients", "2")]);
    let first = slow(&mut device);
    let second = slow(&mut device);
    let third = request(&device, "/command/ver");
    device.advance(Duration::from_secs(1));
    // Both clients that are served wait for the device, not the device for them: nobody is sent away.
    assert!(third.received().is_empty() && third.unread() > 0);
    for peer in [first, second, third] {
        assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200);
    }
}

#[test]
fn who_says_nothing_gives_way_to_who_waits() {
    let mut device = device_with(&[("http.server.max_clients", "2")]);
    let silent = device.port().connect(80).unwrap();
    let halting = device.port().connect(80).unwrap();
    halting.send("GET / HT");
    device.advance(Duration::from_secs(5));
    assert!(!silent.is_device_gone() && !halting.is_device_gone(), "as long as nobody else waits");
    let start = device.millis();
    let third = request(&device, "/command/poll%20all");
    assert_eq!(Answer::parse(&all(&mut device, third)).status, 200);
    assert!(device.millis() - start <= 300, "{}", device.millis() - start);
    assert!(silent.received().is_empty() && silent.is_device_gone());
    assert_eq!(Answer::parse(&all(&mut device, halting)).status, 408);
}

#[test]
fn many_who_say_nothing_hold_up_nobody_for_long() {
    let mut device = device();
    let mut silent = Vec::new();
    for _ in 0..limits::HTTP_CONNECTIONS + 8 {
        silent.push(device.port().connect(80).unwrap());
        device.settle();
    }
    let start = device.millis();
    let last = request(&device, "/command/ver");
    assert_eq!(Answer::parse(&all(&mut device, last)).status, 200);
    assert!(device.millis() - start < 2000, "{}", device.millis() - start);
    drop(silent);
}

#[test]
fn who_stops_in_a_body_or_takes_no_answer_gives_way_to_who_waits() {
    let mut device = device_with(&[("http.server.max_clients", "2")]);
    device.port().set_window(100);
    let halting = device.port().connect(80).unwrap();
    halting.send("POST /command HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
    let deaf = request(&device, "/command/ver");
    device.settle();
    device.port().set_window(65_536);
    let start = device.millis();
    let third = request(&device, "/command/poll%20all");
    assert_eq!(Answer::parse(&all(&mut device, third)).status, 200);
    assert!(device.millis() - start <= 3_500, "{}", device.millis() - start);
    assert!(deaf.is_device_gone());
    assert_eq!(Answer::parse(&all(&mut device, halting)).status, 408);
}

#[test]
fn an_upload_that_the_host_ignores_gives_way_to_who_waits() {
    let mut device = device_with(&[("http.server.max_clients", "1")]);
    let upload = device.port().connect(80).unwrap();
    upload.send("POST /stream HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    device.advance(Duration::from_secs(60));
    assert!(upload.received().is_empty(), "the host has two minutes as long as nobody else waits");
    let next = request(&device, "/command/ver");
    assert_eq!(Answer::parse(&all(&mut device, next)).status, 200);
    assert_eq!(Answer::parse(&all(&mut device, upload)).status, 504);
}

#[test]
fn an_upload_that_drips_gives_way_to_who_waits() {
    let mut device = device_with(&[("http.server.max_clients", "1")]);
    let upload = device.port().connect(80).unwrap();
    upload.send("POST /stream HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    device.settle();
    let next = request(&device, "/command/ver");
    for _ in 0..12 {
        upload.send("x");
        device.advance(Duration::from_secs(2));
    }
    assert_eq!(Answer::parse(&next.received()).status, 200);
    assert_eq!(Answer::parse(&all(&mut device, upload)).status, 408);
}

#[test]
fn an_upload_that_makes_progress_may_take_its_time() {
    let mut device = device_with(&[("http.server.max_clients", "1")]);
    let upload = device.port().connect(80).unwrap();
    upload.send("POST /stream HTTP/1.1\r\nContent-Length: 20000\r\n\r\n");
    device.settle();
    let next = request(&device, "/command/ver");
    for _ in 0..20 {
        device.advance(Duration::from_millis(1900));
        upload.send("x".repeat(1000));
    }
    device.command("read 0 20000");
    device.command("close 0");
    assert_eq!(Answer::parse(&all(&mut device, upload)).status, 200);
    assert_eq!(Answer::parse(&all(&mut device, next)).status, 200);
}

#[test]
fn a_failing_port_does_not_stop_the_server() {
    let mut device = device();
    for error in [PortError::Closed, PortError::Failed(5)] {
        for call in [Call::Receive, Call::Send] {
            device.port().fail(call, error);
            let peer = request(&device, "/command/ver");
            assert!(device.run_until(LONG, |_| peer.is_device_gone()));
        }
        device.port().fail(Call::TcpAccept, PortError::NoRoom);
        assert_eq!(get(&mut device, "/command/ver").status, 200);
    }
    assert_eq!(device.port().stale_calls(), 0);
    let sockets = device.port().open_sockets();
    let peer = request(&device, "/command/get%20all");
    peer.reset();
    device.advance(Duration::from_secs(60));
    assert_eq!(device.port().open_sockets(), sockets);
}

#[test]
fn a_client_that_only_finishes_sending_gets_its_answer() {
    let mut device = device();
    for version in ["1.1", "1.0"] {
        let body = "{\"command\":\"ping 10.9.9.9\"}";
        for head in ["GET /command/ping%2010.9.9.9", "POST /command"] {
            let body = if head.starts_with("POST") { body } else { "" };
            let peer = device.port().connect(80).unwrap();
            peer.send(format!("{head} HTTP/{version}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
            peer.finish();
            device.advance(Duration::from_millis(300));
            assert!(peer.received().is_empty() && !peer.is_device_gone(), "{head} {version}");
            assert!(Answer::parse(&all(&mut device, peer)).text().contains("Ping failed"), "{head} {version}");
        }
    }
}

#[test]
fn a_stranger_is_refused_before_its_body_comes() {
    let locked = [("http.server.username", "admin"), ("http.server.password", "s3cret")];
    let mut device = device_with(&locked);
    for list in [None, Some("/command/ver")] {
        if let Some(list) = list {
            super::create(&mut device, "http_whitelist.csv", list.as_bytes());
        }
        for framing in
            ["Content-Length: 100", "Transfer-Encoding: chunked", "Content-Length: 100\r\nExpect: 100-continue"]
        {
            let peer = device.port().connect(80).unwrap();
            peer.send(format!("POST /command HTTP/1.1\r\n{framing}\r\n\r\n"));
            device.settle();
            assert_eq!(Answer::parse(&peer.received()).status, 401, "{framing} with {list:?}");
            peer.close();
        }
    }
}

#[test]
fn crowds_of_slow_clients_delay_others_by_a_moment() {
    for size in ["2", "32"] {
        for way in ["", "GET / HT", "POST /command HTTP/1.1\r\nContent-Length: 1000\r\n\r\n "] {
            let mut device = device_with(&[("http.server.max_clients", size)]);
            let mut crowd = Vec::new();
            for _ in 0..60 {
                let peer = device.port().connect(80).unwrap();
                peer.send(way);
                crowd.push(peer);
                device.advance(Duration::from_millis(30));
            }
            for _ in 0..5 {
                let start = device.millis();
                let honest = request(&device, "/command/ver");
                assert_eq!(Answer::parse(&all(&mut device, honest)).status, 200, "{way:?}");
                assert!(device.millis() - start <= 500, "{way:?} with {size}: {}", device.millis() - start);
            }
        }
    }
}

#[test]
fn a_slow_client_alone_has_its_window() {
    let mut device = device_with(&[("http.server.max_clients", "2")]);
    let slow = device.port().connect(80).unwrap();
    slow.send("POST /command HTTP/1.1\r\nContent-Length: 4000\r\n\r\n{\"command\":\"ver\",\"x\":\"");
    for part in 0..4 {
        for _ in 0..3 {
            let other = request(&device, "/command/poll%20all");
            assert_eq!(Answer::parse(&all(&mut device, other)).status, 200);
            device.advance(Duration::from_millis(600));
        }
        slow.send("x".repeat(if part < 3 { 1000 } else { 976 }));
    }
    slow.send("\"}");
    assert_eq!(Answer::parse(&all(&mut device, slow)).status, 200);
}
