//! Indicators, the pins that tell a host of the network and of commands, and the set-up button, on simulated pins (interface,
//! serial 8, 11).

use embassy_time::Duration;
use openzentri::port::sim::{SimDevice, SimPort};
use openzentri::port::{Direction, PortError, Pull};

type Settings = &'static [(&'static str, &'static str)];

const MACHINE: Settings = &[
    ("http.server.enabled", "0"),
    ("system.cmd.mode", "machine"),
    ("system.print_level", "0"),
    ("system.cmd.gpio", "16"),
];

fn device(settings: Settings) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn set(device: &mut SimDevice, value: &str) {
    let answer = device.command(&format!("set {value}"));
    assert!(["Set OK\r\n", "R000008\r\nSet OK\r\n"].contains(&answer.as_str()), "{value}: {answer}");
}

fn get(device: &mut SimDevice, name: &str) -> String {
    device.command(&format!("get {name}")).trim_end().to_owned()
}

/// The changes of a pin since the last call, as milliseconds and level.
fn changes(device: &SimDevice, pin: u8) -> Vec<(u64, Option<bool>)> {
    let all = device.port().pin_changes();
    all.into_iter().filter(|change| change.pin == pin).map(|change| (change.at, change.level)).collect()
}

/// What the event log says about a pin.
fn logged(device: &SimDevice, pin: u8) -> Vec<String> {
    let log = device.device().unwrap().base.log;
    let mut lines = Vec::new();
    let mut next = log.first();
    while let Some((number, level, text)) = log.get(next) {
        next = number + 1;
        if let Some(shown) = String::from_utf8_lossy(&text).strip_prefix(&format!("GPIO {pin}: ")) {
            assert_eq!(level, 6, "no line may print it");
            lines.push(shown.to_owned());
        }
    }
    lines
}

#[test]
fn each_pattern_has_its_time() {
    let mut device = device(&[("http.server.enabled", "0")]);
    for (pattern, half) in [("slow_blink", 250), ("medium_blink", 125), ("fast_blink", 50)] {
        set(&mut device, &format!("system.indicator.state softap {pattern}|static_off|static_off|static_off"));
        set(&mut device, "system.indicator.gpio softap 20");
        changes(&device, 20);
        device.advance(millis(1000));
        let found = changes(&device, 20);
        assert!(found.len() as u64 >= 1000 / half - 1, "{pattern}: {found:?}");
        for pair in found.windows(2) {
            assert_eq!(pair[1].0 - pair[0].0, half, "{pattern}: {found:?}");
            assert_ne!(pair[1].1, pair[0].1, "{pattern}: {found:?}");
        }
        set(&mut device, "system.indicator.gpio softap -1");
    }
    for (pattern, level) in [("static_on", true), ("static_off", false)] {
        set(&mut device, &format!("system.indicator.state softap {pattern}|static_off|static_off|static_off"));
        set(&mut device, "system.indicator.gpio softap 20");
        // Lets the timer of the pattern before run out.
        device.advance(millis(100));
        changes(&device, 20);
        assert_eq!(device.settle(), None, "nothing blinks: the device sleeps");
        device.advance(millis(1000));
        assert_eq!((device.port().pin(20), changes(&device, 20)), (Some(level), Vec::new()), "{pattern}");
    }
}

#[test]
fn a_pattern_begins_with_light() {
    let mut device = device(&[("http.server.enabled", "0"), ("system.indicator.gpio wlan", "1")]);
    assert_eq!(device.port().pin(1), Some(false));
    device.advance(millis(70));
    set(&mut device, "sy i s wlan slow_blink|static_off|static_off|static_off");
    device.settle();
    let begun = device.millis();
    device.advance(millis(600));
    assert_eq!(changes(&device, 1)[1..], [(begun, Some(true)), (begun + 250, Some(false)), (begun + 500, Some(true))]);
}

#[test]
fn the_indicators_follow_a_join() {
    let mut device = device(&[
        ("http.server.enabled", "0"),
        ("wlan.ssid", "MyNet"),
        ("wlan.passkey", "mypassword"),
        ("system.indicator.gpio wlan", "1"),
        ("system.indicator.gpio network", "2"),
        ("wlan.network.status_gpio", "14"),
    ]);
    assert_eq!([1, 2, 14].map(|pin| device.port().pin(pin)), [Some(false); 3]);
    assert!(device.command("network_up").ends_with("Success\r\n"));
    device.settle();
    assert_eq!(logged(&device, 1), ["medium_blink", "static_on"]);
    assert_eq!(logged(&device, 2), ["fast_blink", "slow_blink"]);
    assert_eq!(logged(&device, 14), ["1"]);
    assert_eq!([1, 14].map(|pin| device.port().pin(pin)), [Some(true); 2]);
    device.command("network_down");
    device.settle();
    assert_eq!(logged(&device, 1)[2..], ["static_off"]);
    assert_eq!(logged(&device, 2)[2..], ["static_off"]);
    assert_eq!([1, 2, 14].map(|pin| device.port().pin(pin)), [Some(false); 3]);
}

