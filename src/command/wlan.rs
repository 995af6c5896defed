//! `wlan_scan` and `wlan_get_rssi` (interface, commands/README, network 2.5).

use core::fmt::Write;
use core::pin::pin;

use super::call::Call;
use super::response::{CommandError, Ending, Reply};
use crate::network::{Printable, security_name};
use crate::port::AccessPoint;

/// The most scans to make because other scans replace the results.
const SCANS: usize = 3;

/// `wlan_scan [-v] [<channel>|all] [<ssid>]`
pub(super) async fn scan(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let channel = match call.argument(0) {
        Err(_) | Ok(b"all") => None,
        Ok(_) => Some(call.number(0, 196)? as u8),
    };
    let ssid = call.argument(1).ok();
    if ssid.is_some_and(|name| name.len() > 32) {
        return Err(CommandError::Invalid);
    }
    call.long = true;
    results(call, ssid).await?;
    let wanted = |found: &AccessPoint| {
        channel.is_none_or(|channel| found.channel == channel) && ssid.is_none_or(|ssid| found.ssid == ssid)
    };
    table(call, call.flag(b'v'), wanted);
    Ok(Ending::Text)
}

/// Writes the wanted results of the last scan.
pub(super) fn table(call: &mut Call<'_>, verbose: bool, wanted: impl Fn(&AccessPoint) -> bool) {
    let radio = call.machine.base.port.radio();
    let results = || (0..).map_while(|index| radio.scan_result(index)).filter(&wanted);
    let _ = write!(call.reply, "! {} networks found\r\n", results().count());
    call.reply.put(match verbose {
        false => b"!  # Ch RSSI MAC (BSSID)       Network (SSID)\r\n".as_slice(),
        true => b"!  # Ch RSSI MAC (BSSID)       Rate Security   WPS Len Network (SSID)\r\n",
    });
    for (index, found) in results().enumerate() {
        row(index, &found, verbose, &mut call.reply);
    }
}

/// Scans. The port keeps the results until the next scan, of another command or of a join, replaces them.
pub(super) async fn results(call: &mut Call<'_>, ssid: Option<&[u8]>) -> Result<(), CommandError> {
    let network = call.machine.network;
    for _ in 0..SCANS {
        let number = call.apart(pin!(network.scan(ssid))).await?.map_err(|_| CommandError::Failed)?;
        if number == network.scans() {
            return Ok(());
        }
    }
    Err(CommandError::Failed)
}

/// Columns from 0: index 2 to 3, channel 5 to 6, RSSI 8 to 11, BSSID 13 to 29; then the name from 31, or security from
/// 37 on, padded, and the name last.
fn row(index: usize, found: &AccessPoint, verbose: bool, reply: &mut Reply) {
    let [a, b, c, d, e, f] = found.bssid;
    let _ = write!(
        reply,
        "# {index:2} {:2} {:4} {a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X} ",
        found.channel, found.rssi
    );
    if verbose {
        let security = security_name(found.security);
        // A radio that does not report its rate counts as the radio of the original.
        let rate = if found.rate == 0 { 540 } else { found.rate };
        let _ = write!(reply, "{:>3}.{} {security:<10} {:>3} {:>3} ", rate / 10, rate % 10, "-", found.ssid.len());
    }
    let _ = write!(reply, "{}\r\n", Printable(&found.ssid));
}

pub(super) fn rssi(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let rssi = call.machine.base.port.radio().rssi().ok_or(CommandError::Failed)?;
    let _ = write!(call.reply, "{rssi}");
    Ok(Ending::Text)
}
