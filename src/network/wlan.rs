//! The life of the WLAN interface: it joins on request, stays until the network is lost or the owner takes it down, and
//! joins again by itself as `wlan.auto_join.*` say (interface, network 2.2).

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::{Duration, Timer, with_timeout};

use super::interfaces::Network;
use super::scan::radio;
use super::state::State;
use super::{join, trial};
use crate::log::Level;
use crate::port::{Interface, Ipv4Config, Link, RadioState};
use crate::variable::{Id, Message, id};

const AUTO_JOIN: Id = id("wlan.auto_join.enabled");
const AUTO_JOIN_RETRIES: Id = id("wlan.auto_join.retries");
const AUTO_JOIN_DELAY: Id = id("wlan.auto_join.retry_delay");

const DHCP_TIMEOUT: Id = id("wlan.dhcp.timeout");

const WLAN: Interface = Interface::Wlan;

/// Runs the interface, for ever: one task.
pub async fn run(network: &'static Network) {
    // Sequences that have failed in a row; `None` when none has.
    let mut failed = join_by_itself(network);
    loop {
        let asked = select(network.until(WLAN, State::is_wanted), network.trial_waits()).await;
        let joined = match asked {
            Either::First(()) => join_once(network, &mut failed).await,
            Either::Second(()) => trial::run(network).await,
        };
        if let Some(config) = joined {
            begin(network, config);
            failed = stay(network, config).await;
        }
    }
}

/// Runs one sequence. After a failure asks for the next one, if there is to be one.
async fn join_once(network: &Network, failed: &mut Option<i64>) -> Option<Ipv4Config> {
    network.make_way(Interface::SoftAp, true);
    network.enter(WLAN, State::Joining);
    let taken_down = network.until(WLAN, |state| !state.is_coming());
    let target = join::wanted(network);
    match select3(taken_down, network.trial_waits(), join::sequence(network, &target)).await {
        // Dropping the sequence has ended it at whatever step it was.
        Either3::First(()) => *failed = None,
        Either3::Second(()) => {}
        Either3::Third(Ok(config)) => return Some(config),
        Either3::Third(Err(error)) => {
            network.base.port.radio().leave();
            network.known.take();
            network.enter(WLAN, State::Down { forced: false, error: Some(error) });
            network.base.log.line(Level::Failure, format_args!("Join failed"));
            *failed = again(network, *failed).await;
        }
    }
    None
}

/// Asks for a join if `wlan.auto_join.enabled` says so, with no failed sequence yet.
fn join_by_itself(network: &Network) -> Option<i64> {
    network.base.variables.flag(AUTO_JOIN).then(|| network.want(WLAN)).map(|()| 0)
}

/// The interface has an address: starts its services, then reports it to the owner.
fn begin(network: &Network, config: Ipv4Config) {
    network.base.log.line(Level::Detail, format_args!("IPv4 address: {}", config.address));
    network.enter(WLAN, State::Up(config));
    network.each_service(|service| service.start(WLAN));
    network.base.tell(Message::WlanJoined);
}

/// Stays until the network is lost, a trial waits or the owner takes the interface down.
async fn stay(network: &Network, mut config: Ipv4Config) -> Option<i64> {
    loop {
        let taken_down = network.until(WLAN, |state| !state.is_up());
        match select3(taken_down, network.trial_waits(), change(network, config)).await {
            Either3::First(()) => return None,
            Either3::Second(()) => return Some(0),
            Either3::Third(Some(new)) => {
                config = new;
                renumber(network, new);
            }
            Either3::Third(None) => {
                network.leave(WLAN, false, None);
                return join_by_itself(network);
            }
        }
    }
}

/// Waits until the network is lost (`None`), or DHCP has given another address. A lost address may come back within the
/// time that DHCP has during a join.
async fn change(network: &Network, present: Ipv4Config) -> Option<Ipv4Config> {
    let other = |state: RadioState| match (state.link, state.ipv4) {
        (Link::Joined, Some(config)) if config == present => None,
        (Link::Joined, config) => Some(Ok(config)),
        _ => Some(Err(())),
    };
    loop {
        match radio(network, WLAN, other).await {
            Err(()) => return None,
            Ok(Some(config)) => return Some(config),
            Ok(None) => {}
        }
        let back = radio(network, WLAN, |state| match (state.link, state.ipv4) {
            (Link::Joined, None) => None,
            (Link::Joined, Some(config)) => Some(Some(config)),
            _ => Some(None),
        });
        let limit = Duration::from_secs(network.base.variables.number(DHCP_TIMEOUT).max(1) as u64);
        let config = with_timeout(limit, back).await.unwrap_or(None)?;
        if config != present {
            return Some(config);
        }
    }
}

/// The device has another address: connections to the old one end, and everything starts on the new one.
fn renumber(network: &Network, config: Ipv4Config) {
    network.streams.interface_down(WLAN);
    network.each_service(|service| service.stop(WLAN));
    network.base.log.line(Level::Detail, format_args!("IPv4 address: {}", config.address));
    network.enter(WLAN, State::Up(config));
    network.each_service(|service| service.start(WLAN));
}

/// After a failed sequence: asks for the next one after a delay, as often as `wlan.auto_join.retries` allows (0 = for
/// ever). The return from a network that was tried is repeated for ever.
async fn again(network: &Network, failed: Option<i64>) -> Option<i64> {
    let variables = &network.base.variables;
    let returning = network.returning.get();
    let failed = if returning { 0 } else { failed.unwrap_or(0).saturating_add(1) };
    let allowed = variables.number(AUTO_JOIN_RETRIES);
    if !returning && (!variables.flag(AUTO_JOIN) || (allowed != 0 && failed >= allowed)) {
        return None;
    }
    let delay = Timer::after_secs(variables.number(AUTO_JOIN_DELAY).max(1) as u64);
    // The owner may ask for the join sooner, or take the interface down.
    let asked = network.until(WLAN, |state| state.is_wanted() || state.is_forced_down());
    if let Either3::Second(()) = select3(delay, network.trial_waits(), asked).await {
        // The trial comes first, then the return to this network.
        network.want(WLAN);
        return Some(failed);
    }
    if network.state(WLAN).is_forced_down() {
        return None;
    }
    network.want(WLAN);
    Some(failed)
}
