//! `version`, `reboot`, `sleep`, `save`, `load`, `factory_reset`, faults (interface, commands/README).

use core::pin::pin;

use super::call::Call;
use super::response::{CommandError, Ending};
use super::turn::Asker;
use crate::base::Base;
use crate::ground::Bus;
use crate::log::Level;
use crate::port::PortError;
use crate::variable::settings;
use crate::version;

impl Call<'_> {
    /// Checks that an argument is the device's own MAC, with or without colons: the guard of dangerous commands.
    pub fn own_mac(&self, index: usize) -> Result<(), CommandError> {
        let given = self.argument(index)?;
        let mut digits = given.iter().filter(|byte| **byte != b':');
        let mut hex = |byte: u8| digits.next().is_some_and(|digit| digit.to_ascii_uppercase() == byte);
        let nibble = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or(b'0');
        let same =
            self.machine.base.port.board().mac().iter().all(|byte| hex(nibble(byte >> 4)) && hex(nibble(byte & 15)));
        if same && digits.next().is_none() { Ok(()) } else { Err(CommandError::Invalid) }
    }
}

pub(super) fn version(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    // Writing to the reply never fails.
    let _ = version::write(call.machine.base, &mut call.reply);
    Ok(Ending::Text)
}

/// Goes back to stream mode, on the line that has broken out of it (interface, serial 7).
pub(super) fn exit(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let bus = &call.machine.base.status.bus;
    if call.asker() != Asker::Serial || bus.get() != Bus::Break {
        call.machine.base.log.line(Level::Failure, format_args!("This line is not in stream mode"));
        return Err(CommandError::Failed);
    }
    bus.set(Bus::Stream);
    Ok(Ending::Success)
}

/// Applies `uart.*`. The port has one UART for commands; settings of another UART act when that becomes the command
/// UART.
pub(super) fn uart_update(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    if call.count() > 0 {
        call.number(0, 1)?;
    }
    call.machine.base.status.uart_update.signal(());
    Ok(Ending::Success)
}

pub(super) fn reboot(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.base.restart.order();
    call.reply.put(b"Rebooting");
    Ok(Ending::Text)
}

pub(super) async fn save(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    if let Ok(name) = call.argument(0) {
        return super::variables::save_file(call, name).await;
    }
    let base = call.machine.base;
    call.apart(pin!(async { settings::save(base).await.map_err(|error| not_saved(base, error)) })).await??;
    base.log.line(Level::Detail, format_args!("Settings saved"));
    Ok(Ending::Success)
}

/// Tells the log why the flash did not take the settings.
fn not_saved(base: &Base, error: settings::SaveError) -> CommandError {
    base.log.line(Level::Failure, format_args!("Settings not saved: {error}"));
    CommandError::Failed
}

pub(super) async fn factory_reset(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.own_mac(0)?;
    let base = call.machine.base;
    call.apart(pin!(async { settings::erase(base).await.map_err(|error| not_saved(base, error)) })).await??;
    base.restart.order();
    Ok(Ending::Success)
}

/// `faults_print`: the record of faults, one per line.
pub(super) fn faults_print(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    // Writing to the reply never fails.
    let _ = call.machine.faults.print(&mut call.reply);
    Ok(Ending::Text)
}

/// `faults_reset`: hosts send it at every start.
pub(super) async fn faults_reset(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let cleared = call.apart(pin!(machine.faults.reset())).await?;
    cleared.map_err(|error| not_kept(machine.base, error))?;
    Ok(Ending::Success)
}

/// `force_safemode <MAC>`: the next life is one in safe mode.
pub(super) async fn force_safemode(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.own_mac(0)?;
    let machine = call.machine;
    if machine.faults.is_disabled() {
        machine.base.log.line(Level::Failure, format_args!("Safe mode is off (set system.safemode.disabled 0)"));
        return Err(CommandError::Failed);
    }
    let forced = call.apart(pin!(machine.faults.force())).await?;
    forced.map_err(|error| not_kept(machine.base, error))?;
    machine.base.restart.order();
    call.reply.put(b"Forcing safemode...\r\nRebooting");
    Ok(Ending::Text)
}

/// Tells the log why the flash did not take the record of faults.
fn not_kept(base: &Base, error: PortError) -> CommandError {
    base.log.line(Level::Failure, format_args!("Faults not saved: {error}"));
    CommandError::Failed
}

/// `sleep`: there is no answer; the next sign of the device is its start.
pub(super) async fn sleep(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.base.restart.order_sleep(None);
    call.apart(pin!(core::future::pending())).await
}

/// `nvm`: a defined refusal.
pub(super) fn nvm(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.base.log.line(Level::Failure, format_args!("nvm is for native applications: use files"));
    Err(CommandError::Failed)
}

/// `ota`: a defined refusal.
pub(super) fn ota(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.base.log.line(Level::Failure, format_args!("No updates in this release"));
    Err(CommandError::Failed)
}
