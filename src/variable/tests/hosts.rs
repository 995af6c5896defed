//! What host programs, vendor documents and attackers have shown.

use super::*;
use ValueError::{Denied, Invalid};

/// Every line is answered with this value, before anything is set.
fn reads(base: &Base, lines: &[(&str, &str)]) {
    for (words, value) in lines {
        let expected = if value.is_empty() { String::new() } else { std::format!("{value}\r\n") };
        assert_eq!(get(base, words).as_deref(), Ok(expected.as_str()), "{words}");
    }
}

#[test]
fn short_names_of_vendor_documents_are_known() {
    let base = device();
    reads(
        base,
        &[
            ("io c", "-1"),
            ("io e", "0"),
            ("io l", "0"),
            ("io p", "tcp"),
            ("io h", ""),
            ("io r", "3000"),
            ("bu d", "uart0"),
            ("bu l", "uart0"),
            ("bu c w", "25000"),
            ("broadcast.port", "55555"),
            ("broadcast.udp.remote_port", "55555"),
            ("ne a l", "0"),
            ("ne a t", "8"),
            ("sy o s", "0x0"),
            ("sy o g", "-1"),
            ("sy o l", "1"),
            ("sy o r", "0x0"),
            ("sy o e", "0x0"),
        ],
    );
    // The one word `sy o` stays what it was.
    assert_eq!(get(base, "sy o"), get(base, "system.memory.usage"));
    for words in [
        "io c 6",
        "io e true",
        "io l 30001",
        "io p udp",
        "broadcast.port 55555",
        "ne a l true",
        "ne a t 5",
        "wlan.rssi_average 0",
        "nt f ethernet",
    ] {
        assert_eq!(set(base, words), Ok(()), "{words}");
    }
    reads(base, &[("io c", "6"), ("io p", "udp"), ("ne a l", "1"), ("nt f", "ethernet"), ("wlan.rssi_average", "0")]);
    for words in ["ne a t 2", "ne a t 17", "io c 99", "nt f wifi", "wlan.rssi_average -1"] {
        assert_eq!(set(base, words), Err(Invalid), "{words}");
    }
}

#[test]
fn so_o_is_the_summary_of_the_soft_ap() {
    let base = device();
    assert_eq!(get(base, "so o"), get(base, "softap.info"));
    assert!(get(base, "so o").unwrap().starts_with("softap down\r\n"));
}

#[test]
fn services_that_are_gone_read_as_empty_and_cannot_be_set() {
    let base = device();
    for words in ["ot h", "ot p", "gh t"] {
        assert_eq!(get(base, words).as_deref(), Ok(""), "{words}");
        assert_eq!(set(base, &std::format!("{words} x")), Err(Denied), "{words}");
    }
}

#[test]
fn a_build_number_has_seven_hexadecimal_digits() {
    let text = get(device(), "sy n").unwrap();
    let digits = text.strip_suffix("\r\n").unwrap();
    assert!(digits.len() == 7 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digits}");
}

#[test]
fn directions_print_long_names_whatever_form_was_typed() {
    let base = device();
    for (typed, printed) in [
        ("in", "input_highz"),
        ("INPUT", "input_highz"),
        ("input_pull_up", "input_pull_up"),
        ("out 1", "output 1"),
        ("output_push_pull 0", "output 0"),
        ("ood 1", "output_open_drain 1"),
        ("od", "output_open_drain"),
        ("pp", "output"),
        ("-1", "none"),
    ] {
        assert_eq!(set(base, &std::format!("gp i 0 {typed}")), Ok(()), "{typed}");
        assert_eq!(get(base, "gp i 0"), Ok(std::format!("{printed}\r\n")), "{typed}");
    }
    assert_eq!(set(base, "gp i 0 input_highz 1"), Err(ValueError::TooMany));
}

