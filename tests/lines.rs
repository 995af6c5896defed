//! Lines on the simulated port: what a restart keeps, what ends a waiting command, a second line over TCP.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::device;
use openzentri::port::host::spawn;
use openzentri::port::sim::{Answer, SimDevice, SimPort, framing};
use openzentri::port::{self, Event, Interface, Port};
use openzentri::terminal::{self, Line, Opening};

const SILENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 99);

/// A device with these settings that has printed all its boot lines.
fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.take_output();
    device
}

const HUMAN: &[(&str, &str)] = &[("wlan.ssid", ""), ("http.server.enabled", "0")];
const JOINED: &[(&str, &str)] = &[
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("http.server.enabled", "0"),
    ("system.print_level", "0"),
];
const MACHINE: &[(&str, &str)] = &[
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("http.server.enabled", "0"),
    ("system.cmd.mode", "machine"),
];

/// Lets a time pass that is too short for any time limit of a command.
fn moment(device: &mut SimDevice) {
    device.advance(Duration::from_millis(300));
}

/// A device on the network, with a command that waits for a peer which never answers.
fn waiting(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = device(settings);
    device.type_line("nup");
    device.advance(Duration::from_secs(10));
    device.port().set_answer(SILENT, Duration::from_secs(3600), Answer::Silence);
    device.take_output();
    device.port().type_bytes(b"tcpc 10.5.6.9 99\r\n");
    moment(&mut device);
    device
}

// Restart

#[test]
fn what_waits_behind_a_reboot_runs_in_the_next_life() {
    for ends in ["\r\n", "\r", "\n"] {
        let mut device = device(HUMAN);
        device.port().type_bytes(format!("reboot{ends}set wlan.ssid Next{ends}get wlan.ssid{ends}").as_bytes());
        let old = device.expect("[Disassociated]\r\n", Duration::from_secs(1));
        assert_eq!(old, "reboot\r\nRebooting\r\n[Disassociated]\r\n", "no prompt, and nothing of the next commands");
        device.advance(Duration::from_secs(1));
        assert_eq!(device.restarts(), 1);
        let new = device.take_output();
        assert!(new.contains("[Ready]\r\n> set wlan.ssid Next\r\nSet OK\r\n> get wlan.ssid\r\nNext\r\n> "), "{new}");
    }
}

#[test]
fn what_waits_behind_a_factory_reset_runs_in_the_next_life() {
    let mut device = device(HUMAN);
    device.port().type_bytes(b"factory_reset 4C:55:CC:10:09:42\r\nset wlan.ssid Next\r\n");
    device.advance(Duration::from_secs(1));
    assert_eq!(device.command("get wlan.ssid"), "Next\r\n");
    assert_eq!(device.restarts(), 1);
}

#[test]
fn bytes_of_a_restart_are_kept_one_by_one() {
    // Not even a NUL or half a line is lost, nor are bytes that come while the device goes down.
    let mut device = device(HUMAN);
    device.port().type_bytes(b"reboot\r\nget wlan.s");
    device.advance(Duration::from_millis(150));
    device.port().type_bytes(b"sid\r\nfcr a.bin 4\r\n\0\x03\r\n");
    device.advance(Duration::from_secs(1));
    assert_eq!((device.restarts(), device.port().unread()), (1, 0));
    assert!(device.take_output().contains("> get wlan.ssid\r\n"));
    assert!(device.command("fst a.bin").starts_with("4,"));
}

#[test]
fn the_line_feed_behind_reboot_may_come_late() {
    let mut device = device(HUMAN);
    device.port().type_bytes(b"ver\r\nreboot\r");
    device.advance(Duration::from_millis(20));
    device.port().type_bytes(b"\nget wlan.ssid\r\n");
    device.advance(Duration::from_secs(1));
    let output = device.take_output();
    assert!(output.contains("[Ready]\r\n> get wlan.ssid\r\n"), "no empty command: {output}");
}

#[test]
fn a_restart_ordered_elsewhere_leaves_the_line_to_the_next_life() {
    let mut device = device(HUMAN);
    device.port().type_bytes(b"get wlan");
    device.settle();
    device.port().console_type("reboot");
    device.settle();
    device.port().type_bytes(b".mac\r\n");
    device.advance(Duration::from_secs(1));
    assert_eq!(device.restarts(), 1);
    assert!(device.take_output().ends_with("> get wlan.mac\r\n4C:55:CC:10:09:42\r\n> "));
}

#[test]
fn nothing_runs_between_a_reboot_and_the_restart_whoever_asks() {
    let mut device = device(HUMAN);
    for line in ["reboot", "set wlan.ssid Lost", "save"] {
        device.port().console_type(line);
    }
    device.settle();
    let answers = device.port().console_answers();
    assert_eq!(answers, [&b"Rebooting\r\n"[..], b"Command failed\r\n", b"Command failed\r\n"]);
}

#[test]
fn a_power_cut_keeps_nothing() {
    let mut device = device(HUMAN);
    device.restart_by_itself(false);
    device.port().type_bytes(b"reboot\r\nget wlan.mac\r\n");
    device.settle();
    device.power_cycle();
    device.settle();
    assert!(!device.take_output().contains("4C:55"));
}

