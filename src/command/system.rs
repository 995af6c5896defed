//! `version`, `reboot`, `save`, `load`, `factory_reset` (interface, commands/README).

use core::pin::pin;

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::base::Base;
use crate::log::Level;
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
    // The reply takes all text.
    let _ = version::write(call.machine.base, &mut call.reply);
    Ok(Ending::Text)
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

/// `faults_print`: the record of faults, a line each. There is none yet, so that it is always empty.
pub(super) fn faults_print(_call: &mut Call<'_>) -> Result<Ending, CommandError> {
    Ok(Ending::Text)
}

/// `faults_reset`: hosts send it at every start.
pub(super) fn faults_reset(_call: &mut Call<'_>) -> Result<Ending, CommandError> {
    Ok(Ending::Success)
}
