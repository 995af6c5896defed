//! `setup`, `wlan_join`, `network_verify`, `wps`: giving the device its network (interface, commands/README, http).

use core::pin::pin;

use embassy_time::Duration;
use heapless::Vec;

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::log::Level;
use crate::network::{Purpose, Target, Trial, TrialError};
use crate::port::{Interface, Security};
use crate::variable::mac_bytes;

/// How long `network_verify` may take; web pages wait for 20 s.
const VERIFY_LIMIT: Duration = Duration::from_secs(18);
/// How long `wlan_join` may take without `-t`, in seconds.
const JOIN_LIMIT: u32 = 30;
/// How long an answer may take to leave before the network that carries it goes down.
const NOTICE: Duration = Duration::from_millis(500);
/// The channels of both bands.
const LAST_CHANNEL: u32 = 196;

/// `setup web|stop|status|cmd`
pub(super) fn setup(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let network = call.machine.network;
    let word = match call.argument(0) {
        // Gecko OS 4 has `setup_web` and `setup_web status` (interface, commands/setup).
        Err(_) if call.name() == Some(b"setup_web") => b"web".as_slice(),
        word => word?,
    };
    let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
    if is(b"web") {
        network.start_setup();
        Ok(Ending::InProgress)
    } else if is(b"stop") {
        network.stop_setup();
        Ok(Ending::Success)
    } else if is(b"status") {
        call.reply.put(if network.is_in_setup() { b"1" } else { b"0" });
        Ok(Ending::Text)
    } else if is(b"cmd") {
        super::call::unavailable(call)
    } else {
        Err(CommandError::Invalid)
    }
}

/// `wlan_join [-t <seconds>] <ssid> [<passkey>]`
///
/// A client that asks over the WLAN gets its answer before the device leaves that network: the outcome is in
/// `wlan.join.result`.
pub(super) async fn wlan_join(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let network = call.machine.network;
    let seconds = match call.option(b't') {
        Some(word) => super::call::number(word, 600)?.max(1),
        None => JOIN_LIMIT,
    };
    let passkey = call.argument(1).unwrap_or_default();
    let target = Target {
        ssid: ssid(call.argument(0)?)?,
        passkey: passphrase(passkey)?,
        bssid: None,
        security: None,
        minimum: network.minimum_security(),
    };
    let carried = !call.asker().is_line() && network.is_up(Interface::Wlan);
    let notice = if carried { NOTICE } else { Duration::from_ticks(0) };
    let trial = Trial { target, purpose: Purpose::Stay, limit: Duration::from_secs(seconds.into()), notice };
    if carried {
        network.ask_for(trial).map_err(|error| refused(call, error))?;
        return Ok(Ending::InProgress);
    }
    call.apart(pin!(network.on_trial(trial))).await?.map_err(|error| refused(call, error))?;
    Ok(Ending::Success)
}

/// `network_verify wifi <ssid> <bssid> <channel> [<security> <key>]`
///
/// The channel is a hint that is not needed: the device looks for the network by its name.
pub(super) async fn network_verify(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let network = call.machine.network;
    if !call.argument(0)?.eq_ignore_ascii_case(b"wifi") {
        return Err(CommandError::Invalid);
    }
    call.number(3, LAST_CHANNEL)?;
    let security = if call.count() > 4 { Some(security(call.number(4, 8)?)?) } else { None };
    let passkey = match security {
        None | Some(Security::Open) => call.argument(5).unwrap_or_default(),
        Some(_) => call.argument(5)?,
    };
    let target = Target {
        ssid: ssid(call.argument(1)?)?,
        passkey: passphrase(passkey)?,
        bssid: bssid(call.argument(2)?)?,
        security,
        minimum: network.minimum_security(),
    };
    let trial = Trial { target, purpose: Purpose::Verify, limit: VERIFY_LIMIT, notice: Duration::from_ticks(0) };
    call.apart(pin!(network.on_trial(trial))).await?.map_err(|error| refused(call, error))?;
    Ok(Ending::Success)
}

/// `wps [<pin>]`: refused.
pub(super) fn wps(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let text = format_args!("WPS is not available: use setup web or wlan_join");
    call.machine.base.log.line(Level::Failure, text);
    Err(CommandError::Failed)
}

/// Tells the log why there was no join.
fn refused(call: &Call<'_>, error: TrialError) -> CommandError {
    let log = &call.machine.base.log;
    match error {
        TrialError::Busy => log.line(Level::Failure, format_args!("Another network is being tried")),
        TrialError::Join(error) => log.line(Level::Failure, format_args!("Join failed: {}", error.reason())),
        TrialError::NotSaved => log.line(Level::Failure, format_args!("Settings not saved")),
    }
    CommandError::Failed
}

fn ssid(word: &[u8]) -> Result<Vec<u8, 32>, CommandError> {
    Vec::from_slice(word).ok().filter(|name| !name.is_empty()).ok_or(CommandError::Invalid)
}

/// A passphrase, the digits of a master key, or nothing.
fn passphrase(word: &[u8]) -> Result<Vec<u8, 64>, CommandError> {
    let is_key = word.len() < 64 || word.iter().all(u8::is_ascii_hexdigit);
    Vec::from_slice(word).ok().filter(|_| is_key).ok_or(CommandError::Invalid)
}

fn security(number: u32) -> Result<Security, CommandError> {
    Security::ALL.get(number as usize).copied().ok_or(CommandError::Invalid)
}

/// A MAC address with or without colons; all zeros stand for any.
fn bssid(word: &[u8]) -> Result<Option<[u8; 6]>, CommandError> {
    let bytes = mac_bytes(word).ok_or(CommandError::Invalid)?;
    Ok(Some(bytes).filter(|bytes| *bytes != [0; 6]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radio_addresses_come_with_and_without_colons() {
        for text in ["4C55CC107891", "4c:55:cc:10:78:91"] {
            assert_eq!(bssid(text.as_bytes()), Ok(Some([0x4C, 0x55, 0xCC, 0x10, 0x78, 0x91])));
        }
        assert_eq!(bssid(b"00:00:00:00:00:00"), Ok(None));
        for text in [
            "",
            "4C55CC10789",
            "4C-55-CC-10-78-91",
            "4C:55:CC:10:78:9",
            "4C:55:CC:10:78:9G",
            "+C55CC107891",
            "4C55CC10789\u{e9}",
        ] {
            assert_eq!(bssid(text.as_bytes()), Err(CommandError::Invalid), "{text}");
        }
    }

    #[test]
    fn keys_of_64_are_hexadecimal() {
        assert!(passphrase(&[b'a'; 64]).is_ok());
        assert!(passphrase(&[b'g'; 63]).is_ok());
        assert_eq!(passphrase(&[b'g'; 64]), Err(CommandError::Invalid));
        assert_eq!(passphrase(&[b'a'; 65]), Err(CommandError::Invalid));
    }
}
