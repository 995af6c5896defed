//! The soft AP, web setup, and joins with a way back, on the simulated radio (interface, network 2.6, 3, 10).

use embassy_time::Duration;
use openzentri::port::radio::{NEIGHBOURHOOD, SimulatedNetwork};
use openzentri::port::sim::{SimDevice, SimPort};
use openzentri::port::{Interface, Link, Radio};

fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

fn get(device: &mut SimDevice, name: &str) -> String {
    device.command(&format!("get {name}")).trim_end().to_owned()
}

fn link(device: &SimDevice, interface: Interface) -> Link {
    device.port().radio().radio_state(interface).link
}

const HOME: &[(&str, &str)] = &[
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("wlan.auto_join.enabled", "1"),
    ("http.server.enabled", "0"),
];

/// A device in its network.
fn at_home() -> SimDevice {
    let mut device = device(HOME);
    device.advance(Duration::from_secs(1));
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
    device.take_output();
    device
}

#[test]
fn the_soft_ap_offers_what_the_variables_say() {
    let mut device =
        device(&[("softap.passkey", "softap key"), ("softap.channel", "11"), ("http.server.enabled", "0")]);
    let printed = device.command("network_up -i softap");
    assert_eq!(printed, "Soft AP started: ZentriOS-942\r\nIPv4 address: 10.10.10.1\r\nSuccess\r\n");
    let offer = device.port().radio().offer().unwrap();
    assert_eq!(
        (offer.ssid.as_slice(), offer.passkey.as_slice()),
        (b"ZentriOS-942".as_slice(), b"softap key".as_slice())
    );
    assert_eq!((offer.channel, offer.hidden, offer.stations), (11, false, 4));
    for line in
        ["set softap.ssid \"\\x00\\xFFx\"", "set softap.hide_ssid 1", "set softap.max_clients 2", "set so s i 10.1.1.1"]
    {
        assert_eq!(device.command(line), "Set OK\r\n");
    }
    assert!(device.command("network_restart -i softap").ends_with("IPv4 address: 10.1.1.1\r\nSuccess\r\n"));
    let offer = device.port().radio().offer().unwrap();
    assert_eq!((offer.ssid.as_slice(), offer.hidden, offer.stations), (b"\0\xFFx".as_slice(), true, 2));
    assert_eq!(device.command("network_down -i softap"), "Soft AP stopped\r\nSuccess\r\n");
    assert_eq!(device.port().radio().offer(), None);
    assert_eq!(get(&mut device, "wlan.network.status"), "0", "the station was not touched");
}

#[test]
fn a_radio_that_takes_everybody_keeps_to_the_limit_all_the_same() {
    let mut device = device(&[("softap.max_clients", "2"), ("http.server.enabled", "0")]);
    device.port().radio().set_takes_all(true);
    device.command("network_up -i softap");
    for number in 1..=5 {
        assert!(device.port().radio().station_comes([number; 6]));
    }
    device.advance(Duration::from_millis(10));
    let stations = |device: &SimDevice| {
        (0..).map_while(|index| device.port().radio().softap_station(index)).map(|mac| mac[0]).collect::<Vec<_>>()
    };
    assert_eq!(stations(&device), [1, 2]);
    device.port().radio().station_goes([1; 6]);
    device.port().radio().station_comes([6; 6]);
    device.advance(Duration::from_millis(10));
    assert_eq!(stations(&device), [2, 6]);
    assert!(device.command("get softap.info").contains("clients: 2"));
}

#[test]
fn a_host_compares_the_answer_of_a_restart_exactly() {
    let mut device =
        device(&[("system.cmd.mode", "machine"), ("system.print_level", "0"), ("http.server.enabled", "0")]);
    for _ in 0..3 {
        let frame = device.request("network_restart -i softap");
        assert_eq!((frame.code, frame.payload.as_slice()), (0, b"Success\r\n".as_slice()));
    }
}

#[test]
fn the_soft_ap_starts_at_boot_and_survives_its_radio() {
    let mut device = device(&[("softap.auto_start", "1"), ("http.server.enabled", "0")]);
    device.advance(Duration::from_secs(1));
    assert!(device.port().radio().offer().is_some());
    device.port().radio().softap_fails();
    device.advance(Duration::from_millis(100));
    assert!(device.take_output().contains("Soft AP stopped"));
    device.advance(Duration::from_secs(3));
    assert!(device.port().radio().offer().is_some());
    device.command("network_down -i softap");
    device.advance(Duration::from_secs(60));
    assert!(device.port().radio().offer().is_none(), "the owner has taken it down");
}

