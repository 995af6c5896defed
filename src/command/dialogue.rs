//! `network_up -s`: a person picks a network out of a scan and types its passphrase (interface, commands/network_up).
//! Each answer is a separate line from the same asker, read here instead of as a command.

use core::cell::RefCell;
use core::pin::pin;

use heapless::Vec;

use super::call::Call;
use super::response::{CommandError, Ending};
use super::turn::Asker;
use super::wlan;
use crate::log::Level;
use crate::port::{AccessPoint, Interface, Security};
use crate::variable::{Id, id};

const PROMPT: Id = id("system.cmd.prompt_enabled");

/// What the person was asked for.
#[derive(Clone, Debug)]
enum Step {
    /// The number of a row of the scan with this number.
    Row(u32),
    /// The passphrase of this network.
    Passphrase(AccessPoint),
}

/// The question that waits for its answer, and who was asked. There is one at a time: the newest.
#[derive(Default)]
pub struct Dialogue {
    step: RefCell<Option<(Asker, Step)>>,
}

impl Dialogue {
    /// Whether the next line of the asker is an answer.
    pub fn waits_for(&self, asker: Asker) -> bool {
        matches!(*self.step.borrow(), Some((asked, _)) if asked == asker)
    }

    /// Whether that answer is a secret.
    pub fn is_secret(&self, asker: Asker) -> bool {
        matches!(*self.step.borrow(), Some((asked, Step::Passphrase(_))) if asked == asker)
    }

    /// The asker will not answer.
    pub fn forget(&self, asker: Asker) {
        if self.waits_for(asker) {
            self.step.take();
        }
    }

    fn ask(&self, asker: Asker, step: Step) {
        self.step.replace(Some((asker, step)));
    }
}

/// Lists the networks and asks for one. There must be a person to ask.
pub(super) async fn begin(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    if !call.asker().types() || !machine.base.variables.flag(PROMPT) {
        let text = format_args!("Nobody can be asked here: set wlan.ssid and wlan.passkey, or use wlan_join");
        machine.base.log.line(Level::Failure, text);
        return Err(CommandError::Failed);
    }
    wlan::results(call, None).await?;
    wlan::table(call, false, |_| true);
    call.reply.put(b"Number of the network (nothing: none):");
    machine.dialogue.ask(call.asker(), Step::Row(machine.network.scans()));
    Ok(Ending::Text)
}

/// Continues with the line that the person has typed.
pub(super) async fn go_on(call: &mut Call<'_>, answer: &[u8]) -> Result<Ending, CommandError> {
    let corrected = corrected(answer);
    let answer = corrected.trim_ascii();
    match call.machine.dialogue.step.take().map(|(_, step)| step) {
        _ if answer.is_empty() => Err(CommandError::Failed),
        Some(Step::Row(scan)) => pick(call, scan, answer).await,
        Some(Step::Passphrase(network)) => join(call, &network, answer).await,
        None => Err(CommandError::Failed),
    }
}

/// A line typed without echo still contains its backspaces: applies them.
fn corrected(answer: &[u8]) -> Vec<u8, 80> {
    let mut corrected = Vec::new();
    for byte in answer {
        match byte {
            0x08 | 0x7f => drop(corrected.pop()),
            // An answer that is too long for a passphrase is still too long after this cut.
            byte => drop(corrected.push(*byte)),
        }
    }
    corrected
}

async fn pick(call: &mut Call<'_>, scan: u32, answer: &[u8]) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let row = super::call::number(answer, u8::MAX.into())?;
    if machine.network.scans() != scan {
        machine.base.log.line(Level::Failure, format_args!("The list is out of date: somebody has scanned again"));
        return Err(CommandError::Failed);
    }
    let network = machine.base.port.radio().scan_result(row as usize).ok_or(CommandError::Bounds)?;
    if network.ssid.is_empty() {
        machine.base.log.line(Level::Failure, format_args!("The network hides its name: set wlan.ssid"));
        return Err(CommandError::Failed);
    }
    if network.security == Security::Open {
        return join(call, &network, b"").await;
    }
    machine.dialogue.ask(call.asker(), Step::Passphrase(network));
    call.reply.put(b"Passphrase:");
    Ok(Ending::Text)
}

async fn join(call: &mut Call<'_>, network: &AccessPoint, passphrase: &[u8]) -> Result<Ending, CommandError> {
    call.machine.network.name(&network.ssid, passphrase).map_err(|_| CommandError::Invalid)?;
    let restarting = call.machine.network.restart(Interface::Wlan);
    call.apart(pin!(restarting)).await?.map_err(|_| CommandError::Failed)?;
    Ok(Ending::Success)
}
