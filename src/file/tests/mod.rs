//! Tests of the file room as its users see it.

mod flash;
mod listing;
mod model;
mod waiting;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::vec::Vec;

use super::{FileError, FileSpec, Meta, Reader, Version, check_name, flag, kind};
use crate::limits;
use flash::{MemFlash, Unsynced};
use waiting::Files;

/// `size` bytes that differ from file to file.
fn content_of(seed: u32, size: usize) -> Vec<u8> {
    let byte = |at: u32| (seed.wrapping_mul(0x9E37_79B1) ^ at.wrapping_mul(0x85EB_CA77)).to_be_bytes()[0];
    let mut content: Vec<u8> = seed.to_le_bytes().into_iter().chain((0..).map(byte)).take(size).collect();
    content.truncate(size);
    content
}

fn read_all(files: &Files, name: &[u8]) -> Vec<u8> {
    let mut reader = files.open(name).unwrap();
    let mut content = Vec::new();
    let mut buffer = [0; 7];
    loop {
        let count = files.read(&mut reader, &mut buffer).unwrap();
        if count == 0 {
            break;
        }
        content.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(reader.position(), reader.size());
    files.close(reader);
    content
}

fn meta(name: &str, size: u32, version: &[u8], flags: u16) -> Meta {
    let version = Version::parse(version).unwrap();
    Meta { name: check_name(name.as_bytes()).unwrap(), size, version, kind: 0xFE, flags, crc: 0x00A0 }
}

/// After a boot the volume holds nothing but the listed files.
fn check_volume(flash: &MemFlash, files: &Files) {
    let names = flash.names();
    assert!(names.iter().all(|name| name.starts_with('f')), "{names:?}");
    assert_eq!(names.len(), files.count());
}

fn mounted(capacity: usize) -> (&'static MemFlash, Files) {
    let flash = MemFlash::new(capacity);
    let files = Files::on(flash);
    assert_eq!(files.mount(), Ok(0));
    (flash, files)
}

fn spec(name: &[u8], size: u32) -> FileSpec<'_> {
    let kind = kind::MISCELLANEOUS;
    FileSpec { name, size, version: Version::default(), kind, flags: 0, crc: None, replace: false }
}

fn store(files: &Files, spec: &FileSpec<'_>, content: &[u8]) -> Result<bool, FileError> {
    let writer = files.create(spec)?;
    files.write(&writer, content)
}

/// The transcript of the vendor's documentation: create, read in pieces, delete.
#[test]
fn hello_world() {
    let (_, files) = mounted(100_000);
    let crc = Some(0x222F);
    assert_eq!(store(&files, &FileSpec { crc, ..spec(b"hello.txt", 12) }, b"Hello World!"), Ok(true));
    let mut reader = files.open(b"hello.txt").unwrap();
    let mut buffer = [0; 50];
    assert_eq!(files.read(&mut reader, &mut buffer[..3]), Ok(3));
    assert_eq!(&buffer[..3], b"Hel");
    assert_eq!(files.read(&mut reader, &mut buffer), Ok(9));
    assert_eq!(&buffer[..9], b"lo World!");
    assert_eq!(files.read(&mut reader, &mut buffer), Ok(0));
    files.close(reader);
    assert_eq!(files.delete(b"hello.txt"), Ok(()));
    assert_eq!(files.delete(b"hello.txt"), Err(FileError::NotFound));
    assert_eq!(files.open(b"hello.txt").err(), Some(FileError::NotFound));
}

#[test]
fn reads_at_any_position() {
    let (_, files) = mounted(100_000);
    store(&files, &spec(b"a", 10), b"0123456789").unwrap();
    let mut reader = files.open(b"a").unwrap();
    let mut buffer = [0; 4];
    for (position, expected) in [(0, "0123"), (5, "5678"), (8, "89"), (10, ""), (u32::MAX, "")] {
        let count = files.read_at(&reader, position, &mut buffer).unwrap();
        assert_eq!(&buffer[..count], expected.as_bytes());
    }
    assert_eq!((reader.position(), reader.remaining()), (0, 10));
    reader.seek(7);
    assert_eq!(files.read(&mut reader, &mut buffer), Ok(3));
    reader.seek(99);
    assert_eq!((reader.position(), reader.remaining()), (10, 0));
    files.close(reader);
}

