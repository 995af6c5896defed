//! What a target means: finding its row in the table of routes.

use super::connection::Connection;
use super::failure::Failure;
use super::method::Methods;
use crate::access::scope::Scope;
use crate::features;
use crate::port::Interface;
use crate::wire::http::request::Request;
use crate::wire::span::Span;

/// One row of the table: a route.
pub(super) struct Route {
    /// The path, or several with `|` between them. `{line}` at its end stands for the whole rest of the target, with
    /// slashes, `//` and `?` (interface, http 1.1), `*` for any rest of the path.
    pub path: &'static str,
    pub methods: Methods,
    pub when: When,
    pub needs: Needs,
    /// The path of the route in OpenAPI: the value of its member of `paths`. Empty when it is not described.
    pub description: &'static str,
}

/// When a route exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// With the REST API, which can be switched off; these paths then name nothing, not even files.
    Api,
    /// With the API, in a build with this feature; otherwise the path names a file.
    OpenApi,
    /// In a build with this feature; otherwise the path names a file, and the console may lie in files.
    Console,
    /// As `OpenApi`.
    WebSocket,
    /// As `OpenApi`.
    Structured,
    /// With the API, and while `http.server.metrics_enabled` is 1; otherwise the path names a file.
    Metrics,
    /// Over the soft AP, without the API too; otherwise the path names a file.
    SoftAp,
}

impl When {
    /// Whether this build has such a route at all.
    pub(super) const fn is_built(self) -> bool {
        match self {
            Self::Always | Self::Api | Self::SoftAp => true,
            Self::OpenApi => features::OPENAPI,
            Self::Console => features::CONSOLE,
            Self::WebSocket => features::WEBSOCKET,
            Self::Structured => features::WEBSOCKET && features::STRUCTURED,
            Self::Metrics => features::METRICS,
        }
    }

    /// Whether the route exists only with the API.
    pub(super) const fn needs_api(self) -> bool {
        !matches!(self, Self::Always | Self::SoftAp)
    }

    /// Whether a route of this build is offered on this connection.
    pub(super) fn is_offered(self, connection: &Connection<'_>) -> bool {
        match self {
            Self::Metrics => connection.server.offers_metrics(),
            Self::SoftAp => connection.interface == Interface::SoftAp,
            _ => true,
        }
    }
}

/// What a client without the password needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// A token of this scope, or this entry in the whitelist.
    Listed(Scope, &'static str),
    /// A token of this scope, or the path as an entry in the whitelist.
    ListedPath(Scope),
    /// The handler decides.
    Own,
}

/// How the end of a path in the table is understood.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Exact,
    Line,
    Any,
}

/// How a path of the table begins, and how its end is understood.
fn parts(path: &str) -> (&str, Match) {
    if let Some(start) = path.strip_suffix("{line}") {
        return (start, Match::Line);
    }
    path.strip_suffix('*').map_or((path, Match::Exact), |start| (start, Match::Any))
}

impl Route {
    /// Where the open part of a target begins, when a path matches.
    fn rest(&self, target: &[u8]) -> Option<usize> {
        let asked = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        self.path.split('|').map(parts).find_map(|(start, end)| {
            let matches = match end {
                Match::Exact => asked == start.as_bytes(),
                Match::Line => target.starts_with(start.as_bytes()),
                Match::Any => asked.starts_with(start.as_bytes()),
            };
            matches.then_some(start.len())
        })
    }

    /// Whether the route serves every target that no other route serves.
    fn is_last_resort(&self) -> bool {
        self.path == "/*"
    }

    fn is_there(&self, offered: impl Fn(When) -> bool) -> bool {
        self.when.is_built() && offered(self.when)
    }
}

/// The rows whose path matches a target, and the length of the match. The last resort counts only without others.
fn matching<'a>(
    routes: &'a [Route],
    offered: impl Fn(When) -> bool,
    target: &'a [u8],
) -> impl Iterator<Item = (usize, &'a Route, usize)> {
    let mut known = false;
    routes.iter().enumerate().filter_map(move |(number, route)| {
        let length = route.rest(target).filter(|_| route.is_there(&offered))?;
        if known && route.is_last_resort() {
            return None;
        }
        known = true;
        Some((number, route, length))
    })
}

/// The methods that a target supports besides OPTIONS. `offered`: whether the client is offered a route; called only
/// for paths that match.
pub(super) fn methods(routes: &[Route], offered: impl Fn(When) -> bool, target: &[u8]) -> Methods {
    matching(routes, offered, target).fold(Methods::NONE, |sum, (_, route, _)| sum.and(route.methods))
}

/// Finds the row of a request; answers its number and the open part of the target. A method that the target does not
/// support is a failure. `offered`: as for [`methods`].
pub(super) fn find(
    routes: &[Route],
    offered: impl Fn(When) -> bool,
    buffer: &[u8],
    request: &Request,
) -> Result<(usize, Span), Failure> {
    let target = request.target.of(buffer);
    let found = matching(routes, &offered, target).find(|(_, route, _)| route.methods.contain(request.method));
    match found {
        Some((number, _, length)) => Ok((number, request.target.skip(length))),
        None => Err(Failure::Method(methods(routes, offered, target))),
    }
}
