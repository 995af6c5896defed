//! TCP over the loopback interface.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use super::super::LinuxPort;
use super::super::socket_table::MAX_SOCKETS;
use super::{port, run};
use crate::port::{Event, Interface, Keepalive, Port, PortError, Result, Socket, accept, connect, io};

const WLAN: Interface = Interface::Wlan;

/// A listener of the device and where it is.
fn listener(port: &LinuxPort) -> (Socket, SocketAddrV4) {
    let listener = port.sockets().tcp_listen(WLAN, 0).unwrap();
    (listener, port.sockets().local_address(listener).unwrap())
}

/// Repeats a call until it has an outcome.
fn outcome<T>(port: &LinuxPort, mut call: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..5000 {
        match call() {
            Err(PortError::WouldBlock) => port.wait(Some(1000)),
            other => return other,
        }
    }
    panic!("no outcome");
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_server_serves_many() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    let clients: Vec<_> = (0..8_u8)
        .map(|number| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let data = vec![number; 300_000];
                let mut reader = stream.try_clone().unwrap();
                let echo = thread::spawn(move || {
                    let mut echo = Vec::new();
                    reader.read_to_end(&mut echo).unwrap();
                    echo
                });
                stream.write_all(&data).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                assert!(echo.join().unwrap() == data);
            })
        })
        .collect();
    run(port, async move {
        let mut served = Vec::new();
        for _ in 0..8 {
            let (socket, remote) = accept(port, listener).await.unwrap();
            assert_eq!(remote.ip(), &Ipv4Addr::LOCALHOST);
            served.push(echo(port, socket));
        }
        for connection in served {
            connection.await;
        }
    });
    for client in clients {
        client.join().unwrap();
    }
}

/// Sends everything back, then closes.
async fn echo(port: &'static LinuxPort, socket: Socket) {
    let mut buffer = [0; 10_000];
    loop {
        let count = io(port, Event::Readable(socket), || port.sockets().receive(socket, &mut buffer)).await.unwrap();
        if count == 0 {
            return port.sockets().close(socket);
        }
        let mut sent = 0;
        while sent < count {
            sent +=
                io(port, Event::Writable(socket), || port.sockets().send(socket, &buffer[sent..count])).await.unwrap();
        }
    }
}

#[test]
fn a_client_connects_or_learns_why_not() {
    let (port, _folder) = port();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let std::net::SocketAddr::V4(address) = server.local_addr().unwrap() else { unreachable!() };
    let free_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    run(port, async move {
        let socket = connect(port, WLAN, free_port, address).await.unwrap();
        assert_eq!(port.sockets().local_address(socket).unwrap().port(), free_port);
        assert_eq!(port.sockets().tcp_connected(socket), Ok(()));
        assert_eq!(port.sockets().send(socket, b"hello"), Ok(5));
        assert_eq!(port.sockets().finish(socket), Ok(()));
        assert_eq!(port.sockets().send(socket, b"more"), Err(PortError::Closed), "and no SIGPIPE");
        port.sockets().close(socket);
    });
    let mut received = String::new();
    server.accept().unwrap().0.read_to_string(&mut received).unwrap();
    assert_eq!(received, "hello");
    drop(server);
    run(port, async move {
        assert_eq!(connect(port, WLAN, 0, address).await, Err(PortError::Refused));
    });
    assert_eq!(port.sockets.table().open_sockets(), 0, "a failed attempt leaves nothing behind");
}

#[test]
fn a_taken_port_is_in_use() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    assert_eq!(port.sockets().tcp_listen(WLAN, address.port()), Err(PortError::InUse));
    let client = TcpStream::connect(address).unwrap();
    let (socket, _) = outcome(port, || port.sockets().tcp_accept(listener)).unwrap();
    // The server closes first, so that its side stays in TIME_WAIT.
    port.sockets().close(socket);
    port.sockets().close(listener);
    drop(client);
    assert!(port.sockets().tcp_listen(WLAN, address.port()).is_ok(), "at once after a close");
}

#[test]
fn ends_and_resets_are_told_apart() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    let mut client = TcpStream::connect(address).unwrap();
    let (socket, _) = outcome(port, || port.sockets().tcp_accept(listener)).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(port.sockets().receive(socket, &mut buffer), Err(PortError::WouldBlock));
    client.write_all(b"abc").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(outcome(port, || port.sockets().receive(socket, &mut buffer)), Ok(3));
    assert_eq!(outcome(port, || port.sockets().receive(socket, &mut buffer)), Ok(0), "the end");
    assert_eq!(port.sockets().send(socket, b"answer"), Ok(6), "the other direction is still open");
    // Closing with unread data resets the connection.
    thread::sleep(Duration::from_millis(20));
    drop(client);
    assert_eq!(
        outcome(port, || port.sockets().send(socket, b"x").and(Err::<(), _>(PortError::WouldBlock))),
        Err(PortError::Closed)
    );
}