#[test]
fn a_join_that_fails_is_an_error_until_the_owner_gives_up() {
    let mut device = device(&[
        ("http.server.enabled", "0"),
        ("wlan.ssid", "Nowhere"),
        ("wlan.auto_join.enabled", "1"),
        ("wlan.auto_join.retries", "2"),
        ("system.indicator.gpio wlan", "1"),
        ("system.indicator.gpio network", "2"),
    ]);
    device.advance(Duration::from_secs(120));
    let error_and_again = ["medium_blink", "fast_blink", "medium_blink", "fast_blink"];
    assert_eq!(logged(&device, 1), error_and_again);
    assert!(logged(&device, 2).is_empty(), "there never was a network");
    device.command("network_down");
    device.settle();
    assert_eq!(logged(&device, 1)[4..], ["static_off"]);
}

#[test]
fn a_network_without_an_address_is_joined_but_not_up() {
    let mut device = device(&[
        ("http.server.enabled", "0"),
        ("wlan.ssid", "No Lease"),
        ("wlan.passkey", "mypassword"),
        ("wlan.network.status_gpio", "14"),
        ("system.indicator.gpio wlan", "1"),
        ("system.indicator.gpio network", "2"),
    ]);
    assert!(device.command("network_up").ends_with("Command failed\r\n"));
    device.settle();
    assert_eq!(logged(&device, 1), ["medium_blink", "static_on", "fast_blink"]);
    assert_eq!(logged(&device, 2), ["fast_blink", "static_off"]);
    assert!(logged(&device, 14).is_empty());
}

#[test]
fn a_lost_network_is_shown() {
    let mut device = device(&[
        ("http.server.enabled", "0"),
        ("wlan.ssid", "Passing By"),
        ("wlan.passkey", "mypassword"),
        ("wlan.network.status_gpio", "14"),
    ]);
    assert!(device.command("network_up").ends_with("Success\r\n"));
    device.advance(Duration::from_secs(40));
    assert_eq!(logged(&device, 14), ["1", "0"]);
    assert_eq!(device.port().pin(14), Some(false));
}

#[test]
fn the_soft_ap_has_four_states() {
    let mut device = device(&[("http.server.enabled", "0"), ("system.indicator.gpio softap", "21")]);
    let station = [0x02, 0, 0, 0, 0, 7];
    assert!(device.command("network_up -i softap").ends_with("Success\r\n"));
    device.settle();
    assert_eq!(logged(&device, 21), ["fast_blink", "slow_blink"]);
    assert!(device.port().radio().station_comes(station));
    device.settle();
    assert_eq!((logged(&device, 21)[2..].to_vec(), device.port().pin(21)), (vec!["static_on".to_owned()], Some(true)));
    device.port().radio().station_goes(station);
    device.settle();
    assert_eq!(logged(&device, 21)[3..], ["slow_blink"]);
    assert!(device.port().radio().station_comes(station));
    device.settle();
    device.command("network_down -i softap");
    device.settle();
    assert_eq!(logged(&device, 21)[4..], ["static_on", "static_off"]);
    device.command("network_up -i softap");
    device.settle();
    assert_eq!(logged(&device, 21)[6..], ["fast_blink", "slow_blink"], "the station of before is not there");
}

#[test]
fn an_indicator_moves_at_once_and_lets_its_pin_go() {
    let mut device = device(&[("http.server.enabled", "0"), ("system.indicator.gpio wlan", "20")]);
    set(&mut device, "sy i s wlan static_on|static_off|static_off|static_off");
    device.settle();
    assert_eq!(device.port().pin(20), Some(true));
    set(&mut device, "sy i g wlan 21");
    device.settle();
    assert_eq!((device.port().pin(20), device.port().pin(21)), (None, Some(true)));
    assert_eq!(device.port().pin_direction(20), Direction::Released);
    // A released pin is free for another indicator, also in the same moment.
    device.port().type_bytes(b"set sy i g wlan 22\r\nset sy i g network 21\r\n");
    device.settle();
    assert_eq!((device.port().pin(22), device.port().pin(21)), (Some(true), Some(false)));
    set(&mut device, "sy i g wlan -1");
    device.settle();
    assert_eq!(device.port().pin(22), None);
}

