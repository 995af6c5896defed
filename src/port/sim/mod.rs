//! The simulated port: a whole device in memory, in virtual time, with faults on demand.
//!
//! [`SimPort`] has two sides. The device sees the contract ([`super::Port`]). The test sees the world around the
//! device: it types on the serial line, is the peer of its sockets, sets its name server and its flash, and cuts its
//! power. Nothing happens by itself: time moves by [`crate::port::host::set_virtual_time`] only, and what is due in
//! the world happens in [`SimPort::run_due`]. [`SimDevice`] does both.
//!
//! The world outlives a power cut: peers, names and scripted actions stay, and are reached through the same handles.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::string::String;
use std::task::Waker;
use std::vec::Vec;

use embassy_time::Duration;

use super::host::set_virtual_time;
use super::host_bus::{self, HostBuses};
use super::host_pins::HostPins;
use super::radio::{NEIGHBOURHOOD, SimulatedRadio};
use super::{
    AccessPoint, Board, Console, Converters, Event, Fault, FaultKind, Interface, Ipv4Config, Jobs, JoinRequest, Pins,
    Port, PortError, Radio, RadioState, ResetReason, Result, ScanRequest, Serial, Sockets, SoftApRequest, Storage,
};

mod console;
mod device;
mod failures;
mod flash;
pub mod framing;
mod jobs;
mod lan;
mod line;
mod network;
mod peer;
mod pins;
mod serial;
mod sockets;
mod storage;
#[cfg(test)]
mod tests;
mod tls;
pub mod transcript;

pub use device::SimDevice;
pub use failures::Call;
pub use flash::{Flash, Tear};
pub use lan::SimLan;
pub use network::{Answer, Datagram};
pub use peer::{End, Peer, PeerListener, UdpPeer};
pub use pins::PinChange;

/// Something that happens in the world at a set time.
struct Action {
    /// Virtual time in microseconds.
    at: u64,
    run: Box<dyn FnOnce(&'static SimPort)>,
}

/// The port. It is always leaked, so that tasks and handles can keep it.
pub struct SimPort {
    serial: RefCell<serial::State>,
    network: RefCell<network::State>,
    console: RefCell<console::State>,
    flash: Flash,
    radio: SimulatedRadio,
    pins: HostPins,
    buses: HostBuses,
    pin_changes: pins::Changes,
    wakers: RefCell<Vec<(Event, Waker)>>,
    /// In the order in which they happen.
    agenda: RefCell<Vec<Action>>,
    faults: RefCell<Vec<failures::Failure>>,
    board: BoardState,
    /// The traffic of each interface.
    meters: super::Meters,
    /// Other devices in the same network; see [`SimLan`].
    neighbours: RefCell<Vec<&'static SimPort>>,
}

struct BoardState {
    /// Wall clock minus virtual time in milliseconds.
    clock_offset: Cell<Option<i64>>,
    defaults: Cell<&'static [(&'static str, &'static str)]>,
    memory_usage: Cell<Option<u8>>,
    random: Cell<u64>,
    rebooting: Cell<bool>,
    /// Why the present run began.
    reset: Cell<ResetReason>,
    /// The device has asked for a restart at the end of a sleep.
    waking: Cell<bool>,
    /// The fault that ended the previous run, or will end this one.
    fault: RefCell<Option<Fault>>,
    serial_ended: Cell<bool>,
}

impl SimPort {
    /// A port with empty flash in reach of the [`NEIGHBOURHOOD`]. From now on this thread has virtual time.
    #[allow(clippy::new_ret_no_self, reason = "a port without a static life is of no use")]
    pub fn new() -> &'static Self {
        set_virtual_time(embassy_time_driver::now());
        let pin_changes = pins::Changes::default();
        Box::leak(Box::new(Self {
            buses: HostBuses::default(),
            meters: super::Meters::new(),
            pins: HostPins::new(pins::recorder(&pin_changes)),
            pin_changes,
            serial: RefCell::default(),
            network: RefCell::default(),
            console: RefCell::default(),
            flash: Flash::default(),
            radio: SimulatedRadio::new(&NEIGHBOURHOOD),
            wakers: RefCell::default(),
            agenda: RefCell::default(),
            faults: RefCell::default(),
            board: BoardState {
                clock_offset: Cell::new(None),
                defaults: Cell::new(&[]),
                memory_usage: Cell::new(None),
                random: Cell::new(1),
                rebooting: Cell::new(false),
                reset: Cell::new(ResetReason::PowerOn),
                waking: Cell::new(false),
                fault: RefCell::new(None),
                serial_ended: Cell::new(false),
            },
            neighbours: RefCell::default(),
        }))
    }

