//! Joining a network on the simulated radio (interface, network 2).

use std::collections::BTreeSet;

use embassy_time::Duration;
use openzentri::port::radio::{NEIGHBOURHOOD, SimulatedNetwork};
use openzentri::port::sim::{Call, SimDevice, SimPort};
use openzentri::port::{Interface, Ipv4Config, Link, PortError, Radio, Security};

fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

fn get(device: &mut SimDevice, name: &str) -> String {
    String::from_utf8_lossy(&device.request(&format!("get {name}")).payload).trim_end().to_owned()
}

const NO_LEASE: &[(&str, &str)] = &[
    ("wlan.ssid", "No Lease"),
    ("wlan.passkey", "mypassword"),
    ("http.server.enabled", "0"),
    ("system.cmd.mode", "machine"),
];

#[test]
fn a_host_in_machine_mode_has_its_answer_within_a_second_and_polls() {
    let mut device = device(NO_LEASE);
    let before = device.millis();
    let frame = device.request("network_up");
    assert_eq!((frame.code, frame.payload.as_slice()), (0, b"In progress\r\n".as_slice()));
    assert!(device.millis() - before < 1000);
    assert_eq!(get(&mut device, "wlan.network.status"), "1");
    assert_eq!(get(&mut device, "wlan.join.result"), "2");
    device.advance(Duration::from_secs(16));
    assert_eq!(get(&mut device, "wlan.network.status"), "0");
    assert_eq!(get(&mut device, "wlan.join.result"), "7");
}

#[test]
fn network_down_aborts_a_join() {
    let mut device = device(NO_LEASE);
    device.request("network_up");
    assert_eq!(device.request("network_down").code, 0);
    device.advance(Duration::from_secs(1));
    assert_eq!(get(&mut device, "wlan.join.result"), "8");
    device.advance(Duration::from_secs(60));
    assert_eq!(get(&mut device, "wlan.network.status"), "0");
    assert_eq!(device.port().stale_calls(), 0);
}

#[test]
fn a_forced_down_is_left_alone_by_auto_join() {
    const SETTINGS: &[(&str, &str)] = &[
        ("wlan.ssid", "MyNet"),
        ("wlan.passkey", "mypassword"),
        ("wlan.auto_join.enabled", "1"),
        ("wlan.auto_join.retry_delay", "3"),
        ("system.cmd.mode", "machine"),
        ("system.print_level", "1"),
    ];
    let mut device = device(SETTINGS);
    device.advance(Duration::from_secs(1));
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
    device.take_output();
    device.request("network_restart");
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
    device.request("network_down");
    device.advance(Duration::from_secs(60));
    assert_eq!(get(&mut device, "wlan.network.status"), "0");
}

#[test]
fn commands_that_need_the_network_bring_it_up() {
    const SETTINGS: &[(&str, &str)] =
        &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("system.cmd.mode", "machine")];
    let mut device = device(SETTINGS);
    assert_eq!(get(&mut device, "wlan.network.status"), "0");
    device.port().set_name("host.example", Duration::from_millis(5), Ok([10, 5, 6, 9].into()));
    assert_eq!(device.request("network_lookup host.example").payload, b"10.5.6.9\r\n");
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
}

#[test]
fn a_network_that_vanishes_is_noticed_and_looked_for_again() {
    const SETTINGS: &[(&str, &str)] = &[
        ("wlan.ssid", "Passing By"),
        ("wlan.passkey", "mypassword"),
        ("wlan.auto_join.enabled", "1"),
        ("wlan.auto_join.retry_delay", "3"),
        ("wlan.auto_join.retries", "2"),
    ];
    let mut device = device(SETTINGS);
    device.advance(Duration::from_secs(20));
    assert!(device.take_output().contains("[Associated]"));
    device.advance(Duration::from_secs(60));
    let printed = device.take_output();
    assert!(printed.starts_with("[Disassociated]\r\nIn progress\r\n[Associating to Passing By]\r\n"), "{printed}");
    assert_eq!(printed.matches("Join failed").count(), 2, "{printed}");
}

#[test]
fn a_join_that_starts_is_in_progress() {
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("system.print_level", "3")];
    let mut device = device(settings);
    let printed = device.command("network_up");
    assert_eq!(printed, "In progress\r\n[Associating to MyNet]\r\n[Associated]\r\nSuccess\r\n");
    device.command("set system.print_level 2");
    let printed = device.command("network_restart");
    assert!(printed.contains("[Associated]") && !printed.contains("In progress"), "{printed}");
}

