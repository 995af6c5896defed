//! The operator console: commands that come from the Zephyr shell (design decision 12).

use crate::command::{Bytes, Reply, Shell};
use crate::limits;
use crate::port::{self, Event};

/// Serves the port's console, for ever.
pub async fn serve(shell: &'static Shell) {
    let port = shell.machine().base.port;
    let mut line = [0; limits::COMMAND_LINE];
    let mut reply = Reply::new();
    loop {
        let Ok(length) = port::io(port, Event::Console, || port.console().console_line(&mut line)).await else {
            return;
        };
        let text = line.get(..length).unwrap_or_default();
        if shell.run(text, &mut Bytes(&[]), false, &mut reply).await.is_err() {
            reply.failed();
        }
        port.console().console_answer(&reply.text);
    }
}
