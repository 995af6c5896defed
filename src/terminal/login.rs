//! Log-in to the remote terminal: asks for `remote_terminal.username` and `.password`, and slows wrong log-ins down.

use core::future::poll_fn;
use core::net::Ipv4Addr;

use embassy_time::{Duration, Timer};
use heapless::Vec;

use super::line::Line;
use super::visitor::Visitor;
use crate::access::attempts::Attempts;
use crate::access::password::same;
use crate::base::Base;
use crate::variable::{Id, id};

const USERNAME: Id = id("remote_terminal.username");
const PASSWORD: Id = id("remote_terminal.password");

/// Wrong log-ins of one connection before it is closed.
const TRIES: usize = 3;
/// How long the answer to a wrong log-in takes.
const DELAY: Duration = Duration::from_secs(1);
/// Bytes of the longest name and password that can be right; one more is kept so that longer input is wrong.
const LONGEST: usize = 64 + 1;

type Typed = Vec<u8, LONGEST>;

/// One client who logs in.
pub(super) struct Login<'a> {
    pub base: &'static Base,
    pub line: Line,
    pub visitor: &'static Visitor,
    pub attempts: &'a Attempts,
    pub address: Ipv4Addr,
}

impl Login<'_> {
    /// Asks until the answers are right; `false` when the client must go. Asks for nothing when neither variable is
    /// set. The answers are not echoed.
    pub async fn succeeds(&self) -> bool {
        if self.base.variables.is_empty(USERNAME) && self.base.variables.is_empty(PASSWORD) {
            return true;
        }
        for _ in 0..TRIES {
            if self.attempts.wait(self.address).is_some() {
                self.say(b"Too many attempts\r\n").await;
                return false;
            }
            let Some(name) = self.asked(USERNAME, b"Login: ").await else { return false };
            let Some(password) = self.asked(PASSWORD, b"Password: ").await else { return false };
            // Both are always compared.
            if name & password {
                self.attempts.succeed(self.address);
                return true;
            }
            self.attempts.fail(self.address);
            Timer::after(DELAY).await;
            self.say(b"Login incorrect\r\n").await;
        }
        false
    }

    /// Asks for the value of a variable, unless it is empty, and returns whether the client typed it; `None` when the
    /// client is gone.
    async fn asked(&self, wanted: Id, prompt: &[u8]) -> Option<bool> {
        let variables = &self.base.variables;
        if variables.is_empty(wanted) {
            return Some(true);
        }
        self.say(prompt).await;
        let typed = self.typed().await?;
        self.say(b"\r\n").await;
        Some(variables.with(wanted, |wanted| same(wanted, &typed)))
    }

    /// Sends a text. It does not matter if the client is gone or takes nothing.
    async fn say(&self, mut text: &[u8]) {
        while let Ok(sent @ 1..) = poll_fn(|context| self.line.poll_write(context, text)).await {
            text = text.get(sent..).unwrap_or_default();
        }
        let _ = poll_fn(|context| self.line.poll_flush(context)).await;
    }

    /// A line, up to CR, LF or CR LF.
    async fn typed(&self) -> Option<Typed> {
        let mut typed = Typed::new();
        loop {
            let mut byte = [0];
            let Ok(1) = poll_fn(|context| self.line.poll_read(context, &mut byte)).await else { return None };
            match byte {
                [b'\n'] => return Some(typed),
                [b'\r'] => {
                    self.visitor.line_ended_in_return();
                    return Some(typed);
                }
                [0x08 | 0x7f] => drop(typed.pop()),
                // Input that is too long is still wrong after this cut.
                [byte] => drop(typed.push(byte)),
            }
        }
    }
}
