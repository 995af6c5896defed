//! Joining a WLAN (networking reference 2.2).

use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;

use embassy_time::{Duration, Timer, with_timeout};
use heapless::Vec;

use super::{Network, Status};
use crate::log::Level;
use crate::port::{AccessPoint, Event, Interface, Ipv4Config, JoinRequest, Link, RadioState, Security};
use crate::variable::{Id, expand_name, id};

const SSID: Id = id("wlan.ssid");
const PASSKEY: Id = id("wlan.passkey");
const BSSID: Id = id("wlan.bssid");
const RETRIES: Id = id("wlan.join.retries");
const TIMEOUT: Id = id("wlan.join.timeout");
const DHCP: Id = id("wlan.dhcp.enabled");
const DHCP_TIMEOUT: Id = id("wlan.dhcp.timeout");
const STATIC_IP: Id = id("wlan.static.ip");
const STATIC_NETMASK: Id = id("wlan.static.netmask");
const STATIC_GATEWAY: Id = id("wlan.static.gateway");
const STATIC_DNS: Id = id("wlan.static.dns");
const AUTO_JOIN: Id = id("wlan.auto_join.enabled");
const AUTO_JOIN_RETRIES: Id = id("wlan.auto_join.retries");
const AUTO_JOIN_DELAY: Id = id("wlan.auto_join.retry_delay");

