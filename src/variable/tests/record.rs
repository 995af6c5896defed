//! `save`, `load`, `factory_reset`: the settings in flash survive every power cut.

use core::cell::{Cell, RefCell};

use embassy_futures::block_on;

use super::super::settings::{SaveError, Slots, WritableSlots, load_from};
use super::*;
use crate::ground::Scratch;
use crate::port::PortError;

/// Two slots of flash that lose power after some bytes.
#[derive(Default)]
struct Flash {
    slots: RefCell<[Vec<u8>; 2]>,
    /// Bytes that can still be written.
    power: Cell<Option<usize>>,
}

impl WritableSlots for Flash {
    fn begin(&self, slot: u8, record: &[u8]) -> Result<(), PortError> {
        let room = self.power.get().unwrap_or(usize::MAX).min(record.len());
        self.power.set(self.power.get().map(|power| power - room));
        let slot = &mut self.slots.borrow_mut()[usize::from(slot)];
        // The head of the new record overwrites the old content.
        if slot.len() < record.len() {
            slot.resize(record.len(), 0xff);
        }
        slot[..room].copy_from_slice(&record[..room]);
        if room < record.len() { Err(PortError::Failed(5)) } else { Ok(()) }
    }

    async fn written(&self) -> Result<(), PortError> {
        Ok(())
    }
}

impl Slots for Flash {
    fn read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize, PortError> {
        let slot = &self.slots.borrow()[usize::from(slot)];
        if slot.is_empty() {
            return Err(PortError::NotFound);
        }
        buffer[..slot.len()].copy_from_slice(slot);
        Ok(slot.len())
    }
}

fn save_to(variables: &Variables, scratch: &Scratch, flash: &Flash) -> Result<(), SaveError> {
    block_on(settings::save_to(variables, scratch, flash))
}

fn erase_in(variables: &Variables, scratch: &Scratch, flash: &Flash) -> Result<(), SaveError> {
    block_on(settings::erase_in(variables, scratch, flash))
}

const SSID: Id = id("wlan.ssid");

/// What a restart finds as the network name; `None` without a record.
fn restart(flash: &Flash) -> Option<Vec<u8>> {
    let variables = Variables::new();
    load_from(&variables, &Scratch::new(), flash).then(|| variables.with(SSID, <[u8]>::to_vec))
}

#[test]
fn a_cut_at_any_byte_of_a_save_leaves_the_old_or_the_new_record() {
    let variables = Variables::new();
    // A record that grows and one that shrinks; each over an older one of another length.
    for (old, new) in [(&b"old"[..], &b"a new network name"[..]), (b"an old network name", b"new")] {
        for cut in 0.. {
            let flash = Flash::default();
            for name in [&b"the oldest network of all"[..], old] {
                variables.set_text(SSID, name).unwrap();
                save_to(&variables, &Scratch::new(), &flash).unwrap();
            }
            variables.set_text(SSID, new).unwrap();
            flash.power.set(Some(cut));
            let saved = save_to(&variables, &Scratch::new(), &flash);
            flash.power.set(None);
            let found = restart(&flash).unwrap();
            assert!(found == new || (found == old && saved.is_err()), "cut {cut}: {found:?} after {saved:?}");
            // And the next save works.
            save_to(&variables, &Scratch::new(), &flash).unwrap();
            assert_eq!(restart(&flash).unwrap(), new);
            if saved.is_ok() {
                assert!(cut > 20);
                break;
            }
        }
    }
}

#[test]
fn a_cut_in_the_very_first_save_leaves_nothing_or_all() {
    let variables = Variables::new();
    variables.set_text(SSID, b"net").unwrap();
    for cut in 0.. {
        let flash = Flash::default();
        flash.power.set(Some(cut));
        let saved = save_to(&variables, &Scratch::new(), &flash);
        assert_eq!(restart(&flash), saved.is_ok().then(|| b"net".to_vec()), "cut {cut}");
        if saved.is_ok() {
            break;
        }
    }
}