#[test]
fn levels_can_be_seen() {
    let mut device = device(&[("http.server.enabled", "0"), ("system.cmd.gpio", "16")]);
    assert_eq!(get(&mut device, "gpio.level"), "16=0", "a command runs");
    set(&mut device, "sy i g wlan 3");
    set(&mut device, "sy i s wlan static_on|static_off|static_off|static_off");
    assert_eq!(get(&mut device, "gpio.level"), "3=1,16=0");
    assert_eq!(device.command("get gpio.level now"), "Too many arguments\r\n");
    device.advance(millis(10));
    device.port().console_type("get gpio.level");
    device.settle();
    assert_eq!(device.port().console_answers(), [b"3=1,16=1\r\n"], "that one is not for the host");
}

#[test]
fn a_gpio_that_is_not_there_is_refused() {
    let mut device = device(&[("http.server.enabled", "0")]);
    for name in ["system.cmd.gpio", "wlan.network.status_gpio", "setup.gpio.control_gpio", "system.indicator.gpio wlan"]
    {
        for gpio in ["64", "-2", "x", "1000000000000"] {
            assert_eq!(device.command(&format!("set {name} {gpio}")), "Invalid argument\r\n", "{name} {gpio}");
        }
    }
    assert_eq!(device.command("set system.indicator.gpio lamp 1"), "Invalid argument\r\n");
    assert_eq!(device.command("set system.indicator.gpio wlan"), "Too few arguments\r\n");
    assert_eq!(device.command("set system.indicator.state network static_on|static_off"), "Invalid argument\r\n");
    assert_eq!(device.command("set system.indicator.state network static_on|static_off|blink"), "Invalid argument\r\n");
    device.settle();
    assert!(device.port().pin_changes().is_empty());
}

#[test]
fn a_gpio_has_one_function() {
    let mut device = device(&[("http.server.enabled", "0"), ("system.indicator.gpio wlan", "20")]);
    let refused = "GPIO 20 is in use: system.indicator.wlan\r\nCommand failed\r\n";
    for value in ["system.cmd.gpio 20", "wl n o 20", "sy i g network 20", "setup.gpio.control_gpio 20", "tc s c 20"] {
        assert_eq!(device.command(&format!("set {value}")), refused, "{value}");
    }
    assert_eq!(get(&mut device, "system.cmd.gpio"), "-1");
    set(&mut device, "sy i g wlan 20");
    set(&mut device, "system.cmd.gpio 16");
    assert_eq!(device.command("set sy i g wlan 16"), "GPIO 16 is in use: system.cmd.gpio\r\nCommand failed\r\n");
    set(&mut device, "system.cmd.gpio -1");
    set(&mut device, "sy i g wlan 16");
    let usage = get(&mut device, "gpio.usage");
    assert!(usage.ends_with("\r\n# 16 system.indicator.wlan"), "{usage}");
}

#[test]
fn a_pin_of_the_start_stays_until_the_restart() {
    let mut device = device(&[]);
    for value in ["http.server.enabled 0", "wlan.network.status_gpio 14"] {
        set(&mut device, value);
    }
    device.settle();
    assert_eq!(device.port().pin(14), None, "it acts at the start");
    device.command("save");
    device.power_cycle();
    device.settle();
    assert_eq!(device.port().pin(14), Some(false));
    set(&mut device, "wlan.network.status_gpio -1");
    device.take_output();
    device.type_line("set system.indicator.gpio wlan 14");
    let printed = device.expect("GPIO 14 is in use: no system.indicator.wlan\r\n", millis(0));
    assert!(printed.contains("Set OK\r\n"), "{printed}");
    set(&mut device, "system.indicator.state wlan static_on|static_off|static_off|static_off");
    device.settle();
    assert!(!device.take_output().contains("GPIO"), "it is said once");
    assert_eq!(device.port().pin(14), Some(false), "it still says that the network is down");
    device.command("save");
    device.power_cycle();
    device.settle();
    assert_eq!(device.port().pin(14), Some(true));
}

