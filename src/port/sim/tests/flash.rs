//! The flash model: cuts at every write.

use std::vec::Vec;

use crate::port::sim::{Call, SimPort, Tear};
use crate::port::{PortError, Result, Storage};

const OLD: &[u8] = b"the old text";
const NEW: &[u8] = b"something new";

/// Replaces a file; if `careful`, a cut leaves the old file or the new one.
fn replace(port: &SimPort, careful: bool) -> Result<()> {
    let file = port.create(if careful { "tmp" } else { "file" })?;
    for part in NEW.chunks(5) {
        port.append(file, part)?;
    }
    if careful {
        port.sync(file)?;
    }
    port.close_file(file);
    if careful { port.rename("tmp", "file") } else { Ok(()) }
}

/// The content of the file after a cut at each write of `replace`, and last without a cut.
fn after_cuts(careful: bool, loses_unsynced: bool) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    for cut in 0.. {
        let port = SimPort::new();
        port.flash().set_content("file", OLD);
        port.flash().lose_unsynced(loses_unsynced);
        port.flash().cut_after(cut);
        let result = replace(port, careful);
        assert_eq!(result.is_err(), port.flash().is_cut());
        if result.is_err() {
            assert_eq!(port.open("file"), Err(PortError::Failed(5)));
            assert_eq!(port.flash().written(), cut);
        }
        let port = port.power_cycle();
        found.push(port.flash().content("file"));
        assert_eq!(port.open("none"), Err(PortError::NotFound));
        if result.is_ok() {
            return found;
        }
    }
    unreachable!("a budget that is large enough never cuts")
}

#[test]
fn a_careful_replacement_is_never_torn() {
    let found = after_cuts(true, true);
    // One write to create, one per byte, one to rename: the new file exists only after all of them.
    assert_eq!(found.len(), NEW.len() + 3);
    let (last, before) = found.split_last().unwrap();
    assert_eq!(last.as_deref(), Some(NEW));
    assert!(before.iter().all(|content| content.as_deref() == Some(OLD)));
}

#[test]
fn a_careless_replacement_is_torn_at_every_byte() {
    let found = after_cuts(false, false);
    assert_eq!(found[0].as_deref(), Some(OLD));
    assert_eq!(found[1], None);
    for (written, content) in found[2..].iter().enumerate() {
        assert_eq!(content.as_deref(), Some(&NEW[..written]));
    }
    assert_eq!(found.len(), NEW.len() + 3);
    let unsynced = after_cuts(false, true);
    assert_eq!(unsynced.last().unwrap().as_deref(), Some(b"".as_slice()));
}

#[test]
fn a_settings_slot_tears_as_asked() {
    for (tear, cut, expected) in [
        (Tear::Prefix, 3, b"new".as_slice()),
        (Tear::Prefix, 0, b""),
        (Tear::Erased, 3, b"new\xFF\xFF"),
        (Tear::Overwritten, 3, b"newer old"),
        (Tear::Overwritten, 0, b"older old"),
        (Tear::Prefix, 5, b"new!!"),
    ] {
        let port = SimPort::new();
        port.slot_write(1, b"older old").unwrap();
        port.flash().set_tear(tear);
        port.flash().cut_after(cut);
        let result = port.slot_write(1, b"new!!");
        assert_eq!(result.is_ok(), cut == 5);
        let mut buffer = [0; 16];
        let port = port.power_cycle();
        let length = port.slot_read(1, &mut buffer).unwrap();
        assert_eq!(&buffer[..length], expected, "{tear:?} {cut}");
        assert_eq!(port.slot_read(0, &mut buffer), Err(PortError::NotFound));
    }
}

#[test]
fn a_full_flash_takes_nothing_and_errors_come_on_demand() {
    let port = SimPort::new();
    port.flash().set_capacity(10);
    let file = port.create("a").unwrap();
    port.append(file, b"1234567").unwrap();
    assert_eq!(port.append(file, b"1234"), Err(PortError::NoRoom));
    assert_eq!((port.length(file), port.free_space()), (Ok(7), 3));
    port.fail_after(1, Call::Append, PortError::Failed(5));
    assert_eq!(port.append(file, b"8"), Ok(()));
    assert_eq!(port.append(file, b"9"), Err(PortError::Failed(5)));
    assert_eq!(port.append(file, b"9"), Ok(()));
    port.flash().limit_open(1);
    assert_eq!(port.open("a"), Err(PortError::NoRoom));
    port.close_file(file);
    assert_eq!(port.append(file, b"0"), Err(PortError::Failed(9)));
    let file = port.open("a").unwrap();
    assert_eq!(port.append(file, b"0"), Err(PortError::Denied));
    let mut buffer = [0; 4];
    assert_eq!((port.read_at(file, 7, &mut buffer), &buffer), (Ok(2), b"89\0\0"));
}

#[test]
fn an_open_file_outlives_its_name() {
    let port = SimPort::new();
    port.flash().set_content("a", b"first");
    port.flash().set_content("b", b"second");
    let file = port.open("b").unwrap();
    port.rename("a", "b").unwrap();
    let mut buffer = [0; 6];
    assert_eq!(port.read_at(file, 0, &mut buffer), Ok(6));
    assert_eq!(&buffer, b"second");
    let used = |port: &SimPort| (1 << 20) - port.free_space();
    assert_eq!(used(port), 11);
    port.close_file(file);
    assert_eq!(used(port), 5);
    assert_eq!(port.remove("b"), Ok(()));
    assert_eq!(port.remove("b"), Err(PortError::NotFound));
    let mut names = Vec::new();
    port.list(&mut |name| names.push(name.len())).unwrap();
    assert!(names.is_empty());
}