#[test]
fn an_access_point_that_the_radio_refuses_is_a_clear_failure() {
    use openzentri::port::PortError;
    use openzentri::port::sim::Call;
    let mut device = device(&[("http.server.enabled", "0")]);
    device.port().fail(Call::SoftAp, PortError::Unsupported);
    let printed = device.command("network_up -i softap");
    assert!(printed.starts_with("Interface not available: softap ("), "{printed}");
    assert!(printed.ends_with("Command failed\r\n"), "{printed}");
    assert!(device.command("network_up -i softap").ends_with("Success\r\n"));
}

#[test]
fn both_interfaces_run_on_the_stations_channel() {
    let mut device = at_home();
    assert!(device.command("network_up -i softap").ends_with("Success\r\n"));
    assert_eq!(device.port().radio().offer().unwrap().channel, 1);
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
    device.command("network_down");
    assert!(device.port().radio().offer().is_some());
}

#[test]
fn a_radio_with_one_interface_says_so() {
    let mut device = at_home();
    device.port().radio().set_serves_both(false);
    let printed = device.command("network_up -i softap");
    assert!(
        printed.starts_with("Interface taken down: wlan (the radio has one at a time)\r\n[Disassociated]\r\n"),
        "{printed}"
    );
    device.advance(Duration::from_secs(60));
    assert!(device.port().radio().offer().is_some(), "auto-join does not take the radio back");
    let printed = device.command("network_up");
    assert!(printed.starts_with("Interface taken down: softap"), "{printed}");
    assert!(printed.ends_with("[Associated]\r\nSuccess\r\n"), "{printed}");
}

// --- network_verify ---------------------------------------------------------------------------------------------------

/// PBKDF2 of `mypassword` and `MyNet`, 4096 rounds.
const VERIFY_BY_KEY: &str =
    "nve wifi \"MyNet\" 4C55CC107891 1 4 8488b5240a4b301cd9bfc9eb01cfabaa0da8e2ab1f9d8270be43f3f2b473770d";

#[test]
fn networks_are_verified_while_the_soft_ap_stays() {
    let mut device =
        device(&[("http.server.enabled", "0"), ("system.cmd.mode", "machine"), ("system.print_level", "0")]);
    device.request("network_up -i softap");
    for (line, code) in [
        ("network_verify wifi \"MyNet\" 4C55CC107891 1 4 mypassword", 0),
        ("network_verify wifi \"MyNet\" 4c:55:cc:10:78:91 6 4 mypassword", 0),
        (VERIFY_BY_KEY, 0),
        ("nve wifi \"Open House\" 4C55CC107892 2", 0),
        ("nve wifi \"MyNet\" 4C55CC107891 1 4 wrongpassword", 1),
        ("nve wifi \"MyNet\" 4C55CC107892 1 4 mypassword", 1),
        ("nve wifi \"MyNet\" 4C55CC107891 1 3 mypassword", 1),
        ("nve wifi \"Nowhere\" 4C55CC107891 1 4 mypassword", 1),
        ("nve wifi \"MyNet\" 4C55CC107891 1", 1),
        ("nve wifi \"MyNet\" 4C55CC107891 1 4", 4),
        ("nve wifi \"MyNet\" 4C55CC1078 1 4 mypassword", 7),
        ("nve wifi \"\" 4C55CC107891 1 4 mypassword", 7),
        ("nve wifi \"MyNet\" 4C55CC107891 1 9 mypassword", 7),
        ("nve eth \"MyNet\" 4C55CC107891 1 4 mypassword", 7),
        ("nve wifi MyNet", 4),
    ] {
        let frame = device.request(line);
        assert_eq!(frame.code, code, "{line}: {}", String::from_utf8_lossy(&frame.payload));
        if code == 0 {
            assert_eq!(frame.payload, b"Success\r\n", "{line}");
        }
        assert_eq!(link(&device, Interface::SoftAp), Link::Joined, "{line}");
        assert_eq!(link(&device, Interface::Wlan), Link::Down, "{line}");
    }
    assert_eq!(device.request("get wlan.ssid").payload, b"", "nothing is stored");
}

#[test]
fn a_silent_supplicant_is_given_up_in_time() {
    static SILENT: [SimulatedNetwork; 1] = [SimulatedNetwork { hangs: true, ..NEIGHBOURHOOD[0] }];
    let mut device = device(&[("http.server.enabled", "0"), ("wlan.join.timeout", "60000")]);
    device.port().radio().set_networks(&SILENT);
    let before = device.millis();
    assert!(device.command("nve wifi MyNet 4C55CC107891 1 4 mypassword").ends_with("Command failed\r\n"));
    assert!(device.millis() - before < 20_000);
    device.port().radio().set_networks(&NEIGHBOURHOOD);
    assert!(device.command("nve wifi MyNet 4C55CC107891 1 4 mypassword").ends_with("Success\r\n"));
}

