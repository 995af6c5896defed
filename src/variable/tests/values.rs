//! Values: every accepted spelling, and that nothing hostile gets through.

use proptest::prelude::*;

use super::super::value::{expand_name, parse, zone_minutes};
use super::*;

/// The stored form of a value of one or several words.
fn value(kind: ValueKind, words: &[&str]) -> Result<String, ValueError> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    parse(&kind, 0, &words).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// Checks accepted spellings with what they become, and refused ones.
fn check(kind: ValueKind, accepted: &[(&str, &str)], refused: &[&str]) {
    for (given, stored) in accepted {
        assert_eq!(value(kind, &[given]).as_deref(), Ok(*stored), "{given}");
    }
    for given in refused {
        assert_eq!(value(kind, &[given]), Err(ValueError::Invalid), "{given}");
    }
}

#[test]
fn booleans() {
    let accepted = [("1", "1"), ("true", "1"), ("On", "1"), ("0", "0"), ("FALSE", "0"), ("off", "0")];
    check(ValueKind::Bool, &accepted, &["", "2", "yes", "01", "o"]);
}

#[test]
fn numbers() {
    let kind = ValueKind::Number { min: -1, max: 65535 };
    let accepted = [("0", "0"), ("0x1F90", "8080"), ("0XffFF", "65535"), ("-1", "-1"), ("007", "7"), ("-0", "0")];
    check(kind, &accepted, &["", "-", "0x", "-2", "65536", "1e3", "+1", " 1", "1.0", "99999999999999999999"]);
    check(ValueKind::Mask(0x3fff), &[("0x3FFF", "0x3fff"), ("1", "0x1")], &["0x4000", "-1"]);
    check(ValueKind::Gpio, &[("-1", "-1"), ("63", "63")], &["64", "-2"]);
}

#[test]
fn words_out_of_a_list() {
    check(ValueKind::Choice(&["auto", "wep"]), &[("Auto", "auto"), ("WEP", "wep")], &["", "au", "wep "]);
    let fields = ValueKind::Fields(&["mac", "gpio*", "uart*_rx"]);
    let accepted = [("MAC,gpio7", "mac,gpio7"), ("mac, uart1_rx", "mac,uart1_rx"), ("gpio17", "gpio17")];
    check(fields, &accepted, &["", "mac,", "gpio", "gpio123", "gpiox", "uart_rx", "uart1_tx", "rx", "\u{fc}\u{fc}"]);
}

#[test]
fn addresses() {
    check(
        ValueKind::Servers(2),
        &[("", ""), ("Time.Example", "time.example"), ("a:1, 10.0.0.1", "a:1,10.0.0.1")],
        &[",", "a,", "a,b,c", "a:0", "a b", "u@a", "[::1]", "a/b", "\u{fc}"],
    );
    check(
        ValueKind::Url(20),
        &[("", ""), ("Host.example:3002", "Host.example:3002"), ("https://a/b c", "https://a/b c")],
        &["ftp://a", "a:0", "a:x", "u@a", "a b", "https://", "a/\n", "\u{fc}", "abcdefghij/abcdefghij"],
    );
    check(
        ValueKind::Services(2),
        &[("", ""), ("http,path=/A b", "http,path=/A b"), ("x,TCP,1,http", "x,TCP,1,http")],
        &[",", "x", "x,tcp,1,y,udp,2,http", "http,\u{fc}=1", "http,a=\n"],
    );
    check(ValueKind::Ipv4, &[("10.0.0.1", "10.0.0.1")], &["", "10.0.0", "10.0.0.256", "10.0.0.1.", "::1", "a.b.c.d"]);
    let accepted = [("4c:55:CC:10:09:42", "4C:55:CC:10:09:42"), ("4c55cc100942", "4C:55:CC:10:09:42"), ("", "")];
    check(
        ValueKind::Mac,
        &accepted,
        &["4C-55-CC-10-09-42", "4C55CC10094", "4C:55:CC:10:09:4", "4C:55:CC:10:0942:", "4G55CC100942"],
    );
}

#[test]
fn zones() {
    let accepted = [("0", "0"), ("+2", "2"), ("-4:30", "-4:30"), ("12:30", "12:30"), ("-0:30", "-0:30"), ("3:00", "3")];
    check(ValueKind::Zone, &accepted, &["", "13", "4:15", "+", "-:30", "0x2", "1:3", "--1", "012"]);
    assert_eq!(zone_minutes(b"-4:30"), Some(-270));
}

