//! The folder as flash.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use embassy_futures::select::{Either, select};

use super::super::{LinuxPort, Options, SerialKind};
use super::{Folder, port, run};
use crate::port::{Event, FlashWork, Handle, JobOutput, JobRequest, Port, PortError, io};

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
    assert_eq!(port.storage().slot_write(3, b""), Err(PortError::NotFound));
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
    // Replacing and removing a file does not disturb its readers.
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

/// The permissions of a file or folder.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_reads_what_the_device_keeps() {
    let folder = Folder::new();
    let options = options(&folder, 1 << 20);
    let port = LinuxPort::new(&options).unwrap();
    assert_eq!((mode(&options.data), mode(&options.data.join("volume"))), (0o700, 0o700));
    // A file of an earlier release, readable by everybody.
    let old = options.data.join("settings.b");
    fs::write(&old, "old").unwrap();
    fs::set_permissions(&old, PermissionsExt::from_mode(0o644)).unwrap();
    port.storage().slot_write(0, b"secret").unwrap();
    port.storage().slot_write(1, b"secret").unwrap();
    let file = port.storage().create("key.pem").unwrap();
    port.storage().append(file, b"secret").unwrap();
    for name in ["settings.a", "settings.b", "identity", "volume/key.pem"] {
        assert_eq!(mode(&options.data.join(name)), 0o600, "{name}");
    }
}

