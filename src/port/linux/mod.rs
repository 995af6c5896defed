//! The device as a Linux process: real sockets, a terminal or pseudo-terminal as UART, a folder as flash, a simulated
//! radio.
//!
//! One thread runs the device and sleeps in `poll(2)`; name look-ups, pings and disk writes run on threads of their own
//! and wake it through one eventfd (see `jobs`).

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::task::Waker;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::host::Runtime;
use super::host_bus::{self, HostBuses};
use super::host_pins::HostPins;
use super::{
    Board, Console, Converters, Event, Job, JobOutput, JobRequest, Jobs, NoConsole, Pins, Port, Radio, Serial, Sockets,
    Storage,
};
use crate::{limits, port};

mod board;
mod crash;
mod errors;
mod handover;
mod icmp;
mod jobs;
mod kept;
mod lan;
mod networks;
pub mod notices;
mod options;
mod pty;
mod serial;
mod signals;
mod socket_table;
mod sockets;
mod stdio;
mod storage;
mod tcp_line;
#[cfg(test)]
mod tests;
mod tls;
mod tty;
mod wakers;
mod watchdog;

use board::{HostBoard, Identity};
pub use errors::StartError;
use jobs::JobTable;
use lan::HostRadio;
pub use options::{Options, Request, SerialKind, TLS_CLIENT, UsageError};
use serial::SerialLine;
use signals::Signals;
use socket_table::MAX_SOCKETS;
use sockets::{HostSockets, Place};
use storage::Store;
use wakers::earliest;
use watchdog::Watchdog;

/// Turns of the executor between two polls of the sockets, while tasks keep waking each other.
const TURNS: usize = 16;

/// The most descriptors that one `poll` can watch: sockets, closed sockets that still send, up to three descriptors of
/// the UART, signals, jobs, handshakes and the radio.
const MAX_WATCHED: usize = MAX_SOCKETS + limits::TLS_SESSIONS + handover::MAX_WATCHED + 4;

/// Why [`LinuxPort::run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The user or the end of the serial input ended the device.
    Stopped,
    /// The device asked for a restart: call [`LinuxPort::restart`].
    Reboot,
}

/// The port of the device on Linux.
pub struct LinuxPort {
    sockets: HostSockets,
    jobs: JobTable,
    serial: RefCell<SerialLine>,
    store: Store,
    radio: HostRadio,
    pins: HostPins,
    buses: HostBuses,
    board: HostBoard,
    signals: Option<Signals>,
    watchdog: Option<Watchdog>,
    warnings: Vec<String>,
    tls_client: port::TlsClient,
    stop: Cell<bool>,
}

/// One descriptor that the loop watches.
#[derive(Clone, Copy, Debug)]
enum Watched {
    Jobs,
    Handshakes,
    Radio,
    Signals,
    Serial(handover::Part),
    Socket(u16),
}

/// The descriptors for one `poll`, and their owners.
struct WatchList<'fd> {
    polled: heapless::Vec<PollFd<'fd>, MAX_WATCHED>,
    owners: heapless::Vec<Watched, MAX_WATCHED>,
}

impl<'fd> WatchList<'fd> {
    fn add(&mut self, owner: Watched, fd: BorrowedFd<'fd>, flags: PollFlags) {
        // Both have room for the maximum.
        if self.polled.push(PollFd::from_borrowed_fd(fd, flags)).is_ok() {
            let _ = self.owners.push(owner);
        }
    }
}

