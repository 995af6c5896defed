//! `http.server.*` (interface, variables/README, http 6.3).

use super::build::*;
use Effect::Network;

const TOKENS: Index = Index::Number(limits::API_TOKENS as u8);

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("http.server.api_enabled", "ht s a", ValueKind::Bool, "1").at(Network)
        .done("Offer the REST API."),
    var("http.server.auth_title", "ht s h", text(64), "")
        .done("Realm of the 401 answer."),
    var("http.server.cors_origin", "ht s c", text(128), "").at(Network).guarded()
        .done("Origins that browsers may call the API from; empty turns CORS off."),
    var("http.server.enabled", "ht s e", ValueKind::Bool, "0").at(Network)
        .done("Run the HTTP server."),
    var("http.server.interface", "ht s i", INTERFACE, "default").at(Network)
        .done("Interface to listen on."),
    var("http.server.max_clients", "ht s m", number(1, 255), "32").at(Network)
        .done("Connections at once."),
    var("http.server.metrics_enabled", "", ValueKind::Bool, "0")
        .extension("metrics", "Offer /metrics."),
    var("http.server.notfound_filename", "ht s n", FILE, "")
        .done("Page of the 404 answer."),
    var("http.server.notify_gpio", "ht s x", ValueKind::Gpio, "-1")
        .done("GPIO that is high while a WebSocket client is connected."),
    var("http.server.password", "ht s w", text(64), "").secret(Secret::Always).guarded()
        .done("Password of the HTTP server."),
    var("http.server.port", "ht s p", PORT, "80").at(Network)
        .done("Port of the HTTP server."),
    var("http.server.root_filename", "ht s r", FILE, "webapp/index.html")
        .done("Page of the path /."),
    var("http.server.tls_ca_cert", "", FILE, "").at(Network).guarded()
        .done("CA certificate of HTTPS clients; if set, they must show a certificate."),
    var("http.server.tls_cert", "", FILE, "").at(Network).guarded()
        .done("Certificate of the HTTPS server; empty: the device makes its own."),
    var("http.server.tls_enabled", "ht s t", ValueKind::Bool, "0").at(Network)
        .done("Serve HTTPS in place of HTTP."),
    var("http.server.tls_key", "", FILE, "").at(Network).guarded()
        .done("Key of the HTTPS server."),
    var("http.server.token", "", ValueKind::Indexed(TOKENS, &text(128)), "").kept()
        .extension("API tokens", "Name, scopes and hash of each API token."),
    var("http.server.token_scripts", "", ValueKind::Bool, "0").guarded()
        .extension("API tokens", "Let files that were written with a token run scripts in browsers."),
    var("http.server.unauthorized_filename", "ht s d", FILE, "").guarded()
        .done("Page of the 401 answer."),
    var("http.server.username", "ht s u", ValueKind::User(64), "").guarded()
        .done("User of the HTTP server; both user and password turn authorization on."),
];
