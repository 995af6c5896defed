//! From the first byte of a connection to its end: head, route, credentials, handler, refusal.

use super::auth;
use super::connection::Connection;
use super::exchange::Exchange;
use super::failure::Failure;
use super::route::{self, Needs};
use super::routes::{self, ROUTES};
use super::{bearer, cors, respond};
use crate::wire::http::request::{Framing, Method};
use crate::wire::http::status::Status;

/// Serves a connection from the first byte to its end.
pub(super) async fn serve(connection: &mut Connection<'_>) {
    let sent = match exchange(connection).await {
        Err(failure) => refuse(connection, failure).await,
        Ok(()) => Ok(()),
    };
    // If sending failed, there is no client that could lose its answer.
    connection.unread &= sent.is_ok();
    connection.close().await;
}

/// Answers a request that failed.
async fn refuse(connection: &mut Connection<'_>, failure: Failure) -> Result<(), Failure> {
    let (status, extra): (_, respond::Extra<'_>) = match &failure {
        Failure::Gone => return Err(failure),
        Failure::Unauthorized => return auth::challenge(connection).await,
        Failure::Forbidden(scope) => return bearer::refuse(connection, *scope).await,
        Failure::Status(status) => (*status, &[]),
        Failure::Method(allow) => (Status::METHOD_NOT_ALLOWED, &[("Allow", allow)]),
        Failure::Locked(seconds) => (Status::TOO_MANY_REQUESTS, &[("Retry-After", seconds)]),
        // Every answer closes the connection; this one also says that `Upgrade` is for this hop only.
        Failure::Upgrade => (
            Status::UPGRADE_REQUIRED,
            &[("Upgrade", &"websocket"), ("Connection", &"Upgrade"), ("Sec-WebSocket-Version", &13)],
        ),
    };
    respond::status_only(connection, status, extra).await
}

async fn exchange(connection: &mut Connection<'_>) -> Result<(), Failure> {
    let request = connection.head().await?;
    connection.head_only = request.method == Method::Head;
    connection.unread = connection.received > request.length || request.framing != Framing::Length(0);
    if request.method == Method::Options {
        return cors::preflight(connection, &request, ROUTES).await;
    }
    let (number, rest) = route::find(ROUTES, |when| when.is_offered(connection), connection.buffer, &request)?;
    let row = ROUTES.get(number).ok_or(Status::NOT_FOUND)?;
    if row.when.needs_api() && !connection.server.offers_api() {
        return Err(Status::NOT_FOUND.into());
    }
    let access = auth::access(connection, &request)?;
    match row.needs {
        Needs::Own => {}
        Needs::Listed(scope, name) => auth::allow(connection, access, scope, name.as_bytes(), b"")?,
        Needs::ListedPath(scope) => {
            let path = request.path(connection.buffer);
            let name = path.strip_prefix(b"/").unwrap_or(path);
            auth::allow(connection, access, scope, name, b"")?;
        }
    }
    routes::answer(number, &mut Exchange { connection, request, access, rest, routes: ROUTES }).await
}
