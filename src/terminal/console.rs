//! The operator console: commands that come from the Zephyr shell (design decision 12).

use core::future::poll_fn;

use super::line::{CONSOLE_LINE, Line};
use crate::command::{Asker, Bytes, Reply, Shell};

/// Serves a line that gives whole commands and takes whole answers: no echo, no framing, no log. Ends with the line.
pub async fn serve(shell: &'static Shell, line: Line) {
    let mut buffer = [0; CONSOLE_LINE];
    loop {
        let Ok(length) = poll_fn(|context| line.poll_read(context, &mut buffer)).await else { return };
        let text = buffer.get_mut(..length.saturating_sub(1)).unwrap_or_default();
        let reply = shell.run(text, &mut Bytes(&[]), Asker::Console).await.unwrap_or_else(|_| Reply::refused());
        // The console takes every answer whole.
        let _ = poll_fn(|context| line.poll_write(context, reply.text())).await;
    }
}
