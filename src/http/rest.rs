//! The REST API: commands and the log (interface, http 1, 3.1).

use core::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, with_timeout};

use super::access::Access;
use super::auth;
use super::body::{self, Incoming, Received};
use super::connection::{Connection, gone, interim};
use super::data::Streamed;
use super::exchange::Exchange;
use super::failure::Failure;
use super::respond;
use crate::access::guard;
use crate::access::scope::{Scope, Scopes};
use crate::command::{Asker, Bytes, Reply, scopes_of};
use crate::limits;
use crate::log::Log;
use crate::wire::http::status::Status;
use crate::wire::json::{Answer, Call, LINE_END, Opening, flag};
use crate::wire::percent;
use crate::wire::span::Span;

/// More than the head of an answer with its origin needs, together with the room that [`Answer`] needs.
const HEAD: usize = 512;

/// How long a long answer waits until it may keep its reply buffer. Meanwhile nobody else can use that buffer.
const KEEP_TIME: Duration = Duration::from_millis(100);

/// `GET /command/<line>`.
pub(super) async fn get_command(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let line = exchange.rest;
    let Exchange { connection, request, access, .. } = exchange;
    let length = percent::decode(line.of_mut(connection.buffer)).ok_or(Status::BAD_REQUEST)?;
    let command = whole(connection.buffer, Span { start: line.start, end: line.start + length });
    if *access != Access::Full {
        let text = command.of(connection.buffer);
        auth::allow(connection, *access, needed(connection, text), b"command/", text)?;
    }
    run(connection, Call { command, ..Call::default() }, access.asker(), request.is_1_1).await
}

/// `POST /command`.
pub(super) async fn post_command(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let Exchange { connection, request, access, .. } = exchange;
    let access = *access;
    // An entry for the target allows every command, any other entry the command that it names.
    let every = auth::allow(connection, access, Scope::Admin, b"command", b"");
    let may_be_listed = auth::has_whitelist(connection) && body::has_come(connection, request);
    if every.is_err() && access == Access::Public && !may_be_listed {
        // The whitelist may name the command, but the server does not wait for bytes that a stranger has not sent yet.
        return Err(Failure::Unauthorized);
    }
    let (mut call, begun) = match body::read(connection, request).await? {
        Received::Whole(length) => (Call::parse(connection.buffer.get_mut(..length).unwrap_or_default())?, None),
        Received::Begun(incoming) => {
            let opening = Opening::parse(connection.buffer.get_mut(..incoming.decoded()).unwrap_or_default())?;
            (opening.call, Some((incoming, opening.data)))
        }
    };
    call.command = whole(connection.buffer, call.command);
    if every.is_err() {
        let text = call.command.of(connection.buffer);
        auth::allow(connection, access, needed(connection, text), b"command/", text)?;
    }
    match begun {
        None => run(connection, call, access.asker(), request.is_1_1).await,
        Some((incoming, data)) => stream(connection, call, access.asker(), incoming, data).await,
    }
}

/// `GET /log`: the lines in the log, the oldest first. Reading does not clear them.
pub(super) async fn log(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let connection = &mut *exchange.connection;
    let shell = connection.server.shell();
    let mut reply = match select(connection.gone(&mut interim(false)), shell.buffer()).await {
        Either::First(()) => return Err(Failure::Gone),
        Either::Second(buffer) => Reply::with(buffer),
    };
    keep_lines(connection.server.base().log, &mut reply);
    answer(connection, reply, |text| Answer::log(text)).await
}

/// `/healthz`, an extension: tells every client that the device works.
pub(super) async fn health(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    const TEXT: &[u8] = b"ok\r\n";
    let head = respond::fresh(exchange.connection, "text/plain", TEXT.len())?;
    exchange.connection.send(head).await?;
    if exchange.connection.head_only { Ok(()) } else { exchange.connection.send_bytes(TEXT).await }
}

/// `/zapstreams`: these streams belong to applications that run on the device (interface, http 3.3); there are no such
/// applications.
pub(super) async fn application(_: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    Err(Status::NOT_IMPLEMENTED.into())
}

/// The scopes that a token must have for a command line.
fn needed(connection: &Connection<'_>, line: &[u8]) -> Scopes {
    scopes_of(line, |word| guard::names(connection.server.base(), word))
}

/// A command line without its line end, which belongs to the serial line; some clients send it nevertheless. The line
/// that is checked and the line that runs must be the same.
fn whole(buffer: &[u8], line: Span) -> Span {
    let text = line.of(buffer);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    Span { end: line.start + text.len(), ..line }
}

