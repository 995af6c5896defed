//! A whole device on the simulated port, with a clock that the test controls.

use std::boxed::Box;
use std::cell::Cell;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use embassy_executor::Spawner;
use embassy_time::Duration;

use super::super::host::{Runtime, set_virtual_time};
use super::super::{Fault, FaultKind};
use super::framing::{self, Frame};
use super::{SimPort, text};
use crate::device::{self, Device};

/// Rounds without rest after which a device counts as spinning.
const ROUNDS: usize = 1_000_000;
/// How long a command may take in virtual time.
const PATIENCE: Duration = Duration::from_secs(600);

/// A device that runs on the test's thread; one per thread, because virtual time belongs to the thread.
pub struct SimDevice {
    port: &'static SimPort,
    runtime: Runtime,
    boot: Box<dyn Fn(&'static SimPort, Spawner)>,
    /// Printed bytes that the test has not taken yet.
    output: Vec<u8>,
    /// The device on the port, if it is a whole one.
    device: Rc<Cell<Option<&'static Device>>>,
    restarts: usize,
    restarts_by_itself: bool,
}

impl SimDevice {
    /// Starts the whole device at time zero. `overrides` are variables put over the stored settings at each start; an
    /// unknown one, or a wrong value, panics.
    pub fn boot(port: &'static SimPort, overrides: &'static [(&'static str, &'static str)]) -> Self {
        let device = Rc::new(Cell::new(None));
        let booted = device.clone();
        let boot = move |port: &'static SimPort, spawner| match device::boot(port, spawner, overrides) {
            Ok(device) => booted.set(Some(device)),
            Err(error) => panic!("the device does not start: {error:?}"),
        };
        Self { device, ..Self::boot_with(port, boot) }
    }

    /// As [`SimDevice::boot`], then switches to machine mode and discards the output so far.
    pub fn boot_machine(port: &'static SimPort, overrides: &'static [(&'static str, &'static str)]) -> Self {
        let mut device = Self::boot(port, overrides);
        device.settle();
        device.take_output();
        device.type_line("set system.cmd.mode machine");
        device.settle();
        device.take_output();
        device
    }

