//! `ethernet.*` (interface, variables/README): kept for hosts of boards that had it.

use super::build::*;
use Effect::Network;

const NO_ETHERNET: &str = "stored for hosts that set it; no board with Ethernet";

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("ethernet.auto_start.enabled", "et a e", ValueKind::Bool, "0").at(Network)
        .differs(NO_ETHERNET, "Bring the interface up at boot."),
    var("ethernet.auto_start.retry_delay", "et a d", number(0, 255), "3")
        .differs(NO_ETHERNET, "Seconds between attempts."),
    var("ethernet.dhcp.cache_enabled", "et d c", ValueKind::Bool, "0").at(Network)
        .differs(NO_ETHERNET, "Keep the lease over a reboot."),
    var("ethernet.dhcp.enabled", "et d e", ValueKind::Bool, "1").at(Network)
        .differs(NO_ETHERNET, "Ask for an address by DHCP."),
    var("ethernet.network.gateway", "et n g", ValueKind::Ipv4, "0.0.0.0").read_only()
        .differs(NO_ETHERNET, "Gateway in use."),
    var("ethernet.network.ip", "et n i", ValueKind::Ipv4, "0.0.0.0").read_only()
        .differs(NO_ETHERNET, "Address in use."),
    var("ethernet.network.netmask", "et n n", ValueKind::Ipv4, "0.0.0.0").read_only()
        .differs(NO_ETHERNET, "Netmask in use."),
    var("ethernet.static.dns", "et s d", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .differs(NO_ETHERNET, "Name server without DHCP."),
    var("ethernet.static.gateway", "et s g", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .differs(NO_ETHERNET, "Gateway without DHCP."),
    var("ethernet.static.ip", "et s i", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .differs(NO_ETHERNET, "Address without DHCP."),
    var("ethernet.static.netmask", "et s n", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .differs(NO_ETHERNET, "Netmask without DHCP."),
];
