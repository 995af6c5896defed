//! CORS: pages of other origins (interface, http 5).

use core::fmt;

use super::connection::Connection;
use super::failure::Failure;
use super::method::Methods;
use super::respond::Pen;
use super::route::{self, Route};
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;

/// The methods that pages of other origins may use.
const METHODS: &str = "GET, HEAD, POST, OPTIONS";
/// The fields that clients of the API send.
const HEADERS: &str = "Content-Type, Accept, Authorization, X-Requested-With";
/// How long a browser may keep the answer, in seconds.
const MAX_AGE: u32 = 600;

/// Answers `OPTIONS` for every target, without a password: browsers ask this way whether a page may send its request.
pub(super) async fn preflight(
    connection: &mut Connection<'_>,
    request: &Request,
    routes: &[Route],
) -> Result<(), Failure> {
    let methods = if request.of_server {
        Methods::READ.and(Methods::POST)
    } else {
        route::methods(routes, |when| when.is_offered(connection), request.target.of(connection.buffer))
    };
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, Status::OK);
    let allowed = connection.server.with_origin(|origin| !origin.is_empty());
    begun.and_then(|()| head(&mut pen, methods, allowed)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await
}

fn head(pen: &mut Pen<'_>, methods: Methods, allowed: bool) -> fmt::Result {
    pen.field_of("Allow", format_args!("{methods}, OPTIONS"))?;
    if allowed {
        pen.field("Access-Control-Allow-Methods", METHODS)?;
        pen.field("Access-Control-Allow-Headers", HEADERS)?;
        pen.field_of("Access-Control-Max-Age", MAX_AGE)?;
    }
    pen.field("Content-Length", "0")?;
    pen.end()
}
