//! Hostile input against the whole device: it must answer every line with one whole frame, and go on.

use embassy_time::Duration;
use openzentri::command::COMMANDS;
use openzentri::limits;
use openzentri::port::sim::{SimDevice, SimPort};
use openzentri::variable;
use random::Random;

#[path = "shared/random.rs"]
mod random;

/// How many lines are tried; `OPENZENTRI_ROUNDS` asks for more or fewer.
fn rounds() -> usize {
    std::env::var("OPENZENTRI_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

const WORDS: [&str; 24] = [
    "0",
    "1",
    "7",
    "8",
    "255",
    "-1",
    "99999999999",
    "all",
    "-o",
    "-eu",
    "-i",
    "wlan",
    "softap",
    "start",
    "stop",
    "3000",
    "10.5.6.1",
    "no.such.host",
    "a.txt",
    "\"",
    "\"\"",
    "0xFE",
    "1.0.0",
    "\\x00\\xff",
];

/// A line that is nearly right: a command with words that fit more or less.
fn plausible(random: &mut Random) -> Vec<u8> {
    let command = &COMMANDS[random.below(COMMANDS.len())];
    let mut line = random.pick(&[command.name, command.abbr]).as_bytes().to_vec();
    for _ in 0..random.below(5) {
        line.extend_from_slice(b" ");
        match random.below(6) {
            0 => line.extend_from_slice(variable::rows()[random.below(variable::rows().len())].name.as_bytes()),
            1 => line.extend_from_slice(variable::rows()[random.below(variable::rows().len())].abbr.as_bytes()),
            2 => line.extend(random.bytes(40)),
            _ => line.extend_from_slice(random.pick(&WORDS).as_bytes()),
        }
    }
    line
}

fn mutated(random: &mut Random, mut line: Vec<u8>) -> Vec<u8> {
    for _ in 0..random.below(4) {
        let at = random.below(line.len() + 1);
        match random.below(3) {
            0 => line.insert(at, random.next() as u8),
            1 if at < line.len() => drop(line.remove(at)),
            _ if at < line.len() => line[at] = random.next() as u8,
            _ => {}
        }
    }
    line
}

fn line(random: &mut Random) -> Vec<u8> {
    let mut line = match random.below(10) {
        0 => random.bytes(60),
        1 => random.bytes(2 * limits::COMMAND_LINE),
        _ => {
            let line = plausible(random);
            mutated(random, line)
        }
    };
    line.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    line
}

/// Lines that are meant to change the framing, to leave command mode or to restart the device are for other tests.
fn is_left_out(line: &[u8]) -> bool {
    let has = |text: &[u8]| line.windows(text.len()).any(|window| window == text);
    let mode = has(b"system.") || has(b"sy ") || has(b"structured");
    mode || has(b"reboot") || has(b"sleep") || has(b"wlan.ssid") || has(b"wl s")
}

/// Splits the output into frames. Returns the codes of the answers, or `None` when the output ends within a frame.
fn answers(printed: &[u8]) -> Option<Vec<usize>> {
    let (mut rest, mut codes) = (printed, Vec::new());
    while !rest.is_empty() {
        let header = rest.get(..9)?;
        assert!(matches!(header[0], b'R' | b'L') && &header[7..] == b"\r\n", "no header: {:?}", header.escape_ascii());
        assert!(header[1].is_ascii_digit(), "no code: {:?}", header.escape_ascii());
        let length: usize = std::str::from_utf8(&header[2..7]).unwrap().parse().expect("a length");
        let payload = rest.get(9..9 + length)?;
        assert!(payload.is_empty() || payload.ends_with(b"\r\n"), "no line end: {:?}", payload.escape_ascii());
        if header[0] == b'R' {
            codes.push(usize::from(header[1] - b'0'));
        }
        rest = &rest[9 + length..];
    }
    Some(codes)
}

#[test]
fn random_lines_are_answered_with_whole_frames() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, &[("system.cmd.mode", "machine"), ("http.server.enabled", "0")]);
    device.settle();
    device.take_bytes();
    let mut random = Random::new(0x5EED_0F0E_2026_1122);
    let mut seen = [0; 10];
    for round in 0..rounds() {
        let line = line(&mut random);
        if is_left_out(&line) {
            continue;
        }
        port.type_bytes(&line);
        port.type_bytes(b"\r");
        let mut printed = Vec::new();
        let answered = device.run_until(Duration::from_secs(600), |device| {
            printed.extend(device.take_bytes());
            answers(&printed).is_some_and(|codes| !codes.is_empty())
        });
        assert!(answered, "round {round}: no answer to {:?}", line.escape_ascii());
        answers(&printed).unwrap().into_iter().for_each(|code| seen[code] += 1);
    }
    // All codes but 9, which needs a full buffer, were seen: the lines reach all parts of the device.
    assert!(seen[..9].iter().all(|count| *count > 0), "{seen:?}");
    assert_eq!(port.stale_calls(), 0);
    port.type_bytes(b"close all\r");
    device.advance(Duration::from_secs(60));
    let printed = String::from_utf8_lossy(&device.take_bytes()).into_owned();
    assert!(printed.ends_with("R000009\r\nSuccess\r\n"), "{printed}");
    assert_eq!(device.command("version").lines().count(), 2);
}

#[test]
fn a_save_that_is_cut_leaves_the_old_or_the_new_settings() {
    let ssid = |device: &mut SimDevice| device.command("get softap.ssid");
    let mut cut = 0;
    loop {
        let port = SimPort::new();
        let mut device = SimDevice::boot(port, &[]);
        device.settle();
        device.take_output();
        device.command("set softap.ssid old");
        assert!(device.command("save").contains("Success"));
        device.command("set softap.ssid new");
        port.flash().cut_after(cut);
        let saved = device.command("save").contains("Success");
        device.power_cycle();
        device.settle();
        device.take_output();
        let kept = ssid(&mut device);
        assert!(matches!(kept.trim(), "old" | "new"), "cut after {cut}: {kept:?}");
        if saved {
            assert_eq!(kept.trim(), "new", "a save that succeeded is lost, cut after {cut}");
            assert!(cut > 10, "the cut never came");
            return;
        }
        cut += 1;
    }
}
