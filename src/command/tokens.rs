//! `token_create`, `token_list`, `token_delete`: API tokens, an extension (`docs/extensions.md`).

use core::fmt::Write;

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::access::scope::Scopes;
use crate::access::token::{self, TokenError};
use crate::log::Level;

impl Call<'_> {
    fn token_failed(&self, error: TokenError) -> CommandError {
        let (text, answer) = match error {
            TokenError::Name => ("a name is 1 to 32 of a-z A-Z 0-9 . _ -", CommandError::Invalid),
            TokenError::Exists => ("a token of this name exists", CommandError::Failed),
            TokenError::Unknown => ("no token has this name", CommandError::Failed),
            TokenError::Full => ("there is no room for another token", CommandError::Bounds),
        };
        self.machine.base.log.line(Level::Failure, format_args!("API token: {text}"));
        answer
    }
}

/// `token_create <name> <scope,...>`: the answer is the only place where the token ever appears.
pub(super) fn create(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let name = call.argument(0)?;
    let scopes = Scopes::parse(call.argument(1)?).ok_or(CommandError::Invalid)?;
    let token = token::create(call.machine.base, name, scopes).map_err(|error| call.token_failed(error))?;
    if !token::are_needed(call.machine.base) {
        let text = "API tokens: everybody may do everything until http.server.username and password are set";
        call.machine.base.log.line(Level::Progress, format_args!("{text}"));
    }
    call.reply.put(token.as_bytes());
    Ok(Ending::Text)
}

/// `token_delete <name>`: the token is not valid any more.
pub(super) fn delete(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    token::delete(call.machine.base, call.argument(0)?).map_err(|error| call.token_failed(error))?;
    Ok(Ending::Success)
}

/// `token_list`: names and scopes.
pub(super) fn list(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.reply.put(b"! # Name                             Scopes\r\n");
    let mut number = 0;
    token::each(call.machine.base, |name, scopes| {
        let _ = write!(call.reply, "# {number} {name:<32} {scopes}\r\n");
        number += 1;
    });
    Ok(Ending::Text)
}
