//! `wlan.*`: the station (interface, variables/README).

use super::build::*;
use Effect::Network;

const SECURITIES: ValueKind = ValueKind::Choice(&[
    "auto",
    "open",
    "wep",
    "wpa_aes",
    "wpa_tkip",
    "wpa2_aes",
    "wpa2_mixed",
    "wpa2_tkip",
    "wpa3_sae",
    "wpa3_mixed",
]);
const NO_SCAN_TUNING: &str = "the radios' drivers have no such setting";
const CHOOSES: &str = "stored; the radio chooses, its driver has no such setting";
const AS_FAR: &str = "as far as the radio's driver has such a setting";

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("wlan.antenna.select", "wl a s", ValueKind::Choice(&["1", "2", "auto"]), "1").backup()
        .differs("stored; the boards have one antenna", "Antenna in use."),
    var("wlan.auto_join.enabled", "wl o e", ValueKind::Bool, "0").at(Network)
        .done("Join the network at boot and rejoin after a loss."),
    var("wlan.auto_join.retries", "wl o r", number(0, 255), "3")
        .done("Automatic join sequences before giving up; 0 never gives up."),
    var("wlan.auto_join.retry_delay", "wl o d", number(0, 255), "10")
        .done("Seconds between automatic join sequences."),
    var("wlan.bssid", "wl b", ValueKind::Mac, "").at(Network)
        .done("Join only this access point; empty joins any."),
    var("wlan.dhcp.cache_enabled", "wl d c", ValueKind::Bool, "0").at(Network)
        .differs("stored; DHCP runs at each join, which takes a second, and servers give a MAC the same address again", "Keep the lease over a reboot."),
    var("wlan.dhcp.enabled", "wl d e", ValueKind::Bool, "1").at(Network).backup()
        .done("Ask for an address by DHCP; otherwise wlan.static.* applies."),
    var("wlan.dhcp.hostname", "wl d h", text(64), "ZentriOS-#").at(Network)
        .done("Host name in DHCP requests; # stands for the end of the MAC."),
    var("wlan.dhcp.timeout", "wl d t", number(1, 255), "15").at(Network)
        .done("Seconds to wait for an address."),
    var("wlan.hide_passkey", "wl h", ValueKind::Bool, "1").guarded()
        .differs("1 by default, so that no channel shows passkeys", "Passkeys read as empty values."),
    report("wlan.info", "wl i")
        .done("Summary of the connection."),
    live("wlan.join.reason", "")
        .extension("joining with a way back", "Why the last join failed, in words; empty if it did not fail."),
    live("wlan.join.result", "wl j s")
        .done("Result of the last join: 0 none, 1 success, 2 joining, 3 to 8 why it failed."),
    var("wlan.join.retries", "wl j r", number(0, 255), "3")
        .done("Attempts of one join sequence."),
    var("wlan.join.timeout", "wl j t", number(100, 120_000), "7000")
        .done("Milliseconds for one association."),
    live("wlan.mac", "wl m")
        .done("MAC address of the station."),
    var("wlan.minimum_security", "", SECURITIES, "auto").at(Network)
        .done("Lowest security to accept."),
    live("wlan.network.dns", "wl n d")
        .done("Name server in use."),
    live("wlan.network.gateway", "wl n g")
        .done("Gateway in use."),
    live("wlan.network.ip", "wl n i")
        .done("Address in use, 0.0.0.0 when down."),
    live("wlan.network.netmask", "wl n n")
        .done("Netmask in use."),
    live("wlan.network.status", "wl n s")
        .done("0 down, 1 without an address, 2 up, 3 joining."),
    var("wlan.network.status_gpio", "wl n o", ValueKind::Gpio, "-1").at(Effect::Boot)
        .done("GPIO that is high while the network is up."),
    var("wlan.passkey", "wl p", ValueKind::Passkey(5), "").at(Network).backup().secret(Secret::Passkey)
        .done("Passphrase or key of the network; empty for an open one."),
    var("wlan.rate.protocol", "wl r p", ValueKind::Choice(&["auto", "b", "g", "n"]), "auto").at(Network)
        .differs(CHOOSES, "802.11 mode."),
    var("wlan.rate.value", "wl r v", text(16), "auto").at(Network)
        .differs(CHOOSES, "Fixed transmit rate."),
    var("wlan.rssi_average", "", number(0, 255), "8")
        .differs("stored; the radio's own average is shown", "Samples in the average of the signal strength."),
    var("wlan.scan.active_dwell", "wl s a", number(1, 10_000), "100")
        .differs(AS_FAR, "Milliseconds per channel in active scans."),
    var("wlan.scan.channel_mask", "wl s c", ValueKind::Mask(0x3fff), "0x3fff")
        .differs(AS_FAR, "Channels to scan: bit 0 is channel 1."),
    var("wlan.scan.home_dwell", "", number(0, 10_000), "30")
        .differs(NO_SCAN_TUNING, "Milliseconds on the home channel between scanned ones."),
    var("wlan.scan.num_probes", "", number(1, 255), "2")
        .differs(NO_SCAN_TUNING, "Probe requests per channel."),
    var("wlan.scan.passive_dwell", "wl s p", number(1, 10_000), "150")
        .differs(AS_FAR, "Milliseconds per channel in passive scans."),
    var("wlan.scan.retries", "wl s r", number(0, 255), "1")
        .done("Repetitions of a scan."),
    var("wlan.scan.type", "wl s t", ValueKind::Choice(&["active", "passive"]), "active")
        .differs(AS_FAR, "Kind of scan."),
    var("wlan.security", "wl c", SECURITIES, "auto").at(Network)
        .done("Security of the network; auto finds it by probing."),
    var("wlan.ssid", "wl s", ValueKind::Bytes(32), "").at(Network).backup()
        .done("Name of the network to join; empty means not set up."),
    var("wlan.static.dns", "wl t d", ValueKind::Ipv4, "8.8.8.8").at(Network)
        .done("Name server without DHCP."),
    var("wlan.static.gateway", "wl t g", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .done("Gateway without DHCP."),
    var("wlan.static.ip", "wl t i", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .done("Address without DHCP."),
    var("wlan.static.netmask", "wl t n", ValueKind::Ipv4, "0.0.0.0").at(Network)
        .done("Netmask without DHCP."),
    var("wlan.tx_power", "wl x", number(0, 30), "18")
        .differs(CHOOSES, "Transmit power in dBm."),
];
