//! Tests of the port as a whole, and helpers that the tests of its parts share.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{Exit, LinuxPort, Options, SerialKind};
use crate::port::host::{self, Runtime};

mod jobs;
mod speed;
mod storage;
mod tcp;
mod tls;
mod udp;

/// A temporary folder that is removed at the end of the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("openzentri-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port on a folder of its own, with a pseudo-terminal as UART.
fn port() -> (&'static LinuxPort, Folder) {
    let folder = Folder::new();
    let options = Options { data: folder.path().to_owned(), serial: SerialKind::Pty(None), ..Options::default() };
    (Box::leak(Box::new(LinuxPort::new(&options).unwrap())), folder)
}

/// Runs a device that consists of one task, until the task has ended.
fn run(port: &'static LinuxPort, task: impl Future<Output = ()> + 'static) {
    let runtime = Runtime::new();
    let ended = Rc::new(Cell::new(false));
    let flag = ended.clone();
    host::spawn(runtime.spawner(), async move {
        let limit = embassy_time::with_timeout(embassy_time::Duration::from_secs(20), task);
        flag.set(limit.await.is_ok());
        port.stop.set(true);
    });
    assert_eq!(port.run(&runtime), Exit::Stopped);
    assert!(ended.get(), "the task did not come to its end in time");
}

/// What the loop does while it waits for a short timer.
#[test]
fn timers_below_a_millisecond_do_not_spin() {
    let (port, _folder) = port();
    let runtime = Runtime::new();
    host::spawn(runtime.spawner(), async {
        embassy_time::Timer::after_micros(900).await;
    });
    let start = Instant::now();
    let mut turns = 0;
    while let Some(sleep) = port.run_tasks(&runtime) {
        port.wait(Some(sleep));
        turns += 1;
    }
    assert!(start.elapsed() >= Duration::from_micros(900));
    assert!(turns <= 4, "{turns} turns");
}

#[test]
fn a_reboot_and_the_end_of_the_input_stop_the_loop() {
    use crate::port::Port;
    let (port, _folder) = port();
    let runtime = Runtime::new();
    host::spawn(runtime.spawner(), async { port.board().reboot() });
    assert_eq!(port.run(&runtime), Exit::Reboot);
    let (port, _folder) = self::port();
    let runtime = Runtime::new();
    host::spawn(runtime.spawner(), async { port.board().serial_ended() });
    assert_eq!(port.run(&runtime), Exit::Stopped);
}

#[test]
fn the_serial_line_wakes_the_device() {
    use crate::port::{Event, Port, io};
    use std::io::{Read, Write};
    let (port, _folder) = port();
    let mut host = fs::OpenOptions::new().read(true).write(true).open(port.serial_place().unwrap()).unwrap();
    let host = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        host.write_all(&[b'q'; 3]).unwrap();
        // More than the line holds: the device has to wait for its reader.
        let mut answer = vec![0; 200_000];
        host.read_exact(&mut answer).unwrap();
        answer
    });
    run(port, async {
        let mut question = [0; 8];
        assert_eq!(io(port, Event::SerialReadable, || port.serial().serial_read(&mut question)).await, Ok(3));
        let answer = vec![b'a'; 200_000];
        let mut sent = 0;
        while sent < answer.len() {
            sent += io(port, Event::SerialWritable, || port.serial().serial_write(&answer[sent..])).await.unwrap();
        }
    });
    assert!(host.join().unwrap().iter().all(|byte| *byte == b'a'));
}
