//! A message whose content is being written.

use core::fmt::Write;

use embassy_time::Duration;

use super::failure::{Failure, NotSent};
use super::link::Link;
use crate::base::Base;
use crate::wire::smtp::body::{Encoder, MOST};

/// How long a server may take to reply to the end of a message, which it must process first.
const DELIVERY_TIME: Duration = Duration::from_secs(120);
/// How long a server may take to reply to `QUIT`.
const GOODBYE_TIME: Duration = Duration::from_secs(2);

/// A message whose content is being written.
pub struct Session {
    base: &'static Base,
    link: Link,
    encoder: Encoder,
}

impl Session {
    /// A session in which everything before the content was sent.
    pub(super) fn new(base: &'static Base, link: Link) -> Self {
        Self { base, link, encoder: Encoder::default() }
    }

    /// Writes a piece of the content.
    pub async fn write(&mut self, content: &[u8]) -> Result<(), NotSent> {
        let mut rest = content;
        while !rest.is_empty() {
            self.ready().await?;
            rest = rest.get(self.put(rest)..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until there is room for some content.
    pub async fn ready(&mut self) -> Result<(), NotSent> {
        self.make_room().await.map_err(|failure| failure.log(self.base))
    }

    /// Takes at once as much content as there is room for. Answers the bytes used: at least one after
    /// [`Session::ready`].
    pub fn put(&mut self, content: &[u8]) -> usize {
        let encoder = &mut self.encoder;
        self.link.desk.output().fill(|room| encoder.encode(content, room))
    }

    async fn make_room(&mut self) -> Result<(), Failure> {
        if self.link.desk.output().room() < 2 * MOST {
            self.link.flush("message").await?;
        }
        Ok(())
    }

    /// Ends the content, and waits for the server to accept the message.
    pub async fn end(mut self) -> Result<(), NotSent> {
        let base = self.base;
        self.deliver().await.map_err(|failure| failure.log(base))
    }

    async fn deliver(&mut self) -> Result<(), Failure> {
        self.make_room().await?;
        let encoder = &mut self.encoder;
        self.link.desk.output().fill(|room| (0, encoder.end(room)));
        self.link.flush("message").await?;
        match self.link.reply("message", DELIVERY_TIME, |_| {}).await? {
            250 => {}
            code => return Err(self.link.refuse("message", code)),
        }
        // The message is sent, whether or not `QUIT` succeeds.
        if self.link.desk.output().write_str("QUIT\r\n").is_ok() && self.link.flush("QUIT").await.is_ok() {
            let _ = self.link.reply("QUIT", GOODBYE_TIME, |_| {}).await;
        }
        Ok(())
    }
}
