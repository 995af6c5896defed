//! The simulated radio with real interfaces behind it.

use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::Waker;

use rustix::event::{EventfdFlags, eventfd};

use super::super::errors::StartError;
use super::super::wakers::{keep, wake};
use super::device::Device;
use super::dhcp::{Client, Lease};
use crate::port::radio::{SimulatedNetwork, SimulatedRadio};
use crate::port::{
    AccessPoint, Interface, Ipv4Config, JoinRequest, Link, PortError, Radio, RadioState, Result, ScanRequest,
    SoftApRequest,
};

/// The radio of the Linux port.
pub struct HostRadio {
    air: SimulatedRadio,
    wlan: Option<Wlan>,
    softap: Option<Device>,
    softap_address: Cell<Option<Ipv4Config>>,
    /// Signalled when a DHCP client reports a change.
    bell: Arc<OwnedFd>,
    /// The task that waits for the station; the simulated radio keeps its own wakers.
    waker: RefCell<Option<Waker>>,
}

/// The interface of the station.
struct Wlan {
    device: Device,
    lease: Arc<Lease>,
    client: RefCell<Option<Client>>,
    host_name: RefCell<String>,
}

impl HostRadio {
    /// A radio in reach of `networks`; traffic uses these interfaces where they are given.
    pub fn new(
        networks: &'static [SimulatedNetwork],
        wlan: Option<&str>,
        softap: Option<&str>,
    ) -> std::result::Result<Self, StartError> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let bell = Arc::new(bell.map_err(|error| StartError::new("start", error))?);
        let wlan = wlan.map(|name| Wlan::new(name, bell.clone())).transpose()?;
        let softap = softap.map(find).transpose()?;
        let air = SimulatedRadio::new(networks);
        Ok(Self { air, wlan, softap, softap_address: Cell::new(None), bell, waker: RefCell::new(None) })
    }

    /// A DHCP client has signalled a change: wakes the waiting task.
    pub fn ready(&self) {
        let _ = rustix::io::read(&*self.bell, &mut [0; 8]);
        wake(&mut self.waker.borrow_mut());
    }

    /// See [`crate::port::Port::wake_when`].
    pub fn wake_when(&self, interface: Interface, waker: &Waker) {
        if interface == Interface::Wlan {
            keep(&mut self.waker.borrow_mut(), waker);
        }
        self.air.wake_when(interface, waker);
    }

    /// The name server of the station's network, and the interface that leads there.
    pub fn name_server(&self) -> Option<(&str, Ipv4Addr)> {
        let wlan = self.wlan.as_ref()?;
        let server = wlan.lease.config()?.dns;
        (!server.is_unspecified()).then_some((wlan.device.name(), server))
    }
}

impl AsFd for HostRadio {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Finds an interface and switches it on.
fn find(name: &str) -> std::result::Result<Device, StartError> {
    let device = Device::named(name).map_err(|error| StartError::new(format!("use interface {name}"), error))?;
    device.up().map_err(|error| StartError::new(format!("switch interface {name} on"), error))?;
    Ok(device)
}

impl Wlan {
    fn new(name: &str, bell: Arc<OwnedFd>) -> std::result::Result<Self, StartError> {
        let ring = move || {
            let _ = rustix::io::write(&*bell, &1_u64.to_ne_bytes());
        };
        let (device, lease) = (find(name)?, Lease::new(ring));
        Ok(Self { device, lease, client: RefCell::new(None), host_name: RefCell::default() })
    }

    fn configure(&self, address: Option<Ipv4Config>) -> Result<()> {
        self.forget();
        match address {
            Some(config) => {
                self.device.set_address(config).map_err(|_| PortError::Denied)?;
                self.lease.set(Some(config));
            }
            None => {
                let client = Client::start(self.device.clone(), self.host_name.borrow().clone(), self.lease.clone());
                *self.client.borrow_mut() = Some(client.map_err(|_| PortError::Denied)?);
            }
        }
        Ok(())
    }

    fn forget(&self) {
        self.client.borrow_mut().take();
        if self.lease.config().is_some() {
            self.device.clear_address();
            self.lease.set(None);
        }
    }
}

impl Radio for HostRadio {
    fn serves_both(&self) -> bool {
        self.air.serves_both()
    }

    fn scan(&self, request: &ScanRequest<'_>) -> Result<()> {
        self.air.scan(request)
    }

    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        self.air.scan_result(index)
    }

    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        self.wlan.iter().for_each(Wlan::forget);
        self.air.join(request)
    }

    fn leave(&self) {
        self.wlan.iter().for_each(Wlan::forget);
        self.air.leave();
    }

    fn reset(&self) {
        self.wlan.iter().for_each(Wlan::forget);
        self.air.reset();
    }

    fn set_host_name(&self, name: &str) {
        if let Some(wlan) = &self.wlan {
            name.clone_into(&mut wlan.host_name.borrow_mut());
        }
    }

    fn configure(&self, interface: Interface, address: Option<Ipv4Config>) -> Result<()> {
        match (interface, &self.wlan, &self.softap) {
            (Interface::Wlan, Some(wlan), _) if self.air.radio_state(interface).link == Link::Joined => {
                wlan.configure(address)
            }
            (Interface::SoftAp, _, Some(device)) => {
                self.air.configure(interface, address)?;
                let Some(config) = address else { return Err(PortError::Unsupported) };
                // The device itself is the gateway of the stations.
                let own = Ipv4Config { gateway: Ipv4Addr::UNSPECIFIED, ..config };
                self.softap_address.set(address);
                device.set_address(own).map_err(|_| PortError::Denied)
            }
            _ => self.air.configure(interface, address),
        }
    }

    fn radio_state(&self, interface: Interface) -> RadioState {
        let state = self.air.radio_state(interface);
        match (interface, &self.wlan) {
            (Interface::Wlan, Some(wlan)) => {
                RadioState { ipv4: wlan.lease.config().filter(|_| state.link == Link::Joined), ..state }
            }
            _ => state,
        }
    }

    fn rssi(&self) -> Option<i8> {
        self.air.rssi()
    }

    fn softap_start(&self, request: &SoftApRequest<'_>) -> Result<()> {
        self.air.softap_start(request)
    }

    fn softap_stop(&self) {
        if self.softap_address.take().is_some() {
            self.softap.iter().for_each(Device::clear_address);
        }
        self.air.softap_stop();
    }

    /// With a real interface, every entry in the kernel's table of neighbours counts as a station.
    fn softap_station(&self, index: usize) -> Option<[u8; 6]> {
        match &self.softap {
            Some(device) if self.softap_address.get().is_some() => device.neighbour(index),
            _ => self.air.softap_station(index),
        }
    }

    fn softap_drop(&self, station: [u8; 6]) {
        self.air.softap_drop(station);
    }
}
