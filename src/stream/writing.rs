//! Writing to a byte stream: the bytes of one command stay together, whatever other front ends write meanwhile.

use core::future::poll_fn;
use core::task::Poll;

use super::{Slot, StreamError, StreamId, Streams};

/// Gives one command the right to write to a stream until this is dropped; other writers wait.
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