#[test]
fn a_pin_that_cannot_be_driven_is_said() {
    let port = SimPort::new();
    port.fail_pin(16, PortError::Unsupported);
    let mut device = SimDevice::boot(port, &[("http.server.enabled", "0"), ("system.cmd.gpio", "16")]);
    device.expect("GPIO 16 not available: no system.cmd.gpio (not supported)\r\n", millis(10));
    assert_eq!(get(&mut device, "gpio.level"), "");
}

// --- system.cmd.gpio --------------------------------------------------------------------------------------------------

/// Types a line, and returns what the pin does meanwhile, in milliseconds after the line.
fn pulse(device: &mut SimDevice, line: &str) -> Vec<(u64, Option<bool>)> {
    changes(device, 16);
    let begun = device.millis();
    device.command(line);
    device.advance(millis(20));
    changes(device, 16).into_iter().map(|(at, level)| (at - begun, level)).collect()
}

#[test]
fn the_pin_is_low_while_a_command_runs() {
    let mut device = device(MACHINE);
    assert_eq!(changes(&device, 16), [(0, Some(true))]);
    let short = [(0, Some(false)), (5, Some(true))];
    for line in ["ver", "get wlan.ssid", "nonsense", "set wlan.ssid", "file_open none", &"x".repeat(2000)] {
        assert_eq!(pulse(&mut device, line), short, "{}", &line[..line.len().min(20)]);
    }
}

#[test]
fn the_edge_comes_when_a_long_command_is_answered() {
    let mut device = device(MACHINE);
    set(&mut device, "wlan.ssid MyNet");
    set(&mut device, "wlan.passkey mypassword");
    device.advance(millis(10));
    changes(&device, 16);
    device.type_line("network_up");
    device.settle();
    let begun = device.millis();
    device.expect("R000009\r\nSuccess\r\n", Duration::from_secs(30));
    let answered = device.millis();
    assert!(answered > begun + 5);
    assert_eq!(changes(&device, 16), [(begun, Some(false)), (answered, Some(true))]);
}

#[test]
fn the_edge_waits_for_the_last_byte() {
    let mut device = device(MACHINE);
    changes(&device, 16);
    device.port().hold_output(true);
    let begun = device.millis();
    device.command("ver");
    device.advance(millis(200));
    assert_eq!(changes(&device, 16), [(begun, Some(false))]);
    device.port().hold_output(false);
    device.advance(millis(2));
    let edges = changes(&device, 16);
    assert_eq!((edges.len(), edges[0].1), (1, Some(true)));
    // A host that takes nothing for a minute does not stop the line for ever.
    device.port().hold_output(true);
    device.type_line("ver");
    device.advance(Duration::from_secs(61));
    assert_eq!(device.port().pin(16), Some(true));
    assert_eq!(device.request("get system.cmd.gpio").payload, b"16\r\n");
}

#[test]
fn the_pin_is_low_while_data_is_awaited() {
    let mut device = device(MACHINE);
    changes(&device, 16);
    let begun = device.millis();
    device.type_line("file_create note.txt 5");
    device.advance(millis(300));
    assert_eq!(changes(&device, 16), [(begun, Some(false))]);
    device.port().type_bytes(b"hello");
    device.advance(millis(20));
    let edges = changes(&device, 16);
    assert_eq!((edges.len(), edges[0].1), (1, Some(true)));
    assert!(edges[0].0 >= begun + 300);
    // Data that never come: the command fails, and that is an answer, too.
    device.type_line("file_create other.txt 5");
    device.advance(Duration::from_secs(60));
    let levels: Vec<_> = changes(&device, 16).into_iter().map(|(_, level)| level).collect();
    assert_eq!(levels, [Some(false), Some(true)]);
}

#[test]
fn a_command_that_is_cancelled_ends_as_well() {
    let mut device = device(&[("http.server.enabled", "0"), ("system.cmd.gpio", "16")]);
    set(&mut device, "wlan.ssid \"No Lease\"");
    set(&mut device, "wlan.passkey mypassword");
    device.advance(millis(10));
    changes(&device, 16);
    device.type_line("network_up");
    device.advance(millis(500));
    assert_eq!(device.port().pin(16), Some(false));
    device.port().type_bytes(b"\x03");
    device.advance(millis(1));
    assert!(device.take_output().contains("Command failed\r\n"));
    let levels: Vec<_> = changes(&device, 16).into_iter().map(|(_, level)| level).collect();
    assert_eq!(levels, [Some(false), Some(true)]);
}

