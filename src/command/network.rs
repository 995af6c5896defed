//! `network_up`, `network_down`, `network_restart`, `network_lookup`, `ping` (commands reference 2).

use core::fmt::Write;

use embassy_time::{Duration, with_timeout};

use super::call::{Call, Machine, Step, Wait};
use super::response::{CommandError, Ending, Reply};
use crate::network as room;
use crate::port::Interface;
use crate::stream::HostName;

use crate::variable::{Id, id};

const HEADER: Id = id("system.cmd.header_enabled");

/// How long a host in machine mode waits for the answer of `network_up`, with some time to spare.
const HOST_PATIENCE: Duration = Duration::from_millis(800);

impl Call<'_> {
    /// Takes `-i <interface>` and a bare interface word off the front of the arguments. Answers the interface and how
    /// many words it took.
    pub fn interface(&self) -> Result<(Interface, usize), CommandError> {
        let network = self.machine.network;
        match self.argument(0) {
            Ok(b"-i") => network.interface(self.argument(1)?).map(|found| (found, 2)).ok_or(CommandError::Invalid),
            _ => Ok((network.default_interface(), 0)),
        }
    }

    /// The interface of a command that takes nothing else; old versions give it as a bare word.
    fn only_interface(&self) -> Result<Interface, CommandError> {
        let (interface, taken) = self.interface()?;
        let bare = self.argument(taken).ok().map(|word| match word {
            [b'-', ..] => Err(CommandError::UnknownOption),
            word => self.machine.network.interface(word).ok_or(CommandError::Invalid),
        });
        self.at_most(taken + usize::from(bare.is_some()))?;
        bare.unwrap_or(Ok(interface))
    }

    /// An argument that is a host name or address.
    pub fn host(&self, index: usize) -> Result<HostName, CommandError> {
        let text = self.text(index)?;
        let name = HostName::try_from(text).map_err(|_| CommandError::Invalid)?;
        let clean = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if clean { Ok(name) } else { Err(CommandError::Invalid) }
    }
}

pub(super) fn network_up(call: &mut Call<'_>) -> Result<Step, CommandError> {
    if call.argument(0) == Ok(b"-s") {
        return super::table::unavailable(call);
    }
    Ok(Step::Wait(Wait::Up(call.only_interface()?)))
}

pub(super) fn network_restart(call: &mut Call<'_>) -> Result<Step, CommandError> {
    Ok(Step::Wait(Wait::Restart(call.only_interface()?)))
}

pub(super) fn network_down(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.machine.network.down(call.only_interface()?);
    Ok(Step::Done(Ending::Success))
}

pub(super) fn network_lookup(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    Ok(Step::Wait(Wait::Lookup(call.host(0)?)))
}

pub(super) fn ping_command(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let (interface, taken) = call.interface()?;
    call.at_most(taken + 1)?;
    match call.argument(taken)? {
        b"-g" => Ok(Step::Wait(Wait::Ping(None, interface))),
        [b'-', ..] => Err(CommandError::UnknownOption),
        _ => Ok(Step::Wait(Wait::Ping(Some(call.host(taken)?), interface))),
    }
}

/// A host in machine mode takes `network_up` as failed when there is no answer within a second; the join then goes on
/// and the host polls `wlan.network.status` (commands reference, `network_up`).
pub(super) async fn up(machine: &'static Machine, interface: Interface) -> Result<Ending, CommandError> {
    let joining = machine.network.up(interface);
    let outcome = match machine.base.variables.flag(HEADER) {
        true => with_timeout(HOST_PATIENCE, joining).await,
        false => Ok(joining.await),
    };
    match outcome {
        Ok(Ok(())) => Ok(Ending::Success),
        Ok(Err(_)) => Err(CommandError::Failed),
        Err(_) => Ok(Ending::InProgress),
    }
}

pub(super) async fn restart(machine: &'static Machine, interface: Interface) -> Result<Ending, CommandError> {
    machine.network.restart(interface).await.map_err(|_| CommandError::Failed)?;
    Ok(Ending::Success)
}

/// Brings the interface up for a command that needs it (networking reference 1, "Implicit network up").
pub(super) async fn needed(machine: &'static Machine, interface: Interface) -> Result<(), CommandError> {
    machine.network.up(interface).await.map_err(|_| CommandError::Failed)
}

pub(super) async fn lookup(machine: &'static Machine, host: &str, reply: &mut Reply) -> Result<Ending, CommandError> {
    let interface = machine.network.default_interface();
    needed(machine, interface).await?;
    let address = room::resolve(machine.network, interface, host).await.map_err(|_| CommandError::Failed)?;
    let _ = write!(reply, "{address}");
    Ok(Ending::Text)
}

pub(super) async fn ping(
    machine: &'static Machine,
    host: Option<HostName>,
    interface: Interface,
    reply: &mut Reply,
) -> Result<Ending, CommandError> {
    needed(machine, interface).await?;
    let address = match host {
        Some(host) => room::resolve(machine.network, interface, &host).await.map_err(|_| CommandError::PingFailed)?,
        None => machine.network.gateway(interface).ok_or(CommandError::PingFailed)?,
    };
    let millis = room::ping(machine.network, interface, address).await.map_err(|_| CommandError::PingFailed)?;
    let _ = write!(reply, "Ping reply in {millis}ms");
    Ok(Ending::Text)
}