#[test]
fn a_cut_in_a_factory_reset_leaves_the_old_record_or_none() {
    let variables = Variables::new();
    for cut in 0.. {
        let flash = Flash::default();
        for name in [&b"older"[..], b"old"] {
            variables.set_text(SSID, name).unwrap();
            save_to(&variables, &Scratch::new(), &flash).unwrap();
        }
        flash.power.set(Some(cut));
        let erased = erase_in(&variables, &Scratch::new(), &flash);
        flash.power.set(None);
        let found = restart(&flash).unwrap();
        assert!(found.is_empty() || (found == b"old" && erased.is_err()), "cut {cut}: {found:?}");
        if erased.is_ok() {
            // The newest copies hold nothing, and no valid record names the network any more.
            for slot in [0, 1] {
                let only = Flash::default();
                only.slots.borrow_mut()[slot] = flash.slots.borrow()[slot].clone();
                assert_eq!(restart(&only).unwrap(), b"");
            }
            break;
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let variables = Variables::new();
    variables.set_text(SSID, b"net").unwrap();
    let flash = Flash::default();
    save_to(&variables, &Scratch::new(), &flash).unwrap();
    let record = flash.slots.borrow()[0].clone();
    for bit in 0..record.len() * 8 {
        flash.slots.borrow_mut()[0][bit / 8] ^= 1 << (bit % 8);
        assert_eq!(restart(&flash), None, "bit {bit}");
        flash.slots.borrow_mut()[0].clone_from(&record);
    }
}

#[test]
fn a_restart_finds_everything_that_was_saved() {
    let base = device();
    let lines = [
        "wlan.ssid \u{fc}ber-net",
        "wlan.passkey 0123456789abcdef",
        "wlan.static.ip 10.0.0.7",
        "uart.baud 1 123456",
        "gpio.init 22 out 1",
        "gpio.alias 7 _",
        "system.indicator.state network slow_blink|slow_blink|slow_blink",
        "time.zone -4:30",
        "system.cmd.mode machine",
        "setup.gpio.control_gpio -1",
    ];
    for line in lines {
        let raw = if line.starts_with("uart.baud") { " raw" } else { "" };
        set(base, &(String::from(line) + raw)).unwrap();
    }
    set(base, "wlan.hide_passkey 0").unwrap();
    let before = get(base, "all").unwrap();
    block_on(settings::save(base)).unwrap();
    // Not saved, and lost.
    set(base, "wlan.ssid other").unwrap();
    let again = device_on(base.port);
    assert!(settings::load(again));
    let stable = |text: String| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("time.")).map(String::from).collect()
    };
    assert_eq!(stable(get(again, "all").unwrap()), stable(before));
    again.clock.set(1_395_562_387_000);
    assert_eq!(again.clock.local().unwrap().hour, 3, "the clock knows the zone");
    block_on(settings::erase(again)).unwrap();
    let reset = device_on(base.port);
    assert!(settings::load(reset));
    assert_eq!(stable(get(reset, "all").unwrap()), stable(get(device(), "all").unwrap()));
}

#[test]
fn unknown_names_and_values_out_of_range_are_left_out() {
    let variables = Variables::new();
    for (name, element, value) in [
        ("wlan.ssid", None, &b"net"[..]),
        ("tcp.server.port", None, b"0"),
        ("wlan.mac", None, b"00:00:00:00:00:00"),
        ("uart.baud", None, b"9600"),
        ("uart.baud", Some("9"), b"9600"),
        ("system.cmd.echo", Some("0"), b"0"),
    ] {
        let (id, _) = find(&[name]).unwrap();
        let restored = variables.restore(id, element, value);
        assert_eq!(restored.is_ok(), name == "wlan.ssid", "{name}");
    }
    assert_eq!(variables.number(id("tcp.server.port")), 3000);
}

#[test]
fn a_record_of_another_release_loads_what_is_still_known() {
    let variables = Variables::new();
    variables.set_text(SSID, b"net").unwrap();
    variables.set_text(id("ntp.server"), b"time").unwrap();
    let flash = Flash::default();
    save_to(&variables, &Scratch::new(), &flash).unwrap();
    let mut record = flash.slots.borrow()[0].clone();
    let at = record.windows(10).position(|name| name == b"ntp.server").unwrap();
    record[at] = b'x';
    // The checksum is a CBOR number of five bytes.
    let end = record.len() - 5;
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&record[..end]);
    assert!(checksum > 0xffff);
    record[end + 1..].copy_from_slice(&checksum.to_be_bytes());
    flash.slots.borrow_mut()[0] = record;
    assert_eq!(restart(&flash).unwrap(), b"net");
}

#[test]
fn a_settings_file_has_a_line_a_variable_and_no_secrets() {
    let base = device();
    for line in ["wlan.passkey secret-one", "re w secret-two", "uart.baud 1 123456 raw", "gpio.init 3 out 1"] {
        set(base, line).unwrap();
    }
    base.variables.set(base, SSID, &[b"a \"b\\\xff\n"]).unwrap();
    base.variables.set(base, id("email.name_address"), &[b"Me <me@my.org>"]).unwrap();
    set(base, "broadcast.interval 5").unwrap();
    set(base, "mdns.name x-#").unwrap();
    set(base, "ntp.server _").unwrap();
    let mut text = Vec::new();
    settings::save_text(base, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in [
        "# wlan.passkey is hidden",
        "# remote_terminal.password is hidden",
        "uart.baud 1 123456 raw",
        "gpio.init 3 output 1",
        r#"wlan.ssid "a \"b\\\xFF\x0A""#,
        "email.name_address \"Me <me@my.org>\"",
        "broadcast.interval 5",
        "mdns.name \"x-#\"",
        "ntp.server \"\"",
    ] {
        assert!(text.split("\r\n").any(|found| found == line), "{line} in {text}");
    }
    assert!(!text.contains("secret"));
    assert_eq!(text.lines().count(), 9);
}

#[test]
fn every_row_can_be_named_in_a_record() {
    for id in Id::all() {
        // `entry_size` counts the name; one cut short would be shorter than the row's own.
        assert!(element::entry_size(id, element::Element(63), 0) >= id.row().name.len() + 4, "{}", id.row().name);
    }
}