#[test]
fn verifying_leaves_the_network_and_comes_back() {
    let mut device = at_home();
    let printed = device.command("nve wifi \"Open House\" 4C55CC107892 2");
    assert!(printed.ends_with("Success\r\n"), "{printed}");
    device.advance(Duration::from_secs(1));
    assert!(device.take_output().ends_with("[Associated]\r\n"));
    assert_eq!(get(&mut device, "wlan.ssid"), "MyNet");
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
}

// --- wlan_join --------------------------------------------------------------------------------------------------------

#[test]
fn a_join_that_fails_goes_back_and_keeps_its_result() {
    for (line, result, reason) in [
        ("wlan_join Moody wrongpassword", "7", "the passphrase was refused"),
        ("wlan_join Nowhere mypassword", "6", "the network was not found"),
        ("wlan_join \"No Lease\" mypassword", "7", "the network gave no address"),
        ("wlan_join \"Old\"", "4", "the network wants a passphrase"),
    ] {
        let mut device = at_home();
        device.command("set wlan.join.retries 5");
        let printed = device.command(line);
        assert!(printed.starts_with("[Disassociated]\r\n"), "{line}: {printed}");
        assert!(printed.ends_with(&format!("Join failed: {reason}\r\nCommand failed\r\n")), "{line}: {printed}");
        device.advance(Duration::from_secs(5));
        assert_eq!(get(&mut device, "wlan.network.status"), "2", "{line}");
        assert_eq!(get(&mut device, "wlan.ssid"), "MyNet", "{line}");
        assert_eq!(get(&mut device, "wlan.join.result"), result, "{line}");
        assert_eq!(get(&mut device, "wlan.join.reason"), reason, "{line}");
        let printed = device.command("network_restart");
        assert!(printed.ends_with("Success\r\n"), "{line}: {printed}");
        assert_eq!(get(&mut device, "wlan.join.result"), "1", "{line}");
        assert_eq!(get(&mut device, "wlan.join.reason"), "", "{line}");
    }
}

#[test]
fn a_join_that_works_is_stored() {
    let mut device = device(&[("http.server.enabled", "0")]);
    for line in ["set wlan.ssid MyNet", "set wlan.passkey mypassword", "set wlan.security wpa2_aes", "save"] {
        device.command(line);
    }
    device.command("set wlan.bssid 4C:55:CC:10:78:91");
    assert!(device.command("network_up").ends_with("Success\r\n"));
    let printed = device.command("wlan_join \"Open House\"");
    assert!(printed.ends_with("[Associated]\r\nSuccess\r\n"), "{printed}");
    device.power_cycle();
    device.advance(Duration::from_secs(1));
    assert_eq!(get(&mut device, "wlan.ssid"), "Open House");
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
}

#[test]
fn the_way_back_is_looked_for_until_it_is_there() {
    let mut device = device(&[("http.server.enabled", "0")]);
    // The owner has joined once, without auto-join.
    for line in ["set wlan.ssid MyNet", "set wlan.passkey mypassword", "network_up"] {
        device.command(line);
    }
    device.port().radio().set_networks(&[]);
    device.advance(Duration::from_millis(10));
    device.port().radio().set_networks(&NEIGHBOURHOOD);
    assert!(device.command("network_up").ends_with("Success\r\n"));
    static AWAY: [SimulatedNetwork; 1] = [NEIGHBOURHOOD[1]];
    device.type_line("wlan_join -t 5 \"No Lease\" mypassword");
    device.advance(Duration::from_secs(1));
    device.port().radio().set_networks(&AWAY);
    device.advance(Duration::from_secs(100));
    assert_eq!(get(&mut device, "wlan.network.status"), "0");
    device.port().radio().set_networks(&NEIGHBOURHOOD);
    device.advance(Duration::from_secs(20));
    assert_eq!(get(&mut device, "wlan.network.status"), "2");
    assert_eq!(get(&mut device, "wlan.join.result"), "7");
}

#[test]
fn the_owner_can_end_a_trial() {
    let mut device = at_home();
    device.type_line("wlan_join -t 60 \"No Lease\" mypassword");
    device.advance(Duration::from_secs(1));
    device.port().console_type("network_down");
    device.advance(Duration::from_secs(60));
    assert!(device.take_output().contains("Join failed: the join was stopped\r\nCommand failed\r\n"));
    assert_eq!(get(&mut device, "wlan.network.status"), "0", "a forced down is not undone");
    assert_eq!(get(&mut device, "wlan.join.result"), "8");
}

