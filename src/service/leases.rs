//! The address leases of the soft AP.

use core::net::Ipv4Addr;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use crate::limits;
use crate::port::Ipv4Config;

/// How long an offered address is reserved for its client.
const OFFER: Duration = Duration::from_secs(30);
/// How long an address that a client has found in use is set aside.
const ASIDE: Duration = Duration::from_secs(600);

/// One address.
#[derive(Clone, Copy, Debug)]
struct Lease {
    /// The client; `None` when the address is set aside.
    mac: Option<[u8; 6]>,
    address: Ipv4Addr,
    ends: Instant,
}

/// The addresses that were given. Rows stay after their end, so that a client that comes back gets the same address.
/// The row that ended first makes room for a new client.
#[derive(Default)]
pub(super) struct Leases {
    rows: Vec<Lease, { limits::DHCP_LEASES }>,
}

/// The addresses that may be given: those in the server's subnet that differ from the server's address in the last byte
/// only (interface, network 3), without the server's and the gateway's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    own: Ipv4Addr,
    gateway: Ipv4Addr,
    /// The lowest and the highest address.
    ends: (u32, u32),
}

impl Pool {
    /// The pool of a server with this address.
    pub fn new(own: Ipv4Config) -> Self {
        let (address, mask) = (own.address.to_bits(), own.netmask.to_bits());
        // The first and the last address of a subnet are not given, nor are those that end in 0 or 255.
        let first = (address & mask).max(address & !0xff) + 1;
        let last = (address | !mask).min(address | 0xff).saturating_sub(1);
        Self { own: own.address, gateway: own.gateway, ends: (first, last) }
    }

    fn contains(self, address: Ipv4Addr) -> bool {
        let (first, last) = self.ends;
        (first..=last).contains(&address.to_bits()) && address != self.own && address != self.gateway
    }

    /// The addresses above the server's own, then those below it.
    fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        let ((first, last), own) = (self.ends, self.own.to_bits());
        let all = (own.saturating_add(1)..=last).chain(first..own).map(Ipv4Addr::from_bits);
        all.filter(move |address| self.contains(*address))
    }
}

impl Leases {
    /// No address was given yet.
    pub const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// The address that a client has or had.
    pub fn address(&self, mac: [u8; 6]) -> Option<Ipv4Addr> {
        self.rows.iter().find(|lease| lease.mac == Some(mac)).map(|lease| lease.address)
    }

    /// Whether the client holds this address, or may have it.
    pub fn may_have(&self, pool: Pool, mac: [u8; 6], address: Ipv4Addr) -> bool {
        let holder = self.rows.iter().find(|lease| lease.address == address);
        pool.contains(address)
            && match holder {
                Some(lease) => lease.mac == Some(mac),
                None => self.address(mac).is_none(),
            }
    }

    /// Reserves an address for a client for a short time and answers it: the one that it had, the one that it wishes,
    /// else the first free one. `None` when all are in use, or there is no room for one more client.
    pub fn offer(&mut self, pool: Pool, mac: [u8; 6], wish: Option<Ipv4Addr>, now: Instant) -> Option<Ipv4Addr> {
        self.rows.retain(|lease| pool.contains(lease.address));
        if let Some(lease) = self.rows.iter_mut().find(|lease| lease.mac == Some(mac)) {
            lease.ends = lease.ends.max(now + OFFER);
            return Some(lease.address);
        }
        let is_free = |address: &Ipv4Addr| self.rows.iter().all(|lease| lease.address != *address);
        let wished = wish.filter(|wish| pool.contains(*wish) && is_free(wish));
        let address = wished.or_else(|| pool.addresses().find(is_free)).or_else(|| self.oldest(now))?;
        self.put(Lease { mac: Some(mac), address, ends: now + OFFER }, now).then_some(address)
    }

    /// Leases the address for `time`. Answers whether there was room for the lease.
    pub fn bind(&mut self, mac: [u8; 6], address: Ipv4Addr, time: Duration, now: Instant) -> bool {
        self.put(Lease { mac: Some(mac), address, ends: now + time }, now)
    }

    /// The client does not need its address any more. When it comes back, it gets the same one if possible.
    pub fn release(&mut self, mac: [u8; 6], now: Instant) {
        self.rows.iter_mut().filter(|lease| lease.mac == Some(mac)).for_each(|lease| lease.ends = now);
    }

    /// The client has found its address in use: no client gets it for some time.
    pub fn set_aside(&mut self, mac: [u8; 6], address: Ipv4Addr, now: Instant) {
        let own = self.rows.iter_mut().filter(|lease| lease.mac == Some(mac) && lease.address == address);
        own.for_each(|lease| (lease.mac, lease.ends) = (None, now + ASIDE));
    }

    /// The address whose lease ended first.
    fn oldest(&self, now: Instant) -> Option<Ipv4Addr> {
        let ended = self.rows.iter().filter(|lease| lease.ends <= now);
        ended.min_by_key(|lease| lease.ends).map(|lease| lease.address)
    }

