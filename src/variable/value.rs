//! Text values: from any accepted spelling to the one that is stored and printed (interface, variables 1.4).
//!
//! Values are bytes: the command line has already removed quotes and decoded `\xNN`.

use core::fmt::Write;
use core::net::Ipv4Addr;

use super::direction;
use super::error::ValueError;
use super::names;
use super::row::ValueKind;
use crate::ground::clock;
use crate::limits;
use crate::port::Direction;
use crate::wire::dns_sd;
use crate::wire::url::{Url, host_and_port};

/// One value in printed form.
pub type Value = heapless::Vec<u8, { limits::VALUE }>;

/// Speeds of a UART that need no `raw` (interface, variables/README).
const RATES: &[u32] = &[
    300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 28_800, 38_400, 56_000, 57_600, 115_200, 128_000, 153_600,
    230_400, 256_000, 460_800, 921_600,
];

/// Speeds that `raw` allows.
const RAW_RATES: core::ops::RangeInclusive<i64> = 300..=18_000_000;

/// What an indicator LED can do (interface, serial 11).
const PATTERNS: &[&str] = &["static_off", "static_on", "slow_blink", "medium_blink", "fast_blink"];

/// Checks the words of a value and returns its stored form. `element` is the position of an indexed variable's element.
pub fn parse(kind: &ValueKind, element: u8, words: &[&[u8]]) -> Result<Value, ValueError> {
    match (kind, words) {
        (_, []) => Err(ValueError::TooFew),
        (ValueKind::Baud, [rate, raw]) if raw.eq_ignore_ascii_case(b"raw") => within(rate, RAW_RATES),
        (ValueKind::Baud, [_, _]) => Err(ValueError::Invalid),
        (ValueKind::Direction, [direction, level]) => direction_with(direction, level),
        (_, [word]) => single(kind, element, word),
        _ => Err(ValueError::TooMany),
    }
}

/// Checks a value that was in stored form, perhaps in that of an older release.
pub fn stored_form(kind: &ValueKind, element: u8, value: &[u8]) -> Result<Value, ValueError> {
    match (kind, value.iter().position(|&byte| byte == b' ')) {
        (ValueKind::Baud, _) => parse(kind, element, &[value, b"raw"]),
        // Without its user the device would be open to everybody: so a user that cannot log in stays, and can be
        // replaced.
        (ValueKind::User(max), _) => text(value, 0, *max, true),
        (ValueKind::Direction, Some(blank)) => parse(kind, element, &[&value[..blank], &value[blank + 1..]]),
        _ => parse(kind, element, &[value]),
    }
}

/// A value of one word.
fn single(kind: &ValueKind, element: u8, word: &[u8]) -> Result<Value, ValueError> {
    match *kind {
        ValueKind::Bool => stored(if boolean(word)? { b"1" } else { b"0" }),
        ValueKind::Number { min, max } => within(word, min.into()..=max.into()),
        ValueKind::OffOr { .. } if integer(word) == Some(0) => stored(b"0"),
        ValueKind::OffOr { min, max } => within(word, min.into()..=max.into()),
        ValueKind::Time => within(word, 0..=(clock::LAST / 1000) as i64),
        ValueKind::Mask(max) => printed(format_args!("{:#x}", ranged(word, 0..=i64::from(max))?)),
        ValueKind::Gpio => within(word, -1..=i64::from(limits::GPIOS) - 1),
        ValueKind::Choice(choices) => choice(word, choices),
        ValueKind::Text { min, max, optional } => text(word, min.into(), max.into(), optional),
        ValueKind::Template(_) if !names::is_template(word) => Err(ValueError::Invalid),
        ValueKind::Template(max) => text(word, 0, max, true),
        ValueKind::Names if word.is_empty() => Ok(Value::new()),
        ValueKind::Names => list(word, b',', 1..=usize::MAX, names::is_name),
        ValueKind::File => text(word, 0, limits::FILE_NAME, true),
        ValueKind::User(_) if word.contains(&b':') => Err(ValueError::Invalid),
        ValueKind::User(max) => text(word, 0, max, true),
        ValueKind::Bytes(max) if word.len() <= max => stored(word),
        ValueKind::Passkey(min) => passkey(word, min),
        ValueKind::Name(max) => name(word, max),
        ValueKind::Ipv4 => printed(format_args!("{}", ipv4(word).ok_or(ValueError::Invalid)?)),
        ValueKind::Mac => mac(word),
        ValueKind::Zone => zone(word),
        ValueKind::Fields(fields) => list(word, b',', 1..=usize::MAX, |field| field_of(field, fields)),
        ValueKind::Servers(most) => servers(word, most),
        ValueKind::Url(most) => url(word, most),
        ValueKind::Services(most) => services(word, most),
        ValueKind::Baud => rate(word),
        ValueKind::Direction => direction_word(word),
        ValueKind::Patterns(counts) => {
            let count = usize::from(*counts.get(usize::from(element)).ok_or(ValueError::Invalid)?);
            list(word, b'|', count..=count, |pattern| choice(pattern, PATTERNS).is_ok())
        }
        ValueKind::Bytes(_) | ValueKind::Indexed(..) | ValueKind::Live | ValueKind::Report => Err(ValueError::Invalid),
    }
}

