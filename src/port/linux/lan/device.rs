//! Addresses and routes of network interfaces, by ioctl (netdevice(7), rtnetlink has more but needs more).
#![allow(unsafe_code, reason = "calls of the kernel that have no safe form in a library at hand")]

use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::port::Ipv4Config;

/// A network interface of the machine.
#[derive(Clone, Debug)]
pub(super) struct Device {
    name: String,
}

/// Binds a socket to an interface: it sends and receives only over that one.
pub fn bind_to(socket: impl AsFd, interface: &str) -> io::Result<()> {
    // SAFETY: pointer and length are those of the name, which the kernel copies.
    check(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            interface.as_ptr().cast(),
            interface.len() as libc::socklen_t,
        )
    })
}

impl Device {
    /// The interface of that name; an error when there is none.
    pub fn named(name: &str) -> io::Result<Self> {
        let device = Self { name: name.to_owned() };
        device.mac().map(|_| device)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its hardware address.
    pub fn mac(&self) -> io::Result<[u8; 6]> {
        let request = self.call(libc::SIOCGIFHWADDR, |_| {})?;
        // SAFETY: the kernel has filled this part of the union.
        let data = unsafe { request.ifr_ifru.ifru_hwaddr }.sa_data;
        let mut mac = [0; 6];
        mac.iter_mut().zip(data).for_each(|(to, from)| *to = from as u8);
        Ok(mac)
    }

    /// Switches it on.
    pub fn up(&self) -> io::Result<()> {
        let flags = self.call(libc::SIOCGIFFLAGS, |_| {})?;
        // SAFETY: the kernel has filled this part of the union.
        let flags = unsafe { flags.ifr_ifru.ifru_flags } | libc::IFF_UP as i16;
        self.call(libc::SIOCSIFFLAGS, |request| request.ifr_ifru.ifru_flags = flags).map(|_| ())
    }

    /// Sets its address, in place of the previous one, and the route to the gateway.
    pub fn set_address(&self, config: Ipv4Config) -> io::Result<()> {
        self.call(libc::SIOCSIFADDR, |request| request.ifr_ifru.ifru_addr = place(config.address))?;
        self.call(libc::SIOCSIFNETMASK, |request| request.ifr_ifru.ifru_netmask = place(config.netmask))?;
        if config.gateway.is_unspecified() || config.gateway == config.address {
            return Ok(());
        }
        self.add_default_route(config.gateway)
    }

    /// Removes its address and its routes.
    pub fn clear_address(&self) {
        // It fails when there is no address to remove.
        let _ = self.call(libc::SIOCSIFADDR, |request| request.ifr_ifru.ifru_addr = place(Ipv4Addr::UNSPECIFIED));
    }

    /// The hardware address of the `index`-th neighbour on the interface (`/proc/net/arp`).
    pub fn neighbour(&self, index: usize) -> Option<[u8; 6]> {
        let table = std::fs::read_to_string("/proc/net/arp").ok()?;
        neighbours(&table, &self.name).nth(index)
    }

    fn add_default_route(&self, gateway: Ipv4Addr) -> io::Result<()> {
        let mut name = self.bytes();
        // SAFETY: all zeros is a valid route.
        let mut route: libc::rtentry = unsafe { mem::zeroed() };
        route.rt_dst = place(Ipv4Addr::UNSPECIFIED);
        route.rt_genmask = place(Ipv4Addr::UNSPECIFIED);
        route.rt_gateway = place(gateway);
        route.rt_flags = libc::RTF_UP | libc::RTF_GATEWAY;
        route.rt_dev = name.as_mut_ptr();
        let socket = control()?;
        // SAFETY: the route and the name in it live longer than the call.
        match check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCADDRT, &raw mut route) }) {
            // The route exists already.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// One ioctl about the interface.
    fn call(&self, number: libc::c_ulong, fill: impl FnOnce(&mut libc::ifreq)) -> io::Result<libc::ifreq> {
        // SAFETY: all zeros is a valid request.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        request.ifr_name = self.bytes();
        fill(&mut request);
        let socket = control()?;
        // SAFETY: the request lives longer than the call, and has the form that these numbers ask for.
        check(unsafe { libc::ioctl(socket.as_raw_fd(), number as _, &raw mut request) })?;
        Ok(request)
    }

    /// The name with zeros after it; a name that is too long for the kernel is cut off, and then not found.
    fn bytes(&self) -> [libc::c_char; libc::IFNAMSIZ] {
        let mut name = [0; libc::IFNAMSIZ];
        name.iter_mut().zip(self.name.bytes().take(libc::IFNAMSIZ - 1)).for_each(|(to, from)| *to = from as _);
        name
    }
}

/// The complete entries of the kernel's table for one interface.
fn neighbours<'a>(table: &'a str, name: &'a str) -> impl Iterator<Item = [u8; 6]> + 'a {
    table.lines().skip(1).filter_map(move |line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, _, flags, mac, _, device] = columns[..] else { return None };
        if device != name || flags == "0x0" {
            return None;
        }
        super::super::board::bytes(&mac.replace(':', ""))
    })
}

/// A socket to make such calls on.
fn control() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// An address in the form of these calls.
fn place(address: Ipv4Addr) -> libc::sockaddr {
    let place = libc::sockaddr_in {
        sin_family: libc::AF_INET as _,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from(address).to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: both have the same size, and every pattern of bits is valid.
    unsafe { mem::transmute::<libc::sockaddr_in, libc::sockaddr>(place) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_read_from_the_kernels_table() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     10.10.10.2       0x1         0x2         02:00:00:00:0a:01     *        ap0\n\
                     10.10.10.3       0x1         0x0         00:00:00:00:00:00     *        ap0\n\
                     192.168.0.1      0x1         0x2         02:00:00:00:0a:02     *        eth0\n";
        assert_eq!(neighbours(table, "ap0").collect::<Vec<_>>(), [[2, 0, 0, 0, 10, 1]]);
        assert_eq!(neighbours("", "ap0").count(), 0);
    }

    #[test]
    fn the_loopback_is_there_and_nonsense_is_not() {
        assert_eq!(Device::named("lo").unwrap().mac().unwrap(), [0; 6]);
        for name in ["", "nosuchdevice", "a-name-that-is-longer-than-the-kernel-allows"] {
            assert!(Device::named(name).is_err(), "{name}");
        }
    }
}
