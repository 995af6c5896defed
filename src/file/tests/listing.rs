//! Tests of the lines of `ls` and `file_stat`.

use std::string::String;
use std::vec::Vec;

use super::meta;
use crate::file::flag;
use crate::file::listing::{
    LS_GECKO_OS_HEADER, LS_HEADER, LS_VERBOSE_HEADER, ls_gecko_os_row, ls_row, ls_verbose_row, stat_lines, stat_row,
};

fn text(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
    let mut bytes = Vec::new();
    write(&mut |piece| bytes.extend_from_slice(piece));
    String::from_utf8(bytes).unwrap()
}

/// The lines of a real device.
#[test]
fn listing_of_a_device() {
    let first = meta("webapp/index.html", 1995, b"1.5.0", 1);
    let second = meta("webapp/zentrios.css.gz", 22670, b"1.5.0", 1);
    assert_eq!(LS_HEADER, "!  #   Size   Version  Filename");
    assert_eq!(text(|sink| ls_row(0, &first, sink)), "#  0   1995     1.5.0  webapp/index.html");
    assert_eq!(text(|sink| ls_row(1, &second, sink)), "#  1  22670     1.5.0  webapp/zentrios.css.gz");
    let long = meta("a b", 999_999, b"1.5.0.13", 1);
    assert_eq!(text(|sink| ls_row(99, &long, sink)), "# 99 999999  1.5.0.13  a b");
}

#[test]
fn verbose_listing() {
    let file = meta("webapp/index.html", 1995, b"1.5.0.0", 0xC1);
    let row = text(|sink| ls_verbose_row(0, &file, sink));
    assert_eq!(LS_VERBOSE_HEADER, "!  #  Type  Flags   CRC    Size     Version  Filename");
    assert_eq!(row, "#  0  e-FE   00C1  00A0    1995     1.5.0.0  webapp/index.html");
    let fields: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(fields, ["#", "0", "e-FE", "00C1", "00A0", "1995", "1.5.0.0", "webapp/index.html"]);
    // Every column ends where its headline ends; the name begins where its headline begins.
    for (headline, value) in [("#", "0"), ("Type", "e-FE"), ("Flags", "00C1"), ("CRC", "00A0"), ("Size", "1995")] {
        let end = LS_VERBOSE_HEADER.rfind(headline).unwrap() + headline.len();
        assert!(row[..end].ends_with(value), "{headline}");
    }
    assert_eq!(LS_VERBOSE_HEADER.find("Filename"), row.find("webapp"));
    let internal = meta("a", 1, b"1.0.0", flag::INTERNAL);
    assert!(text(|sink| ls_verbose_row(0, &internal, sink)).contains(" i-FE "));
}

#[test]
fn a_line_of_attributes_begins_with_the_size() {
    let file = meta("a b.txt", 10, b"1.5.0", flag::VALID);
    assert_eq!(text(|sink| stat_row(&file, sink)), "10,1.5.0,0xFE,0x0001,0x00A0,a b.txt");
}

#[test]
fn verbose_listing_in_the_form_of_the_successor() {
    let file = meta("webapp/a b.html", 1995, b"1.5.0", flag::VALID | flag::UNPROTECTED | flag::ENCRYPTED);
    let row = text(|sink| ls_gecko_os_row(3, &file, sink));
    let fields: Vec<&str> = row.split_whitespace().collect();
    assert_eq!((fields[0], fields[1], fields[4], fields[5]), ("#", "3", "FE", "0081"));
    assert_eq!((fields[8], fields[10], fields[11..].join(" ")), ("1995", "1.5.0", String::from("webapp/a b.html")));
    assert_eq!(LS_GECKO_OS_HEADER.find("Filename"), row.find("webapp"));
    assert!(LS_GECKO_OS_HEADER.starts_with("! "));
}

#[test]
fn stat() {
    let mut lines = Vec::new();
    stat_lines(&meta("a b.txt", 12, b"65535.65535.65535.65535", 1), &mut |name, value| {
        lines.push(std::format!("{name}: {}", std::str::from_utf8(value).unwrap()));
    });
    let expected =
        ["name: a b.txt", "size: 12", "version: 65535.65535.65535.65535", "type: 0xFE", "flags: 0x0001", "crc: 0x00A0"];
    assert_eq!(lines, expected);
}