/// A scan that takes longer has failed.
const SCAN_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a join ended; the numbers are those of `wlan.join.result` (networking reference 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum JoinError {
    /// `wlan.ssid` is empty.
    NoSsid = 3,
    /// The network is secured and `wlan.passkey` is empty.
    NoPasskey = 4,
    /// The network's security is not supported.
    BadSecurity = 5,
    /// No such network.
    NotFound = 6,
    /// Association, key or DHCP failed.
    Failed = 7,
    /// Taken down while joining.
    Aborted = 8,
}

const RESULT_SUCCESS: u8 = 1;
const RESULT_JOINING: u8 = 2;

impl Network {
    /// Brings the interface up, unless it is up; waits for a join that is already under way. The join itself goes on
    /// when this future is dropped.
    pub async fn up(&self, interface: Interface) -> Result<(), JoinError> {
        if interface == Interface::SoftAp {
            return Err(JoinError::Failed);
        }
        self.settled().await;
        if self.is_up(interface) {
            return Ok(());
        }
        self.forced_down.set(false);
        self.outcome.set(None);
        self.wanted.set(true);
        self.watchers.borrow_mut().wake();
        self.until(|| self.outcome.get().is_some()).await;
        self.outcome.get().unwrap_or(Err(JoinError::Failed))
    }

    /// Takes the interface down and up again.
    pub async fn restart(&self, interface: Interface) -> Result<(), JoinError> {
        self.down(interface);
        self.up(interface).await
    }

    /// Waits for a join that is under way: the radio does one thing at a time.
    pub async fn settled(&self) {
        self.until(|| !self.joining.get() && !self.wanted.get()).await;
    }

    async fn join(&self) -> Result<(), JoinError> {
        self.base.status.join_result.set(RESULT_JOINING);
        self.set_status(Status::Joining);
        let result = self.sequence().await;
        // A `network_down` in the meantime has already cleaned up.
        let result = if self.forced_down.get() { Err(JoinError::Aborted) } else { result };
        match result {
            Ok(config) => self.joined(config),
            Err(error) => self.not_joined(error),
        }
        result.map(|_| ())
    }

    fn joined(&self, config: Ipv4Config) {
        self.base.status.ipv4.set(Some(config));
        self.base.status.join_result.set(RESULT_SUCCESS);
        self.base.log.line(Level::Detail, format_args!("IPv4 address: {}", config.address));
        self.set_status(Status::Up);
        self.each_service(|service| service.start(Interface::Wlan));
        self.base.log_state(format_args!("Associated"));
    }

    fn not_joined(&self, error: JoinError) {
        self.base.status.join_result.set(error as u8);
        self.base.port.radio().leave();
        self.known.borrow_mut().take();
        self.set_status(Status::Down);
        self.base.log.line(Level::Failure, format_args!("Join failed"));
    }

    /// Steps 1 to 5 of the state machine.
    async fn sequence(&self) -> Result<Ipv4Config, JoinError> {
        let mac = self.base.port.board().mac();
        let ssid: Vec<u8, 32> = self.base.variables.with(SSID, |name| expand_name(mac, name));
        if ssid.is_empty() {
            return Err(JoinError::NoSsid);
        }
        let name = core::str::from_utf8(&ssid).unwrap_or("?");
        self.base.log_state(format_args!("Associating to {name}"));
        let known = self.known.borrow().clone().filter(|known| known.ssid == ssid);
        let access_point = match known {
            Some(known) => known,
            None => self.probe(&ssid).await?,
        };
        if self.forced_down.get() {
            return Err(JoinError::Aborted);
        }
        self.associate(&access_point).await?;
        self.known.borrow_mut().replace(access_point);
        self.set_status(Status::NoAddress);
        self.address().await
    }

    /// Looks for the network, the strongest first.
    async fn probe(&self, ssid: &[u8]) -> Result<AccessPoint, JoinError> {
        let port = self.base.port;
        self.scan(Some(ssid)).await?;
        let pinned = self.base.variables.with(BSSID, parse_mac);
        let found = (0..).map_while(|index| port.radio().scan_result(index));
        let fits =
            |candidate: &AccessPoint| candidate.ssid == ssid && pinned.is_none_or(|bssid| candidate.bssid == bssid);
        let best = found.filter(fits).max_by_key(|candidate| candidate.rssi).ok_or(JoinError::NotFound)?;
        let security = security_name(best.security);
        self.base.log.line(Level::Detail, format_args!("Security type from probe: {security}"));
        Ok(best)
    }

    /// Scans for one network, or for all. The results are then in the port.
    pub async fn scan(&self, ssid: Option<&[u8]>) -> Result<(), JoinError> {
        self.base.port.radio().scan(ssid).map_err(|_| JoinError::NotFound)?;
        let done = self.radio(|state| (!state.scanning).then_some(()));
        with_timeout(SCAN_TIMEOUT, done).await.map_err(|_| JoinError::NotFound)
    }

    async fn associate(&self, access_point: &AccessPoint) -> Result<(), JoinError> {
        let variables = &self.base.variables;
        let passkey: Vec<u8, 64> = variables.with(PASSKEY, |key| Vec::from_slice(key).unwrap_or_default());
        if access_point.security != Security::Open && passkey.is_empty() {
            return Err(JoinError::NoPasskey);
        }
        let limit = Duration::from_millis(variables.number(TIMEOUT).max(1) as u64);
        for _ in 0..variables.number(RETRIES).max(1) {
            let request = JoinRequest { access_point, passkey: &passkey };
            if self.base.port.radio().join(&request).is_ok() {
                let ended = self.radio(|state| match state.link {
                    Link::Joined => Some(true),
                    Link::Failed | Link::Down => Some(false),
                    Link::Joining => None,
                });
                if with_timeout(limit, ended).await == Ok(true) {
                    return Ok(());
                }
            }
            if self.forced_down.get() {
                return Err(JoinError::Aborted);
            }
            self.base.port.radio().leave();
        }
        Err(JoinError::Failed)
    }

    async fn address(&self) -> Result<Ipv4Config, JoinError> {
        let variables = &self.base.variables;
        let port = self.base.port;
        if variables.flag(DHCP) {
            self.base.log.line(Level::Detail, format_args!("Obtaining IPv4 address via DHCP"));
            port.radio().configure(Interface::Wlan, None).map_err(|_| JoinError::Failed)?;
        } else {
            let ipv4 = |id| variables.ipv4(id);
            let config = Ipv4Config {
                address: ipv4(STATIC_IP),
                netmask: ipv4(STATIC_NETMASK),
                gateway: ipv4(STATIC_GATEWAY),
                dns: ipv4(STATIC_DNS),
            };
            port.radio().configure(Interface::Wlan, Some(config)).map_err(|_| JoinError::Failed)?;
        }
        let limit = Duration::from_secs(variables.number(DHCP_TIMEOUT).max(1) as u64);
        let given = self.radio(|state| match (state.link, state.ipv4) {
            (Link::Joined, Some(config)) if config.address != Ipv4Addr::UNSPECIFIED => Some(Ok(config)),
            (Link::Joined, _) => None,
            _ => Some(Err(JoinError::Failed)),
        });
        with_timeout(limit, given).await.unwrap_or(Err(JoinError::Failed))
    }

    /// Waits until the radio's state satisfies `pick`.
    async fn radio<T>(&self, mut pick: impl FnMut(RadioState) -> Option<T>) -> T {
        let port = self.base.port;
        poll_fn(|context| match pick(port.radio().radio_state(Interface::Wlan)) {
            Some(value) => Poll::Ready(value),
            None => {
                port.wake_when(Event::Radio, context.waker());
                Poll::Pending
            }
        })
        .await
    }
}

/// The name of a security type in logs and scans.
pub fn security_name(security: Security) -> &'static str {
    match security {
        Security::Open => "Open",
        Security::Wep => "WEP",
        Security::WpaAes => "WPA-AES",
        Security::WpaTkip => "WPA-TKIP",
        Security::Wpa2Aes => "WPA2-AES",
        Security::Wpa2Mixed => "WPA2-Mixed",
        Security::Wpa2Tkip => "WPA2-TKIP",
    }
}

