//! One request, and what its handler needs to answer it.

use super::access::Access;
use super::connection::Connection;
use super::route::Route;
use crate::wire::http::request::Request;
use crate::wire::span::Span;

/// A request whose head was read and whose credentials were checked.
pub(super) struct Exchange<'a, 'b> {
    pub connection: &'a mut Connection<'b>,
    pub request: Request,
    /// What the client may do.
    pub access: Access,
    /// The part of the target that the route leaves open, still percent-encoded.
    pub rest: Span,
    /// All routes.
    pub routes: &'static [Route],
}

impl Exchange<'_, '_> {
    /// The path as it was sent, without the query.
    pub fn path(&self) -> &[u8] {
        self.request.path(self.connection.buffer)
    }
}
