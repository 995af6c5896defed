//! The files against a plain model: any sequence of operations, power cuts at every byte, failing flash.

use std::vec::Vec;

use proptest::prelude::*;

use super::flash::{MemFlash, Unsynced};
use super::waiting::Files;
use super::{check_volume, content_of, read_all};
use crate::file::{FileError, FileSpec, Reader, Version, Writer, flag};
use crate::wire::crc16::crc16;

#[derive(Clone, Debug)]
enum Op {
    Start { name: u8, size: usize, replace: bool, good_crc: bool, essential: bool, growing: bool },
    Feed { writer: usize, bytes: usize },
    Finish { writer: usize },
    Abandon { writer: usize },
    Open { name: u8 },
    Close { reader: usize },
    Delete { name: u8 },
    Erase { keep: bool },
    Remount,
}

/// A committed file as it should be.
#[derive(Clone, Debug, PartialEq)]
struct Expected {
    order: u32,
    name: Vec<u8>,
    content: Vec<u8>,
    essential: bool,
}

struct Active {
    writer: Writer,
    file: Expected,
    sent: usize,
    replace: bool,
    crc: u16,
    growing: bool,
}

impl Active {
    /// Whether the CRC fits the bytes sent.
    fn is_good(&self, sent: usize) -> bool {
        crc16(&self.file.content[..sent]) == self.crc
    }
}

struct World {
    flash: &'static MemFlash,
    files: Files,
    model: Vec<Expected>,
    writers: Vec<Active>,
    readers: Vec<(Reader, Vec<u8>)>,
    started: u32,
}

/// The power failed: the files must be as in one of the two states.
#[derive(Debug)]
struct Cut {
    before: Vec<Expected>,
    after: Vec<Expected>,
    /// An erase may have stopped anywhere between the two.
    stepwise: bool,
}

fn name_of(name: u8) -> Vec<u8> {
    std::format!("name {name}.txt").into_bytes()
}

impl World {
    fn new(flash: &'static MemFlash, model: Vec<Expected>, started: u32) -> Self {
        let files = Files::on(flash);
        assert_eq!(files.mount(), Ok(model.len()));
        let world = Self { flash, files, model, writers: Vec::new(), readers: Vec::new(), started };
        world.check();
        world
    }

    /// Checks that the visible files are those of the model.
    fn check(&self) {
        assert_eq!(self.seen(), self.model);
        for (reader, content) in &self.readers {
            let mut buffer = [0; 64];
            assert_eq!(self.files.read_at(reader, 0, &mut buffer), Ok(content.len()));
            assert_eq!(buffer[..content.len()], content[..]);
        }
    }

    /// The files as the public calls show them; the order numbers are the model's own.
    fn seen(&self) -> Vec<Expected> {
        let entries = (0..self.files.count()).map(|index| self.files.entry(index).unwrap());
        entries
            .map(|meta| {
                let content = read_all(&self.files, &meta.name);
                assert_eq!((meta.size as usize, meta.crc), (content.len(), crc16(&content)));
                let known = self.model.iter().find(|file| file.content == content && *file.name == *meta.name);
                let order = known.map_or(u32::MAX, |file| file.order);
                Expected { order, name: meta.name.to_vec(), content, essential: meta.flags & flag::ESSENTIAL != 0 }
            })
            .collect()
    }

    /// Does one operation and compares; `Err` when the power failed meanwhile.
    fn step(&mut self, op: &Op) -> Result<(), Cut> {
        let before = self.model.clone();
        let mut after = before.clone();
        let result = self.act(op, &mut after);
        if self.flash.is_dead() {
            let before = if result.is_ok() { after.clone() } else { before };
            return Err(Cut { before, after, stepwise: matches!(op, Op::Erase { .. }) });
        }
        match result {
            Ok(()) => self.model = after,
            Err(FileError::Flash(_)) if matches!(op, Op::Erase { .. }) => self.adopt_partial_erase(&after),
            Err(FileError::Flash(_)) => {}
            Err(error) => panic!("{op:?} answered {error:?}"),
        }
        self.check();
        Ok(())
    }

    /// After an erase that failed in part, some of the files to be erased still exist, undamaged.
    fn adopt_partial_erase(&mut self, after: &[Expected]) {
        let seen = self.seen();
        assert!(seen.iter().all(|file| self.model.contains(file)));
        assert!(after.iter().all(|file| seen.contains(file)));
        self.model = seen;
    }

