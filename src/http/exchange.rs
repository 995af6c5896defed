//! One request and its answer.

use super::connection::{Connection, Failure};
use super::respond::{self};
use super::router::{Route, route};
use super::{auth, bearer, console, cors, files, metrics, openapi, rest, upload, websocket};
use crate::command::Reply;
use crate::wire::http::request::{Framing, Method};
use crate::wire::http::status::Status;

/// Serves a connection from the first byte to its end.
pub(super) async fn serve(mut connection: Connection<'_>, reply: &mut Reply) {
    let sent = match exchange(&mut connection, reply).await {
        Err(failure) => refuse(&mut connection, failure).await,
        Ok(()) => Ok(()),
    };
    // Nobody is left who could lose an answer.
    connection.unread &= sent.is_ok();
    connection.close().await;
}

/// Answers what could not be done.
async fn refuse(connection: &mut Connection<'_>, failure: Failure) -> Result<(), Failure> {
    let (status, extra): (_, respond::Extra<'_>) = match &failure {
        Failure::Gone => return Err(failure),
        Failure::Unauthorized => return auth::challenge(connection).await,
        Failure::Forbidden(scope) => return bearer::refuse(connection, *scope).await,
        Failure::Status(status) => (*status, None),
        Failure::Method(allow) => (Status::METHOD_NOT_ALLOWED, Some(("Allow", allow))),
        Failure::Locked(seconds) => (Status::TOO_MANY_REQUESTS, Some(("Retry-After", seconds))),
        Failure::Upgrade => (
            Status::UPGRADE_REQUIRED,
            Some(("Upgrade", &"websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13")),
        ),
    };
    respond::status_only(connection, status, extra).await
}

async fn exchange(connection: &mut Connection<'_>, reply: &mut Reply) -> Result<(), Failure> {
    let request = connection.head().await?;
    connection.head_only = request.method == Method::Head;
    connection.unread = connection.received > request.length || request.framing != Framing::Length(0);
    if request.method == Method::Options {
        return cors::preflight(connection, &request).await;
    }
    let route = match route(connection.buffer, &request)? {
        Route::Metrics if !connection.server.offers_metrics() => Route::File,
        route => route,
    };
    if route.is_api() && !connection.server.offers_api() {
        return Err(Status::NOT_FOUND.into());
    }
    let access = auth::access(connection, &request)?;
    match route {
        Route::Line(line) => rest::get_command(connection, reply, line, access).await,
        Route::Call => rest::post_command(connection, reply, &request, access).await,
        Route::Log => rest::log(connection, reply, access).await,
        Route::Description => {
            auth::allow(connection, access, reply, b"openapi.json", b"")?;
            openapi::send(connection).await
        }
        Route::Metrics => {
            auth::allow(connection, access, reply, b"metrics", b"")?;
            metrics::send(connection).await
        }
        Route::WebSocket => {
            auth::allow(connection, access, reply, b"stream", b"")?;
            websocket::open(connection, &request, access).await
        }
        Route::Upload => {
            auth::allow(connection, access, reply, b"stream", b"")?;
            upload::serve(connection, &request).await
        }
        Route::Application => {
            auth::allow(connection, access, reply, b"zapstreams", b"")?;
            // These streams belong to applications that run on the device (reference 3.3), and there are none.
            Err(Status::NOT_IMPLEMENTED.into())
        }
        Route::Console(asset) => console::get(connection, reply, asset, access).await,
        Route::File => files::get(connection, &request, access).await,
    }
}