#[test]
fn in_machine_mode_the_banner_of_a_restart_is_an_answer() {
    let mut device = device(MACHINE);
    assert_eq!(device.request("reboot").text(), "Rebooting");
    device.take_bytes();
    device.advance(Duration::from_secs(1));
    let bytes = device.take_bytes();
    let (frames, rest) = framing::frames(&bytes);
    assert_eq!((frames.len(), rest), (1, &b""[..]), "{frames:?}");
    assert_eq!((frames[0].kind, frames[0].code), (b'R', 0));
    assert_eq!(frames[0].text(), device.request("version").text());
    // A start that nobody has ordered answers nobody.
    device.power_cycle();
    device.settle();
    assert_eq!(device.take_output(), "");
}

#[test]
fn the_answer_that_switches_headers_off_still_has_one() {
    let mut device = device(MACHINE);
    device.port().type_bytes(b"set sy c f human\r\n");
    device.settle();
    assert_eq!(device.take_output(), "R000008\r\nSet OK\r\n> ");
    device.port().type_bytes(b"set sy c h 1\r\nset sy c h 0\r\n");
    device.settle();
    assert_eq!(
        device.take_output(),
        "set sy c h 1\r\nR000008\r\nSet OK\r\n> set sy c h 0\r\nR000008\r\nSet OK\r\n> ",
        "on and off again"
    );
}

// Log stamps

#[test]
fn log_lines_have_a_stamp_only_once_somebody_has_set_the_clock() {
    let port = SimPort::new();
    port.set_wall_clock(Some(1_395_562_387_000));
    let mut device = SimDevice::boot(port, HUMAN);
    device.settle();
    assert!(device.take_output().contains("\r\n[Ready]\r\n"), "the clock of the board is no reason");
    assert_eq!(device.command("get ti l"), "-1\r\n");
    assert_eq!(device.command("get time.rtc"), "1395562387\r\n", "it shows the time all the same");
    device.command("fcr a.txt 0");
    device.command_with_data("fcr b.txt 1", b"x");
    assert_eq!(device.command("fop b.txt"), "[Opened: 0]\r\n0\r\n");
    device.command("close 0");
    device.command("set time.rtc 1398282023");
    assert_eq!(device.command("fop b.txt"), "[2014-04-23 | 19:40:23: Opened: 0]\r\n0\r\n");
    assert_eq!(device.command("get ti l"), "0\r\n");
    device.command("set system.cmd.timestamp none");
    device.command("close 0");
    assert_eq!(device.command("fop b.txt"), "[Opened: 0]\r\n0\r\n");
}

// Line ends

#[test]
fn a_line_feed_behind_a_carriage_return_is_no_data() {
    let mut device = device(MACHINE);
    device.port().type_bytes(b"get wl n s\rfcr b.txt 5\r\nworld");
    device.settle();
    device.take_output();
    assert_eq!(device.request("fop b.txt").code, 0);
    assert_eq!(device.request("read 0 9").text(), "world");
}

#[test]
fn data_of_a_host_with_lone_carriage_returns_may_begin_with_a_line_feed() {
    let mut device = device(MACHINE);
    device.port().type_bytes(b"ver\rver\rver\rver\rfcr b.txt 3\r\nab");
    device.settle();
    device.port().type_bytes(b"fop b.txt\rread 0 9\r");
    device.settle();
    let bytes = device.take_bytes();
    assert!(framing::frames(&bytes).0.iter().any(|frame| frame.payload == b"\nab\r\n"));
}

#[test]
fn a_command_that_refuses_its_data_leaves_no_line_end_behind() {
    let mut device = waiting(MACHINE);
    device.advance(Duration::from_secs(120));
    device.take_output();
    device.port().type_bytes(b"set bu c c 1\r\nudpc 10.5.6.9 9\r\nwrite 0 100000\r\nver\r\n");
    device.settle();
    let bytes = device.take_bytes();
    let codes: Vec<u8> = framing::frames(&bytes).0.iter().map(|frame| frame.code).collect();
    assert_eq!(codes, [0, 0, 9, 0], "{}", bytes.escape_ascii());
}

// Ends of a waiting command

#[test]
fn control_c_ends_a_waiting_command_at_once_and_keeps_what_was_typed_ahead() {
    let mut device = waiting(JOINED);
    device.port().type_bytes(b"get wlan");
    moment(&mut device);
    device.port().type_bytes(b"\x03");
    device.settle();
    assert_eq!(device.take_output(), "tcpc 10.5.6.9 99\r\nCommand failed\r\n> get wlan");
    device.port().type_bytes(b".mac\r\n");
    device.settle();
    assert_eq!(device.take_output(), ".mac\r\n4C:55:CC:10:09:42\r\n> ");
    assert_eq!(device.command("list"), "! # Type  Info\r\n", "nothing is left of it");
}

#[test]
fn control_c_is_nothing_special_in_machine_mode() {
    let mut device = waiting(MACHINE);
    device.port().type_bytes(b"\x03\r\n");
    moment(&mut device);
    assert_eq!(device.take_output(), "");
}