    /// The radio, for the test to change.
    pub fn radio(&self) -> &SimulatedRadio {
        &self.radio
    }

    /// The flash, for the test to change and inspect.
    pub fn flash(&self) -> &Flash {
        &self.flash
    }

    /// Lets `action` happen `delay` from now, when [`SimPort::run_due`] is called at that time.
    pub fn after(&self, delay: Duration, action: impl FnOnce(&'static SimPort) + 'static) {
        let at = embassy_time_driver::now() + delay.as_micros();
        let mut agenda = self.agenda.borrow_mut();
        let position = agenda.partition_point(|other| other.at <= at);
        agenda.insert(position, Action { at, run: Box::new(action) });
    }

    /// When the next action of the world is due, in microseconds of virtual time.
    pub fn next_action(&self) -> Option<u64> {
        self.agenda.borrow().first().map(|action| action.at)
    }

    /// Runs everything that is due now; returns whether there was anything.
    pub fn run_due(&'static self) -> bool {
        let mut any = false;
        while self.next_action().is_some_and(|at| at <= embassy_time_driver::now()) {
            let action = self.agenda.borrow_mut().remove(0);
            (action.run)(self);
            any = true;
        }
        if any {
            self.notify();
        }
        any
    }

    /// Wakes the tasks that wait for an event that has happened.
    fn notify(&self) {
        self.network.borrow_mut().drive_tls();
        let waiting = self.wakers.take();
        let (ready, still): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(event, _)| self.is_ready(*event));
        self.wakers.borrow_mut().extend(still);
        for (_, waker) in ready {
            waker.wake();
        }
    }

    fn is_ready(&self, event: Event) -> bool {
        match event {
            Event::SerialReadable => self.serial.borrow().is_readable(),
            Event::SerialWritable => self.serial.borrow().is_writable(),
            Event::Readable(socket) => self.network.borrow_mut().is_readable(socket),
            Event::Writable(socket) => self.network.borrow().is_writable(socket),
            Event::Job(job) => self.network.borrow().is_job_done(job),
            Event::Console => self.console.borrow().is_readable(),
            Event::Notice => !self.serial.borrow().notices.is_empty(),
            // The pins and the radio wake by themselves.
            Event::Pins | Event::Radio(_) => false,
        }
    }

    fn forget_wakers(&self, is_dead: impl Fn(Event) -> bool) {
        self.wakers.borrow_mut().retain(|(event, _)| !is_dead(*event));
    }

    /// Switches the power off and on: RAM, sockets and radio are reset, flash and world are kept. Tasks that used the
    /// port before must not run again. Time goes on; a [`SimDevice`] sets it back to zero.
    pub fn power_cycle(&'static self) -> &'static Self {
        let restart = self.board.rebooting.get();
        self.serial.borrow_mut().power_cycle(restart);
        let reason = match (restart, self.board.waking.take()) {
            (true, false) => ResetReason::Software,
            (true, true) => ResetReason::Wake,
            (false, _) => ResetReason::PowerOn,
        };
        self.board.reset.set(reason);
        self.board.fault.take();
        self.network.borrow_mut().power_cycle();
        self.console.replace(console::State::default());
        self.flash.power_cycle();
        self.radio.restart();
        self.pins.restart();
        self.buses.restart();
        self.wakers.borrow_mut().clear();
        self.faults.borrow_mut().clear();
        self.board.rebooting.set(false);
        self.board.serial_ended.set(false);
        self
    }

    /// As [`SimPort::power_cycle`], for a run that ends with a fault; the power stays on.
    pub fn crash(&'static self, fault: Fault) {
        self.power_cycle();
        let watchdog = fault.kind == FaultKind::Watchdog;
        self.board.reset.set(if watchdog { ResetReason::Watchdog } else { ResetReason::Fault });
        self.board.fault.replace(Some(fault));
    }

    /// Shifts the world's times, because the present moment becomes time zero.
    fn rebase(&self) {
        let now = embassy_time_driver::now();
        for action in self.agenda.borrow_mut().iter_mut() {
            action.at = action.at.saturating_sub(now);
        }
        let offset = &self.board.clock_offset;
        offset.set(offset.get().map(|offset| offset + (now / 1000) as i64));
    }

    /// Sets the board's own clock, in milliseconds since 1970; it advances with virtual time.
    pub fn set_wall_clock(&self, millis: Option<u64>) {
        let now = (embassy_time_driver::now() / 1000) as i64;
        self.board.clock_offset.set(millis.map(|millis| millis as i64 - now));
    }

    /// Sets the board's own defaults of variables.
    pub fn set_board_defaults(&self, defaults: &'static [(&'static str, &'static str)]) {
        self.board.defaults.set(defaults);
    }

    /// Sets the memory usage that the board reports.
    pub fn set_memory_usage(&self, percent: Option<u8>) {
        self.board.memory_usage.set(percent);
    }

    /// The device has asked for a restart.
    pub fn is_rebooting(&self) -> bool {
        self.board.rebooting.get()
    }

    /// The device has noticed the end of the serial line.
    pub fn has_serial_ended(&self) -> bool {
        self.board.serial_ended.get()
    }
}

impl Port for SimPort {
    fn serial(&self) -> &dyn Serial {
        self
    }

