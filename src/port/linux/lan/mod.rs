//! Real network interfaces in place of the simulated radio's addresses (`--wlan INTERFACE`, `--softap INTERFACE`).
//!
//! The radio stays simulated: which networks there are and who is let in. Once a station has joined, its traffic goes over
//! the interface, with an address that its DHCP server gives; the soft AP is one end of another. So the device can be tried
//! with real peers in network namespaces, and be used on a cable.
//!
//! ```text
//! radio    the radio with what the interfaces add
//! dhcp     the DHCP client
//! resolver names by the server that DHCP names
//! device   addresses and options of interfaces, by the kernel's calls
//! ```

mod device;
mod dhcp;
mod radio;
mod resolver;

pub(super) use device::bind_to;
pub(super) use radio::HostRadio;
pub(super) use resolver::resolve;
