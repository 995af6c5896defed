//! `network_up`, `network_down`, `network_restart`, `network_lookup`, `ping` (interface, commands/README).

use core::fmt::Write;
use core::pin::pin;

use embassy_time::{Duration, with_timeout};

use super::call::{Call, Machine};
use super::response::{CommandError, Ending};
use crate::discovery::BrowseError;
use crate::network as room;
use crate::port::Interface;
use crate::stream::HostName;

use crate::variable::{Id, id};

const MDNS_INTERFACE: Id = id("mdns.interface");
const HEADER: Id = id("system.cmd.header_enabled");

/// How long a host in machine mode waits for the answer of `network_up`, with some time to spare.
const HOST_PATIENCE: Duration = Duration::from_millis(800);

impl Call<'_> {
    /// The interface of `-i <interface>`, or the default one.
    pub fn interface(&self) -> Result<Interface, CommandError> {
        let network = self.machine.network;
        match self.option(b'i') {
            Some(word) => network.interface(word).ok_or(CommandError::Invalid),
            None => Ok(network.default_interface()),
        }
    }

    /// The interface of a command that takes nothing else; old versions give it as a bare word.
    fn only_interface(&self) -> Result<Interface, CommandError> {
        match self.argument(0) {
            Ok(word) => self.machine.network.interface(word).ok_or(CommandError::Invalid),
            Err(_) => self.interface(),
        }
    }

    /// An argument that is a host name or address.
    pub fn host(&self, index: usize) -> Result<HostName, CommandError> {
        let text = self.text(index)?;
        let name = HostName::try_from(text).map_err(|_| CommandError::Invalid)?;
        let clean = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if clean { Ok(name) } else { Err(CommandError::Invalid) }
    }
}

/// A host in machine mode takes `network_up` as failed without an answer within a second. So the answer comes first,
/// the join goes on, and the host polls `wlan.network.status` (interface, commands/network_up).
pub(super) async fn network_up(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    if call.flag(b's') {
        return super::dialogue::begin(call).await;
    }
    let joining = call.machine.network.up(call.only_interface()?);
    let outcome = match call.machine.base.variables.flag(HEADER) {
        true => call.apart(pin!(with_timeout(HOST_PATIENCE, joining))).await?,
        false => Ok(call.apart(pin!(joining)).await?),
    };
    match outcome {
        Ok(Ok(())) => Ok(Ending::Success),
        Ok(Err(_)) => Err(CommandError::Failed),
        Err(_) => Ok(Ending::InProgress),
    }
}

pub(super) async fn network_restart(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let restarting = call.machine.network.restart(call.only_interface()?);
    call.apart(pin!(restarting)).await?.map_err(|_| CommandError::Failed)?;
    Ok(Ending::Success)
}

pub(super) fn network_down(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.network.down(call.only_interface()?);
    Ok(Ending::Success)
}

/// Brings the interface up for a command that needs it (interface, network 1).
pub(super) async fn needed(machine: &'static Machine, interface: Interface) -> Result<(), CommandError> {
    machine.network.up(interface).await.map_err(|_| CommandError::Failed)
}

pub(super) async fn network_lookup(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let (machine, host) = (call.machine, call.host(0)?);
    let interface = machine.network.default_interface();
    let looking = async {
        needed(machine, interface).await?;
        room::resolve(machine.network, interface, &host).await.map_err(|_| CommandError::Failed)
    };
    let address = call.apart(pin!(looking)).await??;
    let _ = write!(call.reply, "{address}");
    Ok(Ending::Text)
}

/// `mdns_discover [<service>]`
pub(super) async fn mdns_discover(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let (machine, service) = (call.machine, call.text(0).ok());
    call.at_most(1)?;
    let chosen = machine.base.variables.with(MDNS_INTERFACE, |word| machine.network.interface(word));
    let interface = chosen.unwrap_or_default();
    let discovery = machine.network.discovery();
    let looking = async {
        needed(machine, interface).await?;
        discovery.discover(interface, service).await.map_err(|error| match error {
            BrowseError::NoService => CommandError::Invalid,
            BrowseError::Busy | BrowseError::NoSocket => CommandError::Failed,
        })
    };
    let number = call.apart(pin!(looking)).await??;
    // Somebody else may have searched before this command had its turn again.
    if discovery.searches() != number {
        return Err(CommandError::Failed);
    }
    call.long = true;
    discovery.each_found(|found, kind| {
        let (gap, kind) = if service.is_none() { (" ", kind) } else { ("", "") };
        let name = room::Printable(&found.name);
        let _ = write!(call.reply, "# {name} {}:{}{gap}{kind}\r\n", found.address, found.port);
    });
    Ok(Ending::Text)
}

pub(super) async fn ping(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let interface = call.interface()?;
    let host = if call.flag(b'g') { None } else { Some(call.host(0)?) };
    call.at_most(usize::from(host.is_some()))?;
    let pinging = echo(call.machine, host.as_ref(), interface);
    let millis = call.apart(pin!(pinging)).await??;
    let _ = write!(call.reply, "Ping reply in {millis}ms");
    Ok(Ending::Text)
}

/// Sends an echo request to a host, or to the gateway; returns the time in milliseconds.
async fn echo(machine: &'static Machine, host: Option<&HostName>, interface: Interface) -> Result<u32, CommandError> {
    needed(machine, interface).await?;
    let address = match host {
        Some(host) => room::resolve(machine.network, interface, host).await.map_err(|_| CommandError::PingFailed)?,
        None => machine.network.gateway(interface).ok_or(CommandError::PingFailed)?,
    };
    room::ping(machine.network, interface, address).await.map_err(|_| CommandError::PingFailed)
}
