//! Web setup: a separate soft AP over which a person sets the network of the device (interface, network 10, http 6.4).

use core::fmt::Write;

use embassy_futures::select::{Either3, select3};
use embassy_time::{Duration, Timer};
use heapless::String;

use super::interfaces::Network;
use super::names::Printable;
use super::orders::Order;
use super::state::State;
use crate::log::Level;
use crate::port::Interface;
use crate::variable::{Id, expand_name, id, settings};

const SSID: Id = id("setup.web.ssid");
const PASSKEY: Id = id("setup.web.passkey");
const IDLE_TIMEOUT: Id = id("setup.web.idle_timeout");
const WLAN_SSID: Id = id("wlan.ssid");

const SOFTAP: Interface = Interface::SoftAp;

/// How long the answer to `setup stop` may take before the network that carries it goes down.
const NOTICE: Duration = Duration::from_millis(300);

/// Letters and digits that are not mistaken for one another when a person copies them.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";
/// Characters of the device's own passphrase: 60 bits.
const PASSPHRASE: usize = 12;

impl Network {
    /// Begins web setup; the log and `setup status` show the result.
    pub fn start_setup(&self) {
        if !self.is_in_setup() {
            self.setup.set(Order::Start);
            self.changed();
        }
    }

    /// Ends web setup after a short delay.
    pub fn stop_setup(&self) {
        self.setup.set(if self.base.status.web_setup.get() { Order::Stop } else { Order::None });
        self.changed();
    }

    /// Web setup runs, or is about to.
    pub fn is_in_setup(&self) -> bool {
        self.setup.get() == Order::Start || (self.base.status.web_setup.get() && self.setup.get() != Order::Stop)
    }
}

/// Runs web setup whenever it is asked for: one task.
pub async fn run(network: &'static Network) {
    loop {
        network.when(|| (network.setup.get() == Order::Start).then_some(())).await;
        network.setup.set(Order::None);
        let had_soft_ap = !matches!(network.state(SOFTAP), State::Down { .. });
        let may_join = !network.state(Interface::Wlan).is_forced_down();
        own_passphrase(network).await;
        network.base.status.web_setup.set(true);
        network.base.status.setup_page_fetched.set(false);
        network.leave_quietly(SOFTAP);
        match network.up(SOFTAP).await {
            Ok(()) => {
                network.base.log.line(Level::Progress, format_args!("Web setup started"));
                tell(network);
                last(network).await;
            }
            Err(_) => network.base.log.line(Level::Failure, format_args!("Web setup failed")),
        }
        end(network, had_soft_ap, may_join);
    }
}

/// Brings up the soft AP with the name and passphrase of web setup, for a device that cannot be reached otherwise.
pub async fn rescue(network: &'static Network) {
    own_passphrase(network).await;
    network.base.status.web_setup.set(true);
    if network.up(SOFTAP).await.is_ok() {
        tell(network);
    }
}

/// Logs how to reach the device.
fn tell(network: &Network) {
    let (variables, log) = (&network.base.variables, &network.base.log);
    let mac = network.base.port.board().mac();
    let ssid = variables.with(SSID, |name| expand_name::<32>(mac, name));
    variables.with(PASSKEY, |key| {
        log.line(
            Level::Detail,
            format_args!("Web setup network: {}, passphrase: {}", Printable(&ssid), Printable(key)),
        );
    });
}

/// Waits for the end of web setup: by order, because the soft AP goes down, or because no client has come in time.
async fn last(network: &Network) {
    let seconds = network.base.variables.number(IDLE_TIMEOUT).max(0) as u64;
    let idle = async {
        loop {
            Timer::after_secs(seconds.max(1)).await;
            // A client that has fetched the page has no time limit.
            if seconds != 0 && !network.base.status.setup_page_fetched.get() {
                break;
            }
        }
    };
    let stopped = network.when(|| (network.setup.get() == Order::Stop).then_some(()));
    let gone = network.until(SOFTAP, State::is_forced_down);
    if let Either3::First(()) = select3(stopped, gone, idle).await {
        Timer::after(NOTICE).await;
    }
}

/// Restores the previous state of the soft AP; the station joins if it has a network to join.
fn end(network: &Network, had_soft_ap: bool, may_join: bool) {
    network.setup.set(Order::None);
    network.base.status.web_setup.set(false);
    let forced = network.state(SOFTAP).is_forced_down();
    network.leave(SOFTAP, true, None);
    network.base.log.line(Level::Progress, format_args!("Web setup stopped"));
    if had_soft_ap && !forced {
        network.want(SOFTAP);
    }
    if may_join && !network.base.variables.is_empty(WLAN_SSID) {
        network.want(Interface::Wlan);
    }
}

/// Gives the device its own passphrase, once: with a well-known one, anybody could set up the device.
async fn own_passphrase(network: &Network) {
    let variables = &network.base.variables;
    if !variables.is_empty(PASSKEY) {
        return;
    }
    let mut random = [0; PASSPHRASE];
    network.base.port.board().random(&mut random);
    let mut text = String::<PASSPHRASE>::new();
    for byte in random {
        // The string has room for as many letters as there are bytes.
        let _ = text.write_char(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    if variables.set_text(PASSKEY, text.as_bytes()).is_err() || settings::save(network.base).await.is_err() {
        network.base.log.line(Level::Failure, format_args!("Settings not saved: the passphrase is new at each start"));
    }
}
