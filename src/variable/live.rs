//! Rows that are computed when asked for, and what some rows do when they are set.

use core::fmt::Write;
use core::net::Ipv4Addr;

use super::store::Element;
use super::{Id, Index, Kind, Output, ValueError, id, value};
use crate::base::Base;
use crate::clock::Date;
use crate::limits;
use crate::port::Ipv4Config;

type Result = core::result::Result<(), ValueError>;

const ECHO: Id = id("system.cmd.echo");
const HEADER: Id = id("system.cmd.header_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");
const PRINT_LEVEL: Id = id("system.print_level");
const SSID: Id = id("wlan.ssid");
const SOFTAP_SSID: Id = id("softap.ssid");
const GPIO_INIT: Id = id("gpio.init");
const GPIO_ALIAS: Id = id("gpio.alias");
const ACTIVITY: Id = id("system.activity.gpio");

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
pub fn mac(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    let [a, b, c, d, e, f] = base.port.board().mac();
    show(option, out, format_args!("{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}"))
}

fn address(base: &Base, option: &str, out: &mut Output<'_>, field: impl FnOnce(Ipv4Config) -> Ipv4Addr) -> Result {
    show(option, out, base.status.ipv4.get().map_or(Ipv4Addr::UNSPECIFIED, field))
}

/// `wlan.network.ip`.
pub fn ip(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.address)
}

/// `wlan.network.netmask`.
pub fn netmask(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.netmask)
}

/// `wlan.network.gateway`.
pub fn gateway(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.gateway)
}

/// `wlan.network.dns`.
pub fn dns(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    address(base, option, out, |config| config.dns)
}

/// `wlan.network.status`.
pub fn network_status(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.status.network.get())
}

/// `wlan.join.result`.
pub fn join_result(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.status.join_result.get())
}

/// `wlan.info`. The first line is `wlan up` or `wlan down`.
pub fn wlan_info(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    out.put(if base.status.network.get() == 2 { b"wlan up\r\nSSID: " } else { b"wlan down\r\nSSID: " })?;
    base.variables.with(SSID, |ssid| out.put(ssid))?;
    out.put(b"\r\nMAC: ")?;
    mac(base, "", out)?;
    out.put(b"\r\nIP: ")?;
    ip(base, "", out)
}

/// `softap.info`, with the soft AP down.
pub fn softap_info(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    out.put(b"softap down\r\nSSID: ")?;
    let ssid: super::Value = base.variables.with(SOFTAP_SSID, |ssid| value::expand_name(base.port.board().mac(), ssid));
    Ok(out.put(&ssid)?)
}

/// `softap.client_list`, without clients.
pub fn client_list(_: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, "! # MAC Address       IP Address")
}

/// `network.buffer.usage`.
pub fn buffer_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    let (receive, transmit) = base.status.buffer_usage.get();
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
pub fn uptime(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    duration(option, out, base.clock.uptime())
}

/// `time.last_set`.
pub fn last_set(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    match (base.clock.since_set(), option) {
        (Some(millis), _) => duration(option, out, millis),
        (None, "" | "ms") => Ok(write!(out, "-1")?),
        (None, _) => Err(ValueError::UnknownOption),
    }
}

/// `time.rtc`. A clock that was never set counts from 1970 at reset.
pub fn rtc(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
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

/// `set time.rtc <seconds>`.
pub fn set_rtc(base: &Base, value: &[u8]) -> Result {
    let seconds = value::integer(value).and_then(|seconds| u64::try_from(seconds).ok()).ok_or(ValueError::Invalid)?;
    base.clock.set(seconds.saturating_mul(1000));
    Ok(())
}

/// `set time.zone <zone>`.
pub fn set_zone(base: &Base, value: &[u8]) -> Result {
    base.clock.set_zone(value::zone_minutes(value).ok_or(ValueError::Invalid)?);
    Ok(())
}

// --- system -----------------------------------------------------------------------------------------------------------

/// `system.version`.
pub fn version(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    Ok(crate::version::write(base, out)?)
}

/// `system.build_number`.
pub fn build_number(_: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, crate::version::BUILD)
}

