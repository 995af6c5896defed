//! Live values: upper rooms publish them, read-only variables show them. So the variables depend on nothing above them.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::waitqueue::WakerRegistration;

use crate::port::{Interface, Ipv4Config, Meter};

/// Knows how full the buffers of the streams are.
pub trait Buffers {
    /// Percent of the receive and of the transmit buffers in use; any byte counts as at least 1.
    fn percent(&self) -> (u8, u8);
}

/// Knows the addresses of the stations of the soft AP.
pub trait Clients {
    /// The address that a station has or had.
    fn address(&self, mac: [u8; 6]) -> Option<Ipv4Addr>;
}

/// What the command UART is for (`bus.mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bus {
    /// Commands.
    #[default]
    Command,
    /// The bytes of a stream.
    Stream,
    /// The same, but the host has broken out to command mode.
    Break,
}

/// The live values of a device.
#[derive(Default)]
pub struct Status {
    /// `wlan.network.status`: 0 down, 1 associated without an address, 2 up, 3 joining.
    pub network: Cell<u8>,
    /// `wlan.join.result` (interface, network 2.3).
    pub join_result: Cell<u8>,
    /// The WLAN is down because the last join has failed.
    pub join_failed: Cell<bool>,
    /// `wlan.join.reason`: why the last join has failed, in words; empty when it has not.
    pub join_reason: Cell<&'static str>,
    /// As `network`, but for the soft AP: 0 down, 2 up, 3 starting.
    pub softap: Cell<u8>,
    /// A station is in the network of the soft AP.
    pub softap_client: Cell<bool>,
    /// How often an interface has come up.
    pub ups: Cell<u32>,
    /// The traffic of the command UART.
    pub uart_traffic: Meter,
    /// The settings of the command UART shall take effect; its one task waits for that.
    pub uart_update: Signal<NoopRawMutex, ()>,
    /// The current use of the command UART.
    pub bus: Cell<Bus>,
    /// The connection of `ioconn.*` is open.
    pub ioconn: Cell<bool>,
    /// `system.oob.status`.
    pub out_of_band: OutOfBandStatus,
    /// Web setup runs.
    pub web_setup: Cell<bool>,
    /// A client has fetched the first page of web setup.
    pub setup_page_fetched: Cell<bool>,
    /// The IPv4 configuration of the WLAN interface.
    wlan: Cell<Option<Ipv4Config>>,
    /// That of the soft AP.
    softap_ipv4: Cell<Option<Ipv4Config>>,
    /// The source of `network.buffer.usage`; without it no buffer is in use.
    pub buffers: Cell<Option<&'static dyn Buffers>>,
    /// The source of addresses for the lists of clients.
    pub clients: Cell<Option<&'static dyn Clients>>,
    /// `system.safemode.status`.
    pub safe_mode: Cell<bool>,
    /// A variable of the time servers was set; the one task that asks them waits for it.
    pub ntp_set: Signal<NoopRawMutex, ()>,
    /// How often `ntp.server` was set.
    pub ntp_servers: Cell<u32>,
    /// A variable of the announcements was set, or an interface went up or down; the one task that announces waits for
    /// it.
    pub announcements: Signal<NoopRawMutex, ()>,
    /// How often the state that indicators show may have changed.
    changes: Cell<u32>,
    /// The one task that shows the state.
    shows: RefCell<WakerRegistration>,
}

impl Status {
    /// The IPv4 configuration of an interface; it has one exactly when it is up.
    pub fn ipv4(&self, interface: Interface) -> &Cell<Option<Ipv4Config>> {
        match interface {
            Interface::Wlan => &self.wlan,
            Interface::SoftAp => &self.softap_ipv4,
        }
    }

    /// Whether the interface is up, as the network room has decided.
    pub fn is_up(&self, interface: Interface) -> bool {
        self.ipv4(interface).get().is_some()
    }

    /// Whether the device is in stream mode, even if the host has broken out of it.
    pub fn is_bridged(&self) -> bool {
        self.bus.get() != Bus::Command
    }

    /// Tells the task that shows the state of the device that it has changed.
    pub fn changed(&self) {
        self.changes.set(self.changes.get().wrapping_add(1));
        self.shows.borrow_mut().wake();
    }

    /// The number of changes so far.
    pub fn changes(&self) -> u32 {
        self.changes.get()
    }

    /// Waits for a change after the number `seen`. One task at a time may wait.
    pub async fn changed_since(&self, seen: u32) {
        poll_fn(|context| {
            if self.changes.get() != seen {
                return Poll::Ready(());
            }
            self.shows.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// The current out-of-band events (`system.oob.status`).
#[derive(Default)]
pub struct OutOfBandStatus {
    /// Events that stay until they are read.
    happened: Cell<u32>,
    /// Events that last as long as a condition holds.
    holds: Cell<u32>,
}

impl OutOfBandStatus {
    /// Adds events that stay until they are read.
    pub fn happened(&self, events: u32) {
        self.happened.set(self.happened.get() | events);
    }

    /// Sets the events whose condition holds now.
    pub fn holds(&self, events: u32) {
        self.holds.set(events);
    }

    /// All current events.
    pub fn mask(&self) -> u32 {
        self.happened.get() | self.holds.get()
    }

    /// Removes the events that stay until they are read: they were read.
    pub fn forget(&self) {
        self.happened.set(0);
    }
}
