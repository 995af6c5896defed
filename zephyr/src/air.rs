//! The simulated air around native_sim: the model of the radio behind the simulated Wi-Fi driver. One task passes the
//! driver's requests to the model, and the model's results to the driver.

use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;

use embassy_executor::Spawner;
use embassy_futures::select::select3;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use heapless::Vec;
use openzentri::limits;
use openzentri::port::radio::{SimulatedNetwork, SimulatedRadio};
use openzentri::port::{
    AccessPoint, Interface, Ipv4Config, JoinRequest, Link, Radio, RadioState, ScanRequest, SoftApRequest,
};
use openzentri::wire::dhcp::{self, Grant, MESSAGE, MessageType};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};
use static_cell::StaticCell;

use crate::shim::air::{self, FRAME, Request};
use crate::shim::networks;

/// The driver has news.
static NEWS: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// Zephyr's `enum wifi_conn_status`.
const SUCCESS: u8 = 0;
const FAILED: u8 = 1;
const WRONG_PASSWORD: u8 = 2;

/// Bytes of the headers before a DHCP message: Ethernet, IPv4, UDP.
const HEADS: usize = 14 + 20 + 8;
/// Seconds of a lease: longer than a simulated device runs, because no server answers a renewal.
const LEASE: u32 = 365 * 24 * 3600;
/// The address of the networks' DHCP server. Their gateway may be the host's loopback address, which never occurs on a
/// network.
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

/// The loop calls this: signals the task if the driver has news since the last call.
pub fn look(seen: &mut u32) {
    let news = air::news();
    if *seen != news {
        *seen = news;
        NEWS.signal(());
    }
}

/// Starts the task, in reach of the networks of the devicetree.
pub fn start(spawner: Spawner) {
    static NETWORKS: StaticCell<Vec<SimulatedNetwork, { limits::SCAN_RESULTS }>> = StaticCell::new();
    static AIR: StaticCell<Air> = StaticCell::new();
    let heard = NETWORKS.init_with(|| networks::all(networks::lease()).take(limits::SCAN_RESULTS).collect());
    let radio = SimulatedRadio::new(heard);
    let air = AIR.init(Air { heard, radio, station: RadioState::default(), softap: RadioState::default() });
    // This is its only instance.
    if let Ok(token) = run(air) {
        spawner.spawn(token);
    }
}

#[embassy_executor::task]
async fn run(air: &'static mut Air) {
    loop {
        air.turn();
        let station = changed(&air.radio, Interface::Wlan);
        let softap = changed(&air.radio, Interface::SoftAp);
        select3(NEWS.wait(), station, softap).await;
    }
}

/// Sleeps until the state of an interface of the model may have changed.
async fn changed(radio: &SimulatedRadio, interface: Interface) {
    let mut asked = false;
    poll_fn(|context| {
        if core::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        radio.wake_when(interface, context.waker());
        Poll::Pending
    })
    .await
}

struct Air {
    heard: &'static [SimulatedNetwork],
    radio: SimulatedRadio,
    /// The last states reported to the driver.
    station: RadioState,
    softap: RadioState,
}

impl Air {
    /// Carries out requests and reports changes.
    fn turn(&mut self) {
        while let Some(request) = air::request() {
            self.obey(&request);
            self.tell();
        }
        let mut frame = [0; FRAME];
        while let Some(size) = air::sent(&mut frame) {
            if let Some(answer) = self.radio.lease().and_then(|lease| answer(frame.get(..size)?, lease)) {
                air::receive(&answer);
            }
        }
        self.tell();
    }

    fn obey(&mut self, request: &Request) {
        let done = match request.kind {
            air::SCAN => {
                let ssid = request.scan.ssid.get(..request.scan.ssid_size.into()).filter(|ssid| !ssid.is_empty());
                let passive = request.scan.passive != 0;
                self.radio.scan(&ScanRequest { ssid, passive, dwell: 0, channels: request.scan.channels })
            }
            air::CONNECT => self.join(request),
            air::AP_ENABLE => {
                let asked = &request.softap;
                self.radio.softap_start(&SoftApRequest {
                    ssid: asked.ssid.get(..asked.ssid_size.into()).unwrap_or_default(),
                    passkey: asked.passkey.get(..asked.passkey_size.into()).unwrap_or_default(),
                    channel: asked.channel,
                    hidden: asked.hidden != 0,
                    stations: asked.stations,
                })
            }
            air::AP_DISABLE => {
                self.radio.softap_stop();
                Ok(())
            }
            air::AP_DROP => {
                self.radio.softap_drop(request.mac);
                Ok(())
            }
            air::DISCONNECT => {
                self.radio.leave();
                air::disconnected();
                self.station.link = Link::Down;
                Ok(())
            }
            _ => Ok(()),
        };
        if done.is_err() && request.kind == air::CONNECT {
            air::connected(FAILED, None);
        }
    }