#[test]
fn a_server_on_an_interface_that_is_down_is_a_clear_failure() {
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
    let mut device = device(settings);
    device.command("network_up");
    for line in [
        "tcp_server -i softap start",
        "udp_server -i softap start 4000",
        "tcp_client -i softap 10.5.6.1 7",
        "http_get -i softap example.com",
        "network_up -i softap",
    ] {
        device.port().fail(Call::SoftAp, PortError::Unsupported);
        let printed = device.command(line);
        assert!(printed.starts_with("Interface not available: softap ("), "{line}: {printed}");
        assert!(printed.ends_with("Command failed\r\n"), "{line}: {printed}");
    }
    assert_eq!(device.port().open_sockets(), 0);
    // Like every command that needs the network, a server brings it up first.
    device.command("network_down");
    assert!(device.command("tcp_server start").ends_with("[Associated]\r\nSuccess\r\n"));
    device.command("network_down");
    device.command("set wlan.passkey wrongpassword");
    assert!(device.command("tcp_server start").ends_with("Join failed\r\nCommand failed\r\n"));
    assert_eq!(device.port().open_sockets(), 0);
}

/// A port wakes only the last task that waits for its radio: after a scan the device must still notice a loss.
#[test]
fn a_loss_is_noticed_after_a_scan() {
    let mut device = device(&[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword")]);
    device.command("network_up");
    assert!(device.command("wlan_scan").contains("networks found"));
    device.take_output();
    device.port().radio().vanish();
    device.advance(Duration::from_secs(1));
    assert!(device.take_output().contains("[Disassociated]"));
    assert_eq!(device.command("get wlan.network.status"), "0\r\n");
}

#[test]
fn a_restart_in_the_middle_of_a_join_joins_anew() {
    let mut device = device(&[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("wlan.auto_join.enabled", "1")]);
    device.settle();
    let printed = device.command("network_restart");
    assert_eq!(printed.matches("[Associated]").count(), 1, "{printed}");
    assert!(printed.ends_with("Success\r\n"), "{printed}");
    assert_eq!(device.command("get wlan.join.result"), "1\r\n");
}

/// Three access points of one name: an open one with the best signal, then an old and a good one.
static SAME_NAME: [SimulatedNetwork; 3] = [
    SimulatedNetwork { ssid: b"Same", security: Security::Open, rssi: -30, ..NEIGHBOURHOOD[1] },
    SimulatedNetwork { ssid: b"Same", rssi: -40, ..NEIGHBOURHOOD[5] },
    SimulatedNetwork { ssid: b"Same", rssi: -60, ..NEIGHBOURHOOD[0] },
];

fn among_the_same_name(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = device(settings);
    device.port().radio().set_networks(&SAME_NAME);
    for line in ["set wlan.ssid Same", "set wlan.passkey mypassword"] {
        assert_eq!(device.command(line), "Set OK\r\n");
    }
    device
}

#[test]
fn security_rules_what_a_probe_may_pick() {
    for (line, security) in [
        ("set wlan.security auto", "Open"),
        ("set wlan.minimum_security wep", "WPA-TKIP"),
        ("set wlan.minimum_security wpa_tkip", "WPA-TKIP"),
        ("set wlan.minimum_security wpa_aes", "WPA2-AES"),
        ("set wlan.security wpa_tkip", "WPA-TKIP"),
        ("set wlan.security wpa2_aes", "WPA2-AES"),
        ("set wlan.security Open", "Open"),
    ] {
        let mut device = among_the_same_name(&[]);
        assert_eq!(device.command(line), "Set OK\r\n");
        let printed = device.command("network_up");
        assert!(printed.contains(&format!("probe: {security}\r\n")), "{line}: {printed}");
        assert!(printed.ends_with("[Associated]\r\nSuccess\r\n"), "{line}: {printed}");
    }
}

#[test]
fn a_name_with_other_security_only_is_result_5() {
    let mut device = among_the_same_name(&[]);
    for (line, result) in [("set wlan.security wep", "5"), ("set wlan.ssid Nowhere", "6")] {
        device.command(line);
        assert!(device.command("network_up").ends_with("Join failed\r\nCommand failed\r\n"), "{line}");
        assert_eq!(device.command("get wlan.join.result"), format!("{result}\r\n"), "{line}");
    }
}

/// What the device has learnt in an earlier join does not bypass a stricter rule.
#[test]
fn a_known_network_must_still_be_allowed() {
    let mut device = among_the_same_name(&[]);
    assert!(device.command("network_up").contains("probe: Open"));
    assert!(!device.command("network_restart").contains("probe"), "the network is known");
    device.command("set wlan.minimum_security wpa2_aes");
    assert!(device.command("network_restart").contains("probe: WPA2-AES"));
    device.command("set wlan.bssid 4C:55:CC:10:78:96");
    assert!(device.command("network_restart").ends_with("Join failed\r\nCommand failed\r\n"));
    assert_eq!(device.command("get wlan.join.result"), "5\r\n");
}

#[test]
fn every_result_of_a_join() {
    let mut device = device(&[]);
    assert_eq!(device.command("get wlan.join.result"), "0\r\n");
    for (ssid, passkey, result) in [
        ("", "", "3"),
        ("MyNet", "", "4"),
        ("MyNet", "wrongpassword", "7"),
        ("Nowhere", "mypassword", "6"),
        ("No Lease", "mypassword", "7"),
        ("MyNet", "mypassword", "1"),
    ] {
        device.command("network_down");
        device.command(&format!("set wlan.ssid \"{ssid}\""));
        device.command(&format!("set wlan.passkey \"{passkey}\""));
        device.command("network_up");
        assert_eq!(device.command("get wlan.join.result"), format!("{result}\r\n"), "{ssid}");
    }
}

/// The known access point goes, another of the same name is left: the next sequence probes and finds it.
#[test]
fn a_second_access_point_of_the_same_name_takes_over() {
    const AUTO: &[(&str, &str)] = &[("wlan.auto_join.enabled", "1"), ("wlan.auto_join.retry_delay", "3")];
    let mut device = among_the_same_name(AUTO);
    device.command("set wlan.minimum_security wep");
    assert!(device.command("network_up").contains("probe: WPA-TKIP"));
    device.port().radio().vanish();
    device.advance(Duration::from_secs(60));
    let printed = device.take_output();
    assert!(printed.starts_with("[Disassociated]\r\n"), "{printed}");
    assert!(printed.contains("probe: WPA2-AES\r\n") && printed.contains("[Associated]\r\n"), "{printed}");
    assert_eq!(device.command("get wlan.network.status"), "2\r\n");
}

/// The radio is released at every step of the sequence, and the next join works.
#[test]
fn network_down_ends_a_join_at_every_step() {
    const SETTINGS: &[(&str, &str)] = &[
        ("wlan.ssid", "MyNet"),
        ("wlan.passkey", "mypassword"),
        ("wlan.auto_join.enabled", "1"),
        ("system.cmd.mode", "machine"),
    ];
    let mut statuses = BTreeSet::new();
    for millis in (0..60).step_by(3) {
        let mut device = device(SETTINGS);
        device.advance(Duration::from_millis(millis));
        statuses.insert(get(&mut device, "wlan.network.status"));
        let aborted = get(&mut device, "wlan.join.result") == "2";
        device.request("network_down");
        device.advance(Duration::from_secs(60));
        assert_eq!(get(&mut device, "wlan.network.status"), "0", "{millis} ms");
        assert_eq!(get(&mut device, "wlan.join.result"), if aborted { "8" } else { "1" }, "{millis} ms");
        assert_eq!(device.port().radio().radio_state(Interface::Wlan).link, Link::Down, "{millis} ms");
        device.request("network_up");
        device.advance(Duration::from_secs(1));
        assert_eq!(get(&mut device, "wlan.join.result"), "1", "{millis} ms");
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["1", "2", "3"], "every step has been met");
}

/// Names that a terminal, a quote or a decoder could stumble over.
static HOSTILE: [SimulatedNetwork; 7] = [
    SimulatedNetwork { ssid: b"\x1B[2J\r\nSuccess", ..hostile(0) },
    SimulatedNetwork { ssid: b"Say \"hello\" \\x41", ..hostile(1) },
    SimulatedNetwork { ssid: b"\xFF\xC3(\x00", ..hostile(2) },
    SimulatedNetwork { ssid: b"01234567890123456789012345678901", ..hostile(3) },
    SimulatedNetwork { ssid: "Caf\u{E9} \u{9B}2J".as_bytes(), ..hostile(4) },
    SimulatedNetwork { ssid: b"", ..hostile(5) },
    SimulatedNetwork { ssid: b"C##", ..hostile(6) },
];

const fn hostile(number: u8) -> SimulatedNetwork {
    SimulatedNetwork { bssid: [2, 0, 0, 0, 0, number], ..NEIGHBOURHOOD[0] }
}

#[test]
fn hostile_names_are_shown_set_and_joined() {
    let shown = [
        r"\x1B[2J\x0D\x0ASuccess",
        r#"Say "hello" \x41"#,
        r"\xFF\xC3(\x00",
        "01234567890123456789012345678901",
        "Caf\u{E9} \\xC2\\x9B2J",
        "",
        "C##",
    ];
    assert_eq!(shown.len(), HOSTILE.len());
    for mode in ["human", "machine"] {
        let mut device = device(&[("wlan.passkey", "mypassword"), ("http.server.enabled", "0")]);
        device.port().radio().set_networks(&HOSTILE);
        device.command(&format!("set system.cmd.mode {mode}"));
        device.take_output();
        let ask = |device: &mut SimDevice, line: &str| match mode {
            "human" => device.command(line),
            _ => String::from_utf8(device.request(line).payload).unwrap(),
        };
        let table = ask(&mut device, "wlan_scan -v");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(rows.len(), HOSTILE.len(), "{table:?}");
        for ((row, network), shown) in rows.iter().zip(&HOSTILE).zip(shown) {
            assert!(row.ends_with(&format!(" {:>3} {shown}", network.ssid.len())), "{row:?}");
        }
        for network in HOSTILE.iter().filter(|network| !network.ssid.is_empty()) {
            let name: String = network.ssid.iter().map(|byte| format!("\\x{byte:02X}")).collect();
            ask(&mut device, "network_down");
            assert_eq!(ask(&mut device, &format!("set wlan.ssid \"{name}\"")), "Set OK\r\n");
            ask(&mut device, "network_up");
            assert_eq!(ask(&mut device, "get wlan.join.result"), "1\r\n", "{mode} {name}");
        }
    }
}

// --- network_up -s ----------------------------------------------------------------------------------------------------

#[test]
fn a_person_picks_a_network_and_types_its_passphrase() {
    let mut device = device(&[("http.server.enabled", "0")]);
    let printed = device.command("network_up -s");
    assert!(printed.starts_with("! 6 networks found\r\n"), "{printed}");
    assert!(printed.contains("#  0  1  -45 4C:55:CC:10:78:91 MyNet\r\n"), "{printed}");
    assert!(printed.ends_with("Number of the network (nothing: none):\r\n"), "{printed}");
    assert_eq!(device.command("0"), "Passphrase:\r\n");
    device.type_line("mypasswordx\x7f");
    device.advance(Duration::from_secs(2));
    let printed = device.take_output();
    assert!(!printed.contains("mypass"), "{printed:?}");
    assert!(printed.ends_with("[Associated]\r\nSuccess\r\n> "), "{printed:?}");
    device.port().type_bytes(b"\x1b[A");
    device.settle();
    assert!(!device.take_output().contains("mypass"), "it is not in the history");
}

#[test]
fn an_open_network_needs_no_passphrase_and_the_person_may_change_their_mind() {
    let mut device = device(&[("http.server.enabled", "0")]);
    device.command("network_up -s");
    assert_eq!(device.command(""), "Command failed\r\n");
    assert_eq!(device.command("get wlan.ssid"), "");
    device.command("network_up -s");
    assert_eq!(device.command("77"), "Bounds error\r\n");
    device.command("network_up -s");
    assert_eq!(device.command("version 1"), "Invalid argument\r\n", "an answer, not a command");
    device.command("network_up -s");
    assert!(device.command("1").ends_with("[Associated]\r\nSuccess\r\n"));
    assert_eq!(device.command("get wlan.ssid"), "Open House\r\n");
}

#[test]
fn hosts_are_not_asked() {
    let mut device = device(&[("system.cmd.mode", "machine"), ("http.server.enabled", "0")]);
    assert_eq!(device.request("network_up -s").code, 1);
    assert_eq!(device.request("get wlan.network.status").payload, b"0\r\n");
}

// --- addresses --------------------------------------------------------------------------------------------------------

/// What DHCP may do while the device is up: another address, none for a moment, none any more.
#[test]
fn another_address_is_taken_over_and_a_lost_one_is_looked_for() {
    const SETTINGS: &[(&str, &str)] = &[
        ("wlan.ssid", "MyNet"),
        ("wlan.passkey", "mypassword"),
        ("wlan.dhcp.timeout", "5"),
        ("http.server.enabled", "1"),
    ];
    let mut device = device(SETTINGS);
    device.command("network_up");
    device.command("tcp_server start 4000");
    let lease = device.port().radio().radio_state(Interface::Wlan).ipv4.unwrap();
    let other = Ipv4Config { address: [10, 5, 6, 200].into(), ..lease };
    device.port().radio().renumber(Some(other));
    device.advance(Duration::from_secs(1));
    let printed = device.take_output();
    assert!(printed.contains("IPv4 address: 10.5.6.200\r\n"), "{printed}");
    assert!(printed.contains("HTTP and REST API server listening"), "{printed}");
    assert_eq!(device.command("get wlan.network.ip"), "10.5.6.200\r\n");
    // A DHCP server that restarts takes the address away for a moment.
    device.port().radio().renumber(None);
    device.advance(Duration::from_secs(4));
    device.port().radio().renumber(Some(other));
    device.advance(Duration::from_secs(1));
    assert_eq!(device.take_output(), "");
    assert_eq!(device.command("get wlan.network.status"), "2\r\n");
    device.command("set wlan.auto_join.enabled 1");
    device.port().radio().renumber(None);
    device.advance(Duration::from_secs(10));
    let printed = device.take_output();
    assert!(printed.contains("[Disassociated]\r\n") && printed.contains("[Associated]\r\n"), "{printed}");
    assert_eq!(device.command("get wlan.network.ip"), "10.5.6.108\r\n");
}

// --- faults -----------------------------------------------------------------------------------------------------------

/// An access point that sends the station away every two seconds.
#[test]
fn a_station_that_is_sent_away_again_and_again_comes_again_and_again() {
    static RUDE: [SimulatedNetwork; 1] =
        [SimulatedNetwork { drops_after: Some(Duration::from_secs(2)), ..NEIGHBOURHOOD[0] }];
    const SETTINGS: &[(&str, &str)] =
        &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "1")];
    let mut device = device(SETTINGS);
    device.port().radio().set_networks(&RUDE);
    device.command("set wlan.auto_join.enabled 1");
    device.command("network_up");
    let sockets = device.port().open_sockets();
    device.advance(Duration::from_secs(600));
    let joins = device.take_output().matches("[Associated]").count();
    assert!(joins > 250, "{joins}");
    device.port().radio().set_networks(&NEIGHBOURHOOD);
    device.advance(Duration::from_secs(5));
    assert_eq!(device.command("get wlan.network.status"), "2\r\n");
    assert_eq!(device.port().open_sockets(), sockets);
}