/// Reads `XX:XX:XX:XX:XX:XX`, as the variable table stores it.
fn parse_mac(text: &[u8]) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = core::str::from_utf8(text).ok()?.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

/// Joins whenever [`Network::up`] asks for it, for ever.
pub async fn join_when_asked(network: &'static Network) {
    loop {
        network.until(|| network.wanted.get()).await;
        network.joining.set(true);
        network.wanted.set(false);
        let outcome = network.join().await;
        network.joining.set(false);
        network.outcome.set(Some(outcome));
        network.watchers.borrow_mut().wake();
    }
}

/// Joins at boot when `wlan.auto_join.enabled` says so, notices a lost network and joins it again, for ever.
pub async fn keep_joined(network: &'static Network) {
    let base = network.base;
    if base.variables.flag(AUTO_JOIN) {
        auto_join(network).await;
    }
    loop {
        network.until(|| network.base.status.network.get() == Status::Up as u8).await;
        lost(network).await;
        if network.forced_down.get() || network.base.status.network.get() != Status::Up as u8 {
            continue;
        }
        network.leave();
        if base.variables.flag(AUTO_JOIN) {
            auto_join(network).await;
        }
    }
}

/// Ends when the network is no longer up, by a loss or by the owner.
async fn lost(network: &Network) {
    let gone = network.until(|| network.base.status.network.get() != Status::Up as u8);
    let radio = network.radio(|state| (state.link != Link::Joined).then_some(()));
    embassy_futures::select::select(gone, radio).await;
}

/// Step 6: the whole sequence again, as often as `wlan.auto_join.retries` allows (0 = for ever).
async fn auto_join(network: &Network) {
    let variables = &network.base.variables;
    let mut attempts = 0;
    while network.up(Interface::Wlan).await.is_err() {
        attempts += 1;
        let retries = variables.number(AUTO_JOIN_RETRIES);
        if network.forced_down.get() || (retries != 0 && attempts >= retries) || !variables.flag(AUTO_JOIN) {
            return;
        }
        Timer::after_secs(variables.number(AUTO_JOIN_DELAY).max(1) as u64).await;
        if network.forced_down.get() {
            return;
        }
    }
}
