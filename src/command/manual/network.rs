//! Interfaces, networks, web setup, names.

use super::page::{INTERFACE, Page, SUCCESS, part};

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "mdns_discover",
        parameters: &[part(
            "service",
            "The kind of service, `http`, `osc,udp` or `_http._tcp`; without it all kinds that are announced.",
        )],
        options: &[],
        answer: "After two seconds a row `# <name> <ip>:<port>` for each service found, with its kind at the end if none was named.",
        example: "mdns_discover http",
    },
    Page {
        name: "network_down",
        parameters: &[],
        options: &[INTERFACE],
        answer: "`Success`. All streams of the interface close first.",
        example: "network_down -i softap",
    },
    Page {
        name: "network_lookup",
        parameters: &[part("name", "The name of a host.")],
        options: &[],
        answer: "Its address.",
        example: "network_lookup example.com",
    },
    Page {
        name: "network_restart",
        parameters: &[],
        options: &[INTERFACE],
        answer: "`Success` when the interface is up again; over HTTP before it goes down.",
        example: "network_restart",
    },
    Page {
        name: "network_up",
        parameters: &[],
        options: &[part("-s", "Scans, and asks at the terminal which network and passphrase."), INTERFACE],
        answer: "`Success` when the interface is up. With headers on `In progress` at once: poll `wlan.network.status`.",
        example: "network_up -i wlan",
    },
    Page {
        name: "network_verify",
        parameters: &[
            part("wifi", "This word."),
            part("ssid", "The name of the network."),
            part("bssid", "The access point, twelve hexadecimal digits."),
            part("channel", "Its channel."),
            part("security", "0 open, 1 WEP, 2 WPA-AES, 3 WPA-TKIP, 4 WPA2-AES, 5 WPA2-Mixed, 6 WPA2-TKIP."),
            part("key", "64 hexadecimal digits, the master key, or the passphrase."),
        ],
        options: &[],
        answer: SUCCESS,
        example: "network_verify wifi \"My Net\" 4C55CC100942 6 4 secret-words",
    },
    Page {
        name: "ping",
        parameters: &[part("host", "A name or an address.")],
        options: &[part("-g", "Asks the gateway."), INTERFACE],
        answer: "`Ping reply in <n>ms`. Failure: `Ping failed`.",
        example: "ping -g",
    },
    Page {
        name: "setup",
        parameters: &[part(
            "web|stop|status|cmd",
            "Starts web setup, ends it, or asks whether it runs; `cmd` is refused here.",
        )],
        options: &[],
        answer: "`web`: `In progress`, then `Web setup started` in the log. `stop`: `Success`. `status`: 1 or 0.",
        example: "setup web",
    },
    Page {
        name: "wlan_get_rssi",
        parameters: &[],
        options: &[],
        answer: "A number, in dBm.",
        example: "wlan_get_rssi",
    },
    Page {
        name: "wlan_join",
        parameters: &[
            part("ssid", "The name of the network."),
            part("passkey", "Its passphrase; none for an open one."),
        ],
        options: &[part("-t", "Limit: `<seconds>`, 30 without it.")],
        answer: "`Success` when the network is joined and stored; `In progress` to a client that asks over the WLAN.",
        example: "wlan_join \"My Net\" \"secret words\"",
    },
    Page {
        name: "wlan_scan",
        parameters: &[part("channel", "One channel, or `all`."), part("ssid", "Only the network of that name.")],
        options: &[part("-v", "Also rate, security and the length of the name.")],
        answer: "Two lines that begin with `!`, then one row per network, beginning with `#`.",
        example: "wlan_scan -v",
    },
    Page {
        name: "wps",
        parameters: &[part("pin", "Eight digits.")],
        options: &[],
        answer: "`Command failed`: WPS is not offered here.",
        example: "wps",
    },
];