    /// The rooms of a device started with [`SimDevice::boot`], since its last restart.
    pub fn device(&self) -> Option<&'static Device> {
        self.device.get()
    }

    /// Starts part of a device at time zero, for example the tasks of one room: `boot` spawns the tasks, which then run
    /// until they rest. `boot` is called again each time the device restarts.
    pub fn boot_with(port: &'static SimPort, boot: impl Fn(&'static SimPort, Spawner) + 'static) -> Self {
        port.rebase();
        set_virtual_time(0);
        let runtime = Runtime::new();
        boot(port, runtime.spawner());
        let mut device = Self {
            port,
            runtime,
            boot: Box::new(boot),
            output: Vec::new(),
            device: Rc::default(),
            restarts: 0,
            restarts_by_itself: true,
        };
        device.settle();
        device
    }

    /// The port, which is also the world around the device.
    pub fn port(&self) -> &'static SimPort {
        self.port
    }

    /// How often the device has restarted.
    pub fn restarts(&self) -> usize {
        self.restarts
    }

    /// With `false`, a device that asks for a restart stops for good instead; see [`SimPort::is_rebooting`].
    pub fn restart_by_itself(&mut self, does: bool) {
        self.restarts_by_itself = does;
    }

    /// Cuts the power, and starts the device again at time zero on the flash as it is.
    pub fn power_cycle(&mut self) {
        self.start_again(|port| {
            port.power_cycle();
        });
    }

    /// Ends the device's run with a fault, and starts it again.
    pub fn crash(&mut self, kind: FaultKind, place: &str) {
        self.start_again(|port| port.crash(Fault::new(kind, format_args!("{place}"))));
    }

    fn start_again(&mut self, end: impl FnOnce(&'static SimPort)) {
        self.collect();
        self.port.rebase();
        end(self.port);
        set_virtual_time(0);
        self.restarts += 1;
        // The old tasks are never polled again; their wakers belong to the old runtime, which no longer runs.
        self.runtime = Runtime::new();
        (self.boot)(self.port, self.runtime.spawner());
    }

    /// Runs until nothing is ready, without moving time. Returns the microseconds until something will be ready; `None`
    /// for never. Panics when the device never comes to rest.
    pub fn settle(&mut self) -> Option<u64> {
        for _ in 0..ROUNDS {
            if self.port.is_rebooting() {
                if !self.restarts_by_itself {
                    return None;
                }
                self.power_cycle();
            }
            self.port.run_due();
            let timer = self.runtime.turn();
            let now = embassy_time_driver::now();
            let action = self.port.next_action().map(|at| at.saturating_sub(now));
            let next = timer.into_iter().chain(action).min();
            if next != Some(0) && !self.port.is_rebooting() {
                return next;
            }
        }
        panic!("the device spins: it has not come to rest in {ROUNDS} rounds at one moment");
    }

    /// Advances time, from one timer or action to the next.
    pub fn advance(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Advances time until `condition` holds or `limit` is over, and returns whether it holds. Checks `condition` now
    /// and after each moment at which something happened.
    pub fn run_until(&mut self, limit: Duration, mut condition: impl FnMut(&mut Self) -> bool) -> bool {
        let mut left = limit.as_micros();
        loop {
            self.settle();
            if condition(self) {
                return true;
            }
            match self.settle() {
                Some(next) if next <= left => {
                    left -= next;
                    move_time(next);
                }
                _ if left > 0 => move_time(std::mem::take(&mut left)),
                _ => return false,
            }
        }
    }

    /// Milliseconds since the device started.
    pub fn millis(&self) -> u64 {
        embassy_time_driver::now() / 1000
    }

    fn collect(&mut self) {
        self.output.extend(self.port.printed());
    }

    /// Lets the device come to rest and collects its output, until it prints nothing more.
    fn drain(&mut self) {
        loop {
            self.settle();
            let before = self.output.len();
            self.collect();
            if self.output.len() == before {
                break;
            }
        }
    }

    /// Types a line with CR LF.
    pub fn type_line(&mut self, line: &str) {
        self.port.type_bytes(line.as_bytes());
        self.port.type_bytes(b"\r\n");
    }

    /// Lets the device come to rest, then takes its output since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        self.drain();
        std::mem::take(&mut self.output)
    }

    /// [`SimDevice::take_bytes`] as text.
    pub fn take_output(&mut self) -> String {
        text(&self.take_bytes())
    }

    /// Advances time until the output not yet taken contains `wanted`, and takes everything up to its end. Panics after
    /// `limit`.
    pub fn expect(&mut self, wanted: &str, limit: Duration) -> String {
        let found = |output: &[u8]| output.windows(wanted.len()).position(|window| window == wanted.as_bytes());
        let ok = self.run_until(limit, |device| {
            device.drain();
            found(&device.output).is_some()
        });
        let Some(at) = found(&self.output).filter(|_| ok) else {
            panic!("{wanted:?} was not printed within {limit}; there was {:?}", text(&self.output));
        };
        let rest = self.output.split_off(at + wanted.len());
        text(&std::mem::replace(&mut self.output, rest))
    }

    /// Types a line and advances time until it is answered: a prompt, or a response frame. Returns the output
    /// meanwhile, without the echo of the line and the prompt at the end. Earlier output can still be taken. Panics
    /// when no answer comes within ten minutes of virtual time.
    pub fn command(&mut self, line: &str) -> String {
        self.command_with_data(line, b"")
    }

    /// Like [`SimDevice::command`] with data after the line, for commands such as `stream_write`.
    pub fn command_with_data(&mut self, line: &str, data: &[u8]) -> String {
        let output = self.exchange(line, data);
        let (_, answer) = framing::without_echo(&output, line.as_bytes());
        text(framing::without_prompt(answer).1)
    }

    /// Types a line on a device with headers, and returns the response frame; the log frames before it are dropped.
    pub fn request(&mut self, line: &str) -> Frame {
        let output = self.exchange(line, b"");
        let (_, answer) = framing::without_echo(&output, line.as_bytes());
        let (frames, _) = framing::frames(answer);
        match frames.into_iter().find(|frame| frame.kind != b'L') {
            Some(frame) => frame,
            None => panic!("no response frame to {line:?}: {:?}", text(&output)),
        }
    }

    /// As [`SimDevice::request`] for a command that must succeed: returns its answer without the final line end.
    pub fn success(&mut self, line: &str) -> String {
        let frame = self.request(line);
        let text = String::from_utf8_lossy(&frame.payload).into_owned();
        assert_eq!((frame.kind, frame.code), (b'R', 0), "{line}: {text}");
        text.strip_suffix("\r\n").unwrap_or(&text).to_owned()
    }

    /// Types a line and data, and returns every byte printed until the answer is complete.
    pub(super) fn exchange(&mut self, line: &str, data: &[u8]) -> Vec<u8> {
        let earlier = self.take_bytes();
        self.type_line(line);
        self.port.type_bytes(data);
        let answered = self.run_until(PATIENCE, |device| {
            device.drain();
            framing::is_answered(&device.output, line.as_bytes())
        });
        let output = self.take_bytes();
        assert!(answered, "no answer to {line:?} within {PATIENCE}; there was {:?}", text(&output));
        self.output = earlier;
        output
    }
}

fn move_time(micros: u64) {
    set_virtual_time(embassy_time_driver::now() + micros);
}
