//! `network.*` (interface, variables/README, network 5.1).

use super::build::*;

const OWN_ARP: &str = "the IP stack of the port keeps the table; its size is fixed at build time";
const BUFFERS: &str = "stored, but the buffers are fixed at build time (Kconfig), so that none is ever missing";

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("network.arp.lock_enabled", "ne a l", ValueKind::Bool, "0")
        .differs(OWN_ARP, "Keep the entries of the ARP table."),
    var("network.arp.table_size", "ne a t", number(3, 16), "8").at(Effect::Boot)
        .differs(OWN_ARP, "Entries of the ARP table."),
    var("network.buffer.rxtx_ratio", "ne b r", number(1, 99), "50").at(Effect::Boot)
        .differs(BUFFERS, "Percent of the packet buffers for receiving."),
    var("network.buffer.size", "ne b s", number(1024, 1_048_576), "25000").at(Effect::Boot)
        .differs(BUFFERS, "Bytes of the packet buffers."),
    live("network.buffer.usage", "ne b u")
        .done("Use of the packet buffers in percent: rx:3,tx:0."),
    var("network.default_interface", "ne f", ValueKind::Choice(&["wlan", "softap"]), "wlan")
        .done("Interface that default stands for."),
    var("network.tls.ca_cert", "ne t a", FILE, "geotrust_ca.pem")
        .done("CA certificates for TLS servers."),
    var("network.tls.client_cert", "ne t c", FILE, "")
        .done("Client certificate."),
    var("network.tls.client_key", "ne t k", FILE, "")
        .done("Key of the client certificate."),
    var("network.tls.handshake_timeout", "ne t t", number(1, 65535), "20000")
        .done("Milliseconds for a TLS handshake."),
    var("network.tls.server_ca_cert", "", FILE, "").guarded()
        .extension("TLS", "CA certificates for clients of TLS servers; if set, they must show a certificate."),
    var("network.tls.server_cert", "", FILE, "")
        .done("Certificate of TLS servers."),
    var("network.tls.server_key", "", FILE, "")
        .done("Key of TLS servers."),
    var("network.tls.verify", "", ValueKind::Bool, "1").guarded()
        .extension("TLS", "Without a CA certificate: 1 refuses every server, 0 accepts any."),
    var("network.tls.version", "ne t v", ValueKind::Choice(&["12", "13"]), "13")
        .differs("TLS 1.0 and 1.1 are refused, 1.3 is offered", "Highest TLS version to offer."),
];
