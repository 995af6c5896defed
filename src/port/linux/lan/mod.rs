//! Real network interfaces in place of the simulated radio's addresses (`--wlan INTERFACE`, `--softap INTERFACE`).
//!
//! The radio stays simulated: it decides which networks there are and whether a join succeeds. Once the station has
//! joined, its traffic uses a real interface, with an address from a DHCP server there; the soft AP uses another
//! interface. So the device can be tested with real peers in network namespaces, and be used on a cable.
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
