//! UDP over the loopback interface.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use super::{port, run};
use crate::port::{Event, Interface, Port, PortError, io};

const WLAN: Interface = Interface::Wlan;

#[test]
fn datagrams_come_and_go_whole() {
    let (port, _folder) = port();
    let host = UdpSocket::bind("127.0.0.1:0").unwrap();
    let host_port = host.local_addr().unwrap().port();
    let host_address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, host_port);
    let socket = port.sockets().udp_bind(WLAN, 0).unwrap();
    let to_device = (Ipv4Addr::LOCALHOST, port.sockets().local_address(socket).unwrap().port());
    assert_eq!(port.sockets().udp_send(socket, b"one", host_address), Ok(()));
    let mut buffer = [0; 16];
    assert_eq!(host.recv(&mut buffer).unwrap(), 3);
    host.send_to(b"a long one", to_device).unwrap();
    host.send_to(b"", to_device).unwrap();
    host.send_to(b"three", to_device).unwrap();
    run(port, async move {
        let mut buffer = [0; 6];
        for expected in [6, 0, 5] {
            let received = io(port, Event::Readable(socket), || port.sockets().udp_receive(socket, &mut buffer)).await;
            assert_eq!(received, Ok((expected, host_address)));
        }
        assert_eq!(port.sockets().udp_receive(socket, &mut buffer), Err(PortError::WouldBlock));
    });
}

#[test]
fn a_server_has_the_address_of_the_device() {
    let (port, _folder) = port();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let socket = port.sockets().udp_bind(WLAN, free).unwrap();
    assert_eq!(port.sockets().local_address(socket), Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, free)));
    assert_eq!(port.sockets().udp_bind(WLAN, free), Err(PortError::InUse));
    let beyond = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 9);
    assert_eq!(port.sockets().udp_send(socket, b"x", beyond), Err(PortError::Unreachable));
}

#[test]
fn broadcasts_may_be_sent() {
    let (port, _folder) = port();
    // Bound to the broadcast address: it receives only broadcasts.
    let listener = UdpSocket::bind("127.255.255.255:0").unwrap();
    let to = SocketAddrV4::new(Ipv4Addr::new(127, 255, 255, 255), listener.local_addr().unwrap().port());
    let socket = port.sockets().udp_bind(WLAN, 0).unwrap();
    assert_eq!(port.sockets().udp_send(socket, b"everybody", to), Ok(()));
    let mut buffer = [0; 16];
    assert_eq!(listener.recv(&mut buffer).unwrap(), 9);
}

#[test]
fn groups_on_the_loopback_interface() {
    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 1);
    let (port, _folder) = port();
    let sockets = port.sockets();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // Two sockets on the same port: each receives what is sent to the group, also by the other one.
    let first = sockets.udp_group(WLAN, free, GROUP, false).unwrap();
    let second = sockets.udp_group(WLAN, free, GROUP, true).unwrap();
    let asker = sockets.udp_group(WLAN, 0, GROUP, false).unwrap();
    let from = SocketAddrV4::new(Ipv4Addr::LOCALHOST, sockets.local_address(asker).unwrap().port());
    assert_eq!(sockets.udp_send(asker, b"all", SocketAddrV4::new(GROUP, free)), Ok(()));
    run(port, async move {
        let mut buffer = [0; 16];
        for socket in [first, second] {
            let heard = io(port, Event::Readable(socket), || port.sockets().udp_receive(socket, &mut buffer)).await;
            assert_eq!(heard, Ok((3, from)));
        }
        // A socket with `only` does not receive a datagram to the device's own address.
        assert_eq!(port.sockets().udp_send(asker, b"one", SocketAddrV4::new(Ipv4Addr::LOCALHOST, free)), Ok(()));
        let heard = io(port, Event::Readable(first), || port.sockets().udp_receive(first, &mut buffer)).await;
        assert_eq!(heard, Ok((3, from)));
        assert_eq!(port.sockets().udp_receive(second, &mut buffer), Err(PortError::WouldBlock));
    });
}