/// Content and metadata of all files are the same after a boot, in the order of creation.
#[test]
fn survives_a_boot() {
    let (flash, files) = mounted(1_000_000);
    let version = Version::parse(b"1.5.0").unwrap();
    let name = b"\xE4 b/c.txt";
    let flags = flag::ESSENTIAL | flag::UNPROTECTED;
    let first = FileSpec { version, kind: 0x45, flags, ..spec(name, 5) };
    store(&files, &first, b"hello").unwrap();
    for index in 0..60u8 {
        store(&files, &spec(&[b'x', b'0' + index], 1), &[index]).unwrap();
    }
    let before: Vec<Meta> = (0..files.count()).map(|index| files.entry(index).unwrap()).collect();
    let name = check_name(name).unwrap();
    assert_eq!(before[0], Meta { name, size: 5, version, kind: 0x45, flags: 0xC1, crc: 0x42D3 });

    let files = Files::on(flash);
    assert_eq!(files.mount(), Ok(61));
    let after: Vec<Meta> = (0..files.count()).map(|index| files.entry(index).unwrap()).collect();
    assert_eq!(before, after);
    assert_eq!(files.stat(b"x1").map(|meta| meta.size), Some(1));
    assert_eq!(files.stat(b"x"), None);
    // Numbers go on: nothing is overwritten.
    store(&files, &spec(b"new", 1), b"n").unwrap();
    assert_eq!(files.entry(61).unwrap().name, b"new");
}

#[test]
fn names() {
    let (_, files) = mounted(10_000_000);
    let longest = [b'n'; limits::FILE_NAME];
    for name in [b"a b".as_slice(), b".hidden", b"folder/", b"webapp/1.5.0.13/zentrios.css.gz", b"\xFF\x80", &longest] {
        assert_eq!(store(&files, &spec(name, 1), b"#"), Ok(true), "{name:?}");
        assert_eq!(read_all(&files, name), b"#");
    }
    let too_long = [b'n'; limits::FILE_NAME + 1];
    for name in [b"".as_slice(), b"/a", b"a\0b", b"a\tb", b"a\x7F", &too_long] {
        assert_eq!(files.create(&spec(name, 1)).err(), Some(FileError::InvalidName), "{name:?}");
    }
}

#[test]
fn check_sums() {
    let (flash, files) = mounted(100_000);
    let wrong = FileSpec { crc: Some(0x222E), ..spec(b"a", 12) };
    assert_eq!(store(&files, &wrong, b"Hello World!"), Err(FileError::Corrupt));
    assert_eq!((files.count(), flash.names().len(), flash.open_handles()), (0, 0, 0));

    let writer = files.create(&spec(b"a", 9)).unwrap();
    files.expect_crc32(&writer, 0xCBF4_3926).unwrap();
    assert_eq!(files.write(&writer, b"1234567"), Ok(false));
    assert_eq!(files.write(&writer, b"89"), Ok(true));
    let writer = files.create(&spec(b"b", 9)).unwrap();
    files.expect_crc32(&writer, 0xCBF4_3926).unwrap();
    assert_eq!(files.write(&writer, b"123456788"), Err(FileError::Corrupt));
    assert_eq!(files.write(&writer, b""), Err(FileError::Gone));
    assert_eq!(files.count(), 1);
}

/// zentriospy gives CRC 0 for an empty file, the JavaScript API FFFF.
#[test]
fn empty_files() {
    let (_, files) = mounted(100_000);
    for (name, crc) in [(b"a", Some(0)), (b"b", Some(0xFFFF)), (b"c", None)] {
        let writer = files.create(&FileSpec { crc, ..spec(name, 0) }).unwrap();
        assert_eq!(files.stat(name), None);
        assert_eq!(files.finish(writer), Ok(()));
        assert_eq!(files.stat(name).map(|meta| (meta.size, meta.crc)), Some((0, 0xFFFF)));
        assert_eq!(read_all(&files, name), b"");
    }
    assert_eq!(store(&files, &spec(b"d", 0), b""), Ok(true));
    let wrong = FileSpec { crc: Some(1), ..spec(b"e", 0) };
    assert_eq!(store(&files, &wrong, b""), Err(FileError::Corrupt));
    let writer = files.create(&spec(b"f", 1)).unwrap();
    assert_eq!(files.finish(writer), Err(FileError::Incomplete));
    assert_eq!(files.count(), 4);
}

