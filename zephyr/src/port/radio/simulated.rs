//! A simulated radio in reach of the networks that the devicetree names.

use core::net::Ipv4Addr;
use core::task::Waker;

use heapless::Vec;
use openzentri::limits;
use openzentri::port::{Interface, Ipv4Config};
use openzentri::port::radio::SimulatedNetwork;
use static_cell::StaticCell;

use crate::shim::networks;

pub use openzentri::port::radio::SimulatedRadio as ZephyrRadio;

/// The simulated radio counts no changes.
pub fn changes() -> u32 {
    0
}

/// A radio that hears the networks of the devicetree.
pub fn start() -> ZephyrRadio {
    static NETWORKS: StaticCell<Vec<SimulatedNetwork, { limits::SCAN_RESULTS }>> = StaticCell::new();
    let heard = NETWORKS.init_with(|| networks::all(lease()).take(limits::SCAN_RESULTS).collect());
    ZephyrRadio::new(heard)
}

/// The simulated radio wakes its waker by itself.
pub fn wake_when(radio: &ZephyrRadio, interface: Interface, waker: &Waker) -> bool {
    radio.wake_when(interface, waker);
    true
}

/// What the networks' DHCP servers give: the address under which the device is reached.
fn lease() -> Ipv4Config {
    let address = |text: &str| text.parse().unwrap_or(Ipv4Addr::LOCALHOST);
    let own = address(zephyr::kconfig::CONFIG_OPENZENTRI_SIMULATED_ADDRESS);
    let gateway = address(zephyr::kconfig::CONFIG_OPENZENTRI_SIMULATED_GATEWAY);
    let netmask = if own.is_loopback() { Ipv4Addr::new(255, 0, 0, 0) } else { Ipv4Addr::new(255, 255, 255, 0) };
    Ipv4Config { address: own, netmask, gateway, dns: gateway }
}
