//! The functions of the rows that are computed when read. The table has everything else about these rows.

use core::fmt::Write;
use core::net::Ipv4Addr;

use super::base::Base;
use super::error::ValueError;
use super::output::Output;
use super::table::{Id, ROWS, id};
use super::usage::{gpio_level, gpio_usage};
use super::value::{self, Value};
use super::version;
use crate::ground::Buffers;
use crate::ground::clock::Date;
use crate::limits;
use crate::port::{Interface, Ipv4Config};

type Result = core::result::Result<(), ValueError>;

const HEADER: Id = id("system.cmd.header_enabled");
const SSID: Id = id("wlan.ssid");
const SOFTAP_SSID: Id = id("softap.ssid");
const SETUP_SSID: Id = id("setup.web.ssid");

/// Prints a live value, without a final line end. `option` is the format word after the name (`utc`), empty without
/// one.
type Show = fn(base: &Base, option: &str, out: &mut Output<'_>) -> Result;

/// The function of each computed row.
const SHOWS: &[(Id, Show)] = &[
    (id("gpio.level"), gpio_level),
    (id("gpio.usage"), gpio_usage),
    (id("network.buffer.usage"), buffer_usage),
    (id("setup.web.client_list"), client_list),
    (id("softap.client_list"), client_list),
    (id("softap.info"), softap_info),
    (id("system.build_number"), build_number),
    (id("system.cmd.format"), mode),
    (id("system.cmd.mode"), mode),
    (id("system.memory.usage"), memory_usage),
    (id("system.oob.status"), out_of_band),
    (id("system.safemode.status"), safe_mode),
    (id("system.uuid"), uuid),
    (id("system.version"), version),
    (id("time.last_set"), last_set),
    (id("time.rtc"), rtc),
    (id("time.uptime"), uptime),
    (id("wlan.info"), wlan_info),
    (id("wlan.join.reason"), join_reason),
    (id("wlan.join.result"), join_result),
    (id("wlan.mac"), mac),
    (id("wlan.network.dns"), dns),
    (id("wlan.network.gateway"), gateway),
    (id("wlan.network.ip"), ip),
    (id("wlan.network.netmask"), netmask),
    (id("wlan.network.status"), network_status),
];

// Every computed row has exactly one function, and no other row has any.
const _: () = {
    let (mut row, mut computed) = (0, 0);
    while row < ROWS.len() {
        computed += ROWS[row].computed as usize;
        row += 1;
    }
    assert!(computed == SHOWS.len(), "a computed row without a function, or one with two");
    let mut at = 0;
    while at < SHOWS.len() {
        assert!(SHOWS[at].0.row().computed, "a function of a row that is not computed");
        assert!(at == 0 || SHOWS[at - 1].0.place() < SHOWS[at].0.place(), "functions stand in the order of the table");
        at += 1;
    }
};

/// The function that prints a row; `None` for one that keeps its value.
pub(super) fn shown_by(id: Id) -> Option<Show> {
    if !id.row().computed {
        return None;
    }
    SHOWS.iter().find(|(of, _)| *of == id).map(|(_, show)| *show)
}

/// Getters without options refuse one.
fn no_option(option: &str) -> Result {
    if option.is_empty() { Ok(()) } else { Err(ValueError::TooMany) }
}

fn show(option: &str, out: &mut Output<'_>, value: impl core::fmt::Display) -> Result {
    no_option(option)?;
    Ok(write!(out, "{value}")?)
}

// --- wlan, softap, network --------------------------------------------------------------------------------------------

/// `wlan.mac`.
fn mac(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    let [a, b, c, d, e, f] = base.port.board().mac();
    show(option, out, format_args!("{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}"))
}

fn address(base: &Base, option: &str, out: &mut Output<'_>, field: impl FnOnce(Ipv4Config) -> Ipv4Addr) -> Result {
    show(option, out, base.status.ipv4(Interface::Wlan).get().map_or(Ipv4Addr::UNSPECIFIED, field))
}

/// `wlan.network.ip`.
fn ip(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.address)
}

/// `wlan.network.netmask`.
fn netmask(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.netmask)
}

/// `wlan.network.gateway`.
fn gateway(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.gateway)
}

/// `wlan.network.dns`.
fn dns(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.dns)
}

/// `wlan.network.status`.
fn network_status(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.status.network.get())
}

/// `wlan.join.result`.
fn join_result(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.status.join_result.get())
}

