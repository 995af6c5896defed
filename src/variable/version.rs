//! The version text: at boot, as the answer of `version`, in `system.version` and in the announcement.

use core::fmt::{self, Write};

use super::base::Base;
use super::table::{Id, id};
use crate::ground::clock::Date;

/// The release of the vendor's firmware whose interface this firmware has.
pub const COMPATIBLE: &str = "ZentriOS-WZ-3.6.4.0";

/// The release of the successor's firmware whose forms this firmware uses while `system.compatibility` is `gecko_os`.
const COMPATIBLE_GECKO_OS: &str = "Gecko_OS-STANDARD-4.2.3-9237";

const COMPATIBILITY: Id = id("system.compatibility");

/// Digits of a build id.
const DIGITS: usize = 7;

/// Build id, seven hexadecimal digits like those of a commit: from `OPENZENTRI_BUILD_NUMBER` at compile time.
pub const BUILD: &str = match core::str::from_utf8(&BUILD_DIGITS) {
    Ok(text) => text,
    Err(_) => panic!("digits are ASCII"),
};

const BUILD_DIGITS: [u8; DIGITS] = match option_env!("OPENZENTRI_BUILD_NUMBER") {
    Some(number) => digits(number),
    None => [b'0'; DIGITS],
};

/// The first digits of a longer number, with zeros before a shorter one.
const fn digits(number: &str) -> [u8; DIGITS] {
    let number = number.as_bytes();
    let mut digits = [b'0'; DIGITS];
    let used = if number.len() < DIGITS { number.len() } else { DIGITS };
    let mut at = 0;
    while at < used {
        assert!(number[at].is_ascii_hexdigit(), "OPENZENTRI_BUILD_NUMBER is a hexadecimal number");
        digits[DIGITS - used + at] = number[at].to_ascii_lowercase();
        at += 1;
    }
    digits
}

/// Seconds since 1970 of the build, from `OPENZENTRI_BUILD_TIME` or `SOURCE_DATE_EPOCH` at compile time. Without
/// either, it is the date of the release, so that a build can be repeated bit for bit.
pub const BUILT: u64 = match (option_env!("OPENZENTRI_BUILD_TIME"), option_env!("SOURCE_DATE_EPOCH")) {
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

/// Whether the forms are those of the successor (`system.compatibility`, `docs/extensions.md`).
pub fn is_gecko_os(base: &Base) -> bool {
    base.variables.with(COMPATIBILITY, |value| value == b"gecko_os")
}

/// Writes `OPENZENTRI-<board>-<version>, <time>Z, ZentriOS-WZ-<version>, Board:<board>` (interface, serial 8), without a
/// line end. In the form of the successor it is `OPENZENTRI-<board>-<version>, Gecko_OS-STANDARD-<version>, <board>`.
pub fn write(base: &Base, out: &mut dyn Write) -> fmt::Result {
    let board = base.port.board().board_name();
    write!(out, "OPENZENTRI-{board}-{}, ", env!("CARGO_PKG_VERSION"))?;
    if is_gecko_os(base) {
        return write!(out, "{COMPATIBLE_GECKO_OS}, {board}");
    }
    let date = Date::from_millis(BUILT * 1000);
    write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z, {COMPATIBLE}, Board:{board}",
        date.year, date.month, date.day, date.hour, date.minute, date.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_has_seven_hexadecimal_digits() {
        assert_eq!(BUILD.len(), 7);
        assert_eq!(&digits(""), b"0000000");
        assert_eq!(&digits("1F"), b"000001f");
        assert_eq!(&digits("16eee81"), b"16eee81");
        assert_eq!(&digits("af0c65e7b1c0ffee"), b"af0c65e");
    }
}
