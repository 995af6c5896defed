//! A request whose bodies go through a stream (interface, http 7.1).

use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::select::{Either, select};
use embassy_time::Duration;

use super::failure::Failure;
use super::link::{Link, Sent};
use super::request::{Length, Method};
use super::rooms::Rooms;
use super::transaction::{Phase, SWITCHING_PROTOCOLS, StreamId, Transaction, intake};
use crate::stream::{Intake, Streams};
use crate::wire::http::body::{Body, chunk_line};

/// How long a server may be silent in the middle of a body: some servers send events as they occur.
const PATIENCE: Duration = Duration::from_secs(300);

/// Carries the order's request out, from the connection to the last byte of the answer.
pub(super) async fn serve(
    rooms: &Rooms,
    order: &Transaction,
    stream: StreamId,
    hold: bool,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let pipe = Pipe { streams: rooms.streams, stream };
    let mut link = Link::open(rooms, order, buffer).await?;
    link.transport.keep_alive(rooms.streams.keepalive());
    let length = order.request.borrow().length;
    // A queued body is written before the head, so the intake must be set from the first moment.
    pipe.allow(intake(length, 0).unwrap_or(Intake::Shut));
    order.enter(Phase::Queued);
    let mut asked = false;
    if hold || length == Length::Queued {
        asked = told_to_send(order, &pipe).await;
    }
    order.enter(Phase::Sending);

    asked = send(order, &pipe, &mut link, asked).await?;
    pipe.allow(Intake::Shut);
    pipe.drop_rest();
    if !asked {
        order.go.wait().await;
    }
    let method = order.request.borrow().method;
    let head = link.answer(rooms, method).await?;
    order.phase.set(Phase::Answered);
    order.settle(Ok(head.status));
    if !order.opened.get() {
        order.open.wait().await;
    }
    match head.status {
        SWITCHING_PROTOCOLS => relay(&pipe, &mut link).await,
        _ => deliver(&pipe, &mut link, head.body).await,
    }
}

/// The stream of a request, as this room sees it.
struct Pipe {
    streams: &'static Streams,
    stream: StreamId,
}

impl Pipe {
    fn allow(&self, intake: Intake) {
        self.streams.set_intake(self.stream.handle, self.stream.generation, intake);
    }

    fn written(&self) -> usize {
        self.streams.tx_waiting(self.stream.handle, self.stream.generation)
    }

    async fn take(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        Ok(self.streams.tx_read(self.stream.handle, self.stream.generation, buffer).await?)
    }

    fn sent(&self) {
        self.streams.tx_sent(self.stream.handle, self.stream.generation);
    }

    fn drop_rest(&self) {
        self.streams.tx_drop(self.stream.handle, self.stream.generation);
    }

    async fn give(&self, data: &[u8]) -> Result<(), Failure> {
        Ok(self.streams.rx_write(self.stream.handle, self.stream.generation, data).await?)
    }
}

/// Waits until the host asks for the status (true), or writes the first bytes of a body whose length it has given
/// (false).
async fn told_to_send(order: &Transaction, pipe: &Pipe) -> bool {
    let written = poll_fn(|context| {
        // A field may still change the framing of the body.
        if order.request.borrow().length != Length::Queued && pipe.written() > 0 {
            return Poll::Ready(());
        }
        pipe.streams.watch(pipe.stream.handle, context.waker());
        Poll::Pending
    });
    matches!(select(order.go.wait(), written).await, Either::First(()))
}

/// Sends head and body. `asked`: the host has already asked for the status. Answers whether it has asked by now.
async fn send(order: &Transaction, pipe: &Pipe, link: &mut Link<'_>, asked: bool) -> Result<bool, Failure> {
    let method = order.request.borrow().method;
    let length = order.request.borrow().length;
    let queued = pipe.written();
    if length == Length::Queued {
        pipe.allow(Intake::Shut);
    }
    link.send_head(order, queued).await?;
    match length {
        Length::Queued => send_counted(pipe, link, method, queued).await.map(|()| true),
        Length::Exactly(length) => send_counted(pipe, link, method, length as usize).await.map(|()| asked),
        Length::Chunked => send_chunks(order, pipe, link, method, asked).await,
    }
}

async fn send_counted(pipe: &Pipe, link: &mut Link<'_>, method: Method, mut left: usize) -> Result<(), Failure> {
    while left > 0 {
        let room = link.outgoing();
        let most = left.min(room.len());
        let count = pipe.take(room.get_mut(..most).unwrap_or_default()).await?;
        if link.send_outgoing(0..count, method).await? == Sent::Refused {
            return Ok(());
        }
        pipe.sent();
        left -= count;
    }
    Ok(())
}

/// Bytes around a chunk: its size before it, a line end after it.
const CHUNK_FRONT: usize = 10;
const CHUNK_END: &[u8] = b"\r\n";
/// The last chunk and no trailer.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Sends written bytes until the host asks for the status; if it has asked already, sends the bytes written so far.
async fn send_chunks(
    order: &Transaction,
    pipe: &Pipe,
    link: &mut Link<'_>,
    method: Method,
    asked: bool,
) -> Result<bool, Failure> {
    loop {
        let room = link.outgoing();
        let end = room.len() - CHUNK_END.len();
        let content = room.get_mut(CHUNK_FRONT..end).unwrap_or_default();
        // Bytes written before the host asked must be sent before the last chunk.
        let end_of_body = async {
            if !asked {
                order.go.wait().await;
            }
        };
        let count = match select(pipe.take(content), end_of_body).await {
            Either::First(count) => count?,
            Either::Second(()) => break,
        };
        let line = chunk_line(count);
        let start = CHUNK_FRONT.saturating_sub(line.len());
        let end = CHUNK_FRONT + count;
        put(room, start, line.as_bytes());
        put(room, end, CHUNK_END);
        if link.send_outgoing(start..end + CHUNK_END.len(), method).await? == Sent::Refused {
            return Ok(asked);
        }
        pipe.sent();
    }
    put(link.outgoing(), 0, LAST_CHUNK);
    link.send_outgoing(0..LAST_CHUNK.len(), method).await?;
    Ok(true)
}

fn put(room: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = room.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Moves the body of the answer into the stream.
async fn deliver(pipe: &Pipe, link: &mut Link<'_>, mut body: Body) -> Result<(), Failure> {
    while let Some(piece) = link.piece(&mut body, PATIENCE).await? {
        pipe.give(link.bytes(piece)).await?;
    }
    Ok(())
}

/// The connection uses another protocol now: moves bytes both ways until one side ends.
async fn relay(pipe: &Pipe, link: &mut Link<'_>) -> Result<(), Failure> {
    let rest = link.rest();
    pipe.allow(Intake::Open);
    pipe.give(link.bytes(rest)).await?;
    let (transport, incoming, outgoing) = link.halves();
    let inbound = async {
        while let Ok(count @ 1..) = transport.receive(incoming).await {
            pipe.give(incoming.get(..count).unwrap_or_default()).await?;
        }
        Ok(())
    };
    let outbound = async {
        loop {
            let count = pipe.take(outgoing).await?;
            let mut data = outgoing.get(..count).unwrap_or_default();
            while !data.is_empty() {
                let Ok(sent) = transport.send(data).await else { return Ok(()) };
                data = data.get(sent..).unwrap_or_default();
            }
            pipe.sent();
        }
    };
    match select(inbound, outbound).await {
        Either::First(result) | Either::Second(result) => result,
    }
}
