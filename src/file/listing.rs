//! The text of `ls`, `ls -v` and `file_stat` (interface, files 4), without line ends.
//!
//! File names need not be UTF-8, so lines go out as bytes.

use core::fmt::{self, Write};

use super::meta::{Meta, flag};

/// Takes the bytes of a line, piece by piece.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]);

/// Prints the row of one file: its index and its metadata.
pub type Row = fn(usize, &Meta, Sink<'_>);

/// The header of `ls`.
pub const LS_HEADER: &str = "!  #   Size   Version  Filename";

/// The header of `ls -v`; the original's is not known.
pub const LS_VERBOSE_HEADER: &str = "!  #  Type  Flags   CRC    Size     Version  Filename";

/// One row of `ls`: index, size and version right-aligned to columns 3, 10 and 20, the name from column 23.
pub fn ls_row(index: usize, meta: &Meta, sink: Sink<'_>) {
    print(sink, format_args!("# {index:2} {:6} {:>9}  ", meta.size, meta.version));
    sink(&meta.name);
}

/// One row of `ls -v`: index, type (`e-FE`: the letter says internal or extended flash), flags, CRC-16, size, version
/// and name. Clients split at blanks and read fields 2, 3, 5, 6 and 7; they ignore the fourth.
pub fn ls_verbose_row(index: usize, meta: &Meta, sink: Sink<'_>) {
    let place = if meta.flags & flag::INTERNAL != 0 { 'i' } else { 'e' };
    let (kind, flags, crc) = (meta.kind, meta.flags, meta.crc);
    print(
        sink,
        format_args!(
            "# {index:2}  {place}-{kind:02X}   {flags:04X}  {crc:04X}  {:6}  {:>10}  ",
            meta.size, meta.version
        ),
    );
    sink(&meta.name);
}

/// The header of `ls -v` in the form of the successor; the original's is not known.
pub const LS_GECKO_OS_HEADER: &str = "!  # Place  CRC Type Flags - -    Size -    Version  Filename";

/// One row of `ls -v` in the form of the successor (`system.compatibility`): its clients split at blanks and read fields
/// 4 (type), 5 (flags), 8 (size), 10 (version) and 11 (name); they ignore the others. Flags with another meaning there
/// are left out.
pub fn ls_gecko_os_row(index: usize, meta: &Meta, sink: Sink<'_>) {
    let place = if meta.flags & flag::INTERNAL != 0 { "int" } else { "ext" };
    let flags = meta.flags & !(flag::ENCRYPTED | flag::INTERNAL | flag::BOOTABLE);
    let (kind, crc) = (meta.kind, meta.crc);
    print(
        sink,
        format_args!(
            "# {index:2} {place:>5} {crc:04X}   {kind:02X}  {flags:04X} - - {:7} - {:>10}  ",
            meta.size, meta.version
        ),
    );
    sink(&meta.name);
}

/// The line of `file_stat`: size, version, type, flags, CRC-16 and name, with commas between them. The original's output
/// is not known; a host reads the text before the first comma as the size.
pub fn stat_row(meta: &Meta, sink: Sink<'_>) {
    let Meta { size, version, kind, flags, crc, ref name } = *meta;
    print(sink, format_args!("{size},{version},0x{kind:02X},0x{flags:04X},0x{crc:04X},"));
    sink(name);
}

/// The lines of `file_stat -v`, each given to `line` as its name and its value.
pub fn stat_lines(meta: &Meta, line: &mut dyn FnMut(&str, &[u8])) {
    line("name", &meta.name);
    let mut text: heapless::String<24> = heapless::String::new();
    let mut put = |name: &str, value: fmt::Arguments<'_>| {
        text.clear();
        // The longest value is a version of 23 characters.
        let _ = text.write_fmt(value);
        line(name, text.as_bytes());
    };
    put("size", format_args!("{}", meta.size));
    put("version", format_args!("{}", meta.version));
    put("type", format_args!("0x{:02X}", meta.kind));
    put("flags", format_args!("0x{:04X}", meta.flags));
    put("crc", format_args!("0x{:04X}", meta.crc));
}

/// Formats into a byte sink.
fn print(sink: Sink<'_>, text: fmt::Arguments<'_>) {
    struct Text<'a>(Sink<'a>);
    impl Write for Text<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            (self.0)(text.as_bytes());
            Ok(())
        }
    }
    // The sink cannot fail.
    let _ = Text(sink).write_fmt(text);
}