/// A value as it stands.
fn stored(bytes: &[u8]) -> Result<Value, ValueError> {
    Value::from_slice(bytes).map_err(|_| ValueError::Invalid)
}

fn printed(text: core::fmt::Arguments<'_>) -> Result<Value, ValueError> {
    let mut value = Value::new();
    value.write_fmt(text).map_err(|_| ValueError::Invalid)?;
    Ok(value)
}

fn boolean(word: &[u8]) -> Result<bool, ValueError> {
    let is = |text: &&[u8]| word.eq_ignore_ascii_case(text);
    if [&b"1"[..], b"true", b"on"].iter().any(is) {
        Ok(true)
    } else if [&b"0"[..], b"false", b"off"].iter().any(is) {
        Ok(false)
    } else {
        Err(ValueError::Invalid)
    }
}

/// A decimal number, or hexadecimal with `0x`, with an optional minus sign.
pub fn integer(word: &[u8]) -> Option<i64> {
    let (negative, digits) = match word {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, word),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        _ => (10, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_i64;
    for &digit in digits {
        let digit = char::from(digit).to_digit(radix)?;
        number = number.checked_mul(i64::from(radix))?.checked_add(i64::from(digit))?;
    }
    Some(if negative { -number } else { number })
}

fn ranged(word: &[u8], range: core::ops::RangeInclusive<i64>) -> Result<i64, ValueError> {
    integer(word).filter(|number| range.contains(number)).ok_or(ValueError::Invalid)
}

fn within(word: &[u8], range: core::ops::RangeInclusive<i64>) -> Result<Value, ValueError> {
    printed(format_args!("{}", ranged(word, range)?))
}

fn choice(word: &[u8], choices: &[&str]) -> Result<Value, ValueError> {
    let found = choices.iter().find(|choice| word.eq_ignore_ascii_case(choice.as_bytes()));
    stored(found.ok_or(ValueError::Invalid)?.as_bytes())
}

fn text(word: &[u8], min: usize, max: usize, optional: bool) -> Result<Value, ValueError> {
    let length = (min..=max).contains(&word.len()) || (optional && word.is_empty());
    // A control character would let a value forge lines of `get all`, or header fields of HTTP answers.
    if !length || word.iter().any(u8::is_ascii_control) {
        return Err(ValueError::Invalid);
    }
    stored(word)
}

fn passkey(word: &[u8], min: usize) -> Result<Value, ValueError> {
    if word.len() == 64 && !word.iter().all(u8::is_ascii_hexdigit) {
        return Err(ValueError::Invalid);
    }
    text(word, min, 64, true)
}

fn name(word: &[u8], max: usize) -> Result<Value, ValueError> {
    let (stem, _) = split_marks(word);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
    if word.is_empty() || word.len() > max || !stem.iter().all(plain) {
        return Err(ValueError::Invalid);
    }
    stored(word)
}

/// A dotted IPv4 address; numbers with leading zeros are not accepted.
pub fn ipv4(word: &[u8]) -> Option<Ipv4Addr> {
    core::str::from_utf8(word).ok()?.parse().ok()
}

/// The bytes of a MAC address, with or without colons.
pub fn mac_bytes(word: &[u8]) -> Option<[u8; 6]> {
    let step = match word.len() {
        12 => 2,
        17 if word.iter().skip(2).step_by(3).all(|&byte| byte == b':') => 3,
        _ => return None,
    };
    let mut mac = [0; 6];
    for (byte, pair) in mac.iter_mut().zip(word.chunks(step)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(mac)
}

fn mac(word: &[u8]) -> Result<Value, ValueError> {
    if word.is_empty() {
        return Ok(Value::new());
    }
    let [a, b, c, d, e, f] = mac_bytes(word).ok_or(ValueError::Invalid)?;
    printed(format_args!("{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}"))
}

/// Minutes east of Greenwich from `[+/-]H[:30]`.
pub fn zone_minutes(word: &[u8]) -> Option<i16> {
    let (sign, rest) = match word {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, word),
    };
    let (hours, minutes) = match rest.split_last_chunk::<3>() {
        Some((hours, b":30")) => (hours, 30),
        Some((hours, b":00")) => (hours, 0),
        _ => (rest, 0),
    };
    if hours.is_empty() || hours.len() > 2 || !hours.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let hours = integer(hours).filter(|hours| (0..=12).contains(hours))?;
    Some(sign * (hours as i16 * 60 + minutes))
}

fn zone(word: &[u8]) -> Result<Value, ValueError> {
    let minutes = zone_minutes(word).ok_or(ValueError::Invalid)?;
    let sign = if minutes < 0 { "-" } else { "" };
    match (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60) {
        (hours, 0) => printed(format_args!("{sign}{hours}")),
        (hours, half) => printed(format_args!("{sign}{hours}:{half}")),
    }
}

/// Words with a separator between them; each must be `known`. Blanks around a word are dropped, letters become lower
/// case.
fn list(
    word: &[u8],
    separator: u8,
    count: core::ops::RangeInclusive<usize>,
    known: impl Fn(&[u8]) -> bool,
) -> Result<Value, ValueError> {
    let mut value = Value::new();
    let mut parts = 0;
    for part in word.split(|&byte| byte == separator).map(<[u8]>::trim_ascii) {
        if !known(part) {
            return Err(ValueError::Invalid);
        }
        if parts > 0 {
            value.push(separator).map_err(|_| ValueError::Invalid)?;
        }
        value.extend_from_slice(part).map_err(|_| ValueError::Invalid)?;
        parts += 1;
    }
    value.make_ascii_lowercase();
    if count.contains(&parts) { Ok(value) } else { Err(ValueError::Invalid) }
}

fn servers(word: &[u8], most: usize) -> Result<Value, ValueError> {
    if word.is_empty() {
        return Ok(Value::new());
    }
    let is_server = |server: &[u8]| core::str::from_utf8(server).is_ok_and(|server| host_and_port(server).is_ok());
    list(word, b',', 1..=most, is_server)
}

fn url(word: &[u8], most: usize) -> Result<Value, ValueError> {
    if !word.is_empty() && !core::str::from_utf8(word).is_ok_and(|url| Url::parse(url).is_ok()) {
        return Err(ValueError::Invalid);
    }
    text(word, 0, most, true)
}

fn services(word: &[u8], most: usize) -> Result<Value, ValueError> {
    let mut count = 0;
    if !dns_sd::services(word).all(|service| {
        service.is_some() && {
            count += 1;
            count <= most
        }
    }) {
        return Err(ValueError::Invalid);
    }
    text(word, 0, limits::VALUE, true)
}

/// Whether a field is in the list, where `*` stands for a number of one or two digits.
fn field_of(field: &[u8], fields: &[&str]) -> bool {
    fields.iter().any(|known| match known.split_once('*') {
        None => field.eq_ignore_ascii_case(known.as_bytes()),
        Some((head, tail)) => {
            let (head, tail) = (head.as_bytes(), tail.as_bytes());
            let digits = field.len().saturating_sub(head.len() + tail.len());
            (1..=2).contains(&digits)
                && field[..head.len()].eq_ignore_ascii_case(head)
                && field[head.len()..head.len() + digits].iter().all(u8::is_ascii_digit)
                && field[head.len() + digits..].eq_ignore_ascii_case(tail)
        }
    })
}

fn rate(word: &[u8]) -> Result<Value, ValueError> {
    let rate = integer(word).ok_or(ValueError::Invalid)?;
    if !RATES.iter().any(|&known| i64::from(known) == rate) {
        return Err(ValueError::Invalid);
    }
    printed(format_args!("{rate}"))
}

fn direction_word(word: &[u8]) -> Result<Value, ValueError> {
    stored(direction::word(word).ok_or(ValueError::Invalid)?.as_bytes())
}

fn direction_with(word: &[u8], level: &[u8]) -> Result<Value, ValueError> {
    let mut value = direction_word(word)?;
    if !value.starts_with(b"o") {
        return Err(ValueError::TooMany);
    }
    let level: &[u8] = if boolean(level)? { b" 1" } else { b" 0" };
    value.extend_from_slice(level).map_err(|_| ValueError::Invalid)?;
    Ok(value)
}

/// The direction of a GPIO that a word means, for outputs perhaps with a level.
pub fn pin_direction(word: &[u8], level: Option<&[u8]>) -> Result<Direction, ValueError> {
    let value = level.map_or_else(|| direction_word(word), |level| direction_with(word, level))?;
    direction::direction_of(&value).ok_or(ValueError::Invalid)
}

/// Separates the trailing `#` signs.
fn split_marks(bytes: &[u8]) -> (&[u8], usize) {
    let marks = bytes.iter().rev().take_while(|&&byte| byte == b'#').count();
    (&bytes[..bytes.len() - marks], marks)
}

/// Puts the last three hexadecimal digits of the MAC address in place of the `#` signs at the end of a name (interface,
/// network 6). A stored or printed name keeps its `#`. A result longer than `N` bytes is cut off.
pub fn expand_name<const N: usize>(mac: [u8; 6], name: &[u8]) -> heapless::Vec<u8, N> {
    let (stem, marks) = split_marks(name);
    let mut expanded: heapless::Vec<u8, N> = stem.iter().copied().take(N).collect();
    if marks > 0 {
        let digits = [mac[4] & 15, mac[5] >> 4, mac[5] & 15];
        for digit in digits.into_iter().filter_map(|digit| char::from_digit(u32::from(digit), 16)) {
            if expanded.push(digit as u8).is_err() {
                break;
            }
        }
    }
    expanded
}