/// `wlan.join.reason`.
fn join_reason(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.status.join_reason.get())
}

/// `wlan.info`. The first line is `wlan up` or `wlan down`.
fn wlan_info(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    out.put(if base.status.network.get() == 2 { b"wlan up\r\nSSID: " } else { b"wlan down\r\nSSID: " })?;
    base.variables.with(SSID, |ssid| out.put(ssid))?;
    out.put(b"\r\nMAC: ")?;
    mac(base, "", out)?;
    out.put(b"\r\nIP: ")?;
    ip(base, "", out)
}

/// `softap.info`. Hosts look for the word `clients`, one more character and the number.
fn softap_info(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    let config = base.status.ipv4(Interface::SoftAp).get();
    out.put(if config.is_some() { b"softap up\r\nSSID: ".as_slice() } else { b"softap down\r\nSSID: " })?;
    let ssid = if base.status.web_setup.get() { SETUP_SSID } else { SOFTAP_SSID };
    let ssid: Value = base.variables.with(ssid, |ssid| value::expand_name(base.port.board().mac(), ssid));
    out.put(&ssid)?;
    let address = config.map_or(Ipv4Addr::UNSPECIFIED, |config| config.address);
    Ok(write!(out, "\r\nIP: {address}\r\nclients: {}", stations(base).count())?)
}

/// `softap.client_list`: one row per station, with its address if the DHCP server knows it.
fn client_list(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, "! # MAC Address       IP Address")?;
    for (index, mac) in stations(base).enumerate() {
        let address = base.status.clients.get().and_then(|clients| clients.address(mac));
        let [a, b, c, d, e, f] = mac;
        write!(out, "\r\n# {index} {a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X} ")?;
        write!(out, "{}", address.unwrap_or(Ipv4Addr::UNSPECIFIED))?;
    }
    Ok(())
}

/// The stations of the soft AP, as many as it may have.
fn stations(base: &Base) -> impl Iterator<Item = [u8; 6]> {
    let radio = base.port.radio();
    (0..limits::SOFTAP_STATIONS).map_while(|index| radio.softap_station(index))
}

/// `network.buffer.usage`.
fn buffer_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    let (receive, transmit) = base.status.buffers.get().map_or((0, 0), Buffers::percent);
    show(option, out, format_args!("rx:{receive},tx:{transmit}"))
}

// --- time -------------------------------------------------------------------------------------------------------------

/// Milliseconds or seconds, as the option says.
fn duration(option: &str, out: &mut Output<'_>, millis: u64) -> Result {
    match option {
        "" => Ok(write!(out, "{}", millis / 1000)?),
        "ms" => Ok(write!(out, "{millis}")?),
        _ => Err(ValueError::UnknownOption),
    }
}

/// `time.uptime`.
fn uptime(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    duration(option, out, base.clock.uptime())
}

/// `time.last_set`.
fn last_set(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    match (base.clock.since_set(), option) {
        (Some(millis), _) => duration(option, out, millis),
        (None, "" | "ms") => Ok(write!(out, "-1")?),
        (None, _) => Err(ValueError::UnknownOption),
    }
}

/// `time.rtc`. A clock that was never set counts from 1970 at reset.
fn rtc(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    let now = base.clock.now().unwrap_or_else(|| base.clock.uptime());
    if option != "utc" {
        return duration(option, out, now);
    }
    let date = Date::from_millis(now);
    Ok(write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{:03}Z",
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        date.millisecond,
        base.clock.micros()
    )?)
}

// --- system -----------------------------------------------------------------------------------------------------------

/// `system.version`.
fn version(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    Ok(version::write(base, out)?)
}

/// `system.build_number`.
fn build_number(_: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, version::BUILD)
}

/// `system.uuid`.
fn uuid(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    for byte in base.port.board().uuid() {
        write!(out, "{byte:02X}")?;
    }
    Ok(())
}

/// `system.memory.usage`.
fn memory_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.port.board().memory_usage().unwrap_or(0))
}

/// `system.safemode.status`.
fn safe_mode(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, u8::from(base.status.safe_mode.get()))
}

/// `system.oob.status`.
fn out_of_band(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, format_args!("{:#x}", base.status.out_of_band.mask()))
}

/// `system.cmd.mode` and `system.cmd.format`: a device that frames its answers talks to a machine.
fn mode(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, if base.variables.flag(HEADER) { "machine" } else { "human" })
}
