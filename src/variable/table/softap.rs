//! `softap.*`: the access point (interface, variables/README).

use super::build::*;
use Effect::Network;

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("softap.auto_start", "so a", ValueKind::Bool, "0").at(Network)
        .done("Start the soft AP at boot."),
    var("softap.captive_portal_enabled", "so v", ValueKind::Bool, "0").at(Network)
        .done("Redirect the connectivity checks of phones to the device."),
    var("softap.channel", "so c", number(0, 13), "0").at(Network)
        .done("Radio channel; 0 is automatic."),
    report("softap.client_list", "so l")
        .done("Connected stations."),
    var("softap.dhcp_server.enabled", "so d e", ValueKind::Bool, "1").at(Network)
        .done("Give addresses to stations."),
    var("softap.dns_server.enabled", "so n e", ValueKind::Bool, "1").at(Network)
        .done("Answer name look-ups of stations."),
    var("softap.dns_server.url", "so n u", text(128), "zentrios.com,www.zentrios.com").at(Network)
        .done("Names that resolve to the device."),
    var("softap.hide_ssid", "", ValueKind::Bool, "0").at(Network)
        .done("Do not announce the network name."),
    var("softap.idle_timeout", "so t", number(0, 65535), "7").at(Network)
        .differs("stations are not dropped: the radios' drivers do not report how long a station was silent", "Seconds of silence after which a station is dropped."),
    report("softap.info", "so i")
        .done("Summary of the soft AP."),
    var("softap.max_clients", "", number(1, 8), "4").at(Network)
        .differs("5 on the ESP32-C3, any number on a Linux interface (--softap), regardless of this value: no station can be refused there", "Stations at once."),
    var("softap.passkey", "so p", ValueKind::Passkey(8), "").at(Network).secret(Secret::Passkey)
        .done("WPA2 passphrase."),
    var("softap.rate.protocol", "so r p", ValueKind::Choice(&["auto", "b", "g", "n"]), "auto").at(Network)
        .differs("the radio chooses", "802.11 mode."),
    var("softap.rate.value", "so r v", text(16), "auto").at(Network)
        .differs("the radio chooses", "Fixed transmit rate."),
    var("softap.ssid", "so s", ValueKind::Bytes(32), "ZentriOS-#").at(Network)
        .done("Name of the network; # stands for the end of the MAC."),
    var("softap.static.gateway", "so s g", ValueKind::Ipv4, "10.10.10.1").at(Network)
        .done("Gateway of the device on this interface. Stations get the device's own address as their gateway."),
    var("softap.static.ip", "so s i", ValueKind::Ipv4, "10.10.10.1").at(Network)
        .done("Address of the device on the soft AP."),
    var("softap.static.netmask", "so s n", ValueKind::Ipv4, "255.255.255.0").at(Network)
        .done("Netmask of the soft AP."),
];
