//! Version numbers of files.

use core::fmt::{self, Write};

use heapless::String;

/// A version of three or four numbers; it prints with the number of parts that it was given.
///
/// Clients give three (`1.0.0`) or four (`1.0.0.0`); a device lists three-part versions as `1.5.0` and the default as
/// `1.0.0.0` (interface, files 3, 4). Versions that differ only in a missing fourth part are different
/// values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major, minor, patch and release candidate; the last is 0 when it was not given.
    numbers: [u16; 4],
    /// 3 or 4.
    count: u8,
}

impl Version {
    /// A version of four parts.
    pub const fn new(numbers: [u16; 4]) -> Self {
        Self { numbers, count: 4 }
    }

    /// Reads three or four decimal numbers of at most 65535 with dots between them.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut numbers = [0; 4];
        let mut count = 0;
        for part in text.split(|&byte| byte == b'.') {
            *numbers.get_mut(count)? = number(part)?;
            count += 1;
        }
        Self::from_parts(numbers.get(..count)?)
    }

    /// A version of the three or four numbers in `parts`.
    pub fn from_parts(parts: &[u16]) -> Option<Self> {
        match *parts {
            [major, minor, patch] => Some(Self { numbers: [major, minor, patch, 0], count: 3 }),
            [major, minor, patch, rc] => Some(Self::new([major, minor, patch, rc])),
            _ => None,
        }
    }

    /// The three or four numbers.
    pub fn parts(&self) -> &[u16] {
        let [major_minor_patch @ .., _] = &self.numbers;
        if self.count == 3 { major_minor_patch } else { &self.numbers }
    }
}

/// `1.0.0.0`, the version of a file whose creator names none (interface, files 3).
impl Default for Version {
    fn default() -> Self {
        Self::new([1, 0, 0, 0])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text: String<24> = String::new();
        for (index, number) in self.parts().iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(text, "{dot}{number}")?;
        }
        f.pad(&text)
    }
}

/// A decimal number of digits only.
fn number(digits: &[u8]) -> Option<u16> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<std::string::String> {
        Version::parse(text.as_bytes()).map(|version| std::format!("{version}"))
    }

    #[test]
    fn prints_as_given() {
        assert_eq!(shown("1.0.0").as_deref(), Some("1.0.0"));
        assert_eq!(shown("1.0.0.0").as_deref(), Some("1.0.0.0"));
        assert_eq!(shown("1.5.0.13").as_deref(), Some("1.5.0.13"));
        assert_eq!(shown("65535.65535.65535.65535").as_deref(), Some("65535.65535.65535.65535"));
        assert_eq!(std::format!("{}", Version::default()), "1.0.0.0");
        assert_eq!(std::format!("[{:>9}]", Version::new([1, 5, 0, 1])), "[  1.5.0.1]");
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "1",
            "1.0",
            "1.0.0.0.0",
            "1..0",
            "1.0.0.",
            ".1.0.0",
            "65536.0.0",
            "+1.0.0",
            "1.0.-1",
            "a.b.c",
            "1.0.0 ",
        ] {
            assert_eq!(shown(text), None, "{text:?}");
        }
    }
}
