//! Tests of the line editor.

use super::*;
use proptest::prelude::*;

fn type_in(editor: &mut Editor, bytes: &[u8], echo: bool) -> (std::vec::Vec<String>, String) {
    let (mut lines, mut shown) = (std::vec::Vec::new(), std::vec::Vec::new());
    for byte in bytes {
        match editor.byte(*byte, echo, &mut |bytes| shown.extend_from_slice(bytes)) {
            Typed::More => {}
            Typed::Line => {
                lines.push(String::from_utf8_lossy(editor.line()).into_owned());
                editor.next(false);
            }
            Typed::TooLong => {
                lines.push("TOO LONG".into());
                editor.next(false);
            }
        }
    }
    (lines, String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn every_terminator_ends_one_line() {
    for end in ["\r", "\n", "\r\n", "\n\r"] {
        let text = format!("ver{end}list{end}{end}");
        let (lines, shown) = type_in(&mut Editor::new(), text.as_bytes(), true);
        assert_eq!(lines, ["ver", "list", ""], "{end:?}");
        assert_eq!(shown, "ver\r\nlist\r\n\r\n");
    }
}

#[test]
fn a_line_end_after_data_is_a_line_of_its_own() {
    let mut editor = Editor::new();
    assert_eq!(editor.byte(b'\r', false, &mut |_| {}), Typed::Line);
    editor.next(true);
    assert_eq!(editor.byte(b'\n', false, &mut |_| {}), Typed::Line);
}

#[test]
fn the_line_end_before_data_is_that_of_the_host() {
    for (typed, half) in [
        ("w 0 1\r", Some(b'\n')),
        ("w 0 1\n", None),
        ("ver\r\nw 0 1\r", Some(b'\n')),
        ("ver\rver\rver\rver\rw 0 1\r", None),
        ("ver\n\rw 0 1\n", Some(b'\r')),
        // Decision 13: a host that has used CR LF once may end other lines in CR alone.
        ("get wl n s\rw 0 1\r", Some(b'\n')),
        ("ver\r\nver\rver\rver\rver\rver\rw 0 1\r", Some(b'\n')),
    ] {
        let mut editor = Editor::new();
        for byte in typed.bytes() {
            if editor.byte(byte, false, &mut |_| {}) == Typed::Line && editor.line() != b"w 0 1" {
                editor.next(false);
            }
        }
        assert_eq!(editor.second_half(), half, "{typed:?}");
    }
}

#[test]
fn editing_keys() {
    let (lines, _) = type_in(&mut Editor::new(), b"vxr\x1b[D\x08e\r", true);
    assert_eq!(lines, ["ver"]);
    let (lines, shown) = type_in(&mut Editor::new(), b"verr\x7f\r", true);
    assert_eq!((lines[0].as_str(), shown.as_str()), ("ver", "verr\x08 \x08\r\n"));
    let (lines, _) = type_in(&mut Editor::new(), b"er\x1b[Hv\x1b[F!\x1b[D\x1b[3~\r", true);
    assert_eq!(lines, ["ver"]);
    let (lines, _) = type_in(&mut Editor::new(), b"one\rtwo\r\x1b[A\x1b[A\r\x1b[A\x1b[B\r", true);
    assert_eq!(lines, ["one", "two", "one", ""]);
}

/// A terminal of one line: what it shows, and where its cursor is.
fn shown(bytes: &[u8]) -> (String, usize) {
    let (mut cells, mut at) = (std::vec::Vec::<String>::new(), 0);
    for chunk in String::from_utf8_lossy(bytes).chars() {
        match (chunk, unicode_width::UnicodeWidthChar::width(chunk)) {
            ('\x08', _) => at -= 1,
            (_, Some(0)) => cells[at - 1].push(chunk),
            (_, width) => {
                for part in 0..width.unwrap_or(1) {
                    cells.resize(cells.len().max(at + 1), String::new());
                    cells[at] = if part == 0 { chunk.into() } else { String::new() };
                    at += 1;
                }
            }
        }
    }
    (cells.concat().trim_end().to_owned(), at)
}

/// Types keys; the terminal must show the line, with the cursor where the editor has it.
fn edited(keys: &str) -> String {
    let (mut editor, mut out) = (Editor::new(), std::vec::Vec::new());
    for byte in keys.bytes() {
        assert_eq!(editor.byte(byte, true, &mut |bytes| out.extend_from_slice(bytes)), Typed::More);
    }
    let line = String::from_utf8_lossy(editor.line()).into_owned();
    let (seen, column) = shown(&out);
    assert_eq!(seen, line.trim_end(), "{keys:?}");
    assert_eq!(column, text::columns(&editor.line[..editor.cursor]), "{keys:?}");
    line
}

#[test]
fn backspace_delete_and_insertion_work_on_characters() {
    for (keys, line) in [
        ("aé\x7f", "a"),
        ("字x\x7f\x7fy", "y"),
        ("€uro\x1b[D\x1b[D\x1b[D\x1b[Dä", "ä€uro"),
        ("a😀b\x1b[H\x1b[C\x1b[3~", "ab"),
        ("a😀b\x1b[D\x1b[D字", "a字😀b"),
        ("cafe\u{301}s\x1b[D\x7f", "cafs"),
        ("xy\x1b[De\u{301}", "xe\u{301}y"),
        ("字字\x1b[D\x7f!", "!字"),
    ] {
        assert_eq!(edited(keys), line, "{keys:?}");
    }
}

#[test]
fn a_recalled_line_replaces_wide_characters() {
    let mut editor = Editor::new();
    let (lines, _) = type_in(&mut editor, "ä字\rver\r字字é\x1b[A\x1b[A\x7f!\r".as_bytes(), true);
    assert_eq!(lines, ["ä字", "ver", "ä!"]);
    let mut out = std::vec::Vec::new();
    for byte in "字字é\x1b[A\x1b[A".bytes() {
        editor.byte(byte, true, &mut |bytes| out.extend_from_slice(bytes));
    }
    assert_eq!(shown(&out), ("ver".into(), 3));
}

#[test]
fn bytes_that_are_no_characters_count_as_one_each() {
    let (lines, _) = type_in(&mut Editor::new(), b"a\xff\xc3b\x7f\x7f\x7fc\r\xe2\x82\x7f\r\xc3\r", true);
    let want = [&b"ac"[..], b"\xe2", b"\xc3"].map(|line| String::from_utf8_lossy(line).into_owned());
    assert_eq!(lines, want);
    let (lines, _) = type_in(&mut Editor::new(), "a\u{9b}Ab\r".as_bytes(), true);
    assert_eq!(lines, ["aAb"], "C1 control codes are not echoed");
}

#[test]
fn sequences_with_parameters_do_not_print_into_the_line() {
    for sequence in ["\x1b[1;5C", "\x1b[200~", "\x1b[24;80R", "\x1bO5D", "\x1b]0;x\x07", "\x1bP+r\x1b\\", "\x1b[[A"] {
        assert_eq!(edited(&format!("ve{sequence}r")), "ver", "{sequence:?}");
    }
}

#[test]
fn nul_bytes_between_commands_are_ignored() {
    for echo in [true, false] {
        let (lines, shown) = type_in(&mut Editor::new(), b"\0ver\r\n\0\0get x\r\0\nls\n\0\rver\r", echo);
        assert_eq!(lines, ["ver", "get x", "ls", "ver"]);
        assert!(!shown.contains('\0'));
    }
}

#[test]
fn a_line_that_is_too_long_is_dropped_whole() {
    let mut text = vec![b'x'; limits::COMMAND_LINE + 1];
    text.extend_from_slice(b"\rver\r");
    assert_eq!(type_in(&mut Editor::new(), &text, false).0, ["TOO LONG", "ver"]);
    let fits = [&[b'x'; limits::COMMAND_LINE][..], b"\r"].concat();
    assert_eq!(type_in(&mut Editor::new(), &fits, false).0[0].len(), limits::COMMAND_LINE);
}

proptest! {
    #[test]
    fn any_keys_keep_the_editor_sound(bytes in proptest::collection::vec(any::<u8>(), 0..3000), echo: bool) {
        let mut editor = Editor::new();
        type_in(&mut editor, &bytes, echo);
        prop_assert!(editor.cursor <= editor.line.len());
    }

    #[test]
    fn text_at_once_is_text_byte_by_byte(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(0), any::<u8>()], 0..80),
        size in 1..9usize,
    ) {
        let (mut editor, mut lines) = (Editor::new(), std::vec::Vec::new());
        for mut piece in bytes.chunks(size) {
            while !piece.is_empty() {
                piece = &piece[editor.text(piece)..];
                let Some((byte, rest)) = piece.split_first() else { break };
                lines.extend(type_in(&mut editor, &[*byte], false).0);
                piece = rest;
            }
        }
        prop_assert_eq!(lines, type_in(&mut Editor::new(), &bytes, false).0);
    }
}