/// A power cut at every write while a tried network is stored: leaves the old one or the new one, never half of each.
#[test]
fn a_cut_while_a_network_is_stored_leaves_the_old_or_the_new_one() {
    for cut in 0.. {
        let mut device = device(&[("http.server.enabled", "0")]);
        for line in
            ["set wlan.ssid MyNet", "set wlan.passkey mypassword", "set wlan.auto_join.enabled 1", "save", "network_up"]
        {
            device.command(line);
        }
        device.port().flash().cut_after(cut);
        device.type_line("wlan_join \"Open House\"");
        device.advance(Duration::from_secs(90));
        let whole = device.take_output().contains("Success\r\n");
        device.power_cycle();
        device.advance(Duration::from_secs(1));
        device.take_output();
        let ssid = get(&mut device, "wlan.ssid");
        assert!(ssid == "Open House" || (ssid == "MyNet" && !whole), "{cut}: {ssid}");
        assert_eq!(get(&mut device, "wlan.network.status"), "2", "{cut}");
        if whole {
            assert!(cut > 10, "the cut never came");
            break;
        }
    }
}

// --- web setup --------------------------------------------------------------------------------------------------------

#[test]
fn web_setup_runs_beside_its_host() {
    let mut device = device(&[("system.print_level", "3")]);
    assert_eq!(device.command("setup status"), "0\r\n");
    assert_eq!(device.command("setup web"), "In progress\r\n");
    device.advance(Duration::from_secs(1));
    let printed = device.take_output();
    assert!(printed.contains("Web setup started\r\n"), "{printed}");
    assert_eq!(device.command("setup status"), "1\r\n");
    let offer = device.port().radio().offer().unwrap();
    assert_eq!(offer.ssid, b"ZentriOS-942");
    assert_eq!(offer.passkey.len(), 12, "a passphrase of its own");
    assert_eq!(device.command("setup stop"), "Success\r\n");
    device.advance(Duration::from_secs(1));
    assert_eq!(device.command("setup status"), "0\r\n");
    assert!(device.port().radio().offer().is_none());
    // The next time the passphrase is the same, also after a restart.
    device.power_cycle();
    device.command("setup_web");
    device.advance(Duration::from_secs(1));
    assert_eq!(device.port().radio().offer().unwrap().passkey, offer.passkey);
    assert_eq!(device.command("setup_web status"), "1\r\n");
}

#[test]
fn web_setup_ends_when_nobody_comes() {
    let mut device =
        device(&[("setup.web.idle_timeout", "60"), ("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword")]);
    device.command("setup web");
    device.advance(Duration::from_secs(59));
    assert_eq!(device.command("setup status"), "1\r\n");
    device.advance(Duration::from_secs(5));
    assert_eq!(device.command("setup status"), "0\r\n");
    assert_eq!(get(&mut device, "wlan.network.status"), "2", "it joins the network that it has");
}

#[test]
fn web_setup_gives_the_soft_ap_back() {
    let mut device = device(&[("softap.ssid", "Mine"), ("http.server.enabled", "0")]);
    device.command("network_up -i softap");
    device.type_line("setup web");
    device.advance(Duration::from_secs(1));
    assert_eq!(device.port().radio().offer().unwrap().ssid, b"ZentriOS-942");
    device.type_line("setup stop");
    device.advance(Duration::from_secs(1));
    assert_eq!(device.port().radio().offer().unwrap().ssid, b"Mine");
    // Once more, and the owner takes the soft AP down meanwhile.
    device.type_line("setup web");
    device.advance(Duration::from_secs(1));
    device.type_line("network_down -i softap");
    device.advance(Duration::from_secs(1));
    device.take_output();
    assert_eq!(device.command("setup status"), "0\r\n");
    assert!(device.port().radio().offer().is_none());
}

#[test]
fn a_radio_with_one_interface_verifies_and_goes_back_to_its_soft_ap() {
    let mut device = device(&[("http.server.enabled", "0")]);
    device.port().radio().set_serves_both(false);
    device.command("setup web");
    device.advance(Duration::from_secs(1));
    assert!(device.command("nve wifi MyNet 4C55CC107891 1 4 mypassword").ends_with("Success\r\n"));
    device.advance(Duration::from_secs(1));
    assert!(device.port().radio().offer().is_some());
    assert_eq!(device.command("setup status"), "1\r\n");
    assert!(device.command("network_up").contains("web setup has the radio"));
}

#[test]
fn wps_is_a_defined_refusal() {
    let mut device = device(&[]);
    for line in ["wps", "wps 12345670"] {
        assert_eq!(device.command(line), "WPS is not available: use setup web or wlan_join\r\nCommand failed\r\n");
    }
}
