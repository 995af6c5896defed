//! The folder as flash.

use std::fs;

use super::super::{LinuxPort, Options, SerialKind};
use super::{Folder, port};
use crate::port::{Handle, Port, PortError};

fn options(folder: &Folder, flash: u32) -> Options {
    Options { data: folder.path().join("data"), serial: SerialKind::Pty(None), flash, ..Options::default() }
}

fn names(port: &LinuxPort) -> Vec<String> {
    let mut names = Vec::new();
    port.storage().list(&mut |name| names.push(name.to_owned())).unwrap();
    names.sort();
    names
}

#[test]
fn one_folder_is_one_device() {
    let folder = Folder::new();
    let first = LinuxPort::new(&options(&folder, 1 << 20)).unwrap();
    let refused = LinuxPort::new(&options(&folder, 1 << 20)).err().unwrap().to_string();
    assert!(refused.contains("another device") && refused.contains("--data"), "{refused}");
    drop(first);
    assert!(LinuxPort::new(&options(&folder, 1 << 20)).is_ok());
}

#[test]
fn a_folder_that_cannot_be_is_a_clear_error() {
    let folder = Folder::new();
    fs::write(folder.path().join("data"), "a file").unwrap();
    let refused = LinuxPort::new(&options(&folder, 1 << 20)).err().unwrap().to_string();
    assert!(refused.starts_with("cannot create the data folder") && !refused.contains('\n'), "{refused}");
}

#[test]
fn settings_slots_are_apart() {
    let (port, _folder) = port();
    let mut buffer = [0; 8];
    assert_eq!(port.storage().slot_read(0, &mut buffer), Err(PortError::NotFound));
    port.storage().slot_write(0, b"first").unwrap();
    port.storage().slot_write(1, b"two").unwrap();
    port.storage().slot_write(1, b"2").unwrap();
    assert_eq!(port.storage().slot_read(0, &mut buffer), Ok(5));
    assert_eq!(port.storage().slot_read(1, &mut buffer), Ok(1));
    assert_eq!(buffer[0], b'2');
    assert_eq!(port.storage().slot_read(0, &mut buffer[..4]), Err(PortError::NoRoom));
    assert_eq!(port.storage().slot_write(2, b""), Err(PortError::NotFound));
}

#[test]
fn files_are_written_read_renamed_and_removed() {
    let (port, folder) = port();
    let draft = port.storage().create("webapp/../draft").unwrap();
    port.storage().append(draft, b"hello ").unwrap();
    port.storage().append(draft, b"world").unwrap();
    port.storage().sync(draft).unwrap();
    assert_eq!(port.storage().length(draft), Ok(11));
    port.storage().close_file(draft);
    assert_eq!(port.storage().append(draft, b"x"), Err(PortError::Closed));
    port.storage().rename("webapp/../draft", "a.txt").unwrap();
    assert_eq!(names(port), ["a.txt"]);
    assert_eq!(fs::read(folder.path().join("volume/a.txt")).unwrap(), b"hello world");

    let file = port.storage().open("a.txt").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(port.storage().read_at(file, 6, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"world");
    assert_eq!(port.storage().read_at(file, 99, &mut buffer), Ok(0));
    assert_eq!(port.storage().append(file, b"x"), Err(PortError::Denied));
    // Replacing and removing a file does not disturb who reads it.
    port.storage().create("a.txt").unwrap();
    port.storage().remove("a.txt").unwrap();
    assert_eq!(port.storage().read_at(file, 0, &mut buffer), Ok(8));

    assert_eq!(port.storage().remove("a.txt"), Err(PortError::NotFound));
    assert_eq!(port.storage().rename("a.txt", "b"), Err(PortError::NotFound));
    assert_eq!(port.storage().open("a.txt"), Err(PortError::NotFound));
    assert_eq!(port.storage().open("../identity"), Err(PortError::NotFound), "nothing outside of the volume");
    assert_eq!(port.storage().open(".."), Err(PortError::NotFound));
    assert_eq!(port.storage().open(""), Err(PortError::NotFound));
    assert_eq!(port.storage().length(Handle(u16::MAX)), Err(PortError::Closed));
}

#[test]
fn the_flash_is_as_large_as_it_says() {
    let folder = Folder::new();
    let port = LinuxPort::new(&options(&folder, 4 * 4096)).unwrap();
    assert_eq!(port.storage().free_space(), 16384);
    let file = port.storage().create("one").unwrap();
    assert_eq!(port.storage().free_space(), 12288, "a block even for an empty file");
    port.storage().append(file, &[0; 4096]).unwrap();
    assert_eq!(port.storage().free_space(), 12288);
    port.storage().append(file, &[0; 1]).unwrap();
    assert_eq!(port.storage().free_space(), 8192);
    assert_eq!(port.storage().append(file, &[0; 12288]), Err(PortError::NoRoom));
    assert_eq!(port.storage().length(file), Ok(4097), "all or nothing");
    port.storage().append(file, &[0; 12287]).unwrap();
    assert_eq!(port.storage().free_space(), 0);
    assert_eq!(port.storage().create("two"), Err(PortError::NoRoom));
    port.storage().remove("one").unwrap();
    assert_eq!(port.storage().free_space(), 16384);
}

#[test]
fn open_files_are_bounded() {
    let (port, _folder) = port();
    port.storage().create("a").map(|file| port.storage().close_file(file)).unwrap();
    let open: Vec<_> = std::iter::from_fn(|| port.storage().open("a").ok()).take(1000).collect();
    assert!(open.len() < 1000);
    assert_eq!(port.storage().open("a"), Err(PortError::NoRoom));
    port.storage().close_file(open[3]);
    let again = port.storage().open("a").unwrap();
    assert_ne!(again, open[3], "an old handle is not another file");
    assert_eq!(port.storage().length(open[3]), Err(PortError::Closed));
}