#[test]
fn what_was_sent_arrives_although_unread_data_is_thrown_away() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    for _ in 0..50 {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&[b'x'; 20_000]).unwrap();
        let (socket, _) = outcome(port, || port.sockets().tcp_accept(listener)).unwrap();
        assert_eq!(outcome(port, || port.sockets().receive(socket, &mut [0; 10])), Ok(10));
        assert_eq!(port.sockets().send(socket, b"413"), Ok(3));
        port.sockets().close(socket);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "413");
    }
}

#[test]
fn a_socket_that_is_gone_is_not_another_one() {
    let (port, _folder) = port();
    let (old, _) = listener(port);
    port.sockets().close(old);
    port.sockets().close(old);
    // Every place of the table is used again.
    let new: Vec<_> = (0..MAX_SOCKETS).map(|_| port.sockets().udp_bind(WLAN, 0).unwrap()).collect();
    assert!(!new.contains(&old));
    assert_eq!(port.sockets().udp_bind(WLAN, 0), Err(PortError::NoRoom));
    assert_eq!(port.sockets().tcp_accept(old).unwrap_err(), PortError::Closed);
    assert_eq!(port.sockets().receive(old, &mut [0; 1]), Err(PortError::Closed));
    assert_eq!(port.sockets().local_address(old), Err(PortError::Closed));
    port.sockets().close(old);
    assert_eq!(port.sockets().udp_bind(WLAN, 0), Err(PortError::NoRoom), "closing it again closes nobody else's");
    let count = Arc::new(Count::default());
    port.wake_when(Event::Readable(old), &Waker::from(count.clone()));
    port.wake_when(Event::Writable(old), &Waker::from(count.clone()));
    assert_eq!(count.get(), 2, "who waits for it finds out");
    for socket in new {
        port.sockets().close(socket);
    }
    assert_eq!(port.sockets().receive(Socket(u16::MAX), &mut [0; 1]), Err(PortError::Closed));
}

#[test]
fn a_wake_up_comes_once_and_to_the_last_who_asked() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    port.wake_when(Event::Readable(listener), &Waker::from(first.clone()));
    port.wake_when(Event::Readable(listener), &Waker::from(last.clone()));
    port.wait(Some(0));
    assert_eq!(last.get(), 0);
    let _client = TcpStream::connect(address).unwrap();
    port.wait(Some(1_000_000));
    port.wait(Some(0));
    assert_eq!((first.get(), last.get()), (0, 1));
}

#[test]
fn a_full_table_neither_loses_connections_nor_spins() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    let mut others: Vec<_> = (1..MAX_SOCKETS).map(|_| port.sockets().udp_bind(WLAN, 0).unwrap()).collect();
    let _client = TcpStream::connect(address).unwrap();
    assert_eq!(port.sockets().tcp_accept(listener).unwrap_err(), PortError::NoRoom);
    assert_eq!(port.sockets().tcp_accept(listener).unwrap_err(), PortError::WouldBlock, "said once");
    let count = Arc::new(Count::default());
    port.wake_when(Event::Readable(listener), &Waker::from(count.clone()));
    port.wait(Some(10_000));
    assert_eq!(count.get(), 0, "the connection that waits does not wake anybody while there is no room");
    port.sockets().close(others.pop().unwrap());
    port.wait(Some(1_000_000));
    assert_eq!(count.get(), 1);
    assert!(port.sockets().tcp_accept(listener).is_ok());
}

#[test]
fn keepalive_is_set_and_cleared() {
    let (port, _folder) = port();
    let (listener, address) = listener(port);
    let _client = TcpStream::connect(address).unwrap();
    let (socket, _) = outcome(port, || port.sockets().tcp_accept(listener)).unwrap();
    let values = || port.sockets.keepalive(socket);
    assert_eq!(values(), None);
    let keepalive = Keepalive { idle: 60, interval: 5, count: 3 };
    assert_eq!(port.sockets().tcp_keepalive(socket, Some(keepalive)), Ok(()));
    assert_eq!(values(), Some(keepalive));
    assert_eq!(port.sockets().tcp_keepalive(socket, Some(Keepalive { idle: 0, interval: 0, count: 0 })), Ok(()));
    assert_eq!(port.sockets().tcp_keepalive(socket, None), Ok(()));
    assert_eq!(values(), None);
}
