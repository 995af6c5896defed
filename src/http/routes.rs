//! The table of routes. A route is one row: its path, its methods, when it exists, what a client without the password
//! needs, its OpenAPI description, and its handler.

use super::exchange::Exchange;
use super::failure::Failure;
use super::method::Methods;
use super::route::{Needs, Route, When};
use super::{console, files, metrics, openapi, portal, rest, upload, websocket};
use crate::access::scope::Scope;
use crate::features::{Built, Gate};

const GET: Methods = Methods::GET;
const POST: Methods = Methods::POST;
const READ: Methods = Methods::READ;
const ANY: Methods = Methods::ANY;

/// Makes the table, and the function that calls the handler of a row.
macro_rules! routes {
    ($($name:ident: $path:literal, $methods:ident, $when:ident, $needs:expr, $description:expr, $handler:path;)*) => {
        /// All routes, in the order in which they are tried.
        pub(super) static ROUTES: &[Route] = &[$(Route {
            path: $path,
            methods: $methods,
            when: When::$when,
            needs: $needs,
            description: $description,
        }),*];

        /// The rows by number.
        #[derive(Clone, Copy)]
        enum Row { $($name),* }

        const ROWS: &[Row] = &[$(Row::$name),*];

        /// Lets the handler of a row answer.
        pub(super) async fn answer(number: usize, exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
            match ROWS.get(number).copied() {
                $(Some(Row::$name) => {
                    Built::<{ When::$when.is_built() }>::run(exchange, $handler, |_| Err(Failure::Gone)).await
                })*
                None => Err(Failure::Gone),
            }
        }
    };
}

/// The OpenAPI description of a path: a file of `openapi/` without its line breaks (`build.rs`).
macro_rules! described {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/openapi/", $name, ".json"))
    };
}

routes! {
    // A HEAD would have to run the command too, and it must not change anything.
    Line: "/command/{line}", GET, Api, Needs::Own, described!("line"), rest::get_command;
    Call: "/command", POST, Api, Needs::Own, described!("command"), rest::post_command;
    CallSlash: "/command/", POST, Api, Needs::Own, "", rest::post_command;
    Log: "/log", READ, Api, Needs::Listed(Scope::Read, "log"), described!("log"), rest::log;
    WebSocket: "/stream", GET, WebSocket, Needs::Listed(Scope::Streams, "stream"), described!("stream"),
        websocket::open;
    Structured: "/structured", GET, Structured, Needs::Listed(Scope::Admin, "structured"), described!("structured"),
        websocket::structured;
    Upload: "/stream", POST, Api, Needs::Listed(Scope::Streams, "stream"), "", upload::serve;
    Application: "/zapstreams", ANY, Api, Needs::Listed(Scope::Streams, "zapstreams"), "", rest::application;
    Description: "/openapi.json", READ, OpenApi, Needs::Listed(Scope::Read, "openapi.json"),
        described!("self"), openapi::send;
    Metrics: "/metrics", READ, Metrics, Needs::Listed(Scope::Read, "metrics"), described!("metrics"),
        metrics::send;
    Health: "/healthz", READ, Api, Needs::Own, described!("healthz"), rest::health;
    Console: "/.console/*", READ, Console, Needs::ListedPath(Scope::Read), "", console::get;
    // Where phones and computers probe for the Internet: the paths of the reference, and newer ones.
    Portal: "/generate_204|/hotspot-detect.html|/ncsi.txt|/gen_204|/library/test/success.html|/connecttest.txt|/redirect|\
             /success.txt|/canonical.html|/check_network_status.txt", READ, SoftAp, Needs::Own, "", portal::answer;
    File: "/*", READ, Always, Needs::Own, "", files::get;
}

#[cfg(test)]
mod tests {
    use super::super::route::{find, methods};
    use super::*;
    use crate::wire::http::request::Request;

    /// The path of the row, and the open part of the target.
    fn routed(line: &str) -> Result<(&'static str, std::string::String), Failure> {
        let head = std::format!("{line} HTTP/1.1\r\n\r\n");
        let request = Request::parse(head.as_bytes()).unwrap().unwrap();
        let (number, rest) = find(ROUTES, |when| when != When::SoftAp, head.as_bytes(), &request)?;
        Ok((ROUTES[number].path, std::string::String::from_utf8(rest.of(head.as_bytes()).to_vec()).unwrap()))
    }

    #[test]
    fn the_line_is_the_whole_rest_of_the_target() {
        for line in ["ver", "http_get%20http://a//b?c=/d", "/", "?", "..%2f../x", ""] {
            assert_eq!(routed(&std::format!("GET /command/{line}")).unwrap(), ("/command/{line}", line.into()));
        }
    }

    #[test]
    fn each_target_has_its_methods() {
        for (target, expected) in [
            ("/command", "POST"),
            ("/command/ver", "GET"),
            ("/log", "GET, HEAD"),
            ("/openapi.json", "GET, HEAD"),
            ("/healthz", "GET, HEAD"),
            ("/stream", "GET, POST"),
            ("/a.html", "GET, HEAD"),
            ("/ncsi.txt", "GET, HEAD"),
        ] {
            assert_eq!(std::format!("{}", methods(ROUTES, |_| true, target.as_bytes())), expected, "{target}");
        }
    }

    #[test]
    fn targets_and_methods() {
        for (line, path) in [
            ("POST /command", "/command"),
            ("POST /command/", "/command/"),
            ("POST /command?x", "/command"),
            ("GET /log?1", "/log"),
            ("GET /stream", "/stream"),
            ("POST /stream?a", "/stream"),
            ("GET /zapstreams", "/zapstreams"),
            ("PURGE /zapstreams", "/zapstreams"),
            ("GET /commander", "/*"),
            ("GET /Command/ver", "/*"),
            ("GET /", "/*"),
            ("GET /.console/nothing", "/.console/*"),
            ("GET /generate_204", "/*"),
        ] {
            assert_eq!(routed(line).unwrap().0, path, "{line}");
        }
        for (line, allowed) in [
            ("HEAD /stream", Methods::GET.and(Methods::POST)),
            ("GET /command", Methods::POST),
            ("HEAD /command/ver", Methods::GET),
            ("POST /command/ver", Methods::GET),
            ("DELETE /log", Methods::READ),
            ("DELETE /a.html", Methods::READ),
        ] {
            assert_eq!(routed(line), Err(Failure::Method(allowed)), "{line}");
        }
    }

    #[test]
    fn probes_of_phones_over_the_soft_ap() {
        let row = |target: &str| {
            let head = std::format!("GET {target} HTTP/1.1\r\n\r\n");
            let request = Request::parse(head.as_bytes()).unwrap().unwrap();
            let (number, _) = find(ROUTES, |_| true, head.as_bytes(), &request).unwrap();
            ROUTES[number].when == When::SoftAp
        };
        for probe in ["/generate_204", "/generate_204?1", "/library/test/success.html", "/check_network_status.txt"] {
            assert!(row(probe), "{probe}");
        }
        for file in ["/", "/generate_2045", "/ncsi.tx", "//ncsi.txt", "/NCSI.TXT", "/|", "/library/test/"] {
            assert!(!row(file), "{file}");
        }
    }

    #[test]
    fn every_description_is_a_value() {
        for route in ROUTES.iter().filter(|route| !route.description.is_empty()) {
            let text = route.description.trim();
            assert!(text.starts_with('{') && text.ends_with('}'), "{}", route.path);
        }
    }
}