/// Puts something other than a file at `path`.
fn obstruct(path: &Path, how: &str, folder: &Folder) {
    match how {
        "folder" => fs::create_dir(path).unwrap(),
        "link to a file" => {
            fs::write(folder.path().join("precious"), "precious").unwrap();
            symlink(folder.path().join("precious"), path).unwrap();
        }
        "link to nowhere" => symlink("nowhere", path).unwrap(),
        "link to a device" => symlink("/dev/zero", path).unwrap(),
        "named pipe" => {
            let mode = rustix::fs::Mode::from_bits_retain(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        other => panic!("{other}"),
    }
}

/// Whatever is at the path of a device's file must not block the start, and the device must not read it or write
/// through it.
#[test]
fn what_is_no_file_is_named_and_done_without() {
    for how in ["folder", "link to a file", "link to nowhere", "link to a device", "named pipe"] {
        for name in ["settings.a", "settings.b", "identity", "settings.new", "identity.new", "lock", "volume/a.txt"] {
            let folder = Folder::new();
            let options = options(&folder, 1 << 20);
            fs::create_dir_all(options.data.join("volume")).unwrap();
            obstruct(&options.data.join(name), how, &folder);
            let port = LinuxPort::new(&options).unwrap_or_else(|error| panic!("{how} {name}: {error}"));
            let told = port.warnings().iter().any(|warning| warning.contains(name) && !warning.contains('\n'));
            let needed = matches!(name, "settings.a" | "settings.b" | "identity");
            assert!(told || !needed, "{how} {name}: {:?}", port.warnings());
            let flash = port.storage();
            let mut buffer = [0; 64];
            assert_eq!(flash.slot_read(0, &mut buffer), Err(PortError::NotFound), "{how} {name}");
            for slot in 0..2 {
                let blocked = how == "folder"
                    && matches!((name, slot), ("settings.new", _) | ("settings.a", 0) | ("settings.b", 1));
                let written = flash.slot_write(slot, b"mine");
                assert_eq!(written.is_err(), blocked, "{how} {name}: {written:?}");
                let read = flash.slot_read(slot, &mut buffer);
                assert_eq!(read, if blocked { Err(PortError::NotFound) } else { Ok(4) }, "{how} {name}");
            }
            if name == "volume/a.txt" && how != "link to a file" {
                assert_eq!(flash.open("a.txt"), Err(PortError::NotFound), "{how}");
            }
            assert!(
                fs::read_to_string(folder.path().join("precious")).is_ok_and(|text| text == "precious")
                    || how != "link to a file"
            );
        }
    }
}

#[test]
fn a_folder_for_files_that_cannot_be_is_named_and_done_without() {
    let folder = Folder::new();
    let options = options(&folder, 1 << 20);
    fs::create_dir(&options.data).unwrap();
    fs::write(options.data.join("volume"), "a file").unwrap();
    let port = LinuxPort::new(&options).unwrap();
    assert!(port.warnings().iter().any(|warning| warning.contains("volume")), "{:?}", port.warnings());
    assert!(port.storage().list(&mut |_| {}).is_err());
    assert!(port.storage().create("a").is_err());
}

#[test]
fn a_settings_file_of_any_length_is_read_no_further_than_needed() {
    let (port, folder) = port();
    // A hole: nothing of it is on the disk.
    fs::File::create(folder.path().join("settings.a")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(port.storage().slot_read(0, &mut [0; 64]), Err(PortError::NoRoom));
}

/// Processor time of this thread: other programs on a busy machine do not count.
fn computed() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Ten thousand files of other programs must not slow down the start and the calls after it.
#[test]
fn thousands_of_foreign_files_do_not_hold_the_device_up() {
    let folder = Folder::new();
    let options = options(&folder, 1 << 30);
    let volume = options.data.join("volume");
    fs::create_dir_all(&volume).unwrap();
    for number in 1..=10_000_u32 {
        fs::write(volume.join(format!("f{number:08x}")), "foreign").unwrap();
    }
    fs::write(volume.join("fffffffff"), "the last number").unwrap();
    let start = computed();
    let port: &'static LinuxPort = Box::leak(Box::new(LinuxPort::new(&options).unwrap()));
    let flash: &'static crate::ground::Flash = Box::leak(Box::new(crate::ground::Flash::new(port)));
    let files: &'static crate::file::Files = Box::leak(Box::new(crate::file::Files::new(flash)));
    assert_eq!(files.mount(), Ok(0));
    let took = computed() - start;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let start = computed();
    for _ in 0..1000 {
        port.storage().free_space();
    }
    let asked = computed() - start;
    assert!(asked < Duration::from_secs(2), "{asked:?}");
    println!("mounted in {took:?}");
    // The remaining file numbers can still be used.
    let spec = crate::file::FileSpec {
        name: b"own",
        size: 3,
        version: Default::default(),
        kind: 0,
        flags: 0,
        crc: None,
        replace: false,
    };
    let writer = files.create(&spec).unwrap();
    assert_eq!(files.write(&writer, b"own"), Ok(true));
    run(port, async move {
        match select(files.keep(), files.stored(&writer)).await {
            Either::First(()) => panic!("it keeps for ever"),
            Either::Second(stored) => assert_eq!(stored, Ok(())),
        }
    });
    assert_eq!(files.mount(), Ok(1));
}

/// A job does on a thread what the direct call does, with the same outcome.
#[test]
fn work_on_flash_is_a_job() {
    let (port, folder) = port();
    run(port, async move {
        let work = async |work: FlashWork<'_>| {
            let job = port.jobs().start(&JobRequest::Flash(work))?;
            assert_eq!(port.jobs().start(&JobRequest::Flash(work)), Err(PortError::NoRoom), "one at a time");
            io(port, Event::Job(job), || port.jobs().result(job)).await
        };
        let done = Ok(JobOutput::Flash);
        assert_eq!(work(FlashWork::SlotWrite { slot: 1, record: b"record" }).await, done);
        let mut buffer = [0; 8];
        assert_eq!(port.storage().slot_read(1, &mut buffer), Ok(6));
        let free = port.storage().free_space();
        let file = port.storage().create("draft").unwrap();
        port.storage().append(file, &[7; 5000]).unwrap();
        assert_eq!(work(FlashWork::Sync(file)).await, done);
        port.storage().close_file(file);
        assert_eq!(work(FlashWork::Rename { from: "draft", to: "a.txt" }).await, done);
        assert_eq!(names(port), ["a.txt"]);
        assert_eq!(port.storage().free_space(), free - 8192);
        assert_eq!(work(FlashWork::Remove("a.txt")).await, done);
        assert_eq!(port.storage().free_space(), free, "what another thread has changed is counted");
        assert_eq!(work(FlashWork::Remove("a.txt")).await, Err(PortError::NotFound));
        assert_eq!(work(FlashWork::Rename { from: "a.txt", to: "b" }).await, Err(PortError::NotFound));
        assert_eq!(work(FlashWork::Sync(file)).await, Err(PortError::Closed));
        assert_eq!(work(FlashWork::SlotWrite { slot: 3, record: b"" }).await, Err(PortError::NotFound));
        drop(folder);
    });
}
