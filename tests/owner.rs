//! Texts that an owner gives to events, and variables that an owner locks (interface, serial 5.4, variables 1).

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::{SimDevice, SimPort};

type Settings = &'static [(&'static str, &'static str)];

const QUIET: Settings = &[("http.server.enabled", "0")];
const MAC: &str = "4C:55:CC:10:09:42";

fn device(settings: Settings) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.take_output();
    device
}

fn set(device: &mut SimDevice, value: &str) {
    assert_eq!(device.command(&format!("set {value}")), "Set OK\r\n", "{value}");
}

/// A device with a file to open.
fn with_file(settings: Settings) -> SimDevice {
    let mut device = device(settings);
    assert!(device.command_with_data("fcr a.txt 2", b"hi").contains("File created"));
    device
}

#[test]
fn events_have_the_texts_of_the_owner() {
    let mut device = with_file(QUIET);
    set(&mut device, "system.msg stream_opened \"@tstream @h is there\"");
    set(&mut device, "system.msg stream_closed \"@@@h gone\"");
    set(&mut device, "system.msg initialized HELLO");
    assert_eq!(device.command("get system.msg stream_opened"), "@tstream @h is there\r\n");
    assert_eq!(device.command("fop a.txt"), "stream 0 is there\r\n0\r\n");
    assert_eq!(device.command("close 0"), "Closing: 0\r\n@0 gone\r\nSuccess\r\n");
    set(&mut device, "time.rtc 1398281963");
    assert_eq!(device.command("fop a.txt"), "2014-04-23 | 19:39:23: stream 0 is there\r\n0\r\n");
    set(&mut device, "system.msg stream_closed \"\"");
    set(&mut device, "system.cmd.timestamp none");
    assert_eq!(device.command("close 0"), "Closing: 0\r\n[Closed: 0]\r\nSuccess\r\n");
    assert!(device.command("save").ends_with("Success\r\n"));
    device.power_cycle();
    assert!(device.take_output().ends_with("\r\nHELLO\r\n> "));
}

#[test]
fn texts_are_short_and_their_tags_known() {
    let mut device = device(QUIET);
    for text in ["@x", "@", "a@b", "%@", "@T", &"x".repeat(32), &"@t".repeat(16)] {
        assert_eq!(device.command(&format!("set system.msg wake {text}")), "Invalid argument\r\n", "{text}");
    }
    assert_eq!(device.command("set system.msg nothing x"), "Invalid argument\r\n");
    set(&mut device, &format!("system.msg wake {}", "x".repeat(31)));
}

/// The kind of text that overran a buffer in the original (CVE-2024-23938).
#[test]
fn the_longest_text_fills_a_line_and_no_more() {
    let mut device = with_file(QUIET);
    set(&mut device, "time.rtc 1398281963");
    set(&mut device, &format!("system.msg stream_opened {}h", "@t".repeat(15)));
    let shown = device.command("fop a.txt");
    let line = shown.split("\r\n").next().unwrap();
    assert!(line.starts_with("2014-04-23 | 19:39:23: 2014-04-23 | "));
    assert!((limits::LOG_LINE - 2..=limits::LOG_LINE).contains(&line.len()), "{}", line.len());
    assert!(shown.ends_with("\r\n0\r\n"), "and the answer is whole: {shown}");
    assert_eq!(device.command("read 0 9").trim_end().lines().last(), Some("hi"));
}

#[test]
fn network_and_sleep_have_theirs() {
    let mut device = device(&[("wlan.ssid", "Open House"), ("http.server.enabled", "0")]);
    for (event, text) in [
        ("wlan_joined", "UP"),
        ("wlan_leave", "DOWN"),
        ("sleep", "GOOD NIGHT"),
        ("wake", "MORNING"),
        ("safemode", "HELP"),
    ] {
        set(&mut device, &format!("system.msg {event} \"{text}\""));
    }
    assert!(device.command("nup").contains("\r\nUP\r\n"));
    set(&mut device, "system.wakeup.timeout 5");
    assert!(device.command("save").ends_with("Success\r\n"));
    device.type_line("sleep");
    device.advance(Duration::from_secs(8));
    let shown = device.take_output();
    assert!(shown.starts_with("sleep\r\nDOWN\r\n") && shown.contains("GOOD NIGHT\r\n"), "{shown}");
    assert!(shown.contains("MORNING\r\n[Ready]\r\n"), "{shown}");
    device.type_line(&format!("force_safemode {MAC}"));
    assert!(device.expect("SAFEMODE> ", Duration::from_secs(5)).ends_with("\r\n\r\nHELP\r\nSAFEMODE> "));
}

