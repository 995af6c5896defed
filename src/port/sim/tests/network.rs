//! The network: small tasks on the contract, and the test as their peer.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::boxed::Box;
use std::cell::RefCell;
use std::vec::Vec;

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer};

use super::toy::{self, ECHO};
use crate::port::host::spawn;
use crate::port::sim::{Answer, Call, End, SimDevice, SimPort};
use crate::port::{Event, Interface, JobRequest, Jobs, PortError, Result, Sockets, connect, io, lookup, ping};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 5, 6, 108);
const HOST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 80);

fn echo() -> SimDevice {
    let port = SimPort::new();
    port.set_address(Interface::Wlan, Some(OWN));
    SimDevice::boot_with(port, toy::boot_echo)
}

/// Runs one future on a device with an address, and returns its result and the milliseconds it took.
fn run<T: 'static, F: Future<Output = T> + 'static>(
    port: &'static SimPort,
    future: impl Fn(&'static SimPort) -> F + 'static,
) -> (T, u64) {
    port.set_address(Interface::Wlan, Some(OWN));
    let result: &'static RefCell<Option<(T, u64)>> = Box::leak(Box::new(RefCell::new(None)));
    let mut device = SimDevice::boot_with(port, move |port, spawner| {
        let future = future(port);
        spawn(spawner, async move {
            let value = future.await;
            result.replace(Some((value, Instant::now().as_millis())));
        });
    });
    assert!(device.run_until(Duration::from_secs(600), |_| result.borrow().is_some()), "the future never ends");
    assert_eq!(port.stale_calls(), 0);
    result.take().unwrap()
}

#[test]
fn an_echo_comes_back_over_a_narrow_window() {
    let mut device = echo();
    let peer = device.port().connect(ECHO).unwrap();
    assert_eq!(peer.device_address(), SocketAddrV4::new(OWN, ECHO));
    let text: Vec<u8> = (0..=255).cycle().take(5000).collect();
    peer.set_window(10);
    peer.limit_calls(7, 3);
    peer.send(&text);
    let mut back = Vec::new();
    while back.len() < text.len() {
        device.settle();
        let part = peer.received();
        assert_eq!(part.len(), 10.min(text.len() - back.len()));
        back.extend(part);
    }
    assert_eq!(back, text);
    assert_eq!(peer.end(), None);
    peer.finish();
    device.settle();
    assert_eq!((peer.end(), peer.is_device_gone()), (Some(End::Finished), true));
    assert_eq!((device.port().open_sockets(), device.port().stale_calls()), (1, 0));
}

#[test]
fn resets_reach_the_other_side() {
    let mut device = echo();
    let peer = device.port().connect(ECHO).unwrap();
    peer.send(b"abc");
    peer.reset();
    device.settle();
    assert!(peer.is_device_gone());
    assert_eq!(peer.received(), b"");

    let peer = device.port().connect(ECHO).unwrap();
    peer.send([7; 65]);
    device.port().fail_after(1, Call::Receive, PortError::Failed(5));
    device.settle();
    assert_eq!((peer.unread(), peer.end()), (1, Some(End::Reset)), "closed with data unread");

    let peer = device.port().connect(ECHO).unwrap();
    device.settle();
    device.power_cycle();
    assert_eq!(peer.end(), Some(End::Reset));
    assert_eq!(device.port().connect(ECHO).err(), Some(PortError::Refused), "nobody listens yet");
    device.settle();
    assert!(device.port().connect(ECHO).is_ok());
}

#[test]
fn a_closed_peer_is_an_end_to_read_and_an_error_to_write() {
    let mut device = echo();
    let peer = device.port().connect(ECHO).unwrap();
    peer.send(b"abc");
    peer.close();
    device.settle();
    assert!(peer.is_device_gone());
    assert_eq!(peer.received(), b"");
}

#[test]
fn bytes_take_their_time_and_stalls_end() {
    let mut device = echo();
    device.port().set_delay(Duration::from_millis(30));
    let peer = device.port().connect(ECHO).unwrap();
    peer.send("ab");
    device.advance(Duration::from_millis(29));
    assert_eq!(peer.received_text(), "");
    device.advance(Duration::from_millis(1));
    assert_eq!(peer.received_text(), "ab");
    device.port().set_delay(Duration::from_millis(0));
    peer.stall(Duration::from_secs(2));
    peer.send("cd");
    device.advance(Duration::from_millis(1999));
    assert_eq!(peer.received_text(), "");
    device.advance(Duration::from_millis(1));
    assert_eq!(peer.received_text(), "cd");
}

#[test]
fn without_an_address_nothing_goes() {
    let port = SimPort::new();
    SimDevice::boot_with(port, toy::boot_echo);
    assert_eq!(port.connect(ECHO).err(), Some(PortError::Unreachable));
    assert_eq!(port.tcp_connect(Interface::Wlan, 0, HOST), Err(PortError::Unreachable));
    let request = JobRequest::Lookup { interface: Interface::Wlan, name: "a.b" };
    assert_eq!(Jobs::start(port, &request), Err(PortError::Unreachable));
    let socket = port.udp_bind(Interface::Wlan, 0).unwrap();
    assert_eq!(port.udp_send(socket, b"x", HOST), Err(PortError::Unreachable));
}

#[test]
fn attempts_end_as_the_world_answers() {
    for (answer, delay, expected) in [
        (None, 0, Err(PortError::Refused)),
        (Some(Answer::Accept), 40, Ok(())),
        (Some(Answer::Refuse), 40, Err(PortError::Refused)),
        (Some(Answer::Error(PortError::TimedOut)), 127_000, Err(PortError::TimedOut)),
    ] {
        let port = SimPort::new();
        if let Some(answer) = answer {
            port.set_answer(HOST, Duration::from_millis(delay), answer);
        }
        let (result, took) = run(port, |port| connect(port, Interface::Wlan, 0, HOST));
        assert_eq!((result.map(|_| ()), took), (expected, delay));
        assert_eq!(port.open_sockets(), usize::from(expected.is_ok()));
    }
}

#[test]
fn a_silent_host_is_given_up_without_a_trace() {
    let port = SimPort::new();
    port.set_answer(HOST, Duration::from_millis(0), Answer::Silence);
    let (given_up, took) = run(port, |port| async move {
        let attempt = connect(port, Interface::Wlan, 0, HOST);
        matches!(select(attempt, Timer::after_secs(5)).await, Either::Second(()))
    });
    assert_eq!((given_up, took, port.open_sockets()), (true, 5000, 0));
}

#[test]
fn the_test_listens_and_talks() {
    let port = SimPort::new();
    let listener = port.listen(HOST);
    port.after(Duration::from_millis(10), move |_| {
        let peer = listener.accept().expect("the device has connected");
        assert_eq!(peer.received(), b"hello");
        assert_eq!(peer.device_address(), SocketAddrV4::new(OWN, 4000));
        peer.send("bye");
        peer.close();
    });
    let (answer, took) = run(port, |port| async move {
        let socket = connect(port, Interface::Wlan, 4000, HOST).await?;
        port.send(socket, b"hello")?;
        let mut answer = Vec::new();
        let mut buffer = [0; 2];
        loop {
            match io(port, Event::Readable(socket), || port.receive(socket, &mut buffer)).await? {
                0 => break,
                length => answer.extend(&buffer[..length]),
            }
        }
        assert_eq!(port.send(socket, b"x"), Err(PortError::Closed));
        port.close(socket);
        Result::Ok(answer)
    });
    assert_eq!((answer.as_deref(), took), (Ok(b"bye".as_slice()), 10));
}

#[test]
fn datagrams_go_both_ways_and_to_all() {
    let port = SimPort::new();
    port.set_address(Interface::Wlan, Some(OWN));
    let peer = port.udp_peer(HOST);
    let other = port.udp_peer(SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 77), 80));
    let socket = port.udp_bind(Interface::Wlan, 5353).unwrap();
    assert_eq!(port.udp_bind(Interface::Wlan, 5353), Err(PortError::InUse));
    port.udp_send(socket, b"one", HOST).unwrap();
    port.udp_send(socket, b"all", SocketAddrV4::new(Ipv4Addr::BROADCAST, 80)).unwrap();
    let heard: Vec<_> = peer.received().into_iter().map(|datagram| datagram.data).collect();
    assert_eq!(heard, [b"one", b"all"]);
    let heard = other.received();
    assert_eq!((heard.len(), heard[0].from, heard[0].to.ip()), (1, SocketAddrV4::new(OWN, 5353), &Ipv4Addr::BROADCAST));
    let mut buffer = [0; 4];
    assert_eq!(port.udp_receive(socket, &mut buffer), Err(PortError::WouldBlock));
    peer.send(5353, b"longer");
    peer.send(5353, b"");
    peer.send(5354, b"nobody");
    assert_eq!((port.udp_receive(socket, &mut buffer), &buffer), (Ok((4, HOST)), b"long"));
    assert_eq!(port.udp_receive(socket, &mut buffer), Ok((0, HOST)));
    assert_eq!(port.udp_receive(socket, &mut buffer), Err(PortError::WouldBlock));
}