#[test]
fn each_of_many_commands_has_its_edge() {
    let mut device = device(MACHINE);
    changes(&device, 16);
    device.port().type_bytes(b"ver\r\nver\r\nver\r\n");
    device.advance(millis(100));
    let levels: Vec<_> = changes(&device, 16).into_iter().map(|(_, level)| level).collect();
    assert_eq!(levels, [Some(false), Some(true)].repeat(3));
}

#[test]
fn a_reboot_is_answered_before_the_edge() {
    let mut device = device(MACHINE);
    changes(&device, 16);
    let begun = device.millis();
    device.restart_by_itself(false);
    device.type_line("reboot");
    device.advance(Duration::from_secs(1));
    let edges = changes(&device, 16);
    assert_eq!((edges[0], edges[1].1, edges.len()), ((begun, Some(false)), Some(true), 2));
    assert!((5..60).contains(&(edges[1].0 - begun)), "{edges:?}");
}

// --- setup.gpio.* -----------------------------------------------------------------------------------------------------

const BUTTON: Settings = &[
    ("http.server.enabled", "0"),
    ("setup.gpio.control_gpio", "11"),
    ("setup.gpio.cmd", "set wlan.ssid Pressed"),
    ("setup.auto.cmd", "set wlan.dhcp.hostname automatic"),
];

#[test]
fn a_button_held_for_three_seconds_runs_its_command() {
    let port = SimPort::new();
    port.drive_pin(11, Some(true));
    let mut device = SimDevice::boot(port, BUTTON);
    assert_eq!(port.pin_direction(11), Direction::Input(Pull::Down));
    device.advance(millis(2999));
    assert_eq!(get(&mut device, "wlan.ssid"), "");
    device.advance(millis(1));
    assert_eq!(get(&mut device, "wlan.ssid"), "Pressed");
    assert_ne!(
        get(&mut device, "wlan.dhcp.hostname"),
        "automatic",
        "the other command is for a start without the button"
    );
    assert_eq!(port.pin_direction(11), Direction::Released);
}

#[test]
fn a_button_released_early_is_no_button() {
    let port = SimPort::new();
    port.drive_pin(11, Some(true));
    let mut device = SimDevice::boot(port, BUTTON);
    device.advance(millis(2900));
    port.drive_pin(11, None);
    // Pressed again before anybody has looked.
    port.drive_pin(11, Some(true));
    device.settle();
    assert_eq!(port.pin_direction(11), Direction::Released);
    device.advance(millis(5000));
    assert_eq!(get(&mut device, "wlan.ssid"), "");
    assert_eq!(get(&mut device, "wlan.dhcp.hostname"), "automatic", "without a network the other command runs");
}

#[test]
fn a_button_that_is_not_pressed_costs_no_time() {
    let mut device = SimDevice::boot(SimPort::new(), BUTTON);
    device.advance(millis(2));
    assert_eq!(get(&mut device, "wlan.dhcp.hostname"), "automatic");
    assert_eq!(get(&mut device, "wlan.ssid"), "");
    // Later it is too late.
    device.port().drive_pin(11, Some(true));
    device.advance(millis(10_000));
    assert_eq!(get(&mut device, "wlan.ssid"), "");
}

#[test]
fn a_button_may_pull_its_pin_low() {
    let port = SimPort::new();
    port.drive_pin(11, Some(false));
    let low: Settings = &[
        ("http.server.enabled", "0"),
        ("setup.gpio.control_gpio", "11"),
        ("setup.gpio.level", "0"),
        ("setup.gpio.cmd", "nonsense"),
    ];
    let mut device = SimDevice::boot(port, low);
    assert_eq!(port.pin_direction(11), Direction::Input(Pull::Up));
    device.expect("setup.gpio.cmd failed\r\n", millis(3001));
}

#[test]
fn the_button_opens_web_setup_also_with_a_network() {
    let port = SimPort::new();
    port.drive_pin(11, Some(true));
    let settings: Settings =
        &[("setup.gpio.control_gpio", "11"), ("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword")];
    let mut device = SimDevice::boot(port, settings);
    device.advance(Duration::from_secs(5));
    assert!(device.port().radio().offer().is_some(), "{}", device.take_output());
}

#[test]
fn a_button_whose_edges_cannot_be_seen_is_said() {
    let port = SimPort::new();
    port.drive_pin(11, Some(true));
    port.fail_pin(11, PortError::NoRoom);
    let mut device = SimDevice::boot(port, BUTTON);
    device.expect("GPIO 11 not available: no setup.gpio.control_gpio (no space left)\r\n", millis(10));
    assert_eq!(get(&mut device, "wlan.dhcp.hostname"), "automatic");
}
