//! `udp.*` (interface, variables/README).

use super::build::*;
use Effect::Network;

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("udp.client.auto_interface", "ud c i", INTERFACE, "default").at(Network)
        .done("Interface of the client that starts by itself."),
    var("udp.client.auto_retry", "ud c r", ValueKind::Bool, "0")
        .done("Retry every second while the remote name cannot be resolved."),
    var("udp.client.auto_start", "ud c a", ValueKind::Bool, "0").at(Network)
        .done("Open the client when the interface comes up."),
    var("udp.client.local_port", "ud c l", PORT_OR_ANY, "0").at(Network)
        .done("Local port of clients; 0 takes a free one."),
    var("udp.client.remote_host", "ud c h", HOST, "").at(Network)
        .done("Peer of the client that starts by itself."),
    var("udp.client.remote_port", "ud c p", PORT, "3000").at(Network)
        .done("Port of that peer."),
    var("udp.server.auto_interface", "ud s i", INTERFACE, "default").at(Network)
        .done("Interface of the server that starts by itself."),
    var("udp.server.auto_start", "ud s a", ValueKind::Bool, "0").at(Network)
        .done("Start the server when the interface comes up."),
    var("udp.server.data_gpio", "ud s d", ValueKind::Gpio, "-1").at(Network)
        .done("GPIO that is high while data waits."),
    var("udp.server.lock_client", "ud s l", ValueKind::Bool, "0")
        .done("Talk only to the first client heard."),
    var("udp.server.port", "ud s p", PORT, "3000").at(Network)
        .done("Port of the server when the command names none."),
    var("udp.server.remote_host", "ud s h", HOST, "").at(Network)
        .done("Preset peer of the server."),
    var("udp.server.remote_port", "ud s r", PORT_OR_ANY, "0").at(Network)
        .done("Port of that peer; 0 is none."),
];
