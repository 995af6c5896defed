//! The network interfaces: joining a WLAN, losing it, and the services that come and go with it.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;

use embassy_sync::waitqueue::MultiWakerRegistration;
use heapless::Vec;

use crate::base::Base;
use crate::port::Interface;
use crate::stream::Streams;
use crate::variable::{Id, id};

mod connect;
mod join;
mod lookup;

pub use connect::connect_tcp;
pub use join::{JoinError, join_when_asked, keep_joined, security_name};
pub use lookup::{LookupError, address_of, ping, resolve};

const DEFAULT_INTERFACE: Id = id("network.default_interface");

/// What runs on an interface and starts and stops with it: the HTTP server, later discovery, NTP and others.
pub trait Service {
    /// The interface is up. Called again after `network_restart`, to pick changed variables up.
    fn start(&self, interface: Interface);
    /// The interface goes down.
    fn stop(&self, interface: Interface);
}

/// `wlan.network.status` (networking reference 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Down.
    Down = 0,
    /// Associated, without an address.
    NoAddress = 1,
    /// Up.
    Up = 2,
    /// Joining.
    Joining = 3,
}

/// The network room.
pub struct Network {
    base: &'static Base,
    streams: &'static Streams,
    services: RefCell<Vec<&'static dyn Service, 8>>,
    /// Someone has asked for a join that has not started yet.
    wanted: Cell<bool>,
    /// A join runs now.
    joining: Cell<bool>,
    /// How the join that was asked for last has ended.
    outcome: Cell<Option<Result<(), JoinError>>>,
    /// The owner has taken the interface down: auto-join leaves it so.
    forced_down: Cell<bool>,
    /// The network joined last, so that the next time needs no probe.
    known: RefCell<Option<crate::port::AccessPoint>>,
    /// Tasks that wait for a change.
    watchers: RefCell<MultiWakerRegistration<4>>,
}

impl Network {
    /// A network that is down.
    pub fn new(base: &'static Base, streams: &'static Streams) -> Self {
        Self {
            base,
            streams,
            services: RefCell::new(Vec::new()),
            wanted: Cell::new(false),
            joining: Cell::new(false),
            outcome: Cell::new(None),
            forced_down: Cell::new(false),
            known: RefCell::new(None),
            watchers: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// Adds a service; they start in the order of registration.
    pub fn register(&self, service: &'static dyn Service) {
        // The device registers fewer services than there is room for.
        let _ = self.services.borrow_mut().push(service);
    }

    /// The interface that an interface variable or option means.
    pub fn interface(&self, word: &[u8]) -> Option<Interface> {
        match word {
            b"wlan" => Some(Interface::Wlan),
            b"softap" => Some(Interface::SoftAp),
            b"default" => Some(self.default_interface()),
            _ => None,
        }
    }

    /// `network.default_interface`.
    pub fn default_interface(&self) -> Interface {
        let softap = self.base.variables.with(DEFAULT_INTERFACE, |value| value == b"softap");
        if softap { Interface::SoftAp } else { Interface::Wlan }
    }

    /// Whether the interface has an address.
    pub fn is_up(&self, interface: Interface) -> bool {
        interface == Interface::Wlan && self.base.status.network.get() == Status::Up as u8
    }

    /// Takes an interface down: streams and servers on it close first.
    pub fn down(&self, interface: Interface) {
        if interface == Interface::Wlan {
            self.forced_down.set(true);
            self.leave();
        }
    }

    /// Takes the interface down because the device restarts; the log line has been printed.
    pub fn leave_for_restart(&self, interface: Interface) {
        self.forced_down.set(true);
        self.base.status.network.set(Status::Down as u8);
        if interface == Interface::Wlan {
            self.leave();
        }
    }

    fn leave(&self) {
        let was_up = self.base.status.network.get() != Status::Down as u8;
        self.streams.interface_down(Interface::Wlan);
        self.each_service(|service| service.stop(Interface::Wlan));
        self.base.port.radio().leave();
        self.base.status.ipv4.set(None);
        self.set_status(Status::Down);
        if was_up {
            self.base.log_state(format_args!("Disassociated"));
        }
    }

    fn each_service(&self, action: impl Fn(&'static dyn Service)) {
        let services = self.services.borrow().clone();
        services.into_iter().for_each(action);
    }

    fn set_status(&self, status: Status) {
        self.base.status.network.set(status as u8);
        self.watchers.borrow_mut().wake();
    }

    /// Waits until `condition` holds; it is looked at again after each change of the network's state.
    async fn until(&self, condition: impl Fn() -> bool) {
        poll_fn(|context| {
            if condition() {
                return Poll::Ready(());
            }
            self.watchers.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await
    }

    /// The gateway, if the interface is up and has one.
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        self.base.status.ipv4.get().map(|config| config.gateway).filter(|gateway| !gateway.is_unspecified())
    }
}
