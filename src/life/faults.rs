//! The faults of former lives, and whether this one is spent in safe mode (interface, serial 9).

use core::cell::{Cell, RefCell};
use core::fmt;

use super::record::{FAULTS, RECORD, Record};
use crate::base::Base;
use crate::log::Level;
use crate::port::{FAULT_SLOT, Fault, FaultKind, FlashWork, PortError, ResetReason};
use crate::variable::{Id, id};

const DISABLED: Id = id("system.safemode.disabled");

/// After this many starts in safe mode, the device does nothing by itself any more.
const MOST_LOADS: u8 = 10;
/// How often a device clears its faults by itself.
pub const MOST_RECOVERIES: u8 = 3;

/// How this life is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As always.
    Normal,
    /// With a few commands and without a network; after a while the device may try by itself to run without safe mode.
    Safe,
    /// As `Safe`, but nothing more is tried: the soft AP waits for somebody, too.
    Serial,
}

/// The record of faults.
pub struct Faults {
    base: &'static Base,
    record: RefCell<Record>,
    mode: Cell<Mode>,
}

impl Faults {
    /// Adds to the record what ended the life before. This comes before everything that could cause a fault, and the
    /// record is in flash when this returns.
    pub fn new(base: &'static Base) -> Self {
        let (record, fault) = (stored(base), fault_before(base));
        let faults = Self { base, record: RefCell::new(record), mode: Cell::new(Mode::Normal) };
        let is_new = matches!(base.port.board().reset_reason(), Some(ResetReason::PowerOn | ResetReason::Pin));
        let mut record = faults.record.borrow_mut();
        let counted = (record.loads, record.recoveries) != (0, 0);
        if is_new {
            (record.loads, record.recoveries) = (0, 0);
        }
        let changed = fault.is_some() || (is_new && counted);
        if let Some(fault) = fault {
            record.add(fault);
        }
        drop(record);
        if changed {
            faults.write();
        }
        faults
    }

    /// Decides how this life is spent, once the variables are there.
    pub fn begin(&self) -> Mode {
        let disabled = self.base.variables.flag(DISABLED);
        let mut record = self.record.borrow_mut();
        let wanted = record.forced || (record.faults.len() >= FAULTS && !disabled);
        if !wanted {
            return Mode::Normal;
        }
        record.loads = record.loads.saturating_add(1);
        let used_up = record.loads > MOST_LOADS || record.recoveries >= MOST_RECOVERIES;
        drop(record);
        self.write();
        self.mode.set(if used_up { Mode::Serial } else { Mode::Safe });
        self.base.status.safe_mode.set(true);
        self.mode.get()
    }

    /// How this life is spent.
    pub fn mode(&self) -> Mode {
        self.mode.get()
    }

    /// Whether safe mode is switched off.
    pub fn is_disabled(&self) -> bool {
        self.base.variables.flag(DISABLED)
    }

    /// Prints a line for each fault, the oldest first. The original's handles do not exist here: they are 0.
    pub fn print(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for (number, fault) in self.record.borrow().faults.iter().enumerate() {
            let gap = if fault.place.is_empty() { "" } else { " " };
            write!(out, "{number}: {}, uhandle:00 bhandle:00{gap}{}\r\n", fault.kind.name(), fault.place)?;
        }
        Ok(())
    }

    /// Forgets all faults.
    pub async fn reset(&self) -> Result<(), PortError> {
        self.change(Record::clear).await
    }

    /// Makes the next life one in safe mode.
    pub async fn force(&self) -> Result<(), PortError> {
        self.change(|record| record.forced = true).await
    }

    /// Forgets all faults because nobody has come; false when this was done often enough.
    pub(super) async fn recover(&self) -> bool {
        if self.record.borrow().recoveries >= MOST_RECOVERIES {
            return false;
        }
        let changed = self.change(|record| {
            record.clear();
            record.recoveries += 1;
        });
        changed.await.is_ok()
    }

    /// Changes the record here and in flash. If the flash does not take it, nothing changes.
    async fn change(&self, change: impl Fn(&mut Record)) -> Result<(), PortError> {
        let turn = self.base.flash.turn().await;
        change(&mut self.record.borrow_mut());
        let written = match self.encoded(|record| turn.begin(FlashWork::SlotWrite { slot: FAULT_SLOT, record })) {
            Ok(()) => turn.done().await,
            begun => begun,
        };
        if written.is_err() {
            self.record.replace(stored(self.base));
        }
        written
    }

    /// Writes the record at once: only at the start, when nobody waits for anything yet.
    fn write(&self) {
        let written = self.encoded(|record| self.base.port.storage().slot_write(FAULT_SLOT, record));
        if let Err(error) = written {
            self.base.log.line(Level::Failure, format_args!("Faults not saved: {error}"));
        }
    }

    fn encoded(&self, write: impl FnOnce(&[u8]) -> Result<(), PortError>) -> Result<(), PortError> {
        self.base.scratch.with(|buffer| {
            let length = self.record.borrow().encode(buffer).ok_or(PortError::NoRoom)?;
            write(buffer.get(..length).unwrap_or_default())
        })
    }
}

/// The record in flash; an empty one when there is no complete one.
fn stored(base: &Base) -> Record {
    base.scratch.with(|buffer| {
        let buffer = buffer.get_mut(..RECORD).unwrap_or_default();
        let length = base.port.storage().slot_read(FAULT_SLOT, buffer).unwrap_or(0);
        buffer.get(..length).and_then(Record::decode).unwrap_or_default()
    })
}

/// The fault that ended the life before, if one did: from the port, or from the reason of the reset.
fn fault_before(base: &Base) -> Option<Fault> {
    let board = base.port.board();
    let kind = match board.reset_reason() {
        Some(ResetReason::Watchdog) => Some(FaultKind::Watchdog),
        Some(ResetReason::Fault) => Some(FaultKind::Hard),
        _ => None,
    };
    board.fault().or_else(|| kind.map(|kind| Fault::new(kind, format_args!(""))))
}
