//! Faults of former lives, safe mode and sleep, in virtual time (interface, serial 9, commands/sleep).

use embassy_time::Duration;
use openzentri::port::sim::{Call, SimDevice, SimPort};
use openzentri::port::{Direction, FaultKind, PortError, Pull, ResetReason};

type Settings = &'static [(&'static str, &'static str)];

const QUIET: Settings = &[("http.server.enabled", "0")];
const MAC: &str = "4C:55:CC:10:09:42";
const SAFE: &str = "\r\n*** Max faults exceeded. Entering Safe Mode.\r\nSAFEMODE> ";

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn device(settings: Settings) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.take_output();
    device
}

/// A device that has crashed this many times.
fn crashed(settings: Settings, times: usize) -> SimDevice {
    let mut device = device(settings);
    for number in 0..times {
        device.crash(FaultKind::Hard, &format!("pc 0x{number:04x}"));
        device.settle();
    }
    device
}

fn stored(device: &mut SimDevice, name: &str, value: &str) {
    assert_eq!(device.command(&format!("set {name} {value}")), "Set OK\r\n", "{name}");
    assert!(device.command("save").ends_with("Success\r\n"));
}

/// What is printed from a command that restarts the device up to the next prompt.
fn rebooted(device: &mut SimDevice, line: &str) -> String {
    let before = device.restarts();
    device.take_output();
    device.type_line(line);
    assert!(device.run_until(seconds(10), |device| device.restarts() > before));
    device.take_output()
}

/// How many faults are listed.
fn faults(device: &mut SimDevice) -> usize {
    device.command("faults_print").lines().count()
}

#[test]
fn faults_are_kept_over_restarts_and_power_cuts_until_they_are_cleared() {
    let mut device = device(QUIET);
    assert_eq!(device.command("faults_print"), "");
    device.crash(FaultKind::Hard, "pc 0x0001abcd");
    device.crash(FaultKind::Watchdog, "");
    device.take_output();
    let both = "0: Hard Fault Exception, uhandle:00 bhandle:00 pc 0x0001abcd\r\n\
                1: Watchdog Reset, uhandle:00 bhandle:00\r\n";
    assert_eq!(device.command("faup"), both);
    assert_eq!(device.command("get system.safemode.status"), "0\r\n");
    rebooted(&mut device, "reboot");
    assert_eq!(device.command("faults_print"), both);
    device.power_cycle();
    device.take_output();
    assert_eq!(device.command("faults_print"), both);
    assert_eq!(device.command("faur"), "Success\r\n");
    device.power_cycle();
    device.take_output();
    assert_eq!(device.command("faults_print"), "");
}

#[test]
fn the_eighth_fault_leads_to_safe_mode_and_clearing_them_out_of_it() {
    let mut device = crashed(QUIET, 7);
    let booted = device.take_output();
    assert!(booted.ends_with("[Ready]\r\n> "), "{booted}");
    device.crash(FaultKind::Panic, "main.rs:1");
    let booted = device.take_output();
    assert!(booted.ends_with(SAFE) && !booted.contains("Ready"), "{booted}");
    assert_eq!(device.command("get system.safemode.status"), "1\r\n");
    assert_eq!(faults(&mut device), 8);
    // It stays so, whatever the reason of the next start.
    device.power_cycle();
    assert!(device.take_output().ends_with(SAFE));
    assert!(rebooted(&mut device, "reboot").ends_with(SAFE));
    device.crash(FaultKind::Hard, "pc 9");
    assert!(device.take_output().ends_with(SAFE));
    assert_eq!(faults(&mut device), 8, "the oldest has given way");
    assert!(device.command("faults_print").ends_with("pc 9\r\n"));
    assert_eq!(device.command("faults_reset"), "Success\r\n");
    assert!(rebooted(&mut device, "reboot").ends_with("[Ready]\r\n> "));
    assert_eq!(device.command("get system.safemode.status"), "0\r\n");
}

