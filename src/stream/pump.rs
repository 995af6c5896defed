//! Moves bytes between sockets and the buffers of their streams: one task for each handle.

use core::cell::Cell;
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::{Duration, Instant, Timer};

use super::{Kind, Slot, Streams, Work, datagram};
use crate::port::{self, Event, Keepalive, Port, PortError, Socket};
use crate::variable::{Id, id};

const IDLE_TIMEOUT: Id = id("tcp.server.idle_timeout");
const LOCK_CLIENT: Id = id("udp.server.lock_client");
const KEEPALIVE: Id = id("tcp.keepalive.enabled");
const KEEPALIVE_IDLE: Id = id("tcp.keepalive.initial_timeout");
const KEEPALIVE_COUNT: Id = id("tcp.keepalive.retry_count");
const KEEPALIVE_INTERVAL: Id = id("tcp.keepalive.retry_timeout");

/// Serves the sockets of one handle, one after another, for ever.
pub async fn run(streams: &'static Streams, handle: u8) {
    let Ok(slot) = streams.slot(handle) else { return };
    loop {
        let work = slot.start.wait().await;
        // The end of the stream is polled first: no byte of an old stream may reach the buffers of a new one.
        match select(stopped(slot, work.generation), serve(streams, handle, slot, &work)).await {
            Either::First(()) => {}
            Either::Second(()) => streams.peer_gone(handle, work.generation, true),
        }
    }
}

async fn serve(streams: &'static Streams, handle: u8, slot: &Slot, work: &Work) {
    match work.kind {
        Kind::Udpc | Kind::Udps => datagrams(streams, slot, work).await,
        _ => connection(streams, handle, slot, work).await,
    }
}

/// Ends when the stream of this generation, or a later one on the same handle, was closed.
async fn stopped(slot: &Slot, generation: u32) {
    while (slot.stop.wait().await.wrapping_sub(generation) as i32) < 0 {}
}

async fn connection(streams: &'static Streams, handle: u8, slot: &Slot, work: &Work) {
    let port = streams.base.port;
    let _ = port.sockets().tcp_keepalive(work.socket, streams.keepalive());
    let activity = Cell::new(Instant::now());
    let idle = match work.kind.is_client_of_server() {
        true => streams.base.variables.number(IDLE_TIMEOUT).max(0) as u64,
        false => 0,
    };
    let inbound = async {
        if inbound(port, slot, work.socket, &activity).await {
            // The peer sends no more, but may still listen: the owner can answer until it closes the stream.
            streams.peer_gone(handle, work.generation, false);
            core::future::pending::<()>().await;
        }
    };
    let outbound = outbound(streams, handle, slot, work.socket, &activity);
    match select3(inbound, outbound, silence(&activity, idle)).await {
        Either3::First(()) | Either3::Second(()) | Either3::Third(()) => {}
    }
}

/// Ends when no bytes have moved for `seconds`; never with 0.
async fn silence(activity: &Cell<Instant>, seconds: u64) {
    if seconds == 0 {
        return core::future::pending().await;
    }
    let limit = Duration::from_secs(seconds);
    while activity.get().elapsed() < limit {
        Timer::at(activity.get() + limit).await;
    }
}

/// Ends with `true` when the peer has finished sending, with `false` when the connection broke.
async fn inbound(port: &'static dyn Port, slot: &Slot, socket: Socket, activity: &Cell<Instant>) -> bool {
    loop {
        poll_fn(|context| room(slot, context)).await;
        let receive = || {
            let filled = slot.rx.fill(|free| port.sockets().receive(socket, free));
            filled.unwrap_or(Err(PortError::WouldBlock))
        };
        let received = port::io(port, Event::Readable(socket), receive).await;
        match received {
            Ok(0) => return true,
            Ok(_) => activity.set(Instant::now()),
            Err(_) => return false,
        }
        slot.changed();
    }
}

/// Ready when the receive ring has room; only the owner's reads make room.
fn room(slot: &Slot, context: &mut Context<'_>) -> Poll<()> {
    if slot.rx.free_capacity() > 0 {
        return Poll::Ready(());
    }
    slot.rx.watch_room(context.waker());
    Poll::Pending
}

/// Ends when the connection broke. Bytes leave the send ring when the socket has taken them.
async fn outbound(streams: &Streams, handle: u8, slot: &Slot, socket: Socket, activity: &Cell<Instant>) {
    let port = streams.base.port;
    loop {
        poll_fn(|context| data(slot, context)).await;
        // The ring may have been emptied meanwhile: then there is nothing to send, and nothing has failed.
        let send = || slot.tx.drain(|data| port.sockets().send(socket, data)).unwrap_or(Ok(0));
        if port::io(port, Event::Writable(socket), send).await.is_err() {
            return;
        }
        activity.set(Instant::now());
        slot.changed();
        streams.close_at_end(handle);
    }
}

/// Ready when the send ring has bytes that may leave.
fn data(slot: &Slot, context: &mut Context<'_>) -> Poll<()> {
    if slot.tx.has_ready() {
        return Poll::Ready(());
    }
    slot.tx.watch_data(context.waker());
    Poll::Pending
}

async fn datagrams(streams: &'static Streams, slot: &Slot, work: &Work) {
    let port = streams.base.port;
    let receive = || {
        streams.base.scratch.with(|buffer| {
            let (length, from) = port.sockets().udp_receive(work.socket, buffer)?;
            if streams.accepts(slot, work, from) {
                datagram::put(&slot.rx, buffer.get(..length).unwrap_or_default(), from);
                slot.changed();
            }
            Ok(())
        })
    };
    loop {
        match port::io(port, Event::Readable(work.socket), receive).await {
            // An ICMP error for an earlier datagram; the socket stays usable.
            Ok(()) | Err(PortError::Refused | PortError::Unreachable) => {}
            Err(_) => return,
        }
    }
}

impl Streams {
    /// The TCP keepalive settings of `tcp.keepalive.*`.
    pub fn keepalive(&self) -> Option<Keepalive> {
        let variables = &self.base.variables;
        variables.flag(KEEPALIVE).then(|| Keepalive {
            idle: variables.number(KEEPALIVE_IDLE) as u16,
            interval: variables.number(KEEPALIVE_INTERVAL) as u16,
            count: variables.number(KEEPALIVE_COUNT) as u8,
        })
    }

    /// Whether this stream accepts a datagram: a locked server accepts datagrams of its first client only. A server
    /// answers the peer heard last, even by an empty datagram, whether or not that was read (interface, network 4.3).
    fn accepts(&self, slot: &Slot, work: &Work, from: SocketAddrV4) -> bool {
        let mut stream = slot.stream.borrow_mut();
        let Some(stream) = stream.as_mut().filter(|stream| stream.generation == work.generation) else { return false };
        if work.kind != Kind::Udps {
            return true;
        }
        let locked = self.base.variables.flag(LOCK_CLIENT);
        let accepted = !locked || stream.remote.is_none_or(|first| first == from);
        if accepted {
            stream.heard(from);
        }
        accepted
    }
}