#[test]
fn names_and_pings_take_their_time() {
    let found = Ipv4Addr::new(1, 2, 3, 4);
    let port = SimPort::new();
    port.set_name("Api.Example.com", Duration::from_millis(70), Ok(found));
    let look_up = |name: &'static str| move |port: &'static SimPort| lookup(port, Interface::Wlan, name);
    let (answer, took) = run(port, look_up("api.example.com"));
    assert_eq!((answer.as_deref(), took), (Ok(&[found][..]), 70));
    assert_eq!(run(port, look_up("other.example.com")), (Err(PortError::NotFound), 1));

    port.set_ping(found, Duration::from_millis(15));
    let echo = |timeout| move |port: &'static SimPort| ping(port, Interface::Wlan, found, timeout);
    assert_eq!(run(port, echo(100)), (Ok(15), 15));
    assert_eq!(run(port, echo(10)), (Err(PortError::TimedOut), 10));

    let (_, took) = run(port, |port| async move {
        select(lookup(port, Interface::Wlan, "api.example.com"), Timer::after_millis(5)).await
    });
    assert_eq!((took, port.open_jobs()), (5, 0));
}

#[test]
fn a_name_has_all_its_addresses_as_far_as_there_is_room() {
    let port = SimPort::new();
    let many: Vec<Ipv4Addr> = (1..=100).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
    port.set_names("two", Duration::from_millis(1), &many[..2]);
    port.set_names("many", Duration::from_millis(1), &many);
    port.set_names("none", Duration::from_millis(1), &[]);
    let addresses = |name: &'static str| run(port, move |port| lookup(port, Interface::Wlan, name)).0;
    assert_eq!(addresses("two").as_deref(), Ok(&many[..2]));
    assert_eq!(addresses("many").as_deref(), Ok(&many[..crate::limits::LOOKUP_ADDRESSES]));
    assert_eq!(addresses("none"), Err(PortError::NotFound));
}

#[test]
fn sockets_run_out_and_wrong_ones_are_counted() {
    let port = SimPort::new();
    port.limit_sockets(1);
    let socket = port.tcp_listen(Interface::Wlan, 80).unwrap();
    assert_eq!(port.tcp_listen(Interface::Wlan, 81), Err(PortError::NoRoom));
    port.close(socket);
    assert_eq!(port.tcp_accept(socket), Err(PortError::Failed(9)));
    port.close(socket);
    assert_eq!(port.stale_calls(), 2);
}
