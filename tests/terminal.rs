//! A person at a terminal: each key, what is drawn when something comes in between, completion, suggestions, data; and that a
//! host sees none of it.
#![cfg(feature = "line_editor")]

#[path = "shared/screen.rs"]
mod screen;

use embassy_time::Duration;
use openzentri::port::sim::{SimDevice, SimPort};
use proptest::prelude::*;
use screen::Screen;

const QUIET: &[(&str, &str)] = &[("wlan.ssid", ""), ("http.server.enabled", "0")];

/// A device with a person at a terminal, who has seen the prompt.
struct Seat {
    device: SimDevice,
    screen: Screen,
}

impl Seat {
    fn of(columns: u16) -> Self {
        let port = SimPort::new();
        port.set_terminal(Some(columns));
        let mut seat = Self { device: SimDevice::boot(port, QUIET), screen: Screen::new(columns.into()) };
        seat.look();
        seat
    }

    fn new() -> Self {
        Self::of(80)
    }

    fn look(&mut self) {
        let bytes = self.device.take_bytes();
        self.screen.show(&bytes);
    }

    /// Types keys, one after the other.
    fn types(&mut self, keys: &str) -> &mut Self {
        for byte in keys.bytes() {
            self.device.port().type_bytes(&[byte]);
            self.device.settle();
        }
        self.look();
        self
    }

    /// The last row, with the cursor.
    fn row(&self) -> String {
        self.screen.last(1).remove(0)
    }

    /// The last rows, with the cursor.
    fn rows(&self, count: usize) -> Vec<String> {
        self.screen.last(count)
    }

    /// Makes the device log something that others do: the console opens a file.
    fn logs(&mut self) {
        self.device.port().console_type("file_open there.txt");
        self.device.settle();
        self.device.port().console_type("stream_close all");
        self.device.settle();
        self.look();
    }

    /// A device with a file.
    fn with_file() -> Self {
        let mut seat = Self::new();
        seat.types("file_create there.txt 1\rx");
        seat
    }

    fn has_left(&self) -> bool {
        self.device.port().has_serial_ended()
    }
}

// The start

#[test]
fn a_terminal_says_how_to_get_help_and_how_to_leave() {
    let seat = Seat::of(100);
    let rows = seat.screen.rows();
    assert_eq!(rows[0], "help lists what can be typed, Tab completes, Ctrl-D leaves");
    assert!(rows[1].starts_with("OPENZENTRI"), "{rows:?}");
    assert_eq!(rows[2..], ["[Ready]", "> "].map(str::trim_end));
    assert_eq!(seat.row(), "> |");
}

#[test]
fn a_host_gets_the_bytes_of_the_plain_editor() {
    let keys = "verx\x7f\r\x1b[A\x01\x05\x15\x17\x0b\x0c\x12\x04x\r\tget wlan.ma\t\r";
    let printed = |columns| {
        let port = SimPort::new();
        port.set_terminal(columns);
        let mut device = SimDevice::boot(port, QUIET);
        port.type_bytes(keys.as_bytes());
        device.take_output()
    };
    let host = printed(None);
    assert!(!host.contains('\x1b') && !host.contains("help"), "{host:?}");
    assert!(host.contains("> verx\x08 \x08\r\nOPENZENTRI"), "{host:?}");
    assert!(host.contains("> verx\r\nUnknown command\r\n> get wlan.mac \r\n4C:55:CC:10:09:42\r\n> "), "{host:?}");
    assert_ne!(printed(Some(80)), host);
}

#[test]
fn at_a_terminal_in_machine_mode_there_is_nothing_but_frames() {
    let port = SimPort::new();
    port.set_terminal(Some(80));
    let mut device = SimDevice::boot(port, &[("wlan.ssid", ""), ("system.cmd.mode", "machine")]);
    device.take_output();
    port.type_bytes(b"verison\r\nfcr a.txt 2\r\nab");
    assert_eq!(device.take_output(), "R300017\r\nUnknown command\r\nR000009\r\nSuccess\r\n");
}

// Redraw

#[test]
fn the_line_is_drawn_again_below_a_log_line() {
    let mut seat = Seat::with_file();
    seat.types("get wlan.sid\x1b[D\x1b[D");
    assert_eq!(seat.row(), "> get wlan.s|id");
    seat.logs();
    assert_eq!(seat.rows(3), ["Closing: 0", "[Closed: 0]", "> get wlan.s|id"]);
    seat.types("s\r");
    assert_eq!(seat.rows(2), ["> get wlan.ssid", "> |"]);
}

