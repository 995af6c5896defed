//! The REST API: commands and the log (http-and-files reference 1 to 3.1).

use core::fmt;

use embassy_futures::select::{Either, select};

use super::access::Access;
use super::auth;
use super::body;
use super::connection::Connection;
use super::exchange::Exchange;
use super::failure::Failure;
use super::respond::{self, Pen};
use crate::access::scope::Scope;
use crate::command::{Bytes, Reply, scope_of};
use crate::limits;
use crate::log::Log;
use crate::wire::http::status::Status;
use crate::wire::json::{Answer, Call, LINE_END};
use crate::wire::percent;
use crate::wire::span::Span;

/// `GET /command/<line>`.
pub(super) async fn get_command(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let line = exchange.rest;
    let Exchange { connection, reply, access, .. } = exchange;
    let length = percent::decode(line.of_mut(connection.buffer)).ok_or(Status::BAD_REQUEST)?;
    let command = whole(connection.buffer, Span { start: line.start, end: line.start + length });
    let text = command.of(connection.buffer);
    auth::allow(connection, *access, reply, scope_of(text), b"command/", text)?;
    run(connection, reply, Call { command, ..Call::default() }).await
}

/// `POST /command`.
pub(super) async fn post_command(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let Exchange { connection, request, reply, access, .. } = exchange;
    let access = *access;
    if access == Access::Public && !auth::has_whitelist(connection) {
        return Err(Failure::Unauthorized);
    }
    let length = body::read(connection, request).await?;
    let mut call = Call::parse(connection.buffer.get_mut(..length).unwrap_or_default())?;
    call.command = whole(connection.buffer, call.command);
    // An entry for the target opens every command, any other the command that it names.
    if auth::allow(connection, access, reply, Scope::Admin, b"command", b"").is_err() {
        let text = call.command.of(connection.buffer);
        auth::allow(connection, access, reply, scope_of(text), b"command/", text)?;
    }
    run(connection, reply, call).await
}

/// `GET /log`: the lines that are kept, the oldest first. Reading does not clear them.
pub(super) async fn log(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let Exchange { connection, reply, .. } = exchange;
    keep_lines(connection.server.base().log, reply);
    answer(connection, Answer::log(&reply.text)).await
}

/// `/healthz`, an extension: says that the device answers, to everybody.
pub(super) async fn health(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    const TEXT: &[u8] = b"ok\r\n";
    let head = respond::fresh(exchange.connection, "text/plain", TEXT.len())?;
    exchange.connection.send(head).await?;
    if exchange.connection.head_only { Ok(()) } else { exchange.connection.send_bytes(TEXT).await }
}

/// `/zapstreams`: these streams belong to applications that run on the device (reference 3.3), and there are none.
pub(super) async fn application(_: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    Err(Status::NOT_IMPLEMENTED.into())
}

/// A command line without its line end, which belongs to the serial line; some clients send it nevertheless. What is
/// allowed and what is run must be the same line.
fn whole(buffer: &[u8], line: Span) -> Span {
    let text = line.of(buffer);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    Span { end: line.start + text.len(), ..line }
}

/// Runs a command when its turn comes and answers. A client that goes away while it waits frees its place; once the
/// command runs it runs to its end, as it would on the serial line.
async fn run(connection: &mut Connection<'_>, reply: &mut Reply, call: Call) -> Result<(), Failure> {
    if call.command.of(connection.buffer).trim_ascii().is_empty() {
        return Err(Status::BAD_REQUEST.into());
    }
    let server = connection.server;
    let turn = match select(server.shell().turn(), connection.gone()).await {
        Either::First(turn) => turn.map_err(|_| Status::UNAVAILABLE)?,
        Either::Second(()) => return Err(Failure::Gone),
    };
    let id = server.next_id();
    let line = call.command.of(connection.buffer);
    let mut data = Bytes(call.data.of(connection.buffer));
    server.shell().run_in(turn, line, &mut data, false, reply).await;
    answer(connection, Answer::command(id, reply.code, call.flags, &reply.text)).await
}

async fn answer(connection: &mut Connection<'_>, mut answer: Answer<'_>) -> Result<(), Failure> {
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, Status::OK);
    begun.and_then(|()| head(&mut pen, answer.length())).map_err(|_| Failure::Gone)?;
    let head = pen.length();
    respond::send(connection, head, &mut answer).await
}

fn head(pen: &mut Pen<'_>, length: usize) -> fmt::Result {
    pen.field("Cache-Control", "no-store")?;
    pen.body("application/json", length)
}

/// Copies the log as it is now: it goes on while the answer is on its way.
fn keep_lines(log: &Log, reply: &mut Reply) {
    // In the log each line takes three bytes besides its text, here one.
    const { assert!(limits::RESPONSE >= limits::LOG, "a reply must hold the whole log") };
    reply.clear();
    let mut number = log.first();
    while let Some((found, _, line)) = log.get(number) {
        reply.put(&line);
        reply.put(&[LINE_END]);
        number = found.wrapping_add(1);
    }
}
