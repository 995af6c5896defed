//! JSON numbers (RFC 8259, section 6) with whole values.

/// The value of a whole number that fits, in any notation (`7`, `7.0`, `70e-1`); `first` and `rest` are its characters.
/// `None` for anything else.
pub(super) fn whole(first: u8, rest: &[u8]) -> Option<u32> {
    let (negative, digits) = if first == b'-' { (true, rest.split_first()?) } else { (false, (&first, rest)) };
    let (text, exponent) = split(digits)?;
    let (point, fraction) = text;
    // Digits of the whole part and of the fraction, most significant first.
    let count = point + fraction.len();
    let digit =
        |number: usize| if number < point { part(digits, number) } else { fraction.get(number - point).copied() };
    let is_zero = |number: &usize| digit(*number) == Some(b'0');
    let last = (0..count).rev().find(|number| !is_zero(number));
    let Some(last) = last else { return Some(0) };
    // The power of ten of the last nonzero digit.
    let place = exponent.checked_add(point as i32)?.checked_sub(last as i32 + 1)?;
    let mut value: u32 = 0;
    for number in 0..=last {
        value = value.checked_mul(10)?.checked_add(u32::from(digit(number)? - b'0'))?;
    }
    let scale = 10u32.checked_pow(u32::try_from(place).ok()?)?;
    value.checked_mul(scale).filter(|_| !negative)
}

/// A digit of the whole part.
fn part((first, rest): (&u8, &[u8]), number: usize) -> Option<u8> {
    if number == 0 { Some(*first) } else { rest.get(number - 1).copied() }
}

/// Digits of the whole part and the fraction.
type Text<'a> = (usize, &'a [u8]);

/// Splits a number without its sign into whole part, fraction and exponent, as in the grammar.
fn split<'a>((first, rest): (&u8, &'a [u8])) -> Option<(Text<'a>, i32)> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let more = digits(rest);
    if !first.is_ascii_digit() || (*first == b'0' && more > 0) {
        return None;
    }
    let (mut fraction, mut tail) = (&[][..], rest.get(more..)?);
    if let Some(after) = tail.strip_prefix(b".") {
        let length = digits(after);
        (fraction, tail) = after.split_at_checked(length).filter(|_| length > 0)?;
    }
    let exponent = match tail {
        [] => 0,
        [b'e' | b'E', after @ ..] => exponent(after)?,
        _ => return None,
    };
    Some(((more + 1, fraction), exponent))
}

/// A sign and digits; limited to a value that is too large for any number.
fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i32, digit: &u8| (sum * 10 + i32::from(digit - b'0')).min(100_000);
    let value = digits.iter().fold(0, add);
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<u32> {
        let (first, rest) = text.as_bytes().split_first()?;
        whole(*first, rest)
    }

    #[test]
    fn whole_numbers_however_they_are_written() {
        for (text, value) in [
            ("0", 0),
            ("7", 7),
            ("4294967295", u32::MAX),
            ("4.294967295e9", u32::MAX),
            ("0.0", 0),
            ("-0", 0),
            ("-0.00e-7", 0),
            ("7e0", 7),
            ("1E0", 1),
            ("1e9", 1_000_000_000),
            ("0.05e2", 5),
            ("500e-2", 5),
            ("120.500e1", 1205),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
        }
        for text in [
            "",
            "-",
            "07",
            "-07",
            "1.",
            ".1",
            "1e",
            "1e+",
            "7.5",
            "1e-1",
            "-1",
            "4294967296",
            "1e10",
            "1e99999999999",
            "+1",
            "1x",
            "1.0.0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[-+0-9.eE]{0,30}") {
            let _ = read(&text);
        }

        #[test]
        fn digits_may_be_moved(value: u32, places in 0usize..12) {
            let zeros = "0".repeat(places);
            prop_assert_eq!(read(&std::format!("{value}{zeros}e-{places}")), Some(value));
            let digits = std::format!("{value:013}");
            let (whole, fraction) = digits.split_at(13 - places);
            let whole = whole.trim_start_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            let text = if places == 0 { std::format!("{whole}e0") } else { std::format!("{whole}.{fraction}e{places}") };
            prop_assert_eq!(read(&text), Some(value));
        }
    }
}
