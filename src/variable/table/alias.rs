//! Names of older firmware that `get` and `set` still take (interface, variables 3). They are never printed.

/// Old name or abbreviation, and the present name.
#[rustfmt::skip]
pub(in crate::variable) const ALIASES: &[(&str, &str)] = &[
    // WiConnect 1 and 2.
    ("ne d e", "wlan.dhcp.enabled"), ("network.dhcp.enabled", "wlan.dhcp.enabled"),
    ("ne i", "wlan.network.ip"), ("network.ip", "wlan.network.ip"),
    ("ne n", "wlan.network.netmask"), ("network.netmask", "wlan.network.netmask"),
    ("ne g", "wlan.network.gateway"), ("network.gateway", "wlan.network.gateway"),
    ("st i", "wlan.static.ip"), ("static.ip", "wlan.static.ip"),
    ("st n", "wlan.static.netmask"), ("static.netmask", "wlan.static.netmask"),
    ("st g", "wlan.static.gateway"), ("static.gateway", "wlan.static.gateway"),
    ("st d", "wlan.static.dns"), ("static.dns", "wlan.static.dns"),
    ("sy o", "system.memory.usage"),
    ("softap.ip", "softap.static.ip"), ("softap.url", "softap.dns_server.url"),
    ("softap.gateway", "softap.static.gateway"),
    ("we s", "setup.web.ssid"), ("web_setup.ssid", "setup.web.ssid"),
    ("we p", "setup.web.passkey"), ("web_setup.passkey", "setup.web.passkey"),
    ("we u", "setup.web.url"), ("web_setup.url", "setup.web.url"),
    ("we i", "setup.web.idle_timeout"), ("web_setup.idle_timeout", "setup.web.idle_timeout"),
    // Earlier 3.x releases (interface, network 5.1, 7).
    ("tls.ca_cert", "network.tls.ca_cert"), ("tls.client_cert", "network.tls.client_cert"),
    ("tls.client_key", "network.tls.client_key"), ("tls.version", "network.tls.version"),
    ("tls.handshake_timeout", "network.tls.handshake_timeout"),
    ("broadcast.udp.interval", "broadcast.interval"), ("broadcast.udp.addr", "broadcast.udp.ip"),
    ("broadcast.udp.data", "broadcast.data"), ("broadcast.http.data", "broadcast.data"),
    ("broadcast.port", "broadcast.udp.port"), ("broadcast.udp.remote_port", "broadcast.udp.port"),
    ("so o", "softap.info"),
    // Gecko OS 4, where its name differs.
    ("sy b n", "system.build_number"),
    ("bus.stream.flush_time_reset", "bus.stream.flush_reset"),
    ("http.server.connected_gpio", "http.server.notify_gpio"),
];