    /// Joins the network with this address and name. Zephyr distinguishes fewer securities than the model.
    fn join(&mut self, request: &Request) -> openzentri::port::Result<()> {
        let asked = &request.network;
        let same = |network: &&SimulatedNetwork| {
            network.bssid == asked.bssid && air::is_alike(asked.security, network.security)
        };
        let real = self.heard.iter().find(same);
        let access_point = AccessPoint {
            ssid: asked.ssid.iter().copied().take(asked.ssid_size.into()).collect(),
            bssid: asked.bssid,
            channel: if asked.channel == 0 { real.map_or(0, |network| network.channel) } else { asked.channel },
            rssi: 0,
            security: real.map(|network| network.security).unwrap_or_default(),
            rate: 0,
        };
        let passkey = request.key.get(..request.key_size.into()).unwrap_or_default();
        self.radio.join(&JoinRequest { access_point: &access_point, passkey })
    }

    /// Reports changed states to the driver.
    fn tell(&mut self) {
        let station = self.radio.radio_state(Interface::Wlan);
        if self.station.scanning && !station.scanning {
            (0..).map_while(|index| self.radio.scan_result(index)).for_each(|found| air::scan_result(&found));
            air::scan_done();
        }
        match (self.station.link, station.link) {
            (before, now) if before == now => {}
            (_, Link::Joined) => air::connected(SUCCESS, self.radio.joined().as_ref()),
            (Link::Joined, _) => air::disconnected(),
            (_, Link::Refused) => air::connected(WRONG_PASSWORD, None),
            (_, Link::Failed) => air::connected(FAILED, None),
            (_, Link::Joining | Link::Down) => {}
        }
        self.station = station;
        let softap = self.radio.radio_state(Interface::SoftAp);
        match (self.softap.link, softap.link) {
            (before, now) if before == now => {}
            (_, Link::Joined) => air::access_point(1),
            (Link::Joining, Link::Failed) => air::access_point(0),
            (Link::Joined, _) => air::access_point(2),
            _ => {}
        }
        self.softap = softap;
    }
}

/// The DHCP server's answer to a frame of the station; `None` for frames to other destinations.
fn answer(frame: &[u8], lease: Ipv4Config) -> Option<Vec<u8, FRAME>> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let packet = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
    let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4
        || packet.next_header() != IpProtocol::Udp
        || datagram.dst_port() != dhcp::SERVER_PORT
    {
        return None;
    }
    let request = dhcp::read_request(datagram.payload())?;
    let kind = match request.kind {
        MessageType::Discover => MessageType::Offer,
        MessageType::Request | MessageType::Inform => MessageType::Ack,
        _ => return None,
    };
    let grant = Grant { config: lease, server: SERVER, seconds: LEASE };
    let mut message = [0; MESSAGE];
    let size = dhcp::write_reply(&mut message, &request, kind, Ok(grant), None)?;
    framed(message.get(..size)?, request.mac)
}

/// A message as an IP broadcast.
fn framed(message: &[u8], station: [u8; 6]) -> Option<Vec<u8, FRAME>> {
    let mut frame = Vec::new();
    frame.resize(HEADS + message.len(), 0).ok()?;
    let mut ethernet = EthernetFrame::new_unchecked(frame.as_mut_slice());
    ethernet.set_dst_addr(EthernetAddress(station));
    ethernet.set_src_addr(EthernetAddress([0x02, 0, 0, 0, 0, 0xfe]));
    ethernet.set_ethertype(EthernetProtocol::Ipv4);
    let mut packet = Ipv4Packet::new_unchecked(ethernet.payload_mut());
    let ip = Ipv4Repr {
        src_addr: SERVER,
        dst_addr: Ipv4Addr::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: 8 + message.len(),
        hop_limit: 64,
    };
    ip.emit(&mut packet, &ChecksumCapabilities::default());
    let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
    let udp = UdpRepr { src_port: dhcp::SERVER_PORT, dst_port: dhcp::CLIENT_PORT };
    let copy = |payload: &mut [u8]| payload.copy_from_slice(message);
    let (from, to) = (SERVER.into(), Ipv4Addr::BROADCAST.into());
    udp.emit(&mut datagram, &from, &to, message.len(), copy, &ChecksumCapabilities::default());
    Some(frame)
}
