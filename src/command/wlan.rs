//! `wlan_scan` and `wlan_get_rssi` (commands reference 2, networking reference 2.5).

use core::fmt::Write;

use heapless::Vec;

use super::call::{Call, Machine, Step, Wait};
use super::response::{CommandError, Ending, Reply};
use crate::network::security_name;
use crate::port::AccessPoint;

/// What `wlan_scan` was asked for.
pub(super) struct Scan {
    verbose: bool,
    channel: Option<u8>,
    ssid: Option<Vec<u8, 32>>,
}

/// `wlan_scan [-v] [<channel>|all] [<ssid>]`
pub(super) fn scan_command(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let verbose = call.argument(0) == Ok(b"-v");
    let at = usize::from(verbose);
    call.at_most(at + 2)?;
    let channel = match call.argument(at) {
        Err(_) | Ok(b"all") => None,
        Ok([b'-', ..]) => return Err(CommandError::UnknownOption),
        Ok(_) => Some(call.number(at, 196)? as u8),
    };
    let ssid = match call.argument(at + 1) {
        Err(_) => None,
        Ok(name) => Some(Vec::from_slice(name).map_err(|_| CommandError::Invalid)?),
    };
    call.long = true;
    Ok(Step::Wait(Wait::Scan(Scan { verbose, channel, ssid })))
}

pub(super) async fn scan(machine: &'static Machine, scan: Scan, reply: &mut Reply) -> Result<Ending, CommandError> {
    machine.network.scan(scan.ssid.as_deref()).await.map_err(|_| CommandError::Failed)?;
    let wanted = |found: &AccessPoint| {
        scan.channel.is_none_or(|channel| found.channel == channel)
            && scan.ssid.as_ref().is_none_or(|ssid| found.ssid == *ssid)
    };
    let results = || (0..).map_while(|index| machine.base.port.radio().scan_result(index)).filter(wanted);
    let _ = write!(reply, "! {} networks found\r\n", results().count());
    reply.put(match scan.verbose {
        false => b"!  # Ch RSSI MAC (BSSID)       Network (SSID)\r\n".as_slice(),
        true => b"!  # Ch RSSI MAC (BSSID)       Rate Security   WPS Len Network (SSID)\r\n",
    });
    for (index, found) in results().enumerate() {
        row(index, &found, scan.verbose, reply);
    }
    Ok(Ending::Text)
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
        let _ = write!(reply, "{:>5} {security:<10} {:>3} {:>3} ", "54.0", "-", found.ssid.len());
    }
    reply.put(&found.ssid);
    reply.put(b"\r\n");
}

pub(super) fn rssi(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(0)?;
    let rssi = call.machine.base.port.radio().rssi().ok_or(CommandError::Failed)?;
    let _ = write!(call.reply, "{rssi}");
    Ok(Step::Done(Ending::Text))
}