impl LinuxPort {
    /// Opens the data folder and the serial line. At most one port of a process handles signals; see
    /// [`LinuxPort::handle_signals`].
    pub fn new(options: &Options) -> Result<Self, StartError> {
        let mut warnings = Vec::new();
        let store = Store::take_into_use(&options.data, options.flash, &mut warnings)?;
        let identity = Identity::load(&options.data, &mut warnings)?;
        let (networks, defaults) = board::surroundings(options)?;
        let fault = crash::take(&options.data);
        Ok(Self {
            sockets: HostSockets::new([
                Place::new(options.wlan.as_deref(), options.bind),
                Place::new(options.softap.as_deref(), options.softap_bind),
            ]),
            jobs: JobTable::new().map_err(|error| StartError::new("start", error))?,
            serial: RefCell::new(SerialLine::open(&options.serial, options.bind, options.terminal)?),
            store,
            radio: HostRadio::new(networks, options.wlan.as_deref(), options.softap.as_deref())?,
            pins: HostPins::new(if options.show_pins { show_pin } else { |_, _| {} }),
            buses: HostBuses::default(),
            board: HostBoard::new(identity, defaults, fault),
            signals: None,
            watchdog: None,
            warnings,
            tls_client: options.tls_client,
            stop: Cell::new(false),
        })
    }

    /// Lets SIGINT, SIGTERM and SIGHUP end [`LinuxPort::run`] instead of killing the process.
    pub fn handle_signals(&mut self) -> Result<(), StartError> {
        self.signals = Some(Signals::install().map_err(|error| StartError::new("handle signals", error))?);
        Ok(())
    }

    /// From now on, a crash of this process is reported to the next one, and a supervisor gets keep-alive messages. For
    /// one port of a process.
    pub fn record_faults(&mut self, options: &Options) -> Result<(), StartError> {
        self.watchdog = Watchdog::from_environment();
        crash::record(&options.data, self.watchdog.is_some()).map_err(|error| StartError::new("record faults", error))
    }

    /// Files and folders that the device cannot use, and why; one line each, for the user.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where a host reaches the UART, for the user: a path or an address; `None` for the process's own terminal.
    pub fn serial_place(&self) -> Option<String> {
        self.serial.borrow().place()
    }

    /// Whether the device has ended because its standard input, which is no terminal, has ended.
    pub fn input_has_ended(&self) -> bool {
        self.board.serial_ended.get() && self.serial.borrow().may_end()
    }

    /// Whether the process took the UART over from before a reboot.
    pub fn serial_inherited(&self) -> bool {
        self.serial.borrow().inherited()
    }

    /// Calls `action` once the device listens on a TCP port, at once when it does already.
    pub fn when_listening(&self, port: u16, action: impl FnOnce(SocketAddrV4) + 'static) {
        self.sockets.when_listening(port, action);
    }

    /// Runs the device until it asks for a reboot, the user ends it, or the serial input has ended.
    pub fn run(&self, runtime: &Runtime) -> Exit {
        loop {
            let sleep = self.run_tasks(runtime);
            if let Some(exit) = self.exit(sleep) {
                return exit;
            }
            self.wait(sleep);
        }
    }

    /// Runs tasks until none is ready, or for [`TURNS`] turns. Returns the same as [`Runtime::turn`].
    fn run_tasks(&self, runtime: &Runtime) -> Option<u64> {
        for _ in 0..TURNS {
            let sleep = runtime.turn();
            if sleep != Some(0) || self.board.reboot.get() {
                return sleep;
            }
        }
        Some(0)
    }

    /// Whether it is time to end.
    fn exit(&self, sleep: Option<u64>) -> Option<Exit> {
        if self.board.reboot.get() {
            return Some(Exit::Reboot);
        }
        // After the end of the input, the pending output goes out first.
        let drained = sleep != Some(0) && !self.serial.borrow().wants_to_write();
        (self.stop.get() || self.board.serial_ended.get() && drained).then_some(Exit::Stopped)
    }

