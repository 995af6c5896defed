//! Network services: `broadcast.*`, `email.*`, `ioconn.*`, `mdns.*`, `ntp.*`, `remote_terminal.*`, `time.*` (interface, variables/README, serial 7).

use super::build::*;
use Effect::Network;

/// As `INTERFACE`, and `ethernet`, which hosts of boards with Ethernet set.
const ANY_INTERFACE: ValueKind = ValueKind::Choice(&["default", "wlan", "softap", "ethernet"]);
const ANNOUNCED: ValueKind = ValueKind::Fields(&[
    "adc*",
    "bssid",
    "channel",
    "gpio*",
    "ip",
    "mac",
    "rssi",
    "ssid",
    "time",
    "uuid",
    "version",
    "remote_terminal_port",
]);

#[rustfmt::skip]
pub(super) const BROADCAST: &[Variable] = &[
    var("broadcast.data", "br d", ANNOUNCED, "mac,bssid,channel,ip,ssid,rssi,remote_terminal_port,time,uuid,version")
        .done("Fields of the announcement, in this order."),
    var("broadcast.http.host", "br h h", ValueKind::Url(128), "")
        .done("Host to post the announcement to; empty is off."),
    var("broadcast.interface", "br f", INTERFACE, "default")
        .done("Interface of the announcement."),
    var("broadcast.interval", "br i", number(0, 65535), "10")
        .done("Seconds between announcements; 0 is off."),
    var("broadcast.udp.ip", "br u i", ValueKind::Ipv4, "255.255.255.255")
        .done("Address of the announcement."),
    var("broadcast.udp.port", "br u p", PORT, "55555")
        .done("Port of the announcement."),
];

#[rustfmt::skip]
pub(super) const EMAIL: &[Variable] = &[
    var("email.name_address", "em n", text(128), "")
        .done("Sender: a@b or Name <a@b>."),
    var("email.smtp.auth_without_tls", "", ValueKind::Bool, "0")
        .extension("mail", "Send the password also over a connection without TLS."),
    var("email.smtp.host", "em s h", HOST, "")
        .done("Mail server."),
    var("email.smtp.password", "em s w", text(64), "").secret(Secret::Always)
        .done("Password at the mail server."),
    var("email.smtp.port", "em s p", PORT, "587")
        .done("Port of the mail server; on 465 TLS begins at once."),
    var("email.smtp.username", "em s u", text(64), "")
        .done("Account at the mail server; empty sends without one."),
];

#[rustfmt::skip]
pub(super) const IOCONN: &[Variable] = &[
    var("ioconn.control_gpio", "io c", ValueKind::Gpio, "-1").at(Effect::Boot)
        .done("GPIO that opens the connection while it is high."),
    var("ioconn.enabled", "io e", ValueKind::Bool, "0").at(Network)
        .done("Let a GPIO open a connection."),
    var("ioconn.local_port", "io l", PORT_OR_ANY, "0").at(Network)
        .done("Local port; 0 takes a free one."),
    var("ioconn.protocol", "io p", ValueKind::Choice(&["udp", "tcp", "tls"]), "tcp").at(Network)
        .done("Protocol of the connection."),
    var("ioconn.remote_host", "io h", HOST, "").at(Network)
        .done("Server of the connection."),
    var("ioconn.remote_port", "io r", PORT, "3000").at(Network)
        .done("Port of that server."),
    var("ioconn.status_gpio", "io s", ValueKind::Gpio, "-1").at(Effect::Boot)
        .done("GPIO that is high while connected."),
];

#[rustfmt::skip]
pub(super) const MDNS: &[Variable] = &[
    var("mdns.enabled", "md e", ValueKind::Bool, "0").at(Network)
        .done("Answer for the device's name: mDNS, LLMNR, NetBIOS."),
    var("mdns.interface", "md i", INTERFACE, "default").at(Network)
        .done("Interface of the responder."),
    var("mdns.name", "md n", ValueKind::Name(63), "zentrios-#").at(Network)
        .done("Name of the device, with or without .local; # stands for the end of the MAC."),
    var("mdns.service", "md s", ValueKind::Services(limits::MDNS_SERVICES), "http").at(Network)
        .done("Services to advertise: <service>[,<tcp|udp>,<port>[,<key>=<value>]...], several with commas."),
    var("mdns.ttl", "md t", number(1, 65535), "300").at(Network)
        .done("Seconds that others may keep the records."),
];

#[rustfmt::skip]
pub(super) const NTP: &[Variable] = &[
    var("ntp.enabled", "nt e", ValueKind::Bool, "1").at(Network)
        .done("Set the clock from the network."),
    var("ntp.interface", "nt f", ANY_INTERFACE, "default").at(Network)
        .done("Interface of the requests."),
    var("ntp.interval", "nt i", number(300, 65535), "3600")
        .done("Seconds between requests."),
    var("ntp.server", "nt s", ValueKind::Servers(limits::NTP_SERVERS), "pool.ntp.org")
        .done("Time servers, asked in this order until one answers."),
];

#[rustfmt::skip]
pub(super) const REMOTE_TERMINAL: &[Variable] = &[
    var("remote_terminal.enabled", "re e", ValueKind::Bool, "0").at(Network).guarded()
        .done("Take commands over Telnet; the command UART takes none while a client uses it."),
    var("remote_terminal.interface", "re i", INTERFACE, "default").at(Network)
        .done("Interface to listen on."),
    var("remote_terminal.password", "re w", text(64), "").secret(Secret::Always).guarded()
        .done("Password asked for at connect; empty asks for none."),
    var("remote_terminal.port", "re p", PORT, "2000").at(Network)
        .done("Port of the remote terminal."),
    var("remote_terminal.timeout", "re t", number(0, 65535), "60")
        .done("Seconds of silence after which the client is dropped; 0 never."),
    var("remote_terminal.tls_enabled", "", ValueKind::Bool, "0").at(Network).guarded()
        .extension("remote terminal over TLS", "Take commands over TLS only, with the certificate of network.tls.server_cert."),
    var("remote_terminal.username", "", text(64), "").guarded()
        .done("User name asked for at connect; empty asks for none."),
];

#[rustfmt::skip]
pub(super) const TIME: &[Variable] = &[
    live("time.last_set", "ti l")
        .done("Seconds since the clock was set, -1 never; option ms."),
    var("time.rtc", "ti r", ValueKind::Time, "").computed()
        .done("Seconds since 1970; options ms and utc."),
    live("time.uptime", "ti u")
        .done("Seconds since reset; option ms."),
    var("time.zone", "ti z", ValueKind::Zone, "0")
        .done("Hours east of Greenwich: 2, -4:30."),
];