#[test]
fn a_device_that_crashes_before_it_does_anything_else_still_counts() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, QUIET);
    for _ in 0..8 {
        // No turn of any task between two faults.
        device.crash(FaultKind::Hard, "");
    }
    assert!(device.take_output().ends_with(SAFE));
}

#[test]
fn only_some_commands_can_be_given_in_safe_mode() {
    let mut device = crashed(&[("wlan.ssid", "Open House"), ("wlan.auto_join.enabled", "1")], 8);
    device.advance(seconds(30));
    device.take_output();
    let refused = |name: &str| format!("Not available in safe mode: {name}\r\nCommand failed\r\n");
    for (line, name) in [("nup", "network_up"), ("tcpc 10.5.6.1 80", "tcp_client"), ("scan", "wlan_scan")] {
        assert_eq!(device.command(line), refused(name));
    }
    assert_eq!(device.command("get wlan.network.status"), "0\r\n", "nothing joins by itself");
    assert!(device.port().connect(80).is_err());
    assert!(device.command("version").starts_with("OPENZENTRI-"));
    assert!(device.command_with_data("fcr a.txt 2", b"hi").contains("File created"));
    assert_eq!(device.command("fop a.txt"), "[Opened: 0]\r\n0\r\n");
    assert_eq!(device.command("read 0 9"), "[Closed: 0]\r\nhi\r\n");
    assert!(device.command("ls").contains("a.txt"));
    stored(&mut device, "wlan.ssid", "Other");
    assert_eq!(device.command("get wl s"), "Other\r\n");
    assert_eq!(device.command("frob"), "Unknown command\r\n");
    assert_eq!(device.command("factory_reset"), "Too few arguments\r\n");
}

#[test]
fn machines_hear_another_letter() {
    let mut device = crashed(&[("system.cmd.mode", "machine"), ("system.print_level", "0")], 8);
    device.take_output();
    assert_eq!(device.command("get system.safemode.status"), "S000003\r\n1\r\n");
    assert_eq!(device.command("nup"), "S100016\r\nCommand failed\r\n");
}

#[test]
fn safe_mode_can_be_forced_with_the_own_mac() {
    let mut device = device(QUIET);
    device.command("nup");
    for (line, answer) in
        [("force_safemode", "Too few arguments\r\n"), ("force_safemode 4C:55:CC:10:09:43", "Invalid argument\r\n")]
    {
        assert_eq!(device.command(line), answer, "{line}");
    }
    let line = format!("force_safemode {MAC}");
    let shown = rebooted(&mut device, &line);
    assert!(
        shown.starts_with(&format!("{line}\r\nForcing safemode...\r\nRebooting\r\n[Disassociated]\r\nOPENZENTRI-"))
            && shown.ends_with(SAFE),
        "{shown}"
    );
    assert_eq!(device.command("faults_print"), "");
    device.power_cycle();
    assert!(device.take_output().ends_with(SAFE));
    device.command("faults_reset");
    device.power_cycle();
    assert!(device.take_output().ends_with("[Ready]\r\n> "));
}

#[test]
fn safe_mode_can_be_switched_off() {
    let mut device = crashed(&[("http.server.enabled", "0"), ("system.safemode.disabled", "1")], 9);
    assert!(device.take_output().ends_with("[Ready]\r\n> "));
    assert_eq!(faults(&mut device), 8);
    let refused = "Safe mode is off (set system.safemode.disabled 0)\r\nCommand failed\r\n";
    assert_eq!(device.command(&format!("force_safemode {MAC}")), refused);
}

#[test]
fn flash_that_fails_is_said_and_changes_nothing() {
    let mut device = crashed(QUIET, 1);
    device.take_output();
    for line in ["faults_reset".to_owned(), format!("force_safemode {MAC}")] {
        device.port().fail(Call::SlotWrite, PortError::Failed(5));
        let shown = device.command(&line);
        assert!(shown.starts_with("Faults not saved: ") && shown.ends_with("Command failed\r\n"), "{shown}");
        assert_eq!(faults(&mut device), 1);
    }
    device.power_cycle();
    assert!(device.take_output().ends_with("[Ready]\r\n> "));
}

