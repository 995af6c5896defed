//! `structured_start`: an extension (`docs/structured-protocol.md`).

use super::call::Call;
use super::response::{CommandError, Ending};
use super::turn::Asker;
use crate::log::Level;

/// The asking line speaks the structured protocol after the answer. Other askers have no line of their own.
pub(super) fn start(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    if call.asker() != Asker::Serial {
        call.machine.base.log.line(Level::Failure, format_args!("Not a line that can speak the structured protocol"));
        return Err(CommandError::Failed);
    }
    Ok(Ending::Structured)
}