    /// Sleeps until an event, at most `sleep` microseconds, and wakes the tasks that wait for it.
    fn wait(&self, sleep: Option<u64>) {
        let mut ready: heapless::Vec<(Watched, PollFlags), MAX_WATCHED> = heapless::Vec::new();
        {
            let sockets = self.sockets.table();
            let serial = self.serial.borrow();
            let mut list = WatchList { polled: heapless::Vec::new(), owners: heapless::Vec::new() };
            list.add(Watched::Jobs, self.jobs.as_fd(), PollFlags::IN);
            if let Some(worker) = &sockets.worker {
                list.add(Watched::Handshakes, worker.as_fd(), PollFlags::IN);
            }
            list.add(Watched::Radio, self.radio.as_fd(), PollFlags::IN);
            if let Some(signals) = &self.signals {
                list.add(Watched::Signals, signals.as_fd(), PollFlags::IN);
            }
            let serial = serial.watch(&mut |part, fd, flags| list.add(Watched::Serial(part), fd, flags));
            let sockets = sockets.watch(&mut |index, fd, flags| list.add(Watched::Socket(index), fd, flags));
            let call = self.watchdog.as_ref().map(Watchdog::call);
            let timeout = timeout(sleep, earliest(call, earliest(serial, sockets)));
            // A failed poll (a signal, say) is a wake-up without events.
            if rustix::event::poll(&mut list.polled, timeout.as_ref()).is_ok() {
                let news = list.polled.iter().zip(&list.owners).filter(|(polled, _)| !polled.revents().is_empty());
                ready.extend(news.map(|(polled, owner)| (*owner, polled.revents())));
            }
        }
        for &(owner, flags) in &ready {
            match owner {
                Watched::Jobs => self.jobs.collect(),
                Watched::Handshakes => self.collect_handshakes(),
                Watched::Radio => self.radio.ready(),
                Watched::Signals => self.signalled(),
                Watched::Serial(part) => self.serial.borrow_mut().ready(part, flags),
                Watched::Socket(index) => self.sockets.table_mut().ready(index, flags),
            }
        }
        self.sockets.table_mut().tidy();
    }

    /// Collects the results of the handshake thread.
    fn collect_handshakes(&self) {
        let mut table = self.sockets.table_mut();
        let steps = table.worker.as_ref().map(tls::Worker::collect).unwrap_or_default();
        for step in steps {
            if let Some((job, outcome)) = table.take_back(step) {
                self.jobs.end(job, Ok(JobOutput::Tls(outcome)));
            }
        }
    }

    /// Starts a handshake.
    fn start_tls(&self, socket: port::Socket, order: tls::Order) -> port::Result<Job> {
        let job = self.jobs.begin_tls()?;
        let begun = self.sockets.table_mut().secure(socket, job, order);
        if begun.is_err() {
            self.jobs.cancel(job);
        }
        begun.map(|()| job)
    }

    /// At the process's own terminal, SIGINT interrupts the running command, as Ctrl-C does in every program. When the
    /// device has not taken the previous SIGINT yet, or without a terminal, it ends the device like the other signals.
    fn signalled(&self) {
        let end = self.signals.as_ref().is_none_or(Signals::take);
        if end || !self.serial.borrow_mut().interrupt() {
            self.stop.set(true);
        }
    }

    /// Restores the terminal and removes the link to the pseudo-terminal.
    pub fn shut_down(&self) {
        self.serial.borrow_mut().shut_down();
    }

    /// Replaces the process with a new one with the same arguments, which takes over the serial line: a host that has
    /// it open sees a module that boots. Returns only on failure.
    pub fn restart(&self, arguments: impl IntoIterator<Item = OsString>) -> StartError {
        let mut arguments = arguments.into_iter();
        let program = match std::env::current_exe() {
            Ok(path) if path.exists() => path,
            // The file was replaced or removed; the kernel still has it.
            _ => Path::new("/proc/self/exe").to_owned(),
        };
        let mut command = Command::new(program);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        command.args(arguments);
        match self.serial.borrow_mut().hand_over() {
            Some(token) => command.env(handover::HANDOVER, token),
            None => command.env_remove(handover::HANDOVER),
        };
        match self.serial.borrow_mut().hand_over_kept() {
            Some(token) => command.env(kept::KEPT, token),
            None => command.env_remove(kept::KEPT),
        };
        command.env(board::RESTARTED, self.board.restarted());
        StartError::new("restart", command.exec())
    }
}

