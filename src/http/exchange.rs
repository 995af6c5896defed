//! One request and its answer.

use super::connection::{Connection, Failure};
use super::console;
use super::request::{Framing, Method};
use super::respond::{self, Status};
use super::rest;
use super::router::{Route, route};
use super::server::HttpServer;
use super::{metrics, openapi};
use crate::command::Reply;

/// Serves a connection from the first byte to its end.
pub(super) async fn serve(server: &HttpServer, mut connection: Connection<'_>, reply: &mut Reply) {
    let sent = match exchange(server, &mut connection, reply).await {
        Err(Failure::Status(status)) => respond::status_only(&mut connection, status, "").await,
        Err(Failure::Method(allow)) => respond::status_only(&mut connection, Status::METHOD_NOT_ALLOWED, allow).await,
        other => other,
    };
    // Nobody is left who could lose an answer.
    connection.unread &= sent.is_ok();
    connection.close().await;
}

async fn exchange(server: &HttpServer, connection: &mut Connection<'_>, reply: &mut Reply) -> Result<(), Failure> {
    let request = connection.head().await?;
    connection.head_only = request.method == Method::Head;
    connection.unread = connection.received > request.length || request.framing != Framing::Length(0);
    let route = route(connection.buffer, &request)?;
    if route.is_api() && !server.offers_api() {
        return Err(Status::NOT_FOUND.into());
    }
    match route {
        Route::Line(line) => rest::get_command(server, connection, reply, line).await,
        Route::Call => rest::post_command(server, connection, reply, &request).await,
        Route::Log => rest::log(server, connection, reply).await,
        Route::Description => openapi::send(connection, server.needs_credentials()).await,
        Route::Metrics if server.offers_metrics() => metrics::send(server, connection).await,
        Route::Console(asset) => console::serve(connection, asset).await,
        Route::Metrics | Route::File => match console::start_page(request.target.of(connection.buffer)) {
            Some(page) if request.method.reads() => console::serve(connection, page).await,
            _ => Err(Status::NOT_FOUND.into()),
        },
    }
}