    /// Calls the file room, checks its answer and applies the operation to `after`. Passes errors of the flash on.
    fn act(&mut self, op: &Op, after: &mut Vec<Expected>) -> Result<(), FileError> {
        match *op {
            Op::Start { .. } => self.start(op),
            Op::Feed { writer, bytes } => self.feed(writer, bytes, after),
            Op::Finish { writer } => self.finish(writer, after),
            Op::Abandon { writer } => {
                if let Some(active) = take(&mut self.writers, writer) {
                    self.files.abandon(active.writer);
                }
                Ok(())
            }
            Op::Open { name } => {
                let name = name_of(name);
                let known = self.model.iter().find(|file| file.name == name);
                match (self.files.open(&name), known) {
                    (Ok(reader), Some(file)) => self.readers.push((reader, file.content.clone())),
                    (Err(error), None) => assert_eq!(error, FileError::NotFound),
                    (Err(error), Some(_)) => return Err(error),
                    (Ok(_), None) => panic!("opened a file that is not there"),
                }
                Ok(())
            }
            Op::Close { reader } => {
                if let Some((reader, _)) = take(&mut self.readers, reader) {
                    self.files.close(reader);
                }
                Ok(())
            }
            Op::Delete { name } => {
                let name = name_of(name);
                after.retain(|file| file.name != name);
                match self.files.delete(&name) {
                    Err(FileError::NotFound) if after.len() == self.model.len() => Ok(()),
                    result => result,
                }
            }
            Op::Erase { keep } => {
                after.retain(|file| keep && file.essential);
                let result = self.files.erase_all(keep);
                for active in self.writers.drain(..) {
                    assert_eq!(self.files.write(&active.writer, b""), Err(FileError::Gone));
                }
                result
            }
            Op::Remount => {
                self.flash.fail(0..0, false);
                self.writers.clear();
                self.readers.clear();
                match self.files.mount() {
                    Ok(count) => assert_eq!(count, self.model.len()),
                    Err(error) => return Err(error),
                }
                if !self.flash.is_dead() {
                    check_volume(self.flash, &self.files);
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, op: &Op) -> Result<(), FileError> {
        let Op::Start { name, size, replace, good_crc, essential, growing } = *op else { unreachable!() };
        let name = name_of(name);
        let content = content_of(self.started, size);
        let crc = crc16(&content) ^ u16::from(!good_crc);
        let flags = if essential { flag::ESSENTIAL } else { 0 };
        let version = Version::default();
        let spec = FileSpec { name: &name, size: size as u32, version, kind: 0xFE, flags, crc: Some(crc), replace };
        let expected = if self.writers.iter().any(|active| active.file.name == name) {
            Err(if replace { FileError::Busy } else { FileError::Exists })
        } else if !replace && self.model.iter().any(|file| file.name == name) {
            Err(FileError::Exists)
        } else if self.writers.len() == crate::limits::FILE_WRITERS {
            Err(FileError::TooManyOpen)
        } else {
            Ok(())
        };
        let created = if growing { self.files.create_growing(&spec) } else { self.files.create(&spec) };
        match (created, expected) {
            (Ok(writer), Ok(())) => {
                let file = Expected { order: self.started, name, content, essential };
                self.writers.push(Active { writer, file, sent: 0, replace, crc, growing });
                self.started += 1;
                Ok(())
            }
            (Err(error @ FileError::Flash(_)), _) => Err(error),
            (result, expected) => {
                assert_eq!(result.map(|_| ()), expected);
                Ok(())
            }
        }
    }

    fn feed(&mut self, index: usize, bytes: usize, after: &mut Vec<Expected>) -> Result<(), FileError> {
        let count = self.writers.len().max(1);
        let Some(active) = self.writers.get_mut(index % count) else {
            return Ok(());
        };
        let end = active.sent + bytes;
        let size = active.file.content.len();
        if end > size && active.growing {
            return Ok(());
        }
        if end > size {
            let data = content_of(0, bytes);
            assert_eq!(self.files.write(&active.writer, &data), Err(FileError::TooLong));
            return Ok(());
        }
        let complete = end == size && !active.growing;
        let good = active.is_good(end);
        if complete && good {
            commit(active, after);
        }
        let result = self.files.write(&active.writer, &active.file.content[active.sent..end]);
        match result {
            Ok(done) => {
                assert_eq!(done, complete);
                assert!(!done || good);
                active.sent = end;
            }
            Err(FileError::Corrupt) => assert!(complete && !good),
            Err(FileError::Flash(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        match self.files.written(&active.writer) {
            Some(written) => assert_eq!(written as usize, active.sent),
            None => drop(self.writers.swap_remove(index % count)),
        }
        match result {
            Err(error @ FileError::Flash(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends the content of a writer.
    fn finish(&mut self, index: usize, after: &mut Vec<Expected>) -> Result<(), FileError> {
        let Some(mut active) = take(&mut self.writers, index) else { return Ok(()) };
        let whole = active.growing || active.file.content.is_empty();
        let good = whole && active.is_good(active.sent);
        if good {
            active.file.content.truncate(active.sent);
            commit(&active, after);
        }
        match self.files.finish(active.writer) {
            Ok(()) => assert!(good),
            Err(FileError::Corrupt) => assert!(whole && !good),
            Err(FileError::Incomplete) => assert!(!whole),
            Err(error @ FileError::Flash(_)) => return Err(error),
            Err(error) => panic!("{error:?}"),
        }
        Ok(())
    }
}

/// The file of a writer appears and replaces one of the same name.
fn commit(active: &Active, after: &mut Vec<Expected>) {
    assert!(active.replace || after.iter().all(|file| file.name != active.file.name));
    after.retain(|file| file.name != active.file.name);
    after.push(active.file.clone());
    after.sort_by_key(|file| file.order);
}

fn take<T>(list: &mut Vec<T>, index: usize) -> Option<T> {
    let index = index.checked_rem(list.len())?;
    Some(list.swap_remove(index))
}

/// Boots from the flash that a cut has left and checks that its state is an allowed one.
fn boot(flash: &'static MemFlash, cut: &Cut, started: u32) -> World {
    let files = Files::on(flash);
    files.mount().unwrap();
    check_volume(flash, &files);
    let mut model = cut.before.clone();
    model.extend(cut.after.iter().filter(|file| !cut.before.contains(file)).cloned());
    let mut world = World { flash, files, model, writers: Vec::new(), readers: Vec::new(), started };
    let seen = world.seen();
    if cut.stepwise {
        assert!(seen.iter().all(|file| cut.before.contains(file)), "{cut:?}\n{seen:?}");
        assert!(cut.after.iter().all(|file| seen.contains(file)), "{cut:?}\n{seen:?}");
    } else {
        assert!(seen == cut.before || seen == cut.after, "{cut:?}\n{seen:?}");
    }
    world.model = seen;
    world
}

/// Runs the operations; each time the power fails (before the given steps), boots and goes on with the next one.
fn run(ops: &[Op], cuts: &[usize], unsynced: Unsynced) -> &'static MemFlash {
    let mut cuts = cuts.iter();
    let mut world = World::new(MemFlash::new(1 << 24), Vec::new(), 0);
    cuts.next().inspect(|&&step| world.flash.cut_before(step));
    for op in ops {
        if let Err(cut) = world.step(op) {
            let flash = world.flash.after_power_cut(unsynced);
            world = boot(flash, &cut, world.started);
            cuts.next().inspect(|&&step| world.flash.cut_before(step));
        }
    }
    world.flash
}

fn start(name: u8, size: usize, replace: bool) -> Op {
    Op::Start { name, size, replace, good_crc: true, essential: name == 2, growing: false }
}

fn grow(name: u8, size: usize, replace: bool) -> Op {
    Op::Start { name, size, replace, good_crc: true, essential: false, growing: true }
}

fn feed(writer: usize, bytes: usize) -> Op {
    Op::Feed { writer, bytes }
}

/// Everything that changes flash, in one life of a device.
fn life() -> Vec<Op> {
    let bad = Op::Start { name: 4, size: 3, replace: false, good_crc: false, essential: false, growing: false };
    let mut ops = std::vec![
        start(1, 10, false),
        feed(0, 4),
        feed(0, 6),
        start(2, 0, false),
        feed(0, 0),
        start(1, 12, true),
        feed(0, 12),
        bad,
        feed(0, 3),
        // Replaced and deleted while being read.
        Op::Open { name: 1 },
        start(1, 7, true),
        feed(0, 7),
        Op::Open { name: 1 },
        Op::Delete { name: 1 },
        Op::Close { reader: 0 },
        Op::Close { reader: 0 },
        // Two writers side by side, the second committed first; one that gives up.
        start(3, 5, false),
        start(4, 6, false),
        feed(0, 2),
        feed(1, 6),
        feed(0, 3),
        start(5, 9, false),
        feed(0, 8),
        Op::Abandon { writer: 0 },
        // The old file goes while the new one is written.
        start(3, 4, true),
        Op::Delete { name: 3 },
        feed(0, 4),
        // Growing: replaced when finished, cut short, given up, empty.
        grow(3, 9, false),
        feed(0, 4),
        feed(0, 5),
        Op::Finish { writer: 0 },
        grow(3, 6, true),
        feed(0, 6),
        Op::Finish { writer: 0 },
        grow(3, 8, true),
        feed(0, 5),
        Op::Finish { writer: 0 },
        grow(3, 8, true),
        feed(0, 8),
        Op::Abandon { writer: 0 },
        grow(0, 0, false),
        Op::Finish { writer: 0 },
        Op::Remount,
        Op::Erase { keep: true },
        start(6, 3, false),
        feed(0, 3),
        Op::Erase { keep: false },
    ];
    ops.push(Op::Remount);
    ops
}

#[test]
fn power_cut_at_every_step() {
    let total = run(&life(), &[], Unsynced::Lost).steps();
    assert!(total > 300, "{total}");
    for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Garbage, Unsynced::Kept] {
        for step in 0..=total {
            run(&life(), &[step], unsynced);
        }
    }
}

/// The power fails again while the device boots after the first cut.
#[test]
fn power_cut_while_mounting() {
    let ops = life();
    let total = run(&ops, &[], Unsynced::Lost).steps();
    for step in 0..=total {
        let mut world = World::new(MemFlash::new(1 << 24), Vec::new(), 0);
        world.flash.cut_before(step);
        let Some(cut) = ops.iter().find_map(|op| world.step(op).err()) else { continue };
        for second in 0..4 {
            let flash = world.flash.after_power_cut(Unsynced::Half);
            flash.cut_before(second);
            let _ = Files::on(flash).mount();
            boot(flash.after_power_cut(Unsynced::Lost), &cut, world.started);
        }
    }
}

#[test]
fn one_or_all_calls_fail() {
    for torn in [false, true] {
        for first in 0..80 {
            for last in [first, first + 1, first + 3, usize::MAX - 1] {
                let mut world = World::new(MemFlash::new(1 << 24), Vec::new(), 0);
                world.flash.fail(first..last + 1, torn);
                life().iter().chain([&Op::Remount]).for_each(|op| world.step(op).unwrap());
                assert_eq!(world.flash.open_handles(), 0);
            }
        }
    }
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..5u8, 0..40usize, any::<bool>(), prop::bool::weighted(0.9), any::<bool>(), any::<bool>()).prop_map(
            |(name, size, replace, good_crc, essential, growing)| {
                Op::Start { name, size, replace, good_crc, essential, growing }
            }),
        8 => (0..8usize, 0..24usize).prop_map(|(writer, bytes)| Op::Feed { writer, bytes }),
        3 => (0..8usize).prop_map(|writer| Op::Finish { writer }),
        1 => (0..8usize).prop_map(|writer| Op::Abandon { writer }),
        3 => (0..5u8).prop_map(|name| Op::Open { name }),
        3 => (0..8usize).prop_map(|reader| Op::Close { reader }),
        2 => (0..5u8).prop_map(|name| Op::Delete { name }),
        1 => any::<bool>().prop_map(|keep| Op::Erase { keep }),
        1 => Just(Op::Remount),
    ]
}

fn any_unsynced() -> impl Strategy<Value = Unsynced> {
    prop_oneof![Just(Unsynced::Lost), Just(Unsynced::Half), Just(Unsynced::Garbage), Just(Unsynced::Kept)]
}

proptest! {
    #[test]
    fn any_life(ops in prop::collection::vec(any_op(), 0..80)) {
        run(&ops, &[], Unsynced::Lost);
    }

    #[test]
    fn any_life_with_power_cuts(
        ops in prop::collection::vec(any_op(), 0..80),
        cuts in prop::collection::vec(0..400usize, 0..6),
        unsynced in any_unsynced(),
    ) {
        run(&ops, &cuts, unsynced);
    }

    #[test]
    fn any_life_with_faults(
        ops in prop::collection::vec(any_op(), 0..80),
        first in 0..120usize,
        count in 0..6usize,
        torn: bool,
    ) {
        let mut world = World::new(MemFlash::new(1 << 24), Vec::new(), 0);
        world.flash.fail(first..first + count, torn);
        ops.iter().chain([&Op::Remount]).for_each(|op| world.step(op).unwrap());
    }
}