/// A file of unknown size accepts all content, and exists once it is finished.
#[test]
fn growing_files() {
    let (flash, files) = mounted(3 * 4096 + 100);
    let replacing = FileSpec { replace: true, ..spec(b"a", 0) };
    for (content, crc) in [(b"".as_slice(), 0), (b"Hello World!", 0x222F)] {
        let writer = files.create_growing(&FileSpec { crc: Some(crc), ..replacing }).unwrap();
        for piece in content.chunks(5) {
            assert_eq!(files.write(&writer, piece), Ok(false));
        }
        assert_eq!(files.writing(&writer).map(|meta| meta.size as usize), Some(content.len()));
        assert_eq!(files.finish(writer), Ok(()));
        assert_eq!(read_all(&files, b"a"), content);
    }
    let writer = files.create_growing(&FileSpec { crc: Some(0x222E), ..replacing }).unwrap();
    assert_eq!(files.write(&writer, b"Hello World!"), Ok(false));
    assert_eq!(files.finish(writer), Err(FileError::Corrupt));
    // More than there is flash for: nothing of that write is stored, and other files keep the flash promised to them.
    let writer = files.create_growing(&replacing).unwrap();
    let other = files.create(&spec(b"b", 5000)).unwrap();
    assert_eq!(files.write(&writer, &[7; 4000]), Err(FileError::NoRoom));
    assert_eq!(files.write(&writer, &[7; 1000]), Ok(false));
    files.abandon(other);
    assert_eq!(files.write(&writer, &[7; 4000]), Ok(false));
    assert_eq!(files.write(&writer, &[7; 9000]), Err(FileError::NoRoom));
    files.abandon(writer);
    assert_eq!(read_all(&files, b"a"), b"Hello World!");
    assert_eq!((files.count(), flash.names().len(), flash.open_handles()), (1, 1, 0));
}

/// A failed write has stored nothing: the host may send the chunk again.
#[test]
fn a_failed_write_can_be_repeated() {
    let (flash, files) = mounted(100_000);
    let writer = files.create(&FileSpec { crc: Some(0x222F), ..spec(b"a", 12) }).unwrap();
    assert_eq!(files.write(&writer, b"Hello "), Ok(false));
    assert_eq!(files.write(&writer, b"World! and more"), Err(FileError::TooLong));
    flash.fail(0..1, false);
    assert!(matches!(files.write(&writer, b"World!"), Err(FileError::Flash(_))));
    assert_eq!(files.written(&writer), Some(6));
    assert_eq!(files.writing(&writer).map(|meta| meta.size), Some(12));
    assert_eq!(files.write(&writer, b"World!"), Ok(true));
    assert_eq!(read_all(&files, b"a"), b"Hello World!");
}

#[test]
fn one_writer_a_name() {
    let (flash, files) = mounted(100_000);
    let writer = files.create(&spec(b"a", 3)).unwrap();
    let replacing = FileSpec { replace: true, ..spec(b"a", 3) };
    assert_eq!(files.create(&spec(b"a", 3)).err(), Some(FileError::Exists));
    assert_eq!(files.create(&replacing).err(), Some(FileError::Busy));
    assert_eq!(files.delete(b"a"), Err(FileError::NotFound));
    files.abandon(writer);
    assert_eq!(flash.names().len(), 0);
    store(&files, &spec(b"a", 3), b"abc").unwrap();
    assert_eq!(files.create(&spec(b"a", 3)).err(), Some(FileError::Exists));
}