    fn sockets(&self) -> &dyn Sockets {
        self
    }

    fn jobs(&self) -> &dyn Jobs {
        self
    }

    fn storage(&self) -> &dyn Storage {
        self
    }

    fn radio(&self) -> &dyn Radio {
        self
    }

    fn board(&self) -> &dyn Board {
        self
    }

    fn console(&self) -> &dyn Console {
        self
    }

    fn pins(&self) -> &dyn Pins {
        &self.pins
    }

    fn converters(&self) -> &dyn Converters {
        &self.pins
    }

    fn wake_when(&self, event: Event, waker: &Waker) {
        self.forget_wakers(|other| other == event);
        if let Event::Radio(interface) = event {
            self.radio.wake_when(interface, waker);
        } else if event == Event::Job(host_bus::JOB) {
            self.buses.wake_when(waker);
        } else if event == Event::Pins {
            self.pins.wake_when(waker);
        } else if self.is_ready(event) {
            waker.wake_by_ref();
        } else {
            self.wakers.borrow_mut().push((event, waker.clone()));
        }
    }
}

impl Radio for SimPort {
    fn serves_both(&self) -> bool {
        self.radio.serves_both()
    }

    fn scan(&self, request: &ScanRequest<'_>) -> Result<()> {
        self.check(Call::Scan)?;
        self.radio.scan(request)
    }

    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        self.radio.scan_result(index)
    }

    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        self.check(Call::Join)?;
        self.radio.join(request)
    }

    fn leave(&self) {
        self.radio.leave();
    }

    fn reset(&self) {
        self.radio.reset();
    }

    fn configure(&self, interface: Interface, address: Option<Ipv4Config>) -> Result<()> {
        self.check(Call::Configure)?;
        self.radio.configure(interface, address)
    }

    fn radio_state(&self, interface: Interface) -> RadioState {
        self.radio.radio_state(interface)
    }

    fn rssi(&self) -> Option<i8> {
        self.radio.rssi()
    }

    fn softap_start(&self, request: &SoftApRequest<'_>) -> Result<()> {
        self.check(Call::SoftAp)?;
        self.radio.softap_start(request)
    }

    fn softap_stop(&self) {
        self.radio.softap_stop();
    }

    fn softap_station(&self, index: usize) -> Option<[u8; 6]> {
        self.radio.softap_station(index)
    }

    fn softap_drop(&self, station: [u8; 6]) {
        self.radio.softap_drop(station);
    }
}

impl Board for SimPort {
    fn mac(&self) -> [u8; 6] {
        [0x4C, 0x55, 0xCC, 0x10, 0x09, 0x42]
    }

    fn uuid(&self) -> [u8; 20] {
        *b"openzentri simulated"
    }

    fn board_name(&self) -> &'static str {
        "simulation"
    }

    fn board_defaults(&self) -> &[(&str, &str)] {
        self.board.defaults.get()
    }

    /// The same numbers in every run (splitmix64), and others after a power cycle.
    fn random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let state = self.board.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
            self.board.random.set(state);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (mixed >> 56) as u8;
        }
    }

    fn wall_clock(&self) -> Option<u64> {
        let now = (embassy_time_driver::now() / 1000) as i64;
        self.board.clock_offset.get().map(|offset| (now + offset).max(0) as u64)
    }

    fn spi_buses(&self) -> u8 {
        1
    }

    fn i2c_buses(&self) -> u8 {
        1
    }

    fn memory_usage(&self) -> Option<u8> {
        self.board.memory_usage.get()
    }

    fn reset_reason(&self) -> Option<ResetReason> {
        Some(self.board.reset.get())
    }

    fn fault(&self) -> Option<Fault> {
        self.board.fault.borrow().clone()
    }

    fn reboot(&self) {
        self.board.rebooting.set(true);
    }

    fn wake(&self) {
        self.board.waking.set(true);
        self.reboot();
    }

    fn serial_ended(&self) {
        self.board.serial_ended.set(true);
    }
}

/// Bytes as text; invalid UTF-8 becomes U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