impl Jobs for LinuxPort {
    fn start(&self, request: &JobRequest<'_>) -> port::Result<Job> {
        match *request {
            JobRequest::Bus(ref transfer) => self.buses.start(transfer),
            JobRequest::Flash(work) => self.jobs.run_flash(self.store.work(&work)?),
            JobRequest::Tls { socket, role, first, credentials } => {
                self.start_tls(socket, tls::Order::new(self.tls_client, role, first, credentials))
            }
            JobRequest::Lookup { interface: port::Interface::Wlan, name } => match self.radio.name_server() {
                Some((device, server)) => self.jobs.run_lookup(device, server, name),
                None => self.jobs.start(request),
            },
            _ => self.jobs.start(request),
        }
    }

    fn result(&self, job: Job) -> port::Result<JobOutput> {
        if job == host_bus::JOB {
            return self.buses.result();
        }
        self.jobs.result(job)
    }

    fn identity(&self, buffer: &mut [u8]) -> port::Result<(usize, usize)> {
        self.jobs.identity(buffer)
    }

    fn request(&self, buffer: &mut [u8]) -> port::Result<usize> {
        self.jobs.request(buffer)
    }

    fn bus_received(&self, buffer: &mut [u8]) -> port::Result<usize> {
        self.buses.received(buffer)
    }

    fn cancel(&self, job: Job) {
        self.sockets.table_mut().give_up(job);
        self.jobs.cancel(job);
    }
}

impl Port for LinuxPort {
    fn serial(&self) -> &dyn Serial {
        &self.serial
    }

    fn sockets(&self) -> &dyn Sockets {
        &self.sockets
    }

    fn jobs(&self) -> &dyn Jobs {
        self
    }

    fn storage(&self) -> &dyn Storage {
        &self.store
    }

    fn radio(&self) -> &dyn Radio {
        &self.radio
    }

    fn board(&self) -> &dyn Board {
        &self.board
    }

    fn console(&self) -> &dyn Console {
        &NoConsole
    }

    fn pins(&self) -> &dyn Pins {
        &self.pins
    }

    fn converters(&self) -> &dyn Converters {
        &self.pins
    }

    fn wake_when(&self, event: Event, waker: &Waker) {
        match event {
            Event::SerialReadable => self.serial.borrow_mut().wake_reader(waker),
            Event::SerialWritable => self.serial.borrow_mut().wake_writer(waker),
            Event::Readable(socket) => self.sockets.table_mut().wake_reader(socket, waker),
            Event::Writable(socket) => self.sockets.table_mut().wake_writer(socket, waker),
            Event::Job(host_bus::JOB) => self.buses.wake_when(waker),
            Event::Job(job) => self.jobs.wake(job, waker),
            Event::Radio(interface) => self.radio.wake_when(interface, waker),
            // There is no operator console on Linux: the user has the serial line.
            Event::Console => {}
            Event::Notice => notices::wake_when(waker),
            Event::Pins => self.pins.wake_when(waker),
        }
    }
}

/// Tells the user about a change of an output.
fn show_pin(pin: u8, level: Option<bool>) {
    let level = level.map_or("released", |level| if level { "high" } else { "low" });
    notices::tell(format_args!("GPIO {pin}: {level}"));
}

/// The time to sleep: until the next timer, the next retry of a listener or the next call of the watchdog, whichever comes
/// first.
fn timeout(sleep: Option<u64>, retry: Option<Instant>) -> Option<Timespec> {
    let timer = sleep.map(Duration::from_micros);
    let retry = retry.map(|at| at.saturating_duration_since(Instant::now()));
    let shortest = [timer, retry].into_iter().flatten().min()?;
    Some(Timespec { tv_sec: shortest.as_secs() as i64, tv_nsec: shortest.subsec_nanos().into() })
}
