//! `tcp.*` (interface, variables/README).

use super::build::*;
use Effect::Network;

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("tcp.client.auto_interface", "tc c i", INTERFACE, "default").at(Network)
        .done("Interface of the client that starts by itself."),
    var("tcp.client.auto_retries", "tc c e", number(0, 255), "0")
        .done("Reconnects after the server has closed: 0 never, 255 for ever."),
    var("tcp.client.auto_start", "tc c a", ValueKind::Bool, "0").at(Network)
        .done("Connect when the interface comes up."),
    var("tcp.client.connect_timeout", "tc c t", number(1, 65535), "10000")
        .done("Milliseconds for one attempt to connect."),
    var("tcp.client.local_port", "tc c l", PORT_OR_ANY, "0")
        .done("Local port of clients; 0 takes a free one."),
    var("tcp.client.remote_host", "tc c h", HOST, "").at(Network)
        .done("Server of the client that starts by itself."),
    var("tcp.client.remote_port", "tc c p", PORT, "3000").at(Network)
        .done("Port of that server."),
    var("tcp.client.retries", "tc c r", number(1, 255), "1")
        .done("Connection attempts of one command."),
    var("tcp.client.retry_period", "tc c d", number(0, 65535), "1000")
        .done("Milliseconds between those attempts."),
    var("tcp.client.tls_enabled", "", ValueKind::Bool, "0").at(Network)
        .done("Use TLS for the client that starts by itself."),
    var("tcp.keepalive.enabled", "tc k e", ValueKind::Bool, "0").backup()
        .done("Probe silent connections."),
    var("tcp.keepalive.initial_timeout", "tc k i", number(1, 65535), "60").backup()
        .done("Seconds of silence before the first probe."),
    var("tcp.keepalive.retry_count", "tc k c", number(1, 255), "3").backup()
        .done("Probes without an answer before the peer counts as gone."),
    var("tcp.keepalive.retry_timeout", "tc k r", number(1, 65535), "3").backup()
        .done("Seconds between probes."),
    var("tcp.server.auto_interface", "tc s i", INTERFACE, "default").at(Network)
        .done("Interface of the server that starts by itself."),
    var("tcp.server.auto_start", "tc s a", ValueKind::Bool, "0").at(Network)
        .done("Start the server when the interface comes up."),
    var("tcp.server.connected_gpio", "tc s c", ValueKind::Gpio, "-1").at(Network)
        .done("GPIO that is high while a client is connected."),
    var("tcp.server.data_gpio", "tc s d", ValueKind::Gpio, "-1").at(Network)
        .done("GPIO that is high while client data waits."),
    var("tcp.server.idle_timeout", "tc s t", number(0, 65535), "60").at(Network)
        .done("Seconds of silence after which a client is dropped; 0 never."),
    var("tcp.server.max_clients", "tc s m", number(1, limits::STREAMS as u32), "8").at(Network)
        .done("Clients at once."),
    var("tcp.server.port", "tc s p", PORT, "3000").at(Network)
        .done("Port of the server when the command names none."),
    var("tcp.server.tls_enabled", "", ValueKind::Bool, "0").at(Network)
        .done("Make it a TLS server."),
];