#[test]
fn a_torn_record_is_an_empty_one() {
    let mut device = crashed(QUIET, 8);
    let mut record = device.port().flash().slot(2).unwrap();
    record.pop();
    device.port().flash().set_slot(2, Some(record));
    device.power_cycle();
    assert!(device.take_output().ends_with("[Ready]\r\n> "));
    assert_eq!(device.command("faults_print"), "");
}

/// Leaves a device that crashes at once in normal life alone for this time.
fn alone(device: &mut SimDevice, time: Duration) -> Vec<(u64, &'static str)> {
    let mut seen = Vec::new();
    let mut before = 0;
    let end = time.as_secs();
    for second in 0..end {
        device.advance(seconds(1));
        let shown = device.take_output();
        if shown.ends_with("[Ready]\r\n> ") {
            seen.push((second - before, "normal"));
            (0..8).for_each(|_| device.crash(FaultKind::Hard, ""));
            before = second;
        }
    }
    seen
}

#[test]
fn nobody_comes_and_the_device_tries_three_times_by_itself() {
    let mut device = device(QUIET);
    stored(&mut device, "system.safemode.console_timeout", "60");
    stored(&mut device, "system.safemode.sleep_timeout", "100");
    (0..8).for_each(|_| device.crash(FaultKind::Hard, ""));
    // A command keeps it awake.
    device.advance(seconds(50));
    device.command("version");
    device.advance(seconds(50));
    assert!(device.take_output().ends_with(SAFE));
    let tries = alone(&mut device, seconds(2000));
    assert_eq!(tries.len(), 3, "{tries:?}");
    assert!(tries[1..].iter().all(|(after, _)| (155..170).contains(after)), "{tries:?}");
    // Then it waits with its soft AP for somebody.
    assert_eq!(device.command("get softap.info").lines().next(), Some("softap up"));
    let log = device.device().unwrap().base.log;
    let text: String = (log.first()..log.next())
        .filter_map(|number| log.get(number))
        .map(|(_, _, line)| String::from_utf8_lossy(&line).into_owned() + "\n")
        .collect();
    assert!(text.contains("Web setup network: ZentriOS-942, passphrase: "), "{text}");
    // After a power-on the device tries again.
    device.power_cycle();
    assert_eq!(alone(&mut device, seconds(1000)).len(), 3);
}

#[test]
fn too_many_starts_in_safe_mode_open_the_soft_ap() {
    let mut device = crashed(QUIET, 8);
    for number in 2..=11 {
        assert_eq!(device.command("get softap.info").lines().next(), Some("softap down"), "{number}");
        rebooted(&mut device, "reboot");
    }
    device.advance(seconds(1));
    assert_eq!(device.command("get softap.info").lines().next(), Some("softap up"));
    assert_eq!(device.command("nup"), "Not available in safe mode: network_up\r\nCommand failed\r\n");
}

/// Sends the device to sleep; it gives no answer.
fn fall_asleep(device: &mut SimDevice) {
    device.take_output();
    device.type_line("sleep");
    device.advance(seconds(1));
    let shown = device.take_output();
    assert_eq!(shown, "sleep\r\n[Disassociated]\r\n", "there is no answer");
}

#[test]
fn sleep_ends_when_its_time_is_over_and_waking_is_like_a_reset() {
    let mut device = device(QUIET);
    stored(&mut device, "system.wakeup.timeout", "100");
    device.command("set wlan.ssid forgotten");
    fall_asleep(&mut device);
    device.advance(seconds(98));
    assert_eq!((device.restarts(), device.take_output()), (0, String::new()));
    device.advance(seconds(2));
    assert_eq!(device.restarts(), 1);
    assert!(device.take_output().ends_with("[Ready]\r\n> "));
    assert_eq!(device.command("get wlan.ssid"), "");
    assert_eq!(device.device().unwrap().base.port.board().reset_reason(), Some(ResetReason::Wake));
}

