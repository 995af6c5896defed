//! Whose bytes go into a byte stream: those of one command stay together, whatever other front ends write meanwhile.

use core::future::poll_fn;
use core::task::Poll;

use super::{Slot, StreamError, StreamId, Streams};

/// The bytes of one command go into a stream until this is dropped; those of others wait.
#[must_use = "others write as soon as this is dropped"]
pub struct Writing<'a> {
    slot: &'a Slot,
    generation: u32,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // A later stream of the same handle may have a writer of its own.
        if self.slot.writing.get() == Some(self.generation) {
            self.slot.writing.set(None);
            self.slot.changed();
        }
    }
}

impl Streams {
    /// Waits until no other command writes to the stream; `NoStream` when it is closed meanwhile.
    pub async fn begin_writing(&self, id: StreamId) -> Result<Writing<'_>, StreamError> {
        let slot = self.slot(id.handle)?;
        poll_fn(|context| {
            let is_taken = self.room(id.handle, id.generation, |slot, _| slot.writing.get() == Some(id.generation));
            match is_taken {
                Ok(true) => {
                    self.watch(id.handle, context.waker());
                    Poll::Pending
                }
                Ok(false) => {
                    slot.writing.set(Some(id.generation));
                    Poll::Ready(Ok(Writing { slot, generation: id.generation }))
                }
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }
}