fn refused(name: &str) -> String {
    format!("Locked: {name} (system.variable_lock)\r\nCommand failed\r\n")
}

#[test]
fn nobody_sets_a_locked_variable() {
    let mut device = device(QUIET);
    set(&mut device, "wlan.ssid \"Open House\"");
    set(&mut device, "system.variable_lock \"uart, wlan.ssid,system.cmd.echo\"");
    assert_eq!(device.command("get system.variable_lock"), "uart,wlan.ssid,system.cmd.echo\r\n");
    for (line, name) in [
        ("set wl s Other", "wlan.ssid"),
        ("set uart.baud 0 9600", "uart.baud"),
        ("set ua f 0 1", "uart.flow"),
        ("set system.cmd.echo 0", "system.cmd.echo"),
        ("set system.cmd.mode machine", "system.cmd.echo"),
    ] {
        assert_eq!(device.command(line), refused(name), "{line}");
    }
    set(&mut device, "wlan.passkey 12345678");
    let file = b"wlan.ssid Other\n";
    device.command_with_data(&format!("fcr my.ini {}", file.len()), file);
    assert!(device.command("load my.ini").ends_with("Command failed\r\n"));
    assert!(device.command("wlan_join \"Open House\"").ends_with("Command failed\r\n"));
    assert_eq!(device.command("get wlan.ssid"), "Open House\r\n");
    set(&mut device, "system.variable_lock \"\"");
    set(&mut device, "wl s Other");
}

#[test]
fn a_lock_has_names_that_exist_and_can_always_be_taken_off() {
    let mut device = device(QUIET);
    for names in ["nothing", "wlan.", "wlan.ssid,", "wlan.ss", "\"uart baud\""] {
        assert_eq!(device.command(&format!("set system.variable_lock {names}")), "Invalid argument\r\n", "{names}");
    }
    set(&mut device, "system.variable_lock system");
    assert_eq!(device.command("set system.print_level 0"), refused("system.print_level"));
    set(&mut device, "system.variable_lock \"\"");
    set(&mut device, "system.print_level all");
}

#[test]
fn a_factory_reset_leaves_what_is_locked() {
    let mut device = device(&[("http.server.enabled", "0"), ("uart.baud 0", "19200")]);
    set(&mut device, "wlan.ssid Kept");
    set(&mut device, "wlan.passkey forgotten1");
    set(&mut device, "uart.baud 0 57600");
    set(&mut device, "system.variable_lock uart,wlan.ssid");
    let before = device.restarts();
    device.type_line(&format!("factory_reset {MAC}"));
    assert!(device.run_until(Duration::from_secs(5), |device| device.restarts() > before));
    device.take_output();
    assert_eq!(device.command("get wlan.ssid"), "Kept\r\n");
    assert_eq!(device.command("set wlan.ssid Other"), refused("wlan.ssid"));
    set(&mut device, "wlan.hide_passkey 0");
    assert_eq!(device.command("get wlan.passkey"), "");
    // A value given at the start still holds.
    assert_eq!(device.command("get uart.baud 0"), "19200\r\n");
    set(&mut device, "system.variable_lock \"\"");
    let before = device.restarts();
    device.type_line(&format!("factory_reset {MAC}"));
    assert!(device.run_until(Duration::from_secs(5), |device| device.restarts() > before));
    device.take_output();
    assert_eq!(device.command("get wlan.ssid"), "");
}