/// The old file exists until the new one is complete, and for its readers until they close it.
#[test]
fn replace() {
    let (flash, files) = mounted(100_000);
    store(&files, &spec(b"a", 3), b"old").unwrap();
    store(&files, &spec(b"b", 1), b"b").unwrap();
    let reader = files.open(b"a").unwrap();
    let replacing = FileSpec { replace: true, ..spec(b"a", 5) };
    let writer = files.create(&replacing).unwrap();
    files.write(&writer, b"ne").unwrap();
    assert_eq!(read_all(&files, b"a"), b"old");
    files.abandon(writer);
    assert_eq!(read_all(&files, b"a"), b"old");
    assert_eq!(store(&files, &FileSpec { crc: Some(0), ..replacing }, b"newer"), Err(FileError::Corrupt));
    assert_eq!(read_all(&files, b"a"), b"old");
    store(&files, &replacing, b"newer").unwrap();
    assert_eq!(read_all(&files, b"a"), b"newer");
    let mut buffer = [0; 9];
    assert_eq!(files.read_at(&reader, 0, &mut buffer), Ok(3));
    assert_eq!(&buffer[..3], b"old");
    assert_eq!(flash.names().len(), 3);
    files.close(reader);
    assert_eq!(flash.names().len(), 2);
    assert_eq!((files.count(), flash.open_handles()), (2, 0));
}

/// Runs a comparison; answers how often it yielded, and its outcome.
fn verify(files: &Files, reader: &Reader) -> (usize, Result<(), FileError>) {
    let mut comparison = pin!(files.verify(reader));
    let mut pauses = 0;
    loop {
        match comparison.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => return (pauses, outcome),
            Poll::Pending => pauses += 1,
        }
    }
}

/// Each file is compared with its check sum once after a boot, in pieces; a damaged one is not opened again.
#[test]
fn damaged_content_is_noticed() {
    let (flash, files) = mounted(100_000);
    let content = content_of(7, 20_000);
    for name in [&b"good"[..], b"bad", b"short"] {
        store(&files, &spec(name, 20_000), &content).unwrap();
    }
    store(&files, &spec(b"empty", 0), b"").unwrap();
    let reader = files.open(b"good").unwrap();
    assert_eq!(verify(&files, &reader), (0, Ok(())), "written in this life");
    files.close(reader);

    let next = flash.after_power_cut(Unsynced::Lost);
    let mut damaged = next.raw("f00000002");
    damaged[19_999] ^= 1;
    next.put("f00000002", &damaged);
    let files = Files::on(next);
    assert_eq!(files.mount(), Ok(4));
    let reader = files.open(b"good").unwrap();
    let (pauses, outcome) = verify(&files, &reader);
    assert_eq!(outcome, Ok(()));
    assert!(pauses >= 20_000 / limits::FILE_PIECE);
    assert_eq!(verify(&files, &reader), (0, Ok(())), "once is enough");
    files.close(reader);
    let reader = files.open(b"empty").unwrap();
    assert_eq!(verify(&files, &reader).1, Ok(()));
    files.close(reader);

    let reader = files.open(b"bad").unwrap();
    assert_eq!(verify(&files, &reader).1, Err(FileError::Corrupt));
    files.close(reader);
    assert_eq!(files.open(b"bad").err(), Some(FileError::Corrupt));
    // It is still listed, and can be replaced and deleted.
    assert!(files.stat(b"bad").is_some());
    store(&files, &FileSpec { replace: true, ..spec(b"bad", 20_000) }, &content).unwrap();
    assert_eq!(read_all(&files, b"bad"), content);
    assert_eq!(files.delete(b"bad"), Ok(()));

    // Flash that is not readable now may be readable later.
    let reader = files.open(b"short").unwrap();
    next.fail_reads(1);
    assert!(matches!(verify(&files, &reader).1, Err(FileError::Flash(_))));
    assert_eq!(verify(&files, &reader).1, Ok(()));
    // The check sum of a file that is deleted meanwhile does not matter any more.
    files.delete(b"short").unwrap();
    assert_eq!(verify(&files, &reader).1, Ok(()));
    files.close(reader);
}

