//! The files with their keeper, for tests: each call returns when all work is done.

use std::boxed::Box;
use std::ops::Deref;
use std::task::Waker;

use embassy_futures::block_on;
use embassy_futures::select::{Either, select};

use super::MemFlash;
use crate::file::{self, FileError, Writer};
use crate::ground::Flash;
use crate::port::{
    Board, Console, Event, Job, JobOutput, JobRequest, Jobs, Port, PortError, Radio, Result as PortResult, Serial,
    Sockets, Storage,
};

/// A port that consists of a flash only, which does its work at once.
impl Port for MemFlash {
    fn serial(&self) -> &dyn Serial {
        unimplemented!()
    }
    fn sockets(&self) -> &dyn Sockets {
        unimplemented!()
    }
    fn jobs(&self) -> &dyn Jobs {
        self
    }
    fn storage(&self) -> &dyn Storage {
        self
    }
    fn radio(&self) -> &dyn Radio {
        unimplemented!()
    }
    fn board(&self) -> &dyn Board {
        unimplemented!()
    }
    fn console(&self) -> &dyn Console {
        unimplemented!()
    }
    fn wake_when(&self, _event: Event, waker: &Waker) {
        waker.wake_by_ref();
    }
}

impl Jobs for MemFlash {
    fn start(&self, request: &JobRequest<'_>) -> PortResult<Job> {
        let JobRequest::Flash(work) = request else { return Err(PortError::Unsupported) };
        self.work.start(work, self);
        Ok(Job(0))
    }
    fn result(&self, _job: Job) -> PortResult<JobOutput> {
        self.work.result()
    }
    fn cancel(&self, _job: Job) {
        panic!("work on flash cannot be given up");
    }
}

/// The files; the keeper runs while a call waits for it.
pub struct Files(file::Files);

impl Deref for Files {
    type Target = file::Files;

    fn deref(&self) -> &file::Files {
        &self.0
    }
}

impl Files {
    pub fn on(flash: &'static MemFlash) -> Self {
        Self(file::Files::new(Box::leak(Box::new(Flash::new(flash)))))
    }

    /// Waits for a future while the keeper runs.
    pub fn wait<T>(&self, waiting: impl Future<Output = T>) -> T {
        match block_on(select(self.0.keep(), waiting)) {
            Either::First(()) => panic!("the keeper has ended"),
            Either::Second(value) => value,
        }
    }

    /// Writes, and waits until the file is stored if its content is complete.
    pub fn write(&self, writer: &Writer, data: &[u8]) -> Result<bool, FileError> {
        let whole = self.0.write(writer, data)?;
        if whole {
            self.wait(self.0.stored(writer))?;
        }
        Ok(whole)
    }

    pub fn finish(&self, writer: Writer) -> Result<(), FileError> {
        self.wait(self.0.finish(writer))
    }

    pub fn delete(&self, name: &[u8]) -> Result<(), FileError> {
        self.wait(self.0.delete(name))
    }

    pub fn erase_all(&self, keep_essential: bool) -> Result<(), FileError> {
        self.wait(self.0.erase_all(keep_essential))
    }
}