#[test]
fn a_line_over_several_rows_is_drawn_again_whole() {
    let mut seat = Seat::of(20);
    seat.types("file_create there.txt 1\rx");
    for (typed, rows) in [
        ("get 12345678901234", vec!["> get 12345678901234", "|"]),
        ("5", vec!["> get 12345678901234", "5|"]),
        ("\x1b[D\x1b[D", vec!["> get 1234567890123|4", "5"]),
        ("\x01", vec!["> |get 12345678901234", "5"]),
        ("\x0b", vec!["> |"]),
        ("字字字字字字字字字字", vec!["> 字字字字字字字字字", "字|"]),
    ] {
        seat.types(typed);
        assert_eq!(seat.rows(rows.len()), rows, "{typed:?}");
        seat.logs();
        let mut below = vec!["[Closed: 0]"];
        below.extend(&rows);
        assert_eq!(seat.rows(below.len()), below, "{typed:?}");
    }
}

#[test]
fn what_the_place_of_the_device_says_lands_above_the_line() {
    let mut seat = Seat::new();
    seat.types("get wl");
    seat.device.port().notice("http://127.0.0.1:8080/");
    seat.device.port().notice("and more");
    seat.look();
    assert_eq!(seat.rows(3), ["http://127.0.0.1:8080/", "and more", "> get wl|"]);
    // Also when nothing is drawn.
    seat.types("\rstream_wait all 5000\r");
    seat.device.port().notice("in between");
    seat.device.advance(Duration::from_secs(6));
    seat.look();
    assert_eq!(seat.rows(4), ["> stream_wait all 5000", "in between", "None", "> |"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    /// A log line changes nothing that is drawn, whatever was typed and however narrow the terminal is.
    #[test]
    fn a_log_line_leaves_no_trace_in_the_line(
        columns in 8u16..40,
        keys in "([a-z .äß字😀]|\x01|\x02|\x05|\x06|\x0b|\x0c|\x10|\x0e|\x12|\x15|\x17|\x7f|\x1b\\[A|\x1b\\[D|\x1b\\[C){0,60}",
    ) {
        let mut seat = Seat::of(columns);
        seat.types("file_create there.txt 1\rxls\rget wlan.ssid\r");
        seat.types(&keys);
        let all = seat.rows(usize::MAX);
        let start = all.iter().rposition(|row| ["> ", "search ", "nothing "].iter().any(|start| row.starts_with(start)));
        let drawn = all[start.unwrap()..].to_vec();
        seat.logs();
        prop_assert_eq!(seat.rows(drawn.len()), drawn);
    }
}

// Keys

#[test]
fn keys_that_edit() {
    for (keys, row) in [
        ("wlan.mac\x01get ", "> get |wlan.mac"),
        ("wlan.mac\x01get \x05!", "> get wlan.mac!|"),
        ("get wlan.mac\x1b[D\x15", "> |c"),
        ("get wlan.mac \x17", "> get |"),
        ("get wlan.mac\x01\x1b[C\x0b", "> g|"),
    ] {
        assert_eq!(Seat::new().types(keys).row(), row, "{keys:?}");
    }
}

#[test]
fn control_l_empties_the_screen() {
    let mut seat = Seat::new();
    seat.types("get wl\x0c");
    assert_eq!(seat.screen.rows(), ["> get wl"]);
    assert_eq!(seat.row(), "> get wl|");
}

#[test]
fn control_r_searches() {
    let mut seat = Seat::new();
    seat.types("get wlan.mac\rversion\rget wlan.ssid\rdra\x12wlan");
    assert_eq!(seat.row(), "search \"wlan\": get wlan.ssid|");
    assert_eq!(seat.types("\x12").row(), "search \"wlan\": get wlan.mac|");
    assert_eq!(seat.types("\x07").row(), "> dra|");
    seat.types("\x12mac\r");
    assert_eq!(seat.rows(3), ["> get wlan.mac", "4C:55:CC:10:09:42", "> |"]);
}

#[test]
fn the_draft_survives_the_arrow_keys() {
    let mut seat = Seat::new();
    seat.types("version\rdra\x1b[A");
    assert_eq!(seat.row(), "> version|");
    assert_eq!(seat.types("\x1b[B").row(), "> dra|");
}

#[test]
fn control_c_clears_the_line_then_explains_then_leaves() {
    let mut seat = Seat::new();
    seat.types("get wl\x1b[D\x03");
    assert_eq!(seat.rows(2), ["> get wl^C", "> |"]);
    seat.types("\x03");
    assert_eq!(seat.rows(3), ["> ^C", "Ctrl-C once more, or Ctrl-D, leaves; help lists what can be typed", "> |"]);
    assert!(!seat.types("x\x7f\x03").has_left(), "not twice in a row");
    assert!(seat.types("\x03").has_left());
}

#[test]
fn a_break_is_control_c() {
    let mut seat = Seat::new();
    seat.types("get wl");
    for (row, left) in [("> |", false), ("> |", false), ("> |", true)] {
        seat.device.port().send_break();
        seat.look();
        assert_eq!((seat.row().as_str(), seat.has_left()), (row, left));
    }
}

#[test]
fn control_d_leaves_an_empty_line() {
    let mut seat = Seat::new();
    assert_eq!(seat.types("ab\x01\x04").row(), "> |b");
    assert!(!seat.has_left());
    assert!(seat.types("\x04\x04").has_left());
}

#[test]
fn nothing_of_a_passphrase_is_drawn_and_control_c_ends_the_question() {
    let mut seat = Seat::new();
    seat.types("network_up -s\r");
    seat.device.advance(Duration::from_secs(10));
    seat.types("0\r");
    let asked = seat.rows(2);
    assert_eq!(asked, ["Passphrase:", "> |"]);
    assert_eq!(seat.types("secret").rows(2), asked);
    seat.types("\x03");
    assert_eq!(seat.rows(2), ["> ^C", "> |"]);
    seat.types("get wlan.mac\r");
    assert_eq!(seat.rows(3), ["> get wlan.mac", "4C:55:CC:10:09:42", "> |"], "a command again");
    assert!(!seat.screen.rows().concat().contains("secret"));
}

#[test]
fn a_line_that_is_too_long_does_not_run_cut_off() {
    let mut seat = Seat::new();
    seat.types(&"x".repeat(openzentri::limits::COMMAND_LINE + 1)).types("\r");
    assert_eq!(seat.rows(2), ["Command too long", "> |"]);
}

#[test]
fn half_a_line_is_there_again_after_a_restart_that_somebody_else_orders() {
    let mut seat = Seat::of(100);
    seat.types("get wlan");
    seat.device.port().console_type("reboot");
    seat.device.advance(Duration::from_secs(1));
    seat.look();
    assert_eq!((seat.device.restarts(), seat.row().as_str()), (1, "> get wlan|"));
    let rows = seat.screen.rows();
    assert!(rows[rows.len() - 3].starts_with("OPENZENTRI"), "{rows:?}");
}

// Tab

#[test]
fn tab_completes_what_the_tables_know() {
    for (keys, row) in [
        ("vers\t", "> version |"),
        ("stream_p\t", "> stream_poll |"),
        ("get wlan.ss\t", "> get wlan.ssid |"),
        ("get netw\t", "> get network|"),
        ("set wlan.mac\t", "> set wlan.mac|"),
        ("set system.cmd.ec\t", "> set system.cmd.echo |"),
        ("set system.cmd.mode m\t", "> set system.cmd.mode machine |"),
        ("set sy c m h\t", "> set sy c m human |"),
        ("help file_d\t", "> help file_delete |"),
        ("tcp_server st\t", "> tcp_server st|"),
        ("tcp_server sta\t", "> tcp_server start |"),
        ("ping -i so\t", "> ping -i softap |"),
        ("fde th\t", "> fde there.txt |"),
        ("set http.server.root_filename th\t", "> set http.server.root_filename there.txt |"),
        ("zzz\t", "> zzz|"),
        ("versx\x1b[D\t", "> version |x"),
    ] {
        assert_eq!(Seat::with_file().types(keys).row(), row, "{keys:?}");
    }
}

#[test]
fn tab_knows_the_handles_of_streams() {
    let mut seat = Seat::with_file();
    seat.types("file_open there.txt\rstream_close \t");
    assert_eq!(seat.row(), "> stream_close |", "0 or all");
    seat.types("\t");
    assert_eq!(seat.rows(3), ["> stream_close", "0    all", "> stream_close |"]);
    assert_eq!(seat.types("\x15stream_read \t").row(), "> stream_read 0 |");
}

#[test]
fn a_second_tab_lists() {
    let mut seat = Seat::of(40);
    seat.types("http_\t");
    assert_eq!(seat.row(), "> http_|");
    seat.types("\t");
    let rows = seat.rows(6);
    assert_eq!(rows[0], "> http_");
    assert_eq!(rows[1], "http_add_header   http_download");
    assert_eq!(rows.last().unwrap(), "> http_|");
    // Many names are listed up to their next dot.
    seat.types("\x15get \t\t");
    let listed = seat.screen.rows().join(" ");
    assert!(listed.contains(" wlan. ") && !listed.contains("wlan.ssid"), "{listed}");
    seat.types("wlan.\t\t");
    assert!(seat.screen.rows().join(" ").contains("wlan.ssid"));
}

// Suggestions and help

#[test]
fn an_unknown_word_gets_a_suggestion() {
    let mut seat = Seat::new();
    seat.types("verison\r");
    assert_eq!(seat.rows(4), ["> verison", "Unknown command", "Did you mean version?", "> |"]);
    seat.types("get wlan.sid\r");
    assert_eq!(seat.rows(4), ["> get wlan.sid", "Unknown variable", "Did you mean wlan.ssid?", "> |"]);
    seat.types("qqqqqqqq\r");
    assert_eq!(seat.rows(3), ["> qqqqqqqq", "Unknown command", "> |"]);
}

#[test]
fn help_explains_a_group_and_a_command() {
    let mut seat = Seat::new();
    seat.types("help wlan\r");
    let group = seat.screen.rows().join("\n");
    assert!(group.contains("\nwlan_scan (scan): List the wireless networks\n"), "{group}");
    assert!(group.contains("\nwlan.ssid (wl s): "), "{group}");
    seat.types("\x0chelp stream_poll\r");
    let page = seat.screen.rows().join("\n");
    let parts = [
        "Usage: stream_poll <handle>|all",
        "\n  handle ",
        "\n  -c ",
        "\nAnswer: 0 no data",
        "\nExample: stream_poll all -c\n",
    ];
    for part in parts {
        assert!(page.contains(part), "{part}: {page}");
    }
}

// Data

#[test]
fn data_are_shown_with_a_count() {
    let mut seat = Seat::new();
    seat.types("file_create hello.txt 12\r");
    assert_eq!(seat.rows(2), ["> file_create hello.txt 12", "[0 of 12] |"]);
    assert_eq!(seat.types("Hello").row(), "[5 of 12] Hello|");
    seat.types(" World!");
    assert_eq!(seat.rows(4), ["[12 of 12] Hello World!", "File created", "Success", "> |"]);
    // A log line in between.
    seat.types("file_create there.txt 5\rab\r");
    assert_eq!(seat.row(), "[3 of 5] ab.|");
    seat.device.port().notice("in between");
    seat.look();
    assert_eq!(seat.rows(2), ["in between", "[3 of 5] ab.|"]);
    seat.types("cd");
    assert_eq!(seat.rows(4), ["[5 of 5] ab.cd", "File created", "Success", "> |"]);
    // All at once, as it is pasted.
    seat.device.port().type_bytes(b"file_create pasted.txt 3\rabcls\r");
    seat.look();
    let rows = seat.screen.rows().join("\n");
    assert!(rows.contains("> file_create pasted.txt 3\n[3 of 3] abc\nFile created\nSuccess\n> ls\n"), "{rows}");
}

#[test]
fn control_c_ends_a_command_that_reads_data() {
    let mut seat = Seat::new();
    seat.types("file_create x.bin 9\rabc");
    seat.device.port().send_break();
    seat.look();
    assert_eq!(seat.rows(3), ["[3 of 9] abc", "Command failed", "> |"]);
    // As a byte, Ctrl-C counts only when it comes alone: it could be a data byte.
    seat.types("file_create x.bin 9\rabc");
    seat.device.advance(Duration::from_millis(100));
    seat.types("\x03");
    seat.device.advance(Duration::from_secs(1));
    seat.look();
    assert_eq!(seat.rows(3), ["[4 of 9] abc.", "Command failed", "> |"]);
    seat.types("file_stat x.bin\r");
    assert!(seat.screen.rows().contains(&"File not found".to_owned()), "{:?}", seat.screen.rows());
}