#[test]
fn a_byte_on_the_uart_wakes_it_and_is_not_lost() {
    let mut device = device(QUIET);
    fall_asleep(&mut device);
    device.advance(seconds(100_000));
    assert_eq!(device.restarts(), 0, "without a time it sleeps for ever");
    device.type_line("version");
    device.advance(seconds(1));
    assert_eq!(device.restarts(), 1);
    let shown = device.take_output();
    assert!(shown.contains("[Ready]\r\n> version\r\n"), "{shown}");
}

#[test]
fn the_rest_of_the_line_does_not_wake_it() {
    let mut device = device(&[("system.cmd.mode", "machine"), ("system.print_level", "0")]);
    device.port().type_bytes(b"sleep\r");
    device.advance(Duration::from_millis(250));
    device.port().type_bytes(b"\nget wlan.ssid\r\n");
    device.advance(seconds(1000));
    assert_eq!((device.restarts(), device.take_output()), (0, String::new()));
}

#[test]
fn an_edge_of_a_pin_wakes_it() {
    let mut device = device(QUIET);
    assert_eq!(device.command("set system.wakeup.events gpio22,gpio30"), "Set OK\r\n");
    assert_eq!(device.command("set system.wakeup.events button"), "Invalid argument\r\n");
    device.port().drive_pin(22, Some(true));
    device.port().drive_pin(21, Some(true));
    fall_asleep(&mut device);
    device.port().drive_pin(21, Some(false));
    device.advance(seconds(10));
    assert_eq!(device.restarts(), 0);
    device.port().drive_pin(22, Some(false));
    device.advance(seconds(1));
    assert_eq!(device.restarts(), 1);
}

#[test]
fn pins_are_as_they_shall_be_while_it_sleeps() {
    let mut device = device(QUIET);
    for value in [
        "gpio.init 10 output 0",
        "gpio.sleep 10 output_high",
        "gpio.sleep 11 input_pull_up",
        "system.indicator.gpio wlan 12",
        "system.indicator.state wlan fast_blink|fast_blink|fast_blink|fast_blink",
        "gpio.sleep 12 output_low",
        "system.wakeup.timeout 100",
    ] {
        let (name, value) = value.split_once(' ').unwrap();
        stored(&mut device, name, value);
    }
    device.power_cycle();
    device.settle();
    assert_eq!(device.port().pin(10), Some(false));
    fall_asleep(&mut device);
    assert_eq!((device.port().pin(10), device.port().pin(12)), (Some(true), Some(false)));
    assert_eq!(device.port().pin_direction(11), Direction::Input(Pull::Up));
    device.port().pin_changes();
    device.advance(seconds(90));
    assert_eq!(device.port().pin_changes().len(), 0, "no indicator blinks");
    device.advance(seconds(10));
    assert_eq!(device.restarts(), 2);
    assert_eq!((device.port().pin(10), device.port().pin_direction(11)), (Some(false), Direction::Released));
}

#[test]
fn a_device_can_go_to_sleep_by_itself() {
    let mut device = device(&[("system.gotosleep.timeout", "30"), ("system.wakeup.timeout", "30")]);
    device.advance(seconds(65));
    assert_eq!(device.restarts(), 1);
    device.advance(seconds(65));
    assert_eq!(device.restarts(), 2);
}

#[test]
fn who_is_connected_hears_that_it_goes() {
    let settings: Settings = &[("wlan.ssid", "Open House"), ("http.server.enabled", "1")];
    let mut device = device(settings);
    device.command("nup");
    assert_eq!(device.command("tcps start 3000"), "Success\r\n");
    let peer = device.port().connect(3000).unwrap();
    device.advance(seconds(1));
    device.type_line("sleep");
    device.advance(seconds(1));
    assert!(peer.end().is_some());
    let shown = device.take_output();
    assert!(shown.contains("[Disassociated]\r\n") && !shown.contains("Success"), "{shown}");
    assert!(device.port().connect(80).is_err());
}