    fn put(&mut self, lease: Lease, now: Instant) -> bool {
        if let Some(row) = self.rows.iter_mut().find(|row| row.address == lease.address) {
            *row = lease;
            return true;
        }
        if self.rows.is_full()
            && let Some(address) = self.oldest(now)
        {
            self.rows.retain(|row| row.address != address);
        }
        self.rows.push(lease).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn mac(number: usize) -> [u8; 6] {
        [2, 0, 0, 0, (number >> 8) as u8, number as u8]
    }

    fn at(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 10, 10, last)
    }

    /// The pool of a server with this address and netmask.
    fn pool(address: [u8; 4], netmask: [u8; 4]) -> Pool {
        let (address, netmask) = (Ipv4Addr::from(address), Ipv4Addr::from(netmask));
        Pool::new(Ipv4Config { address, netmask, gateway: Ipv4Addr::new(10, 10, 10, 40), dns: address })
    }

    fn usual() -> Pool {
        pool([10, 10, 10, 1], [255, 255, 255, 0])
    }

    #[test]
    fn pools_of_subnets() {
        for (own, mask, count, first, last) in [
            ([10, 10, 10, 1], [255, 255, 255, 0], 252, 2, 254),
            ([10, 10, 10, 254], [255, 255, 255, 0], 252, 1, 253),
            ([10, 10, 10, 1], [255, 255, 0, 0], 252, 2, 254),
            ([10, 10, 10, 1], [0, 0, 0, 0], 252, 2, 254),
            ([10, 10, 10, 65], [255, 255, 255, 192], 61, 66, 126),
            ([10, 10, 10, 70], [255, 255, 255, 192], 61, 71, 69),
            ([10, 10, 10, 1], [255, 255, 255, 252], 1, 2, 2),
            ([255, 255, 255, 255], [255, 255, 255, 0], 254, 1, 254),
        ] {
            let pool = pool(own, mask);
            let all: std::vec::Vec<_> = pool.addresses().map(|address| address.octets()[3]).collect();
            assert_eq!((all.len(), all.first(), all.last()), (count, Some(&first), Some(&last)), "{own:?} {mask:?}");
            assert!(pool.addresses().all(|address| pool.contains(address)));
        }
        for mask in [[255, 255, 255, 255], [255, 255, 255, 254]] {
            assert_eq!(pool([10, 10, 10, 1], mask).addresses().count(), 0);
        }
        assert_eq!(pool([0, 0, 0, 0], [0, 0, 0, 0]).addresses().count(), 254);
    }

    #[test]
    fn addresses_go_up_and_are_kept() {
        let (mut leases, now) = (Leases::new(), Instant::from_secs(0));
        assert_eq!(leases.offer(usual(), mac(1), None, now), Some(at(2)));
        assert_eq!(leases.offer(usual(), mac(2), None, now), Some(at(3)));
        assert_eq!(leases.offer(usual(), mac(1), Some(at(9)), now), Some(at(2)));
        assert_eq!(leases.offer(usual(), mac(3), Some(at(9)), now), Some(at(9)));
        assert_eq!(leases.offer(usual(), mac(4), Some(at(2)), now), Some(at(4)), "it is somebody's");
        for wrong in [at(0), at(1), at(255), Ipv4Addr::new(10, 10, 11, 5)] {
            assert_eq!(
                leases.offer(usual(), mac(usize::from(wrong.octets()[3]) + 100), Some(wrong), now).map(|_| ()),
                Some(())
            );
            assert!(!leases.may_have(usual(), mac(7), wrong));
        }
        assert!(leases.may_have(usual(), mac(1), at(2)) && !leases.may_have(usual(), mac(2), at(2)));
        leases.set_aside(mac(1), at(9), now);
        assert_eq!(leases.address(mac(1)), Some(at(2)), "the address of somebody else");
        leases.set_aside(mac(1), at(2), now);
        assert_ne!(leases.offer(usual(), mac(1), Some(at(2)), now), Some(at(2)));
    }

    #[test]
    fn a_full_table_gives_what_ended_first_and_nothing_before_that() {
        let (mut leases, start) = (Leases::new(), Instant::from_secs(0));
        let rows = limits::DHCP_LEASES;
        for number in 0..rows {
            let now = start + Duration::from_secs(number as u64);
            let address = leases.offer(usual(), mac(number), None, now).unwrap();
            assert!(leases.bind(mac(number), address, DAY, now));
        }
        assert_eq!(leases.offer(usual(), mac(999), None, start + DAY / 2), None);
        let (first, later) = (leases.address(mac(0)).unwrap(), start + DAY + Duration::from_secs(1));
        let given = leases.offer(usual(), mac(999), Some(first), later).unwrap();
        assert_eq!(leases.address(mac(999)), Some(given));
        assert_eq!(leases.rows.len(), rows);
    }

    #[test]
    fn a_device_that_moves_to_another_subnet_starts_anew() {
        let (mut leases, now) = (Leases::new(), Instant::from_secs(0));
        leases.offer(usual(), mac(1), None, now);
        let other = pool([192, 168, 4, 253], [255, 255, 255, 252]);
        assert_eq!(leases.offer(other, mac(1), None, now), Some(Ipv4Addr::new(192, 168, 4, 254)));
        assert_eq!(leases.offer(other, mac(2), None, now), None, "there is one address");
    }
}
