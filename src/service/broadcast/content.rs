//! The content of an announcement: one JSON object with the fields of `broadcast.data`.

use core::fmt::{self, Write};

use heapless::{String, Vec};

use crate::base::Base;
use crate::limits;
use crate::network::Network;
use crate::pins::Pins;
use crate::port::{AccessPoint, Interface};
use crate::variable::{Id, id};
use crate::version;
use crate::wire::json::write_text;

const DATA: Id = id("broadcast.data");
const REMOTE_TERMINAL_PORT: Id = id("remote_terminal.port");
const SOFTAP_CHANNEL: Id = id("softap.channel");

/// The default of `broadcast.data`.
const DEFAULT: &[u8] = b"mac,bssid,channel,ip,ssid,rssi,remote_terminal_port,time,uuid,version";
/// The order in which the original sends these fields: its documents have the last two the other way round.
const DEFAULT_SENT: &[u8] = b"mac,bssid,channel,ip,ssid,rssi,remote_terminal_port,time,version,uuid";

/// The bytes of one announcement.
pub(super) type Announcement = String<{ limits::ANNOUNCEMENT }>;

/// Where the values come from.
pub(super) struct Source<'a> {
    pub base: &'a Base,
    pub network: &'a Network,
    pub pins: &'a Pins,
    /// The interface over which the announcement is sent.
    pub interface: Interface,
}

impl Source<'_> {
    /// The announcement as of now. Each field occurs once, at its first place; a field without a value is left out.
    pub fn compose(&self) -> Announcement {
        let list: Vec<u8, { limits::VALUE }> =
            self.base.variables.with(DATA, |list| Vec::from_slice(list).unwrap_or_default());
        let list: &[u8] = if list.as_slice() == DEFAULT { DEFAULT_SENT } else { &list };
        let fields = || list.split(|byte| *byte == b',');
        let mut out = Announcement::new();
        // There is room for the braces, see `limits::ANNOUNCEMENT`.
        let _ = out.push('{');
        for (at, field) in fields().enumerate() {
            if !fields().take(at).any(|before| before == field) {
                self.add(core::str::from_utf8(field).unwrap_or_default(), &mut out);
            }
        }
        let _ = out.push('}');
        out
    }

    /// Adds a field, or nothing if it has no value or does not fit.
    fn add(&self, field: &str, out: &mut Announcement) {
        let before = out.len();
        let comma = if before > 1 { "," } else { "" };
        let begun = write!(out, "{comma}\"{field}\":");
        let is_whole = begun.is_ok() && self.write(field, out).is_ok() && out.len() < out.capacity();
        if !is_whole {
            out.truncate(before);
        }
    }

    /// Writes the value of a field; an error when it has none.
    fn write(&self, field: &str, out: &mut Announcement) -> fmt::Result {
        let Self { base, .. } = self;
        match field {
            "mac" => write_mac(base.port.board().mac(), out),
            "bssid" => write_mac(self.access_point()?.bssid, out),
            "channel" => write!(out, "{}", self.channel()?),
            "ip" => write!(out, "\"{}\"", base.status.ipv4(self.interface).get().ok_or(fmt::Error)?.address),
            "ssid" => write_text(&self.access_point()?.ssid, out),
            "rssi" => write!(out, "{}", self.access_point().and(base.port.radio().rssi().ok_or(fmt::Error))?),
            "remote_terminal_port" => write!(out, "{}", base.variables.number(REMOTE_TERMINAL_PORT)),
            // As `time.rtc`: a clock that was never set counts from boot.
            "time" => write!(out, "{}", base.clock.now().unwrap_or_else(|| base.clock.uptime())),
            "uuid" => write_uuid(base, out),
            "version" => write_version(base, out),
            field => self.write_pin(field, out),
        }
    }

    /// The access point of the WLAN; an error while the WLAN is down.
    fn access_point(&self) -> Result<AccessPoint, fmt::Error> {
        self.network.access_point().ok_or(fmt::Error)
    }

    /// The channel of the radio: that of the WLAN, or that of the soft AP when only the soft AP runs.
    fn channel(&self) -> Result<i64, fmt::Error> {
        let alone = || (self.interface == Interface::SoftAp).then(|| self.base.variables.number(SOFTAP_CHANNEL));
        let joined = self.network.access_point().map(|access_point| access_point.channel.into());
        joined.or_else(alone).ok_or(fmt::Error)
    }

    /// `gpioN`: 0 or 1; `adcN`: millivolts, as `adc_take_sample`.
    fn write_pin(&self, field: &str, out: &mut Announcement) -> fmt::Result {
        let number = |digits: &str| digits.parse().map_err(|_| fmt::Error);
        if let Some(pin) = field.strip_prefix("gpio") {
            return write!(out, "{}", u8::from(self.pins.peek(number(pin)?).ok_or(fmt::Error)?));
        }
        let pin = number(field.strip_prefix("adc").ok_or(fmt::Error)?)?;
        write!(out, "{}", self.pins.peek_voltage(pin).ok_or(fmt::Error)?)
    }
}

fn write_mac([a, b, c, d, e, f]: [u8; 6], out: &mut Announcement) -> fmt::Result {
    write!(out, "\"{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}\"")
}

fn write_uuid(base: &Base, out: &mut Announcement) -> fmt::Result {
    out.write_char('"')?;
    base.port.board().uuid().iter().try_for_each(|byte| write!(out, "{byte:02X}"))?;
    out.write_char('"')
}

fn write_version(base: &Base, out: &mut Announcement) -> fmt::Result {
    let mut text: String<{ limits::LOG_LINE }> = String::new();
    version::write(base, &mut text)?;
    write_text(text.as_bytes(), out)
}
