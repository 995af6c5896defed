//! A simulated radio in reach of the networks that the devicetree names.

use core::net::Ipv4Addr;
use core::task::Waker;

use heapless::Vec;
use openzentri::limits;
use openzentri::port::radio::{SimulatedNetwork, SimulatedRadio};
use openzentri::port::{AccessPoint, Ipv4Config, JoinRequest, RadioState, Result};
use static_cell::StaticCell;

use crate::shim::networks;

/// The radio.
pub struct ZephyrRadio(SimulatedRadio);

/// The simulated radio wakes its waker by itself.
pub fn changes() -> u32 {
    0
}

impl ZephyrRadio {
    /// A radio that hears the networks of the devicetree.
    pub fn start() -> Self {
        static NETWORKS: StaticCell<Vec<SimulatedNetwork, { limits::SCAN_RESULTS }>> = StaticCell::new();
        let heard = NETWORKS.init_with(|| networks::all(lease()).take(limits::SCAN_RESULTS).collect());
        Self(SimulatedRadio::new(heard))
    }

    /// See [`SimulatedRadio::wake_when`].
    pub fn wake_when(&self, waker: &Waker) -> bool {
        self.0.wake_when(waker);
        true
    }

    pub fn scan(&self, ssid: Option<&[u8]>) -> Result<()> {
        self.0.scan(ssid)
    }

    pub fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        self.0.scan_result(index)
    }

    pub fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        self.0.join(request)
    }

    pub fn leave(&self) {
        self.0.leave();
    }

    pub fn configure(&self, address: Option<Ipv4Config>) -> Result<()> {
        self.0.configure(address)
    }

    pub fn radio_state(&self) -> RadioState {
        self.0.radio_state()
    }

    pub fn rssi(&self) -> Option<i8> {
        self.0.rssi()
    }
}

/// What the networks' DHCP servers give: the address under which the device is reached.
fn lease() -> Ipv4Config {
    let address = |text: &str| text.parse().unwrap_or(Ipv4Addr::LOCALHOST);
    let own = address(zephyr::kconfig::CONFIG_OPENZENTRI_SIMULATED_ADDRESS);
    let gateway = address(zephyr::kconfig::CONFIG_OPENZENTRI_SIMULATED_GATEWAY);
    let netmask = if own.is_loopback() { Ipv4Addr::new(255, 0, 0, 0) } else { Ipv4Addr::new(255, 255, 255, 0) };
    Ipv4Config { address: own, netmask, gateway, dns: gateway }
}
