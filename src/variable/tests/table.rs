//! The table itself: every row is sound.

use super::super::value;
use super::*;

#[test]
fn rows_are_sorted_by_name() {
    for pair in ROWS.windows(2) {
        assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
    }
}

#[test]
fn every_abbreviation_is_unique_and_has_one_word_a_part() {
    for (at, row) in ROWS.iter().enumerate().filter(|(_, row)| !row.abbr.is_empty()) {
        let twin = ROWS[..at].iter().find(|other| other.abbr == row.abbr);
        assert!(twin.is_none(), "{} and {} are both {}", row.name, twin.unwrap().name, row.abbr);
        assert_eq!(row.abbr.split(' ').count(), row.name.split('.').count(), "{}", row.name);
    }
}

#[test]
fn every_name_and_abbreviation_finds_its_row() {
    for id in Id::all() {
        let row = id.row();
        assert_eq!(find(&[row.name, "x"]), Some((id, 1)));
        if !row.abbr.is_empty() {
            let words: Vec<&str> = row.abbr.split(' ').chain(["0x0"]).collect();
            assert_eq!(find(&words), Some((id, words.len() - 1)), "{}", row.abbr);
        }
        assert!(!row.summary.is_empty(), "{}", row.name);
    }
}

#[test]
fn every_default_is_a_value_of_its_kind_in_stored_form() {
    for row in ROWS.iter().filter(|row| !row.computed) {
        let kind = if let ValueKind::Indexed(_, kind) = row.kind { kind } else { &row.kind };
        for (element, line) in row.default.split('\n').enumerate() {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let words = if matches!(kind, ValueKind::Direction) { words } else { Vec::from([line.as_bytes()]) };
            let value = value::parse(kind, element as u8, &words).unwrap_or_else(|error| {
                panic!("{}: {line:?} is {error:?}", row.name);
            });
            assert_eq!(value, line.as_bytes(), "{}", row.name);
        }
    }
}

#[test]
fn the_longest_abbreviation_counts() {
    let name = |words: &[&str]| find(words).map(|(id, used)| (id.row().name, used));
    assert_eq!(name(&["wl", "s", "r"]), Some(("wlan.scan.retries", 3)));
    assert_eq!(name(&["wl", "s", "net"]), Some(("wlan.ssid", 2)));
    assert_eq!(name(&["so", "s", "i"]), Some(("softap.static.ip", 3)));
    assert_eq!(name(&["wl", "S"]), None);
    assert_eq!(name(&["wl s", "r"]), None);
    assert_eq!(name(&["wl", "", "s"]), None);
    assert_eq!(name(&["wl"]), None);
    assert_eq!(name(&[]), None);
}

#[test]
fn old_names_lead_to_the_present_ones() {
    let name = |words: &[&str]| find(words).map(|(id, used)| (id.row().name, used));
    assert_eq!(name(&["ne", "d", "e", "1"]), Some(("wlan.dhcp.enabled", 3)));
    assert_eq!(name(&["st", "i", "1.2.3.4"]), Some(("wlan.static.ip", 2)));
    assert_eq!(name(&["st", "a", "1"]), Some(("stream.auto_close", 2)));
    assert_eq!(name(&["softap.url"]), Some(("softap.dns_server.url", 1)));
    assert_eq!(name(&["we", "p"]), Some(("setup.web.passkey", 2)));
    for (old, new) in crate::variable::table::alias::ALIASES {
        let words: Vec<&str> = old.split(' ').collect();
        assert_eq!(find(&words).map(|(id, used)| (id.row().name, used)), Some((*new, words.len())), "{old}");
        assert!(ROWS.iter().all(|row| row.abbr != *old && row.name != *old), "{old} is a present name");
    }
}