#[test]
fn texts() {
    let name = ValueKind::Text { min: 8, max: 12, optional: true };
    check(name, &[("", ""), ("12345678", "12345678")], &["1234567", "1234567890123", "1234\r\n5678", "12345678\x7f"]);
    check(ValueKind::Name(8), &[("My-dev.#", "My-dev.#")], &["", "a_b", "a#b", "123456789", "\u{fc}"]);
    let key = "0123456789abcdefABCDEF".repeat(3);
    check(
        ValueKind::Passkey(8),
        &[(&key[..64], &key[..64]), (&key[..63], &key[..63]), ("", "")],
        &[&key[..65], "1234567"],
    );
    check(ValueKind::Passkey(8), &[], &["not hexadecimal but sixty-four characters long .................."]);
    // A network name may be any bytes.
    let bytes: [u8; 32] = core::array::from_fn(|at| at as u8 * 8);
    assert_eq!(parse(&ValueKind::Bytes(32), 0, &[&bytes]).unwrap(), bytes);
    assert_eq!(parse(&ValueKind::Bytes(31), 0, &[&bytes]), Err(ValueError::Invalid));
}

#[test]
fn values_of_two_words() {
    assert_eq!(value(ValueKind::Baud, &["115200"]).as_deref(), Ok("115200"));
    assert_eq!(value(ValueKind::Baud, &["115201"]), Err(ValueError::Invalid));
    assert_eq!(value(ValueKind::Baud, &["115201", "RAW"]).as_deref(), Ok("115201"));
    assert_eq!(value(ValueKind::Baud, &["9600", "cooked"]), Err(ValueError::Invalid));
    assert_eq!(value(ValueKind::Direction, &["OUT", "on"]).as_deref(), Ok("output 1"));
    assert_eq!(value(ValueKind::Direction, &["in", "1"]), Err(ValueError::TooMany));
    assert_eq!(value(ValueKind::Direction, &["out", "2"]), Err(ValueError::Invalid));
    assert_eq!(value(ValueKind::Direction, &["out", "1", "1"]), Err(ValueError::TooMany));
}

#[test]
fn a_name_gets_the_end_of_the_mac() {
    let mac = [0x4C, 0x55, 0xCC, 0x10, 0x0A, 0xBC];
    let expanded = |name: &[u8]| expand_name::<16>(mac, name).to_vec();
    assert_eq!(expanded(b"ackme-#"), b"ackme-abc");
    assert_eq!(expanded(b"ackme-###"), b"ackme-abc");
    assert_eq!(expanded(b"a#b"), b"a#b");
    assert_eq!(expanded(b"#"), b"abc");
    assert_eq!(expanded(b""), b"");
    assert_eq!(expanded(b"0123456789abcde#"), b"0123456789abcdea");
    assert_eq!(expanded(&[b'x'; 40]), [b'x'; 16]);
}

/// Words that come close to what is accepted.
fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..70),
        "[0-9a-fx:.,|+-]{0,20}".prop_map(String::into_bytes),
        prop::sample::select(&["on", "none", "default", "raw", "all", "wlan", "-1", "0", "1", "out", "mac,gpio1"][..])
            .prop_map(|word| word.as_bytes().to_vec()),
        (0..ROWS.len()).prop_map(|row| ROWS[row].default.as_bytes().to_vec()),
    ]
}

proptest! {
    #[test]
    fn no_words_panic_and_a_refused_set_changes_nothing(
        row in 0..ROWS.len(),
        words in prop::collection::vec(word(), 0..4),
    ) {
        let base = device();
        set(base, "gp a 3 led").unwrap();
        set(base, "wlan.hide_passkey 0").unwrap();
        let before = everything(base);
        let id = Id::all().nth(row).unwrap();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let accepted = base.variables.set(base, id, &words);
        if accepted.is_err() {
            prop_assert_eq!(everything(base), before);
        } else if !id.row().computed && words.first() != Some(&&b"-1"[..]) {
            // What is stored is in stored form: setting it again changes nothing.
            let after = everything(base);
            embassy_futures::block_on(settings::save(base)).unwrap();
            let again = device_on(base.port);
            prop_assert!(settings::load(again));
            prop_assert_eq!(everything(again), after);
        }
    }

    #[test]
    fn no_getter_panics(words in prop::collection::vec("[a-z.]{0,12}|all|0|wlan|wl|s|ms|utc|ud|gp|i|-1", 0..5)) {
        let base = device();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut out = Vec::new();
        let _ = base.variables.get(base, &words, &mut out);
        let _ = is_long(&words);
    }

    #[test]
    fn no_record_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let base = device();
        for slot in [0, 1] {
            base.port.storage().slot_write(slot, &bytes).unwrap();
        }
        prop_assert!(!settings::load(base));
    }
}

/// The stored value of every element of every row.
fn everything(base: &Base) -> Vec<Value> {
    let elements = |id: Id| if matches!(id.row().kind, ValueKind::Indexed(..)) { 0..limits::GPIOS } else { 0..1 };
    let all = Id::all().filter(|id| id.row().saved != Saved::No);
    all.flat_map(|id| elements(id).map(move |element| (id, element)))
        .map(|(id, element)| base.variables.value(id, element::Element(element)))
        .collect()
}