#[test]
fn a_flush_count_is_off_or_at_least_16_and_the_break_in_text_at_most_15() {
    let base = device();
    for (count, answer) in
        [("16", Ok(())), ("15", Err(Invalid)), ("1", Err(Invalid)), ("10001", Err(Invalid)), ("0", Ok(()))]
    {
        assert_eq!(set(base, &std::format!("bu s c {count}")), answer, "{count}");
    }
    assert_eq!(set(base, "bu s s 123456789012345"), Ok(()));
    assert_eq!(set(base, "bu s s 1234567890123456"), Err(Invalid));
    assert_eq!(set(base, "bu s s _"), Ok(()));
}

#[test]
fn a_user_that_basic_authentication_cannot_carry_is_refused() {
    let base = device();
    let user = id("http.server.username");
    set(base, "ht s u owner").unwrap();
    for wrong in [&b"ow:ner"[..], b":", b"owner:", b"ow\nner", b"ow\x7Fner", b"ow\0ner"] {
        assert_eq!(base.variables.set(base, user, &[wrong]), Err(Invalid), "{}", wrong.escape_ascii());
    }
    assert_eq!(get(base, "ht s u").as_deref(), Ok("owner\r\n"));
    // A colon in the password is no harm: it is the first one that counts (RFC 7617 2).
    assert_eq!(set(base, "ht s w a:b:c"), Ok(()));
    assert_eq!(base.variables.set(base, user, &["Jürgen".as_bytes()]), Ok(()));
}

#[test]
fn a_user_with_a_colon_that_was_saved_once_keeps_the_device_closed() {
    let base = device();
    base.variables.restore(id("http.server.username"), None, b"ow:ner").unwrap();
    assert_eq!(get(base, "ht s u").as_deref(), Ok("ow:ner\r\n"));
}

#[test]
fn the_clock_ends_with_the_year_9999() {
    let base = device();
    for late in ["253402300800", "0x3AFFF44180", "9223372036854775807", "9223372036854775808", "99999999999999999999"] {
        assert_eq!(set(base, &std::format!("time.rtc {late}")), Err(Invalid), "{late}");
    }
    for early in ["-1", "-9223372036854775808", "1.5", "1e3", "_"] {
        assert_eq!(set(base, &std::format!("time.rtc {early}")), Err(Invalid), "{early}");
    }
    assert_eq!(set(base, "time.rtc 253402300799"), Ok(()));
    assert!(get(base, "time.rtc utc").unwrap().starts_with("9999-12-31T23:59:59."));
    // East of Greenwich it would be the year 10000 already: a stamp has four digits.
    set(base, "time.zone 12").unwrap();
    assert_eq!(base.clock.local().unwrap().year, 9999);
    base.clock.set(u64::MAX);
    assert_eq!(base.clock.local().unwrap().year, 9999);
    set(base, "time.zone -12").unwrap();
    set(base, "time.rtc 0").unwrap();
    assert_eq!(base.clock.local().unwrap().year, 1970);
}

#[test]
fn the_version_text_takes_the_form_of_the_successor_when_asked_to() {
    let base = device();
    let fields =
        |base| get(base, "system.version").unwrap().trim_end().split(", ").map(String::from).collect::<Vec<_>>();
    assert_eq!(fields(base).len(), 4);
    assert!(fields(base)[2].starts_with("ZentriOS-"));
    set(base, "system.compatibility gecko_os").unwrap();
    let [product, system, board] = &fields(base)[..] else { panic!("three fields") };
    assert_eq!(product.rsplit('-').next().unwrap().split('.').count(), 3, "{product}");
    assert!(system.starts_with("Gecko_OS-") && !board.contains(':'), "{system} {board}");
    assert_eq!(set(base, "system.compatibility gecko"), Err(Invalid));
    set(base, "system.compatibility zentrios").unwrap();
    assert_eq!(fields(base).len(), 4);
}

#[test]
fn what_would_make_a_token_more_than_it_is_is_guarded() {
    for name in [
        "http.server.username",
        "http.server.password",
        "http.server.unauthorized_filename",
        "http.server.cors_origin",
        "http.server.tls_ca_cert",
        "http.server.tls_cert",
        "http.server.tls_key",
        "setup.auto.cmd",
        "setup.gpio.cmd",
        "remote_terminal.password",
        "wlan.hide_passkey",
    ] {
        assert!(find(&[name]).unwrap().0.row().guarded, "{name}");
    }
}