#[test]
fn a_radio_that_does_not_answer_is_started_again() {
    const SETTINGS: &[(&str, &str)] = &[
        ("wlan.ssid", "MyNet"),
        ("wlan.passkey", "mypassword"),
        ("wlan.auto_join.enabled", "1"),
        ("wlan.auto_join.retries", "0"),
    ];
    let mut device = device(SETTINGS);
    device.advance(Duration::from_secs(1));
    device.command("network_down");
    device.port().radio().fall_silent();
    device.type_line("network_up");
    device.advance(Duration::from_secs(180));
    let printed = device.take_output();
    assert!(printed.contains("The radio does not answer: it is started again\r\n"), "{printed}");
    assert_eq!(device.command("get wlan.network.status"), "2\r\n");
}

#[test]
fn what_is_to_run_at_the_first_start_runs() {
    let mut device = SimDevice::boot(SimPort::new(), &[("setup.auto.cmd", "setup web"), ("system.print_level", "3")]);
    device.advance(Duration::from_secs(1));
    assert!(device.take_output().contains("Web setup started\r\n"));
    const NETWORK: &[(&str, &str)] = &[("setup.auto.cmd", "setup web"), ("wlan.ssid", "MyNet")];
    let mut device = SimDevice::boot(SimPort::new(), NETWORK);
    device.advance(Duration::from_secs(1));
    device.take_output();
    assert_eq!(device.command("setup status"), "0\r\n", "a network is set");
    let mut device = SimDevice::boot(SimPort::new(), &[("setup.auto.cmd", "nonsense")]);
    device.advance(Duration::from_secs(1));
    assert!(device.take_output().contains("setup.auto.cmd failed\r\n"));
}

/// Joins from the serial line and the operator console, again and again, all at once: each gets an answer, the last
/// state is a network.
#[test]
fn a_burst_of_joins_ends_in_a_network() {
    const SETTINGS: &[(&str, &str)] =
        &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("wlan.auto_join.enabled", "1")];
    let mut device = device(SETTINGS);
    for round in 0..20 {
        device.type_line("wlan_join Nowhere mypassword");
        for line in
            ["network_restart", "wlan_join \"Open House\"", "nve wifi MyNet 4C55CC107891 1 4 mypassword", "network_up"]
        {
            device.port().console_type(line);
            device.advance(Duration::from_millis(round));
        }
        device.advance(Duration::from_secs(120));
        assert_eq!(device.port().console_answers().len(), 4, "{round}");
        device.take_output();
        assert_eq!(device.command("get wlan.network.status"), "2\r\n", "{round}");
    }
}
