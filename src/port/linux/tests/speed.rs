//! Measures the loop with a server that sends one small answer per connection. It prints the speed, and asserts only
//! that every request was answered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::super::LinuxPort;
use super::port;
use crate::port::host::{self, Runtime};
use crate::port::{Event, Interface, Port, Socket, accept, io};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
/// Connections served at once.
const WORKERS: usize = 32;

/// Connections that wait for a worker, and workers that wait for a connection.
#[derive(Default)]
struct Desk {
    connections: VecDeque<Socket>,
    idle: Vec<Waker>,
}

async fn accept_all(port: &'static LinuxPort, listener: Socket, desk: Rc<RefCell<Desk>>) {
    loop {
        let Ok((socket, _)) = accept(port, listener).await else { continue };
        let mut desk = desk.borrow_mut();
        desk.connections.push_back(socket);
        if let Some(worker) = desk.idle.pop() {
            worker.wake();
        }
    }
}

async fn work(port: &'static LinuxPort, desk: Rc<RefCell<Desk>>) {
    loop {
        let next = poll_fn(|context| {
            let mut desk = desk.borrow_mut();
            match desk.connections.pop_front() {
                Some(socket) => Poll::Ready(socket),
                None => {
                    desk.idle.push(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        let socket = next.await;
        let mut request = [0; 512];
        let received = io(port, Event::Readable(socket), || port.sockets().receive(socket, &mut request)).await;
        if received.is_ok_and(|count| count > 0) {
            let _ = io(port, Event::Writable(socket), || port.sockets().send(socket, ANSWER)).await;
        }
        port.sockets().close(socket);
    }
}

/// Sends requests until the time is over; returns how many were answered.
fn ask(address: SocketAddrV4, end: Instant) -> u32 {
    let mut answered = 0;
    let mut answer = Vec::with_capacity(ANSWER.len());
    while Instant::now() < end {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /command/ver HTTP/1.1\r\nHost: device\r\n\r\n").unwrap();
        answer.clear();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, ANSWER);
        answered += 1;
    }
    answered
}

/// Processor time of this thread in nanoseconds.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

#[test]
fn requests_with_a_connection_each() {
    let time = Duration::from_millis(400);
    for clients in [1, 8, 32] {
        let (port, _folder) = port();
        let listener = port.sockets().tcp_listen(Interface::Wlan, 0).unwrap();
        let address = port.sockets().local_address(listener).unwrap();
        let runtime = Runtime::new();
        let desk = Rc::<RefCell<Desk>>::default();
        host::spawn(runtime.spawner(), accept_all(port, listener, desk.clone()));
        for _ in 0..WORKERS {
            host::spawn(runtime.spawner(), work(port, desk.clone()));
        }
        let end = Instant::now() + time;
        let asking: Vec<_> = (0..clients).map(|_| thread::spawn(move || ask(address, end))).collect();
        let before = processor_time();
        while !asking.iter().all(thread::JoinHandle::is_finished) {
            let sleep = port.run_tasks(&runtime).unwrap_or(10_000);
            port.wait(Some(sleep.min(10_000)));
        }
        let used = processor_time() - before;
        let answered: u32 = asking.into_iter().map(|client| client.join().unwrap()).sum();
        assert!(answered > 0);
        println!(
            "{clients} clients: {:.0} requests/s, {:.1} us of the device's processor each",
            f64::from(answered) / time.as_secs_f64(),
            used as f64 / 1000.0 / f64::from(answered)
        );
    }
}