/// `system.uuid`.
pub fn uuid(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    for byte in base.port.board().uuid() {
        write!(out, "{byte:02X}")?;
    }
    Ok(())
}

/// `system.memory.usage`.
pub fn memory_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, base.port.board().memory_usage().unwrap_or(0))
}

/// `system.safemode.status`.
pub fn safe_mode(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, u8::from(base.status.safe_mode.get()))
}

/// `system.cmd.mode` and `system.cmd.format`: a device that frames its answers talks to a machine.
pub fn mode(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    show(option, out, if base.variables.flag(HEADER) { "machine" } else { "human" })
}

/// `set system.cmd.mode human|machine` (serial reference 3).
pub fn set_mode(base: &Base, value: &[u8]) -> Result {
    let (machine, human, level): (&[u8], &[u8], &[u8]) =
        if value == b"machine" { (b"1", b"0", b"0") } else { (b"0", b"1", b"all") };
    base.variables.set_all(&[(ECHO, human), (HEADER, machine), (PROMPT, human), (PRINT_LEVEL, level)])
}

// --- gpio -------------------------------------------------------------------------------------------------------------

/// `gpio.usage`: a title and the GPIOs that have a function.
pub fn gpio_usage(base: &Base, option: &str, out: &mut Output<'_>) -> Result {
    no_option(option)?;
    out.put(b"!  # Description")?;
    for gpio in 0..limits::GPIOS {
        let mut line = Usage { base, gpio, begun: false, out: &mut *out };
        line.directions()?;
        line.functions()?;
        line.alias()?;
    }
    Ok(())
}

/// The line of one GPIO, begun when its first function is found.
struct Usage<'a, 'b> {
    base: &'a Base,
    gpio: u8,
    begun: bool,
    out: &'a mut Output<'b>,
}

impl Usage<'_, '_> {
    fn add(&mut self, text: core::fmt::Arguments<'_>) -> Result {
        match self.begun {
            false => write!(self.out, "\r\n# {:>2} {text}", self.gpio)?,
            true => write!(self.out, " {text}")?,
        }
        self.begun = true;
        Ok(())
    }

    fn text(&self, id: Id) -> super::Value {
        self.base.variables.value(id, Element(self.gpio))
    }

    fn directions(&mut self) -> Result {
        let init = self.text(GPIO_INIT);
        if init != *b"none" {
            self.add(format_args!("GPIO {}", core::str::from_utf8(&init).unwrap_or("")))?;
        }
        let activity = self.text(ACTIVITY);
        if activity != *b"none" {
            self.add(format_args!("{}", core::str::from_utf8(&activity).unwrap_or("")))?;
        }
        Ok(())
    }

    /// The variables that name this GPIO.
    fn functions(&mut self) -> Result {
        for id in Id::all() {
            let row = id.row();
            match row.kind {
                Kind::Gpio if self.names(id, Element(0)) => self.add(format_args!("{}", row.name))?,
                Kind::Indexed(Index::Word(words), Kind::Gpio) => {
                    let group = row.name.strip_suffix(".gpio").unwrap_or(row.name);
                    for (element, word) in (0..).map(Element).zip(words) {
                        if self.names(id, element) {
                            self.add(format_args!("{group}.{word}"))?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn names(&self, id: Id, element: Element) -> bool {
        value::integer(&self.base.variables.value(id, element)) == Some(i64::from(self.gpio))
    }

    fn alias(&mut self) -> Result {
        let alias = self.text(GPIO_ALIAS);
        if self.begun && !alias.is_empty() {
            self.out.put(b" (")?;
            self.out.put(&alias)?;
            self.out.put(b")")?;
        }
        Ok(())
    }
}