/// Runs a command when its turn comes and answers. A client that goes away before its turn frees its place; if it goes
/// away later, its command is cancelled. `understands_interim`: the client understands `100 Continue`.
async fn run(
    connection: &mut Connection<'_>,
    call: Call,
    asker: Asker,
    understands_interim: bool,
) -> Result<(), Failure> {
    if call.command.of(connection.buffer).trim_ascii().is_empty() {
        return Err(Status::BAD_REQUEST.into());
    }
    let server = connection.server;
    let mut left = interim(understands_interim);
    // Pinned where they are made: moving them costs more than most commands.
    let ready = match select(pin!(server.shell().turn(asker)), pin!(connection.gone(&mut left))).await {
        Either::First(ready) => ready.map_err(|_| Status::UNAVAILABLE)?,
        Either::Second(()) => return Err(Failure::Gone),
    };
    connection.finish_interim(left).await?;
    let reply = {
        let mut none = interim(false);
        let Connection { port, socket, seat, buffer, unread, .. } = connection;
        let (line, data) = parts(buffer, call).ok_or(Status::BAD_REQUEST)?;
        let mut data = Bytes(data);
        let leaving = pin!(gone(*port, *socket, seat, unread, &mut none));
        match select(pin!(ready.run(line, &mut data)), leaving).await {
            Either::First(reply) => reply,
            Either::Second(()) => return Err(Failure::Gone),
        }
    };
    let (id, code) = (server.next_id(), reply.code);
    answer(connection, reply, |text| Answer::command(id, code, call.flags, text)).await
}

/// Runs a command whose data arrive while it runs; their text begins at `data`.
async fn stream(
    connection: &mut Connection<'_>,
    call: Call,
    asker: Asker,
    incoming: Incoming,
    data: usize,
) -> Result<(), Failure> {
    if call.command.of(connection.buffer).trim_ascii().is_empty() {
        return Err(Status::BAD_REQUEST.into());
    }
    let server = connection.server;
    // The bytes that arrive meanwhile are needed, so nothing checks here whether the client is still there.
    let ready = server.shell().turn(asker).await.map_err(|_| Status::UNAVAILABLE)?;
    let end = incoming.decoded().saturating_sub(data);
    let Connection { port, socket, seat, buffer, .. } = connection;
    let (line, text) = buffer.split_at_mut_checked(data).ok_or(Status::BAD_REQUEST)?;
    let mut source = Streamed::new((*port, *socket, seat), (text, end), incoming, call.flags & flag::DATA != 0);
    let reply = ready.run(call.command.of_mut(line), &mut source).await;
    let ended = source.end();
    drop(source);
    connection.unread = ended != Ok(true);
    ended?;
    let (id, code) = (server.next_id(), reply.code);
    answer(connection, reply, |text| Answer::command(id, code, call.flags, text)).await
}

/// The line and its data, which lie somewhere in the same buffer: the line may be written over.
fn parts(buffer: &mut [u8], call: Call) -> Option<(&mut [u8], &[u8])> {
    let Call { command: line, data, .. } = call;
    if data.start >= line.end {
        let (left, right) = buffer.split_at_mut_checked(data.start)?;
        return Some((line.of_mut(left), right.get(..data.end.checked_sub(data.start)?)?));
    }
    let (left, right) = buffer.split_at_mut_checked(line.start)?;
    Some((right.get_mut(..line.end.checked_sub(line.start)?)?, left.get(data.start..data.end)?))
}

/// Sends an answer. One that fits into the connection's buffer frees the reply's buffer first. A longer one keeps that
/// buffer until the client has taken it all; only some answers may do so at once.
async fn answer(
    connection: &mut Connection<'_>,
    mut reply: Reply,
    body: impl Fn(&[u8]) -> Answer<'_>,
) -> Result<(), Failure> {
    const KIND: &str = "application/json";
    let mut text = body(reply.text());
    let length = text.length();
    if connection.head_only || length + HEAD <= connection.buffer.len() {
        let head = respond::fresh(connection, KIND, length)?;
        let (whole, _) = respond::fill(connection, head, &mut text);
        drop(reply);
        return connection.send(whole).await;
    }
    if !reply.keep() && with_timeout(KEEP_TIME, reply.kept()).await.is_err() {
        return Err(Status::UNAVAILABLE.into());
    }
    let head = respond::fresh(connection, KIND, length)?;
    respond::send(connection, head, &mut body(reply.text())).await
}

/// Copies the log as it is now: it may get new lines while the answer is sent.
fn keep_lines(log: &Log, reply: &mut Reply) {
    // In the log each line takes three bytes besides its text, here one.
    const { assert!(limits::RESPONSE >= limits::LOG, "a reply must hold the whole log") };
    let mut number = log.first();
    while let Some((found, _, line)) = log.get(number) {
        reply.put(&line);
        reply.put(&[LINE_END]);
        number = found.wrapping_add(1);
    }
}