/// A replaced file that could not be removed never comes back.
#[test]
fn the_replaced_stay_away() {
    let (flash, files) = mounted(100_000);
    store(&files, &spec(b"a", 3), b"old").unwrap();
    let writer = files.create(&FileSpec { replace: true, ..spec(b"a", 3) }).unwrap();
    // Content, record, sync and rename succeed, the removal of the old file does not.
    flash.fail(4..6, false);
    assert_eq!(files.write(&writer, b"new"), Ok(true));
    assert_eq!(flash.names().len(), 2);
    assert!(matches!(files.delete(b"a"), Err(FileError::Flash(_))));
    assert_eq!(read_all(&files, b"a"), b"new");
    assert_eq!(files.delete(b"a"), Ok(()));
    assert_eq!(flash.names().len(), 0);
    assert_eq!(Files::on(flash).mount(), Ok(0));
}

/// The next replacement removes the file that the previous one could not: there is never more than one such entry.
#[test]
fn replaced_files_do_not_pile_up() {
    let (flash, files) = mounted(100_000);
    let replacing = FileSpec { replace: true, ..spec(b"a", 3) };
    store(&files, &replacing, b"one").unwrap();
    // Create, content, record, sync and rename succeed, the removal of the old file does not.
    flash.fail(5..6, false);
    assert_eq!(store(&files, &replacing, b"two"), Ok(true));
    assert_eq!(flash.names(), ["f00000001", "f00000002"]);
    // As long as it cannot be removed, there is no next replacement.
    flash.fail(4..5, false);
    assert!(matches!(store(&files, &replacing, b"bad"), Err(FileError::Flash(_))));
    assert_eq!(read_all(&files, b"a"), b"two");
    assert_eq!(store(&files, &replacing, b"new"), Ok(true));
    assert_eq!(flash.names(), ["f00000004"]);
    assert_eq!(read_all(&files, b"a"), b"new");
}

#[test]
fn flash_is_reserved() {
    // Room for three units of 4 KB.
    let (_, files) = mounted(3 * 4096 + 100);
    let free = files.free_space();
    assert!((3 * 4000..3 * 4096).contains(&free), "{free}");
    assert_eq!(files.create(&spec(b"a", free + 1)).err(), Some(FileError::NoRoom));
    assert_eq!(files.create(&spec(b"a", u32::MAX)).err(), Some(FileError::NoRoom));
    let probe = files.create(&spec(b"f.fc", free)).unwrap();
    assert_eq!(files.free_space(), 0);
    assert_eq!(files.create(&spec(b"b", 0)).err(), Some(FileError::NoRoom));
    files.abandon(probe);
    assert_eq!(files.free_space(), free);

    let first = files.create(&spec(b"a", 5000)).unwrap();
    let second = files.create(&spec(b"b", 3000)).unwrap();
    for _ in 0..5 {
        files.write(&first, &[1; 1000]).unwrap();
        assert_eq!(files.create(&spec(b"c", 5000)).err(), Some(FileError::NoRoom));
    }
    assert_eq!(files.write(&second, &[2; 3000]), Ok(true));
    assert_eq!(files.count(), 2);
}

#[test]
fn tables_are_bounded() {
    let (_, files) = mounted(100_000_000);
    let name = |index: usize| std::format!("file {index}").into_bytes();
    let writers: Vec<_> = (0..limits::FILE_WRITERS).map(|n| files.create(&spec(&name(n), 1)).unwrap()).collect();
    assert_eq!(files.create(&spec(b"x", 1)).err(), Some(FileError::TooManyOpen));
    writers.iter().for_each(|writer| assert_eq!(files.write(writer, b"x"), Ok(true)));

    for index in limits::FILE_WRITERS..limits::FILES - 1 {
        store(&files, &spec(&name(index), 1), b"x").unwrap();
    }
    // The last row is promised to a writer; a replacement needs none.
    let last = files.create(&spec(b"last", 1)).unwrap();
    assert_eq!(files.create(&spec(b"x", 1)).err(), Some(FileError::TableFull));
    assert_eq!(files.write(&last, b"x"), Ok(true));
    assert_eq!(files.create(&spec(b"x", 1)).err(), Some(FileError::TableFull));
    let replacing = FileSpec { replace: true, ..spec(b"last", 1) };
    assert_eq!(store(&files, &replacing, b"y"), Ok(true));
    assert_eq!(files.count(), limits::FILES);

    // A replacement keeps its row when the old file is deleted.
    let writer = files.create(&replacing).unwrap();
    files.delete(b"last").unwrap();
    assert_eq!(files.create(&spec(b"x", 1)).err(), Some(FileError::TableFull));
    assert_eq!(files.write(&writer, b"z"), Ok(true));

    let readers: Vec<_> = (0..limits::FILE_READERS).map(|n| files.open(&name(n)).unwrap()).collect();
    assert_eq!(files.open(b"last").err(), Some(FileError::TooManyOpen));
    let again = files.open(&name(0)).unwrap();
    readers.into_iter().chain([again]).for_each(|reader| files.close(reader));
    assert_eq!(read_all(&files, b"last"), b"z");
}

