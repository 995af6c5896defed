//! The version text: at boot, as the answer of `version`, in `system.version` and in the announcement.

use core::fmt::{self, Write};

use super::base::Base;
use crate::ground::clock::Date;

/// The release of the vendor's firmware whose interface this one has.
pub const COMPATIBLE: &str = "ZentriOS-WZ-3.6.4.0";

/// Build id, a hexadecimal number: from `OPENZENTRI_BUILD_NUMBER` at compile time (the commit, say).
pub const BUILD: &str = match option_env!("OPENZENTRI_BUILD_NUMBER") {
    Some(number) => number,
    None => "0",
};

/// Seconds since 1970 of the build, from `OPENZENTRI_BUILD_TIME` or `SOURCE_DATE_EPOCH` at compile time. Without
/// either the date of the release counts, so that a build can be repeated bit for bit.
const BUILT: u64 = match (option_env!("OPENZENTRI_BUILD_TIME"), option_env!("SOURCE_DATE_EPOCH")) {
    (Some(time), _) | (None, Some(time)) => seconds(time),
    (None, None) => RELEASED,
};

/// 2026-11-22, the date of this release.
const RELEASED: u64 = 1_795_305_600;

/// A decimal number at compile time.
const fn seconds(text: &str) -> u64 {
    match u64::from_str_radix(text, 10) {
        Ok(seconds) => seconds,
        Err(_) => panic!("OPENZENTRI_BUILD_TIME and SOURCE_DATE_EPOCH are seconds since 1970"),
    }
}

/// Writes `OPENZENTRI-<board>-<version>, <time>Z, ZentriOS-WZ-<version>, Board:<board>` (serial reference 8), without a
/// line end.
pub fn write(base: &Base, out: &mut dyn Write) -> fmt::Result {
    let board = base.port.board().board_name();
    let date = Date::from_millis(BUILT * 1000);
    write!(
        out,
        "OPENZENTRI-{board}-{}, {:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z, {COMPATIBLE}, Board:{board}",
        env!("CARGO_PKG_VERSION"),
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second
    )
}
