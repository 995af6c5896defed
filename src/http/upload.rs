//! `POST /stream`: the body becomes a stream that the host reads, and what the host writes before it closes the stream
//! is the answer (interface, http 3.2).

use core::fmt::{self, Write};

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::{Duration, Instant};

use super::body::Incoming;
use super::connection::{Connection, gone, interim};
use super::exchange::Exchange;
use super::failure::Failure;
use super::origin;
use super::patience::{self, Patience};
use super::respond::Pen;
use crate::stream::{Ends, FarSide, Kind};
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;

/// If the host takes this long to read, the client's time limit restarts.
const HOST_WAS_SLOW: Duration = Duration::from_millis(100);

/// Offset of the pieces of the answer in the buffer, behind room for a head.
const FRONT: usize = 512;

/// Bytes of the chunk size, right in front of the chunk: six digits and a line end.
const SIZE: usize = 8;

/// What ends a chunk.
const LINE_END: &[u8] = b"\r\n";

/// Tells the owner of the stream at the end that the client is gone.
struct Client(FarSide);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.peer_gone();
    }
}

/// Receives a body for the host and sends the host's answer.
pub(super) async fn serve(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let Exchange { connection, request, .. } = exchange;
    // A page of any origin may send a body without a preflight (`text/plain`).
    origin::check(connection, request)?;
    let streams = connection.server.streams();
    let reservation = streams.reserve_on(Kind::Upload, connection.interface).map_err(|_| Status::UNAVAILABLE)?;
    let ends = Ends::Server { local: connection.local(), remote: connection.remote };
    let handle = reservation.room(ends).ok_or(Failure::Gone)?;
    let client = Client(FarSide::of(streams, handle).map_err(|_| Failure::Gone)?);
    take_body(connection, request, &client.0).await?;
    answer(connection, request.is_1_1, &client.0).await
}

async fn take_body(connection: &mut Connection<'_>, request: &Request, far: &FarSide) -> Result<(), Failure> {
    let mut pieces = Incoming::begin(connection, request).await?;
    loop {
        let piece = pieces.next(connection).await?;
        if piece == 0 {
            return Ok(());
        }
        let bytes = connection.buffer.get(..piece).unwrap_or_default();
        let start = Instant::now();
        match select(far.deliver(bytes), Patience::begin(&patience::HOST).end(Some(connection.seat))).await {
            Either::First(Ok(())) => {}
            // A host that closes the stream does not want the rest.
            Either::First(Err(_)) => return Ok(()),
            Either::Second(()) => return Err(Status::GATEWAY_TIMEOUT.into()),
        }
        pieces.taken(connection, piece);
        if start.elapsed() >= HOST_WAS_SLOW {
            pieces.renew();
        }
    }
}

/// Sends what the host writes, until it closes the stream.
async fn answer(connection: &mut Connection<'_>, chunked: bool, far: &FarSide) -> Result<(), Failure> {
    let mut begun = false;
    loop {
        let count = match next(connection, far, chunked && !begun).await {
            Next::Piece(count) => count,
            Next::End if begun => return end(connection, chunked).await,
            Next::End => return begin(connection, Form::Empty).await,
            Next::Late if !begun => return Err(Status::GATEWAY_TIMEOUT.into()),
            Next::Late | Next::Gone => return Err(Failure::Gone),
        };
        if !begun {
            begun = true;
            begin(connection, if chunked { Form::Chunked } else { Form::Open }).await?;
        }
        send_piece(connection, chunked, count).await?;
        far.sent();
    }
}

enum Next {
    /// This number of bytes lies at [`FRONT`].
    Piece(usize),
    /// The host has closed the stream.
    End,
    /// The host has sent nothing in time.
    Late,
    /// The client has gone.
    Gone,
}

async fn next(connection: &mut Connection<'_>, far: &FarSide, understands_interim: bool) -> Next {
    let mut left = interim(understands_interim);
    let next = next_of_host(connection, far, &mut left).await;
    if connection.finish_interim(left).await.is_err() { Next::Gone } else { next }
}

async fn next_of_host(connection: &mut Connection<'_>, far: &FarSide, interim: &mut &'static [u8]) -> Next {
    let Connection { port, socket, seat, buffer, unread, .. } = connection;
    let end = buffer.len().saturating_sub(LINE_END.len());
    let place = buffer.get_mut(FRONT..end).unwrap_or_default();
    let gone = gone(*port, *socket, seat, unread, interim);
    match select3(far.take(place), gone, Patience::begin(&patience::HOST).end(Some(*seat))).await {
        Either3::First(Ok(count)) => Next::Piece(count),
        Either3::First(Err(_)) => Next::End,
        Either3::Second(()) => Next::Gone,
        Either3::Third(()) => Next::Late,
    }
}

/// Sends the piece in the buffer, as a chunk if the client understands chunks.
async fn send_piece(connection: &mut Connection<'_>, chunked: bool, count: usize) -> Result<(), Failure> {
    let (first, end) = (FRONT - SIZE, FRONT + count);
    let Some(size) = connection.buffer.get_mut(first..FRONT) else { return Err(Failure::Gone) };
    write!(Pen::new(size), "{count:06x}\r\n").map_err(|_| Failure::Gone)?;
    let Some(line_end) = connection.buffer.get_mut(end..end + LINE_END.len()) else { return Err(Failure::Gone) };
    line_end.copy_from_slice(LINE_END);
    let part = if chunked { first..end + LINE_END.len() } else { FRONT..end };
    connection.send_bytes(connection.buffer.get(part).unwrap_or_default()).await
}

/// Ends an answer that has begun.
async fn end(connection: &Connection<'_>, chunked: bool) -> Result<(), Failure> {
    if chunked { connection.send_bytes(b"0\r\n\r\n").await } else { Ok(()) }
}

/// How the client recognizes the end of the answer.
#[derive(Clone, Copy)]
enum Form {
    Chunked,
    /// By the end of the connection, for clients that do not understand chunks.
    Open,
    /// The answer is empty.
    Empty,
}

async fn begin(connection: &mut Connection<'_>, form: Form) -> Result<(), Failure> {
    let mut pen = Pen::new(connection.buffer.get_mut(..FRONT).unwrap_or_default());
    let begun = pen.answer(connection.server, Status::OK);
    begun.and_then(|()| head(&mut pen, form)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await
}

fn head(pen: &mut Pen<'_>, form: Form) -> fmt::Result {
    pen.field("Cache-Control", "no-store")?;
    match form {
        Form::Chunked => pen.field("Transfer-Encoding", "chunked")?,
        Form::Open => {}
        Form::Empty => pen.field("Content-Length", "0")?,
    }
    pen.field("Content-Type", "application/octet-stream")?;
    pen.end()
}
