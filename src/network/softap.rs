//! The life of the soft AP: it starts on request and stays until the owner takes it down (interface, network 3). During
//! web setup it has the name and passphrase of `setup.web.*`.

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::{Duration, Timer, with_timeout};
use heapless::Vec;

use super::interfaces::Network;
use super::names::Printable;
use super::scan::radio;
use super::state::{JoinError, State};
use crate::limits;
use crate::log::Level;
use crate::port::{Interface, Ipv4Config, Link, PortError, RadioState, SoftApRequest};
use crate::variable::{Id, Message, expand_name, id};

const AUTO_START: Id = id("softap.auto_start");
const SSID: Id = id("softap.ssid");
const PASSKEY: Id = id("softap.passkey");
const CHANNEL: Id = id("softap.channel");
const HIDE_SSID: Id = id("softap.hide_ssid");
const MAX_CLIENTS: Id = id("softap.max_clients");
const IP: Id = id("softap.static.ip");
const NETMASK: Id = id("softap.static.netmask");
const GATEWAY: Id = id("softap.static.gateway");
const SETUP_SSID: Id = id("setup.web.ssid");
const SETUP_PASSKEY: Id = id("setup.web.passkey");
const SETUP_CHANNEL: Id = id("setup.web.channel");

const SOFTAP: Interface = Interface::SoftAp;

/// How long the radio may take to start its access point.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before an access point that has stopped by itself is started again.
const RESTART_DELAY: Duration = Duration::from_secs(2);

/// The network that the soft AP offers.
struct Offer {
    ssid: Vec<u8, 32>,
    passkey: Vec<u8, 64>,
    channel: u8,
    hidden: bool,
}

/// Runs the interface, for ever: one task.
pub async fn run(network: &'static Network) {
    if network.base.variables.flag(AUTO_START) {
        network.want(SOFTAP);
    }
    loop {
        network.until(SOFTAP, State::is_wanted).await;
        network.make_way(Interface::Wlan, true);
        network.enter(SOFTAP, State::Joining);
        let offer = offer(network);
        let taken_down = network.until(SOFTAP, |state| !state.is_coming());
        match select(taken_down, start(network, &offer)).await {
            Either::First(()) => {}
            Either::Second(Ok(config)) => {
                begin(network, &offer, config);
                stay(network).await;
            }
            Either::Second(Err(error)) => {
                network.base.port.radio().softap_stop();
                network.enter(SOFTAP, State::Down { forced: false, error: Some(error) });
            }
        }
    }
}

/// The network that the variables describe.
fn offer(network: &Network) -> Offer {
    let variables = &network.base.variables;
    let mac = network.base.port.board().mac();
    let is_setup = network.base.status.web_setup.get();
    let (ssid, passkey, channel) = match is_setup {
        true => (SETUP_SSID, SETUP_PASSKEY, SETUP_CHANNEL),
        false => (SSID, PASSKEY, CHANNEL),
    };
    Offer {
        ssid: variables.with(ssid, |name| expand_name(mac, name)),
        passkey: variables.with(passkey, |key| Vec::from_slice(key).unwrap_or_default()),
        channel: variables.number(channel).clamp(0, 13) as u8,
        hidden: !is_setup && variables.flag(HIDE_SSID),
    }
}

/// Starts the access point and gives it its address.
async fn start(network: &Network, offer: &Offer) -> Result<Ipv4Config, JoinError> {
    if offer.ssid.is_empty() {
        return Err(JoinError::NoSsid);
    }
    let radio_of = network.base.port.radio();
    let stations = max_clients(network);
    let request = SoftApRequest {
        ssid: &offer.ssid,
        passkey: &offer.passkey,
        channel: offer.channel,
        hidden: offer.hidden,
        stations,
    };
    radio_of.softap_start(&request).map_err(|error| refused(network, error))?;
    let started = radio(network, SOFTAP, |state| match state.link {
        Link::Joined => Some(Ok(())),
        Link::Joining => None,
        _ => Some(Err(JoinError::Failed)),
    });
    with_timeout(START_TIMEOUT, started).await.unwrap_or(Err(JoinError::Failed))?;
    let config = address(network);
    radio_of.configure(SOFTAP, Some(config)).map_err(|error| refused(network, error))?;
    Ok(config)
}

