//! The device as a Linux process, from the outside: its arguments, its serial lines, its end, its restart.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, tcgetattr};

const PATIENCE: Duration = Duration::from_secs(20);

/// A temporary folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("openzentri-process-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The device with its data in `folder`, without a web server: tests run side by side.
fn command(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openzentri"));
    command.arg("--data").arg(folder.join("data")).args(["--set", "http.server.enabled=0"]);
    command
}

/// Runs the device on a pipe until its end.
fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A device that refuses to start does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A device that runs beside the test.
struct Device {
    child: Child,
    messages: Receiver<String>,
}

impl Device {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, messages) = channel();
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { child, messages }
    }

    fn message(&self) -> String {
        self.messages.recv_timeout(PATIENCE).expect("a line on standard error")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends the device and returns whether it ended well.
    fn stop(&mut self) -> bool {
        self.signal(Signal::TERM);
        self.wait()
    }

    fn wait(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the device does not end");
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a host has received on a serial line, as it comes.
struct Line(Receiver<Vec<u8>>);

impl Line {
    fn new(mut reader: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// Receives until all of `texts` have come, one after the other.
    fn expect(&self, texts: &[&str]) {
        let mut seen = Vec::new();
        let mut missing = texts;
        while let [next, rest @ ..] = missing {
            if let Some(at) = seen.windows(next.len()).position(|window| window == next.as_bytes()) {
                seen.drain(..at + next.len());
                missing = rest;
                continue;
            }
            match self.0.recv_timeout(PATIENCE) {
                Ok(more) => seen.extend(more),
                Err(_) => panic!("no {next:?} in {:?}", String::from_utf8_lossy(&seen)),
            }
        }
    }
}

/// Settings under which a device says nothing about networks.
const QUIET: [&str; 4] = ["--set", "wlan.auto_join.enabled=0", "--set", "wlan.ssid="];

/// What a device prints when it starts.
const START: [&str; 2] = ["Ready", "> "];

fn open(path: &Path) -> (File, Line) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let line = Line::new(file.try_clone().unwrap());
    (file, line)
}

#[test]
fn commands_from_a_pipe_are_answered_before_the_end() {
    let folder = Folder::new();
    let output = run(&mut command(&folder), "get wlan.mac\r\nget wlan.mac\r\n");
    assert!(output.status.success());
    let why = "openzentri: stopped because standard input ended; --serial none runs without it\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), why);
    let text = String::from_utf8(output.stdout).unwrap();
    let identity = fs::read_to_string(folder.join("data/identity")).unwrap();
    let mac = identity.lines().next().unwrap().strip_prefix("mac ").unwrap().to_uppercase();
    assert_eq!(text.matches(&mac).count(), 2, "{text}");
    let again = run(&mut command(&folder), "get wlan.mac\r\n");
    assert!(String::from_utf8(again.stdout).unwrap().contains(&mac), "the device stays the same");
}

#[test]
fn wrong_usage_is_one_line_and_code_2() {
    let folder = Folder::new();
    let endless = "a name of more words than any variable has, all told=1";
    for arguments in [&["--nonsense"][..], &["--serial", "usb"], &["--set", "no.such.variable=1"], &["--set", endless]]
    {
        let output = run(command(&folder).args(arguments), "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with("openzentri: ") && error.lines().count() == 1, "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_second_device_on_the_same_folder_is_refused() {
    let folder = Folder::new();
    let device = Device::start(command(&folder).args(["--serial", "tcp:0"]));
    device.message();
    let output = run(&mut command(&folder), "ver\r\n");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("another device is running") && error.lines().count() == 1, "{error}");
}

#[test]
fn a_host_keeps_its_terminal_across_a_reboot() {
    let folder = Folder::new();
    let link = folder.join("uart");
    let mut device = Device::start(command(&folder).arg("--serial").arg(format!("pty:{}", link.display())));
    let place = device.message();
    let terminal = fs::read_link(&link).unwrap();
    assert_eq!(place, format!("serial {}", terminal.display()));
    let (mut host, line) = open(&link);
    line.expect(&START);
    for _ in 0..2 {
        host.write_all(b"reboot\r\n").unwrap();
        line.expect(&START);
        host.write_all(b"get wlan.mac\r\n").unwrap();
        line.expect(&["\r\n02:", "> "]);
    }
    assert_eq!(fs::read_link(&link).unwrap(), terminal);
    assert!(!tcgetattr(&host).unwrap().local_modes.contains(LocalModes::ECHO), "still raw");
    assert!(device.stop());
    assert!(!link.is_symlink(), "the link is gone with the device");
}

#[test]
fn a_host_keeps_its_connection_across_a_reboot() {
    let folder = Folder::new();
    let mut device = Device::start(command(&folder).args(["--serial", "tcp:0"]));
    let place = device.message();
    let mut host = TcpStream::connect(place.strip_prefix("serial tcp://").unwrap()).unwrap();
    let line = Line::new(host.try_clone().unwrap());
    host.write_all(b"get wlan.mac\r\n").unwrap();
    line.expect(&["\r\n02:", "> "]);
    host.write_all(b"reboot\r\n").unwrap();
    line.expect(&START);
    host.write_all(b"get wlan.mac\r\n").unwrap();
    line.expect(&["\r\n02:", "> "]);
    assert!(device.stop());
}

/// Commands after a reboot in one write, one of them with data that no line discipline may touch.
const BEHIND_A_REBOOT: &[u8] =
    b"reboot\r\nset wlan.ssid Next\r\nget wlan.ssid\r\nfcr a.bin 6\r\n\x00\x03\r\n\xff\x04fst a.bin\r\n";
/// What the next life answers to them.
const IN_THE_NEXT_LIFE: [&str; 7] =
    ["Rebooting\r\n[Disassociated]\r\n", "[Ready]\r\n", "Set OK", "Next\r\n", "File created", "\r\n6,", "> "];

#[test]
fn what_waits_behind_a_reboot_runs_in_the_next_life_on_a_pseudo_terminal() {
    let folder = Folder::new();
    let link = folder.join("uart");
    let mut device = Device::start(command(&folder).args(QUIET).arg("--serial").arg(format!("pty:{}", link.display())));
    device.message();
    let (mut host, line) = open(&link);
    line.expect(&START);
    host.write_all(BEHIND_A_REBOOT).unwrap();
    line.expect(&IN_THE_NEXT_LIFE);
    assert!(device.stop());
}

#[test]
fn what_waits_behind_a_reboot_runs_in_the_next_life_on_a_connection() {
    let folder = Folder::new();
    let mut device = Device::start(command(&folder).args(QUIET).args(["--serial", "tcp:0"]));
    let place = device.message();
    let mut host = TcpStream::connect(place.strip_prefix("serial tcp://").unwrap()).unwrap();
    let line = Line::new(host.try_clone().unwrap());
    host.write_all(BEHIND_A_REBOOT).unwrap();
    line.expect(&IN_THE_NEXT_LIFE);
    assert!(device.stop());
}

#[test]
fn what_waits_behind_a_reboot_runs_in_the_next_life_on_a_pipe() {
    let folder = Folder::new();
    let mut child = command(&folder).args(QUIET).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(BEHIND_A_REBOOT).unwrap();
    let line = Line::new(child.stdout.take().unwrap());
    line.expect(&IN_THE_NEXT_LIFE);
    assert!(child.wait().unwrap().success(), "the pipe has ended, and so has the device");
}

#[test]
fn a_terminal_is_raw_while_the_device_runs() {
    let folder = Folder::new();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let terminal: OwnedFd = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
    let copy = || Stdio::from(terminal.as_fd().try_clone_to_owned().unwrap());
    let before = tcgetattr(&terminal).unwrap();
    let mut device = Device::start(command(&folder).stdin(copy()).stdout(copy()));
    let line = Line::new(File::from(master.try_clone().unwrap()));
    line.expect(&START);
    let during = tcgetattr(&terminal).unwrap().local_modes;
    assert!(!during.intersects(LocalModes::ECHO | LocalModes::ICANON));
    assert!(during.contains(LocalModes::ISIG), "Ctrl-C is a signal");
    let mut host = File::from(master);
    host.write_all(b"fcr x.bin 9\r\nabc").unwrap();
    line.expect(&["fcr x.bin 9\r\n"]);
    device.signal(Signal::INT);
    line.expect(&["Command failed\r\n", "> "]);
    // Nothing that is typed during a reboot is echoed by the kernel, or changed.
    host.write_all(b"reboot\r\nfcr y.bin 3\r\n\r\r\n").unwrap();
    line.expect(&["Rebooting\r\n", "> fcr y.bin 3\r\n", "File created", "> "]);
    assert!(!tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO), "raw also after a reboot");
    device.signal(Signal::INT);
    line.expect(&["Ctrl-C once more", "> "]);
    device.signal(Signal::INT);
    assert!(device.wait());
    assert_eq!(tcgetattr(&terminal).unwrap().local_modes, before.local_modes);
}

#[test]
fn scripts_learn_where_the_web_server_is() {
    let folder = Folder::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = format!("http.server.port={free}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_openzentri"));
    command.arg("--data").arg(folder.join("data")).args(["--serial", "tcp:0", "--set", &port]);
    let device = Device::start(&mut command);
    assert!(device.message().starts_with("serial tcp://127.0.0.1:"));
    assert_eq!(device.message(), format!("http://127.0.0.1:{free}/"));
    assert!(TcpStream::connect(("127.0.0.1", free)).is_ok());
}

/// A limit on the length of files is like a full disk: the signal that comes with it must not end the device.
#[test]
fn a_limit_on_the_length_of_files_does_not_end_the_device() {
    let folder = Folder::new();
    let device = command(&folder);
    let mut limited = Command::new("sh");
    // Blocks of 512 bytes.
    limited.args(["-c", "ulimit -f 16; exec \"$0\" \"$@\""]).arg(device.get_program()).args(device.get_args());
    let data = "x".repeat(20_000);
    let output = run(&mut limited, &format!("file_create big.txt 20000\r\n{data}\r\nget system.cmd.echo\r\n"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{:?} {text}", output.status);
    assert!(text.contains("Not enough free space"), "{text}");
    assert!(text.ends_with("1\r\n> "), "{text}");
}

#[test]
fn changes_of_pins_are_shown_to_who_wants_them() {
    let folder = Folder::new();
    let settings = ["--set", "system.cmd.gpio=16", "--set", "system.indicator.gpio wlan=20"];
    let patterns = ["--set", "system.indicator.state wlan=static_on|static_on|static_on|static_on"];
    let output = run(command(&folder).args(settings).args(patterns).arg("--show-pins"), "ver\n");
    let shown = String::from_utf8(output.stderr).unwrap();
    let pins: Vec<&str> = shown.lines().filter(|line| line.starts_with("GPIO")).collect();
    assert_eq!(pins, ["GPIO 16: high", "GPIO 20: low", "GPIO 20: high", "GPIO 16: low", "GPIO 16: high"], "{shown}");
    let output = run(command(&folder).args(settings).args(patterns), "ver\n");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("GPIO"));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("GPIO"), "the host's line is for the host");
}