#[test]
fn a_break_ends_a_waiting_command_in_machine_mode() {
    let mut device = waiting(MACHINE);
    device.port().type_bytes(b"get wlan.mac\r\n");
    device.port().send_break();
    device.settle();
    assert_eq!(device.take_output(), "R100016\r\nCommand failed\r\nR000019\r\n4C:55:CC:10:09:42\r\n");
    device.port().send_break();
    device.settle();
    assert!(device.port().has_serial_ended(), "a break without a command: a process ends, a board goes on");
    assert_eq!(device.request("ver").code, 0);
}

#[test]
fn control_c_typed_into_data_ends_the_command_and_a_byte_of_the_data_does_not() {
    let mut device = device(HUMAN);
    device.port().type_bytes(b"fcr x.bin 10\r\n");
    moment(&mut device);
    device.port().type_bytes(b"abc");
    moment(&mut device);
    device.port().type_bytes(b"\x03");
    device.advance(Duration::from_secs(1));
    assert!(device.take_output().ends_with("Command failed\r\n> "));
    assert!(!device.command("ls").contains("x.bin"));
    // Next to other bytes it is a data byte, also when the data come in two pieces, and as the last byte.
    device.port().type_bytes(b"fcr y.bin 6\r\na\x03");
    device.advance(Duration::from_secs(1));
    device.port().type_bytes(b"\x03b\x03");
    device.advance(Duration::from_millis(100));
    device.port().type_bytes(b"\x03");
    device.advance(Duration::from_secs(1));
    device.take_output();
    assert!(device.command("fst y.bin").starts_with("6,"));
}

#[test]
fn a_line_that_only_ends_still_gets_its_answers() {
    let mut device = waiting(MACHINE);
    device.port().type_bytes(b"ver\r\n");
    device.port().hang_up();
    device.advance(Duration::from_secs(600));
    let bytes = device.take_bytes();
    assert_eq!(framing::frames(&bytes).0.len(), 2);
    assert!(device.port().has_serial_ended());
}

// A line over TCP

const TERMINAL: u16 = 2000;

thread_local! {
    static ENDED: Cell<usize> = const { Cell::new(0) };
}

/// A device whose command line is reached over TCP as well, one client after the other.
fn device_with_tcp_line() -> SimDevice {
    let mut device = SimDevice::boot_with(SimPort::new(), |port, spawner| {
        let device = device::boot(port, spawner, JOINED).expect("the settings are known");
        spawn(spawner, async move {
            let listener = port.sockets().tcp_listen(Interface::Wlan, TERMINAL).expect("the port is free");
            loop {
                let accept = || port.sockets().tcp_accept(listener);
                let Ok((socket, _)) = port::io(port, Event::Readable(listener), accept).await else { continue };
                terminal::serve(device.shell, Line::connection(port, socket), Opening::Prompt, None).await;
                port.sockets().close(socket);
                ENDED.set(ENDED.get() + 1);
            }
        });
    });
    device.type_line("nup");
    device.advance(Duration::from_secs(10));
    device.take_output();
    device
}

#[test]
fn a_tcp_connection_is_one_more_line() {
    let mut device = device_with_tcp_line();
    let client = device.port().connect(TERMINAL).expect("the device listens");
    device.settle();
    assert_eq!(client.received_text(), "> ", "the prompt comes at once");
    client.send("get wlan.mac\n");
    device.settle();
    assert_eq!(client.received_text(), "get wlan.mac\r\n4C:55:CC:10:09:42\r\n> ");
    // Editing, data and the log work as on the UART; the UART works beside it.
    client.send("verx\x7f\r\nfcr a.txt 3\r\na\r\n");
    device.settle();
    let text = client.received_text();
    assert!(text.contains("x\x08 \x08\r\nOPENZENTRI") && text.ends_with("Success\r\n> "), "{text:?}");
    assert!(device.command("fst a.txt").starts_with("3,"));
    device.command("set system.print_level all");
    device.command("fop a.txt");
    device.settle();
    assert_eq!(client.received_text(), "[Opened: 0]\r\n", "what happens elsewhere is logged here too");
    client.finish();
    device.settle();
    assert!(client.is_device_gone());
    assert_eq!(ENDED.get(), 1);
}

#[test]
fn the_end_of_a_connection_ends_the_command_that_waits_on_it() {
    let mut device = device_with_tcp_line();
    device.port().set_answer(SILENT, Duration::from_secs(3600), Answer::Silence);
    let client = device.port().connect(TERMINAL).expect("the device listens");
    client.send("tcpc 10.5.6.9 99\n");
    moment(&mut device);
    client.reset();
    moment(&mut device);
    assert_eq!(ENDED.get(), 1);
    assert_eq!(device.command("list"), "! # Type  Info\r\n");
    // A client that has only finished sending gets its answer.
    let client = device.port().connect(TERMINAL).expect("the device listens again");
    client.send("get wlan.mac\n");
    client.finish();
    device.settle();
    assert_eq!(client.received_text(), "> get wlan.mac\r\n4C:55:CC:10:09:42\r\n> ");
    assert_eq!(ENDED.get(), 2);
}
