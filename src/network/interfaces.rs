//! The interfaces of the device: which are up, what happens when one goes down, and the services that start and stop
//! with it.
//!
//! Only this file decides whether an interface counts as up; a port only reports what its radio does.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;

use embassy_sync::waitqueue::MultiWakerRegistration;
use heapless::Vec;

use super::orders::{Order, Trials};
use super::state::{JoinError, State};
use crate::base::Base;
use crate::discovery::Discovery;
use crate::limits;
use crate::log::Level;
use crate::port::{AccessPoint, Interface};
use crate::stream::Streams;
use crate::variable::{Id, Message, id};

const DEFAULT_INTERFACE: Id = id("network.default_interface");

/// After this number of scans and associations in a row that did not end, the radio is reset.
const SILENCES: u8 = 3;

/// Something that runs on an interface and starts and stops with it: the HTTP server, discovery, the time client and others.
pub trait Service {
    /// The interface is up. Called again after `network_restart`, to pick up changed variables.
    fn start(&self, interface: Interface);
    /// The interface goes down.
    fn stop(&self, interface: Interface);
    /// Whether the service listens on a TCP port.
    fn listens_on(&self, _port: u16) -> bool {
        false
    }
}

/// There is no room for another service: `limits::SERVICES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyServices;

/// The network room.
pub struct Network {
    pub(super) base: &'static Base,
    pub(super) streams: &'static Streams,
    /// Names of the local network.
    pub(super) discovery: &'static Discovery,
    services: RefCell<Vec<&'static dyn Service, { limits::SERVICES }>>,
    wlan: Cell<State>,
    softap: Cell<State>,
    /// A task scans or joins: the radio does one thing at a time.
    radio_taken: Cell<bool>,
    /// The network joined last, so that the next time needs no probe.
    pub(super) known: RefCell<Option<AccessPoint>>,
    /// Scans begun since boot.
    pub(super) scans: Cell<u32>,
    /// How often in a row the radio has not answered at all.
    silences: Cell<u8>,
    /// Networks to be tried.
    pub(super) trials: RefCell<Trials>,
    /// The station is going back from a network that was tried: `wlan.join.result` keeps the result of the trial.
    pub(super) returning: Cell<bool>,
    /// The pending order for web setup.
    pub(super) setup: Cell<Order>,
    /// Tasks that wait for a change.
    watchers: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

impl Network {
    /// A network that is down.
    pub fn new(base: &'static Base, streams: &'static Streams, discovery: &'static Discovery) -> Self {
        Self {
            base,
            streams,
            discovery,
            services: RefCell::new(Vec::new()),
            wlan: Cell::new(State::START),
            softap: Cell::new(State::START),
            radio_taken: Cell::new(false),
            known: RefCell::new(None),
            scans: Cell::new(0),
            silences: Cell::new(0),
            trials: RefCell::new(Trials::NONE),
            returning: Cell::new(false),
            setup: Cell::new(Order::None),
            watchers: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// Names and services of the local network.
    pub fn discovery(&self) -> &'static Discovery {
        self.discovery
    }

    /// Adds a service; they start in the order of registration.
    pub fn register(&self, service: &'static dyn Service) -> Result<(), TooManyServices> {
        self.services.borrow_mut().push(service).map_err(|_| TooManyServices)
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
        self.state(interface).is_up()
    }

    /// The access point of the WLAN, while that is up.
    pub fn access_point(&self) -> Option<AccessPoint> {
        self.known.borrow().clone().filter(|_| self.is_up(Interface::Wlan))
    }

    /// The gateway, if the interface is up and has one.
    pub fn gateway(&self, interface: Interface) -> Option<Ipv4Addr> {
        self.state(interface).ipv4().map(|config| config.gateway).filter(|gateway| !gateway.is_unspecified())
    }

    /// Brings up the interface, unless it is up; waits for an attempt that already runs. The attempt itself goes on
    /// when this future is dropped.
    pub async fn up(&self, interface: Interface) -> Result<(), JoinError> {
        if interface == Interface::Wlan && !self.base.port.radio().serves_both() && self.is_in_setup() {
            let text = format_args!("Interface not available: wlan (web setup has the radio)");
            self.base.log.line(Level::Failure, text);
            return Err(JoinError::Failed);
        }
        self.settled(interface).await;
        self.want(interface);
        self.settled(interface).await;
        self.state(interface).outcome()
    }

    /// Takes the interface down and up again.
    pub async fn restart(&self, interface: Interface) -> Result<(), JoinError> {
        self.down(interface);
        self.up(interface).await
    }

    /// Takes an interface down: streams and servers on it close first.
    pub fn down(&self, interface: Interface) {
        let state = self.state(interface);
        let aborted = state.is_coming() || state.is_wanted();
        self.returning.set(self.returning.get() && interface != Interface::Wlan);
        self.leave(interface, true, aborted.then_some(JoinError::Aborted));
        if aborted && interface == Interface::Wlan {
            self.base.log.line(Level::Failure, format_args!("Join failed"));
        }
    }

    /// Takes the interface down because the device restarts; the log line has been printed.
    pub fn leave_for_restart(&self, interface: Interface) {
        self.enter(interface, State::Down { forced: true, error: None });
        self.leave(interface, true, None);
    }

    /// Takes an interface down as if it had never been asked for.
    pub(super) fn leave_quietly(&self, interface: Interface) {
        if !matches!(self.state(interface), State::Down { .. }) {
            self.leave(interface, false, None);
        }
    }

    /// If the radio has only one interface at a time, takes this one down for the other. Answers whether it had to.
    /// With `forced` the interface does not come back by itself and take the radio again.
    pub(super) fn make_way(&self, interface: Interface, forced: bool) -> bool {
        let down = matches!(self.state(interface), State::Down { .. });
        if down || self.base.port.radio().serves_both() {
            return false;
        }
        let text = format_args!("Interface taken down: {} (the radio has one at a time)", interface.name());
        self.base.log.line(Level::Failure, text);
        self.leave(interface, forced, None);
        true
    }

    /// Ends everything that runs on the interface, and its use of the radio.
    pub(super) fn leave(&self, interface: Interface, forced: bool, error: Option<JoinError>) {
        let was = self.state(interface);
        self.streams.interface_down(interface);
        self.each_service(|service| service.stop(interface));
        match interface {
            Interface::Wlan => self.base.port.radio().leave(),
            Interface::SoftAp => self.base.port.radio().softap_stop(),
        }
        self.enter(interface, State::Down { forced, error });
        match interface {
            Interface::Wlan if was.is_coming() || was.is_up() => self.base.tell(Message::WlanLeave),
            Interface::SoftAp if was.is_up() => self.base.log.line(Level::Detail, format_args!("Soft AP stopped")),
            _ => {}
        }
    }

    pub(super) fn each_service(&self, action: impl Fn(&'static dyn Service)) {
        let services = self.services.borrow().clone();
        services.into_iter().for_each(action);
    }

    /// Whether the device listens on a TCP port: a server, a service, or its serial line where that is a connection.
    pub(super) fn listens_on(&self, port: u16) -> bool {
        self.base.port.serial().serial_port() == Some(port)
            || self.streams.listens_on(port)
            || self.services.borrow().iter().any(|service| service.listens_on(port))
    }

    /// Asks the interface's task to bring it up, unless it is up already.
    pub(super) fn want(&self, interface: Interface) {
        if matches!(self.state(interface), State::Down { .. }) {
            self.enter(interface, State::Wanted);
        }
    }

    fn cell(&self, interface: Interface) -> &Cell<State> {
        match interface {
            Interface::Wlan => &self.wlan,
            Interface::SoftAp => &self.softap,
        }
    }

    pub(super) fn state(&self, interface: Interface) -> State {
        self.cell(interface).get()
    }

    /// The only place that changes a state: wakes waiting tasks, and updates the variables.
    pub(super) fn enter(&self, interface: Interface, state: State) {
        self.cell(interface).set(state);
        let status = &self.base.status;
        status.ups.set(status.ups.get().wrapping_add(u32::from(state.is_up())));
        status.ipv4(interface).set(state.ipv4());
        if interface == Interface::Wlan {
            status.network.set(state.status() as u8);
            status.join_failed.set(state.has_failed());
            if let Some((result, reason)) = state.join_result().filter(|_| !self.returning.get()) {
                status.join_result.set(result);
                status.join_reason.set(reason);
            }
            self.returning.set(self.returning.get() && !state.is_up());
        } else {
            status.softap.set(state.status() as u8);
        }
        status.changed();
        self.changed();
    }

    pub(super) fn changed(&self) {
        self.watchers.borrow_mut().wake();
    }

    /// Waits until the interface neither comes up nor is about to.
    pub async fn settled(&self, interface: Interface) {
        self.until(interface, State::is_settled).await;
    }

    /// Waits until a condition holds; checks it again after each change of any interface's state.
    pub(super) async fn until(&self, interface: Interface, condition: impl Fn(&State) -> bool) {
        self.when(|| condition(&self.state(interface)).then_some(())).await;
    }

    /// Waits until `answer` gives a value; calls it again after each change.
    pub(super) async fn when<T>(&self, mut answer: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| match answer() {
            Some(answer) => Poll::Ready(answer),
            None => {
                self.watchers.borrow_mut().register(context.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// Waits until a trial waits to be run.
    pub(super) async fn trial_waits(&self) {
        self.when(|| self.trials.borrow().is_waiting().then_some(())).await;
    }

    /// Notes whether the radio has answered. After three times without an answer it is switched off and on again:
    /// otherwise the device would be unreachable until somebody switches it off and on.
    pub(super) fn radio_answered(&self, answered: bool) {
        let silences = if answered { 0 } else { self.silences.get().saturating_add(1) };
        self.silences.set(silences % SILENCES);
        if silences == SILENCES {
            self.base.log.line(Level::Failure, format_args!("The radio does not answer: it is started again"));
            self.base.port.radio().reset();
        }
    }

    /// Waits until no other task scans or joins.
    pub(super) async fn take_radio(&self) -> RadioTurn<'_> {
        poll_fn(|context| {
            if !self.radio_taken.replace(true) {
                return Poll::Ready(RadioTurn(self));
            }
            self.watchers.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await
    }
}

/// The right to scan or join; it ends when this is dropped.
///
/// A port wakes only the last task that waits for its radio. So every waiting task checks again when a turn is over.
#[must_use = "the turn is over when this is dropped"]
pub(super) struct RadioTurn<'a>(&'a Network);

impl Drop for RadioTurn<'_> {
    fn drop(&mut self) {
        self.0.radio_taken.set(false);
        self.0.changed();
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;

    use super::*;
    use crate::file::Files;
    use crate::port::sim::SimPort;

    struct Idle;

    impl Service for Idle {
        fn start(&self, _: Interface) {}
        fn stop(&self, _: Interface) {}
    }

    #[test]
    fn one_service_too_many_is_an_error() {
        let port = SimPort::new();
        let base: &Base = Box::leak(Box::new(Base::new(port)));
        let files = Box::leak(Box::new(Files::new(&base.flash)));
        let discovery = Box::leak(Box::new(Discovery::new(base)));
        let network = Network::new(base, Box::leak(Box::new(Streams::new(base, files))), discovery);
        for _ in 0..limits::SERVICES {
            assert_eq!(network.register(&Idle), Ok(()));
        }
        assert_eq!(network.register(&Idle), Err(TooManyServices));
    }
}
