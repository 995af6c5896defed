//! The slow operations on files, step by step: the task that commits them, and their removal.
//!
//! A commit makes record and content durable, gives the entry its name, and removes a file that had the name before.
//! The index changes between two steps, never during work on flash, so other tasks see either the old or the new state.

use core::future::poll_fn;
use core::task::Poll;

use super::Files;
use super::error::FileError;
use super::volume::{Id, Stage, entry_name};
use crate::ground::FlashTurn;
use crate::port::{self, FlashWork, PortError};

impl Files {
    /// Commits complete files, one after another, for ever.
    pub async fn keep(&self) {
        loop {
            let id = self.next_whole().await;
            let turn = self.flash.turn().await;
            let outcome = self.commit(&turn, id).await;
            self.store.borrow_mut().ended(id, outcome);
            self.waiting.borrow_mut().wake();
        }
    }

    /// Waits until no file is left to be committed.
    pub async fn idle(&self) {
        poll_fn(|context| {
            if self.store.borrow().next_whole().is_none() {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
    }

    async fn next_whole(&self) -> Id {
        poll_fn(|context| {
            let next = self.store.borrow().next_whole();
            if next.is_none() {
                self.keeper.borrow_mut().register(context.waker());
            }
            next.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Commits one file, or removes it.
    async fn commit(&self, turn: &FlashTurn<'_>, id: Id) -> Result<(), FileError> {
        let sealed = self.seal(turn, id).await;
        self.store.borrow_mut().close_writer(id);
        let committed = match sealed {
            Ok(()) => self.switch(turn, id).await,
            Err(error) => Err(error),
        };
        if committed.is_err() {
            // Under either name: a rename may have failed halfway. The next boot removes what cannot be removed now.
            let _ = change(turn, id, Stage::Temporary, None).await;
            let _ = change(turn, id, Stage::Committed, None).await;
        }
        committed
    }

    /// Writes the record and makes everything durable.
    async fn seal(&self, turn: &FlashTurn<'_>, id: Id) -> Result<(), FileError> {
        let file = self.store.borrow().append_record(id)?;
        turn.begin(FlashWork::Sync(file))?;
        Ok(turn.done().await?)
    }

    /// The switch: from here on the file exists, and an older one of its name does not.
    async fn switch(&self, turn: &FlashTurn<'_>, id: Id) -> Result<(), FileError> {
        let replaces = self.store.borrow().replaces(id)?;
        if replaces {
            self.sweep(turn).await?;
        }
        change(turn, id, Stage::Temporary, Some(Stage::Committed)).await?;
        let older = self.store.borrow_mut().enter(id);
        if let Some(older) = older {
            // The older file stays stale if it cannot be removed now.
            let _ = self.retire(turn, older).await;
        }
        Ok(())
    }

    /// Removes a file; see [`Files::delete`].
    pub(super) async fn remove(&self, turn: &FlashTurn<'_>, id: Id) -> Result<(), FileError> {
        self.sweep(turn).await?;
        self.store.borrow_mut().leave(id);
        let gone = self.retire(turn, id).await;
        if gone.is_err() {
            self.store.borrow_mut().stay(id);
        }
        gone
    }

    /// Removes a file that should have been removed before.
    async fn sweep(&self, turn: &FlashTurn<'_>) -> Result<(), FileError> {
        let stale = self.store.borrow().stale();
        match stale {
            Some(stale) => self.retire(turn, stale).await,
            None => Ok(()),
        }
    }

    /// Removes a file that is no longer in the index. While it is read, its content stays in a temporary entry.
    async fn retire(&self, turn: &FlashTurn<'_>, id: Id) -> Result<(), FileError> {
        let is_read = self.store.borrow().is_read(id);
        match change(turn, id, Stage::Committed, is_read.then_some(Stage::Temporary)).await {
            // The entry may have been removed meanwhile.
            Ok(()) | Err(PortError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        if is_read && !self.store.borrow().is_read(id) {
            // Its last reader was closed meanwhile and has not found this entry. The next boot removes it if this
            // fails.
            let _ = change(turn, id, Stage::Temporary, None).await;
        }
        self.store.borrow_mut().retired(id);
        Ok(())
    }
}

/// Moves an entry from one stage to another, or removes it.
async fn change(turn: &FlashTurn<'_>, id: Id, from: Stage, to: Option<Stage>) -> port::Result<()> {
    begin_change(turn, id, from, to)?;
    turn.done().await
}

fn begin_change(turn: &FlashTurn<'_>, id: Id, from: Stage, to: Option<Stage>) -> port::Result<()> {
    let from = entry_name(from, id);
    match to {
        Some(to) => turn.begin(FlashWork::Rename { from: &from, to: &entry_name(to, id) }),
        None => turn.begin(FlashWork::Remove(&from)),
    }
}
