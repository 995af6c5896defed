//! A simulated radio in reach of the networks that the devicetree names.

use core::task::Waker;

use heapless::Vec;
use openzentri::limits;
use openzentri::port::Interface;
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
    let heard = NETWORKS.init_with(|| networks::all(networks::lease()).take(limits::SCAN_RESULTS).collect());
    ZephyrRadio::new(heard)
}

/// The simulated radio wakes its waker by itself.
pub fn wake_when(radio: &ZephyrRadio, interface: Interface, waker: &Waker) -> bool {
    radio.wake_when(interface, waker);
    true
}
