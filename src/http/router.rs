//! What a target means.

use super::connection::Failure;
use super::console::{self, Asset};
use crate::wire::http::request::{Method, Request};
use crate::wire::span::Span;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `GET /command/<line>`: the line, still percent-encoded. It is the whole rest of the target, with slashes,
    /// `//` and `?` (reference 1.1).
    Line(Span),
    /// `POST /command`.
    Call,
    /// `GET /log`.
    Log,
    /// `GET /openapi.json`.
    Description,
    /// `GET /metrics`.
    Metrics,
    /// `GET /stream`: a WebSocket.
    WebSocket,
    /// `POST /stream`: a body for the host.
    Upload,
    /// `/zapstreams`: streams of applications.
    Application,
    /// A part of the web console.
    Console(&'static Asset),
    /// Anything else: a file.
    File,
}

const COMMAND: &[u8] = b"/command";

/// Finds out what a request asks for. A method that the target does not know is a failure.
pub(super) fn route(buffer: &[u8], request: &Request) -> Result<Route, Failure> {
    let target = request.target.of(buffer);
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let line = target.strip_prefix(COMMAND).and_then(|rest| rest.strip_prefix(b"/"));
    match (path, line, request.method) {
        (_, Some([]), Method::Post) | (COMMAND, _, Method::Post) => Ok(Route::Call),
        (_, Some(_), Method::Get) => Ok(Route::Line(request.target.skip(COMMAND.len() + 1))),
        // A HEAD would have to run the command too, and it must not change anything.
        (_, Some(_), _) => Err(Failure::Method("GET")),
        (COMMAND, ..) => Err(Failure::Method("POST")),
        (b"/log", _, Method::Get | Method::Head) => Ok(Route::Log),
        (b"/log", ..) => Err(Failure::Method("GET, HEAD")),
        (b"/openapi.json", _, Method::Get | Method::Head) => Ok(Route::Description),
        (b"/openapi.json", ..) => Err(Failure::Method("GET, HEAD")),
        (b"/metrics", _, Method::Get | Method::Head) => Ok(Route::Metrics),
        (b"/metrics", ..) => Err(Failure::Method("GET, HEAD")),
        (b"/stream", _, Method::Get) => Ok(Route::WebSocket),
        (b"/stream", _, Method::Post) => Ok(Route::Upload),
        (b"/stream", ..) => Err(Failure::Method("GET, POST")),
        (b"/zapstreams", ..) => Ok(Route::Application),
        (path, _, Method::Get | Method::Head) => Ok(console::find(path).map_or(Route::File, Route::Console)),
        _ => Ok(Route::File),
    }
}

/// The methods that a target knows besides OPTIONS.
pub(super) fn methods(buffer: &[u8], request: &Request) -> &'static str {
    match route(buffer, &Request { method: Method::Other, ..*request }) {
        Err(Failure::Method(methods)) => methods,
        _ => "GET, HEAD",
    }
}

impl Route {
    /// Belongs to the REST API, which can be switched off.
    pub fn is_api(self) -> bool {
        !matches!(self, Self::File | Self::Console(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(line: &str) -> Result<(Route, std::string::String), Failure> {
        let head = std::format!("{line} HTTP/1.1\r\n\r\n");
        let request = Request::parse(head.as_bytes()).unwrap().unwrap();
        let route = route(head.as_bytes(), &request)?;
        let line = if let Route::Line(span) = route { span } else { Span::default() };
        Ok((route, std::string::String::from_utf8(line.of(head.as_bytes()).to_vec()).unwrap()))
    }

    #[test]
    fn the_line_is_the_whole_rest_of_the_target() {
        for line in ["ver", "http_get%20http://a//b?c=/d", "/", "?", "..%2f../x"] {
            assert_eq!(routed(&std::format!("GET /command/{line}")).unwrap().1, line);
        }
        assert_eq!(routed("GET /command/").unwrap().1, "");
    }

    #[test]
    fn each_target_has_its_methods() {
        for (target, expected) in [
            ("/command", "POST"),
            ("/command/ver", "GET"),
            ("/log", "GET, HEAD"),
            ("/openapi.json", "GET, HEAD"),
            ("/stream", "GET, POST"),
            ("/a.html", "GET, HEAD"),
        ] {
            let head = std::format!("OPTIONS {target} HTTP/1.1\r\n\r\n");
            let request = Request::parse(head.as_bytes()).unwrap().unwrap();
            assert_eq!(methods(head.as_bytes(), &request), expected, "{target}");
        }
    }

    #[test]
    fn targets_and_methods() {
        assert_eq!(routed("POST /command").unwrap().0, Route::Call);
        assert_eq!(routed("POST /command/").unwrap().0, Route::Call);
        assert_eq!(routed("POST /command?x").unwrap().0, Route::Call);
        assert_eq!(routed("GET /log?1").unwrap().0, Route::Log);
        assert_eq!(routed("GET /stream").unwrap().0, Route::WebSocket);
        assert_eq!(routed("POST /stream?a").unwrap().0, Route::Upload);
        assert_eq!(routed("GET /zapstreams").unwrap().0, Route::Application);
        assert_eq!(routed("HEAD /stream"), Err(Failure::Method("GET, POST")));
        assert_eq!(routed("GET /commander").unwrap().0, Route::File);
        assert_eq!(routed("GET /Command/ver").unwrap().0, Route::File);
        assert_eq!(routed("GET /").unwrap().0, Route::File);
        assert_eq!(routed("GET /.console/nothing").unwrap().0, Route::File);
        assert_eq!(routed("GET /command"), Err(Failure::Method("POST")));
        assert_eq!(routed("HEAD /command/ver"), Err(Failure::Method("GET")));
        assert_eq!(routed("POST /command/ver"), Err(Failure::Method("GET")));
        assert_eq!(routed("DELETE /log"), Err(Failure::Method("GET, HEAD")));
    }
}