/// More files on flash than the table holds (a build with smaller limits): the rest stays on flash.
#[test]
fn an_overfull_volume() {
    let (flash, files) = mounted(100_000_000);
    for index in 0..limits::FILES {
        store(&files, &spec(&std::format!("{index}").into_bytes(), 1), b"x").unwrap();
    }
    let other = mounted(10_000);
    store(&other.1, &spec(b"more", 1), b"m").unwrap();
    flash.put("f00001000", &other.0.raw("f00000001"));
    flash.put("settings.bin", b"not of this room");
    assert_eq!(files.mount(), Ok(limits::FILES));
    assert_eq!(files.stat(b"more"), None);
    files.delete(b"0").unwrap();
    store(&files, &spec(b"new", 1), b"x").unwrap();
    assert!(flash.names().contains(&"f00001001".into()));
    files.delete(b"1").unwrap();
    assert_eq!(files.mount(), Ok(limits::FILES));
    assert_eq!(read_all(&files, b"more"), b"m");
    assert_eq!(files.erase_all(false), Ok(()));
    assert_eq!(flash.names(), ["settings.bin"]);
}

#[test]
fn damaged_entries_go() {
    let (flash, files) = mounted(100_000);
    store(&files, &spec(b"good", 4), b"good").unwrap();
    store(&files, &spec(b"bad", 3), b"bad").unwrap();
    let mut bytes = flash.raw("f00000002");
    bytes.pop();
    flash.put("f00000002", &bytes);
    flash.put("f00000003", b"");
    flash.put("f00000004", &[0xFF; 5000]);
    flash.put("t00000005", &flash.raw("f00000001"));
    let files = Files::on(flash);
    assert_eq!(files.mount(), Ok(1));
    check_volume(flash, &files);
    assert_eq!(read_all(&files, b"good"), b"good");
}

#[test]
fn nothing_before_mount() {
    let files = Files::on(MemFlash::new(10_000));
    assert_eq!(files.create(&spec(b"a", 1)).err(), Some(FileError::NotMounted));
    assert_eq!(files.erase_all(false), Err(FileError::NotMounted));
    assert_eq!((files.count(), files.entry(0)), (0, None));
}

#[test]
fn factory_reset_keeps_the_essential() {
    let (flash, files) = mounted(100_000);
    store(&files, &spec(b"a", 1), b"a").unwrap();
    store(&files, &FileSpec { flags: flag::ESSENTIAL, ..spec(b"b", 1) }, b"b").unwrap();
    let writer = files.create(&spec(b"c", 1)).unwrap();
    assert_eq!(files.erase_all(true), Ok(()));
    assert_eq!(files.write(&writer, b"c"), Err(FileError::Gone));
    assert_eq!((files.count(), files.entry(0).unwrap().name.as_slice()), (1, b"b".as_slice()));
    assert_eq!(files.erase_all(false), Ok(()));
    assert_eq!((files.count(), flash.names().len()), (0, 0));
}

/// The web app offers files with `flags & 0x1A` = 0 for download; flags that users set must not change that.
#[test]
fn flags_of_users_keep_the_download_link() {
    assert_eq!((flag::VALID | flag::ESSENTIAL | flag::UNPROTECTED | flag::USER) & 0x1A, 0);
    let meta = meta("a", 1, b"1.0.0", flag::VALID);
    assert!(meta.is_servable());
    for (kind, flags) in [(0xFE, 0), (0xFE, 5), (0x00, 1), (0x01, 1), (0x81, 1)] {
        assert!(!Meta { kind, flags, ..meta.clone() }.is_servable());
    }
}
