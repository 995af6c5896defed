//! The wakers of all events.

use core::task::Waker;

use openzentri::port::{Event, Job, Socket};

use super::{bus, tls};
use crate::shim::{self, READABLE, WRITABLE, Watch};

/// Descriptors that Zephyr can have open.
pub const SOCKETS: usize = crate::kconfig::CONFIG_ZVFS_OPEN_MAX as usize;
/// Jobs at once.
const JOBS: usize = crate::kconfig::CONFIG_OPENZENTRI_JOBS as usize + tls::JOBS;

/// The wakers of a reader and a writer.
#[derive(Clone, Default)]
struct Pair {
    read: Option<Waker>,
    write: Option<Waker>,
}

impl Pair {
    const NONE: Self = Self { read: None, write: None };

    /// The bits that tasks wait for.
    fn wanted(&self) -> i16 {
        (if self.read.is_some() { READABLE } else { 0 }) | (if self.write.is_some() { WRITABLE } else { 0 })
    }

    /// Wakes the tasks whose bit is set.
    fn wake(&mut self, ready: i16) {
        if ready & READABLE != 0 {
            wake(&mut self.read);
        }
        if ready & WRITABLE != 0 {
            wake(&mut self.write);
        }
    }
}

fn wake(place: &mut Option<Waker>) {
    if let Some(waker) = place.take() {
        waker.wake();
    }
}

/// One waker for each event of the port.
pub struct Wakers {
    serial: Pair,
    sockets: [Pair; SOCKETS],
    jobs: [Option<Waker>; JOBS],
    radio: [Option<Waker>; 2],
    /// The changes of the radio that tasks were woken for.
    radio_changes: u32,
    /// The news of the simulated driver that were passed on.
    #[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
    air_news: u32,
    console: Option<Waker>,
    pins: Option<Waker>,
    /// The task that waits for a transfer on a bus.
    bus: Option<Waker>,
}

impl Wakers {
    /// No task waits.
    pub const fn new() -> Self {
        Self {
            serial: Pair::NONE,
            sockets: [Pair::NONE; SOCKETS],
            jobs: [const { None }; JOBS],
            radio: [const { None }; 2],
            radio_changes: 0,
            #[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
            air_news: 0,
            console: None,
            pins: None,
            bus: None,
        }
    }

    /// Keeps a waker in place of the previous one.
    pub fn register(&mut self, event: Event, waker: &Waker) {
        match self.place(event) {
            Some(place) => *place = Some(waker.clone()),
            // There is no such socket or job: the woken task finds that out.
            None => waker.wake_by_ref(),
        }
    }

    fn place(&mut self, event: Event) -> Option<&mut Option<Waker>> {
        Some(match event {
            Event::SerialReadable => &mut self.serial.read,
            Event::SerialWritable => &mut self.serial.write,
            Event::Readable(Socket(fd)) => &mut self.sockets.get_mut(usize::from(fd))?.read,
            Event::Writable(Socket(fd)) => &mut self.sockets.get_mut(usize::from(fd))?.write,
            Event::Job(bus::JOB) => &mut self.bus,
            Event::Job(Job(number)) => self.jobs.get_mut(usize::from(number))?,
            Event::Radio(interface) => &mut self.radio[interface as usize],
            Event::Console => &mut self.console,
            // A board has none.
            Event::Notice => return None,
            Event::Pins => &mut self.pins,
        })
    }

    /// Forgets the wakers of a socket.
    pub fn forget(&mut self, socket: Socket) {
        if let Some(pair) = self.sockets.get_mut(usize::from(socket.0)) {
            *pair = Pair::NONE;
        }
    }

    /// Wakes the tasks whose events can be checked without a descriptor.
    pub fn wake_local(&mut self) {
        if self.serial.wanted() != 0 {
            self.serial.wake(shim::serial_ready());
        }
        for (number, waker) in self.jobs.iter_mut().enumerate() {
            let ended = || tls::ended(Job(number as u16)).unwrap_or_else(|| shim::job_ended(number as i32));
            if waker.is_some() && ended() {
                wake(waker);
            }
        }
        for (fd, pair) in self.sockets.iter_mut().enumerate().filter(|(_, pair)| pair.wanted() != 0) {
            pair.wake(tls::holds(fd as i32));
        }
        #[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
        crate::air::look(&mut self.air_news);
        let changes = super::radio::changes();
        if changes != self.radio_changes {
            self.radio_changes = changes;
            self.radio.iter_mut().for_each(wake);
        }
        if self.bus.is_some() && bus::ended() {
            wake(&mut self.bus);
        }
        if self.pins.is_some() && has_edges() {
            wake(&mut self.pins);
        }
        if self.console.is_some() && console_ready() {
            wake(&mut self.console);
        }
    }

    /// Lists the sockets that tasks wait for; returns their number. Each bit takes one place of Zephyr's own list, and
    /// one place is kept for the bell.
    pub fn watch(&self, watches: &mut [Watch]) -> usize {
        let mut places = watches.len().saturating_sub(1);
        let mut count = 0;
        for (fd, pair) in self.sockets.iter().enumerate() {
            // A handshake waits for its peer, whatever the tasks wait for.
            let wanted = tls::watched(fd as i32, pair.wanted());
            let bits = wanted.count_ones() as usize;
            let Some(watch) = watches.get_mut(count).filter(|_| bits != 0 && bits <= places) else { continue };
            *watch = Watch { fd: fd as i32, wanted, ready: 0 };
            places -= bits;
            count += 1;
        }
        count
    }

    /// Wakes the tasks that wait for a ready socket. An error or a hang-up wakes reader and writer.
    pub fn wake_socket(&mut self, watch: &Watch) {
        if !tls::ready(watch.fd) {
            return;
        }
        let rest = watch.ready & !(READABLE | WRITABLE);
        let ready = if rest != 0 { READABLE | WRITABLE } else { watch.ready };
        if let Some(pair) = usize::try_from(watch.fd).ok().and_then(|fd| self.sockets.get_mut(fd)) {
            pair.wake(ready);
        }
    }
}

#[cfg(CONFIG_OPENZENTRI_SHELL)]
fn console_ready() -> bool {
    shim::console::ready()
}

#[cfg(not(CONFIG_OPENZENTRI_SHELL))]
fn console_ready() -> bool {
    false
}

#[cfg(CONFIG_OPENZENTRI_PINS)]
fn has_edges() -> bool {
    shim::pins::has_edges()
}

#[cfg(not(CONFIG_OPENZENTRI_PINS))]
fn has_edges() -> bool {
    false
}