/// Logs that the radio cannot start the access point.
fn refused(network: &Network, error: PortError) -> JoinError {
    let what = format_args!("Interface not available: {} ({error})", SOFTAP.name());
    network.base.log.line(Level::Failure, what);
    JoinError::Failed
}

/// The addresses of `softap.static.*`; the module itself is the DNS server for stations.
fn address(network: &Network) -> Ipv4Config {
    let variables = &network.base.variables;
    let address = variables.ipv4(IP);
    Ipv4Config { address, netmask: variables.ipv4(NETMASK), gateway: variables.ipv4(GATEWAY), dns: address }
}

/// The soft AP is up: its services start.
fn begin(network: &Network, offer: &Offer, config: Ipv4Config) {
    let log = &network.base.log;
    log.line(Level::Detail, format_args!("Soft AP started: {}", Printable(&offer.ssid)));
    log.line(Level::Detail, format_args!("IPv4 address: {}", config.address));
    network.enter(SOFTAP, State::Up(config));
    network.each_service(|service| service.start(SOFTAP));
}

fn max_clients(network: &Network) -> u8 {
    network.base.variables.number(MAX_CLIENTS).clamp(1, u8::MAX.into()) as u8
}

/// Disconnects the last stations while there are too many, for ever: some radios accept as many stations as they can.
async fn limit_stations(network: &Network) {
    let (limit, mut seen) = (usize::from(max_clients(network)), None);
    loop {
        let change = |state: RadioState| Some(state.stations).filter(|stations| Some(*stations) != seen);
        seen = Some(radio(network, SOFTAP, change).await);
        let radio_of = network.base.port.radio();
        let surplus: Vec<_, { limits::SOFTAP_STATIONS }> =
            (limit..limits::SOFTAP_STATIONS).map_while(|index| radio_of.softap_station(index)).collect();
        surplus.into_iter().for_each(|station| radio_of.softap_drop(station));
    }
}

/// Stations of the soft AP.
type Stations = Vec<[u8; 6], { limits::SOFTAP_STATIONS }>;

/// Tells the indicator whether a station is connected, and reports stations that join and leave.
fn show_clients(network: &Network, known: &mut Stations) {
    let (base, radio) = (network.base, network.base.port.radio());
    let now: Stations = (0..limits::SOFTAP_STATIONS).map_while(|index| radio.softap_station(index)).collect();
    for station in now.iter().filter(|station| !known.contains(station)) {
        base.tell(Message::SoftapJoined(*station));
    }
    for station in known.iter().filter(|station| !now.contains(station)) {
        base.tell(Message::SoftapLeave(*station));
    }
    if base.status.softap_client.replace(!now.is_empty()) == now.is_empty() {
        base.status.changed();
    }
    *known = now;
}

/// Stays until the owner takes the interface down; starts it again when the radio has stopped it.
async fn stay(network: &Network) {
    let taken_down = network.until(SOFTAP, |state| !state.is_up());
    let mut known = Stations::new();
    let lost = radio(network, SOFTAP, |state| {
        show_clients(network, &mut known);
        (state.link != Link::Joined).then_some(())
    });
    if let Either3::First(()) = select3(taken_down, lost, limit_stations(network)).await {
        return;
    }
    network.leave(SOFTAP, false, None);
    let asked = network.until(SOFTAP, |state| state.is_wanted() || state.is_forced_down());
    select(Timer::after(RESTART_DELAY), asked).await;
    if !network.state(SOFTAP).is_forced_down() {
        network.want(SOFTAP);
    }
}
