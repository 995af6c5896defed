//! Conditional requests and ranges (RFC 9110, sections 13 and 14).

use core::fmt::Write;

use heapless::String;

/// The entity tag of a file, with its quotes.
pub type Tag = String<36>;

/// A tag that is unique among all contents of a name: the number changes with each file, the check sum with its
/// content.
pub fn tag(number: u32, crc: u16, size: u32) -> Tag {
    let mut tag = Tag::new();
    // At most 24 characters.
    let _ = write!(tag, "\"{number:x}-{crc:04x}-{size:x}\"");
    tag
}

/// Whether an `If-None-Match` field names the tag, or everything.
pub fn names(field: &[u8], tag: &Tag) -> bool {
    field.split(|byte| *byte == b',').any(|entry| {
        let entry = entry.trim_ascii();
        entry == b"*" || entry.strip_prefix(b"W/").unwrap_or(entry) == tag.as_bytes()
    })
}

/// The requested part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// From the first to the last byte, counted from 0.
    Range(u32, u32),
    /// A part beyond the end of the file.
    None,
}

/// Reads a `Range` field. Anything but a single range of bytes is ignored, as the standard allows.
pub fn part(field: &[u8], size: u32) -> Part {
    let (unit, range) = field.split_at_checked(6).unwrap_or_default();
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return Part::Whole;
    }
    let mut ends = range.trim_ascii().splitn(2, |byte| *byte == b'-');
    let (Some(first), Some(last)) = (ends.next(), ends.next()) else { return Part::Whole };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Part::Whole,
        (Some(first), _) if first >= u64::from(size) && (last.is_empty() || number(last).is_some()) => Part::None,
        (Some(first), Some(last)) => limited(first, last, size),
        (Some(first), None) if last.is_empty() => limited(first, u64::MAX, size),
        (None, Some(0)) if first.is_empty() => Part::None,
        (None, Some(_)) if first.is_empty() && size == 0 => Part::None,
        (None, Some(count)) if first.is_empty() => limited(u64::from(size).saturating_sub(count), u64::MAX, size),
        _ => Part::Whole,
    }
}

fn limited(first: u64, last: u64, size: u32) -> Part {
    let end = u64::from(size.saturating_sub(1));
    Part::Range(first.min(end) as u32, last.min(end) as u32)
}

/// A number of digits only; it saturates at the maximum.
fn number(digits: &[u8]) -> Option<u64> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_are_compared_weakly_in_lists() {
        let tag = tag(42, 0x222F, 12);
        assert_eq!(tag, "\"2a-222f-c\"");
        for field in ["\"2a-222f-c\"", "W/\"2a-222f-c\"", "*", "\"x\", \"2a-222f-c\" ,\"y\""] {
            assert!(names(field.as_bytes(), &tag), "{field}");
        }
        for field in ["", "2a-222f-c", "\"2a-222f-\"", "\"x\""] {
            assert!(!names(field.as_bytes(), &tag), "{field}");
        }
    }

    #[test]
    fn single_ranges() {
        for (field, size, wanted) in [
            ("bytes=0-499", 1000, Part::Range(0, 499)),
            ("Bytes=500-", 1000, Part::Range(500, 999)),
            ("bytes=-300", 1000, Part::Range(700, 999)),
            ("bytes=-3000", 1000, Part::Range(0, 999)),
            ("bytes=999-99999999999999999999999", 1000, Part::Range(999, 999)),
            ("bytes=1000-", 1000, Part::None),
            ("bytes=5000-6000", 1000, Part::None),
            ("bytes=-0", 1000, Part::None),
            ("bytes=0-", 0, Part::None),
            ("bytes=-1", 0, Part::None),
            ("bytes=0-0", 1, Part::Range(0, 0)),
            ("bytes=5-4", 1000, Part::Whole),
            ("bytes=0-1,3-4", 1000, Part::Whole),
            ("bytes=a-b", 1000, Part::Whole),
            ("bytes=-", 1000, Part::Whole),
            ("bytes=+1-2", 1000, Part::Whole),
            ("bytes=2000-x", 1000, Part::Whole),
            ("lines=1-2", 1000, Part::Whole),
            ("", 1000, Part::Whole),
        ] {
            assert_eq!(part(field.as_bytes(), size), wanted, "{field} of {size}");
        }
    }

    proptest! {
        #[test]
        fn a_range_lies_in_the_file(field in "(bytes=)?[0-9]{0,6}-?[0-9]{0,25}[-,x]?", size: u32) {
            if let Part::Range(first, last) = part(field.as_bytes(), size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
