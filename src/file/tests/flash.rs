//! Flash in memory that can lose power at every byte and fail at every call.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::port::{FlashAtOnce, Handle, PortError, Result, Storage};

/// What a power cut does to bytes that were appended and not yet synced.
#[derive(Clone, Copy, Debug)]
pub enum Unsynced {
    Lost,
    Half,
    Garbage,
    Kept,
}

#[derive(Clone, Default)]
struct Node {
    data: Vec<u8>,
    synced: usize,
    removed: bool,
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    nodes: Vec<Node>,
    open: Vec<Option<usize>>,
    capacity: usize,
    /// Bytes appended and other changes made so far.
    steps: usize,
    /// The power fails before this step.
    cut: Option<usize>,
    dead: bool,
    /// Changing calls so far, and those that fail.
    calls: usize,
    faults: Range<usize>,
    /// Appends that fail leave half of their bytes.
    torn: bool,
    /// Reads that fail from now on.
    failing_reads: usize,
}

#[derive(Default)]
pub struct MemFlash {
    state: RefCell<State>,
    pub(super) work: FlashAtOnce,
}

const BROKEN: PortError = PortError::Failed(5);

impl MemFlash {
    pub fn new(capacity: usize) -> &'static Self {
        let state = State { capacity, ..State::default() };
        let flash = Self { state: RefCell::new(state), work: FlashAtOnce::new() };
        std::boxed::Box::leak(std::boxed::Box::new(flash))
    }

    /// Lets the power fail before this step, counted from now: booting has taken steps already.
    pub fn cut_before(&self, step: usize) {
        let mut state = self.state.borrow_mut();
        state.cut = Some(state.steps + step);
    }

    /// Lets the calls in this range fail, counted from now.
    pub fn fail(&self, calls: Range<usize>, torn: bool) {
        let mut state = self.state.borrow_mut();
        state.calls = 0;
        state.faults = calls;
        state.torn = torn;
    }

    /// Lets the next reads fail.
    pub fn fail_reads(&self, count: usize) {
        self.state.borrow_mut().failing_reads = count;
    }

    pub fn steps(&self) -> usize {
        self.state.borrow().steps
    }

    pub fn is_dead(&self) -> bool {
        self.state.borrow().dead
    }

    pub fn open_handles(&self) -> usize {
        self.state.borrow().open.iter().flatten().count()
    }

    pub fn names(&self) -> Vec<String> {
        self.state.borrow().names.keys().cloned().collect()
    }

    /// The content of an entry.
    pub fn raw(&self, name: &str) -> Vec<u8> {
        let state = self.state.borrow();
        state.nodes[state.names[name]].data.clone()
    }

    /// Adds a durable entry.
    pub fn put(&self, name: &str, data: &[u8]) {
        let mut state = self.state.borrow_mut();
        state.nodes.push(Node { data: data.to_vec(), synced: data.len(), removed: false });
        let node = state.nodes.len() - 1;
        state.names.insert(name.to_string(), node);
    }

    /// The flash as the next boot finds it.
    pub fn after_power_cut(&self, unsynced: Unsynced) -> &'static Self {
        let state = self.state.borrow();
        let next = Self::new(state.capacity);
        for (name, &node) in &state.names {
            let node = &state.nodes[node];
            let mut data = node.data.clone();
            match unsynced {
                Unsynced::Lost => data.truncate(node.synced),
                Unsynced::Half => data.truncate(node.synced + (data.len() - node.synced) / 2),
                Unsynced::Garbage => data[node.synced..].fill(0x5A),
                Unsynced::Kept => {}
            }
            next.put(name, &data);
        }
        next
    }
}

impl State {
    /// Counts one changing call of `cost` steps; returns how many of them still happen.
    fn spend(&mut self, cost: usize) -> usize {
        if self.dead {
            return 0;
        }
        let left = self.cut.map_or(usize::MAX, |cut| cut - self.steps);
        let done = cost.min(left);
        self.steps += done;
        self.dead = done < cost;
        done
    }

    /// One atomic change: happens or fails.
    fn change(&mut self) -> Result<()> {
        if self.fault() || self.spend(1) == 0 { Err(BROKEN) } else { Ok(()) }
    }

    fn fault(&mut self) -> bool {
        self.calls += 1;
        self.faults.contains(&(self.calls - 1))
    }

    fn node(&self, file: Handle) -> usize {
        let node = self.open[usize::from(file.0)].expect("an open file");
        assert!(!self.nodes[node].removed, "an open file was removed: LittleFS may reuse its blocks");
        node
    }

    fn handle(&mut self, node: usize) -> Handle {
        self.open.push(Some(node));
        Handle(self.open.len() as u16 - 1)
    }

    fn used(&self) -> usize {
        self.names.values().map(|&node| self.nodes[node].data.len()).sum()
    }

    fn unlink(&mut self, name: &str) -> Result<usize> {
        self.names.remove(name).ok_or(PortError::NotFound)
    }
}

impl Storage for MemFlash {
    fn slot_write(&self, _slot: u8, _record: &[u8]) -> Result<()> {
        unimplemented!()
    }

    fn slot_read(&self, _slot: u8, _buffer: &mut [u8]) -> Result<usize> {
        unimplemented!()
    }

    fn create(&self, name: &str) -> Result<Handle> {
        assert!(name.len() <= 12, "{name}");
        let mut state = self.state.borrow_mut();
        state.change()?;
        assert!(!state.names.contains_key(name), "{name} is used twice");
        state.nodes.push(Node::default());
        let node = state.nodes.len() - 1;
        state.names.insert(name.to_string(), node);
        Ok(state.handle(node))
    }

    fn open(&self, name: &str) -> Result<Handle> {
        let mut state = self.state.borrow_mut();
        if state.dead {
            return Err(BROKEN);
        }
        let node = *state.names.get(name).ok_or(PortError::NotFound)?;
        Ok(state.handle(node))
    }

    fn append(&self, file: Handle, data: &[u8]) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let node = state.node(file);
        if state.fault() {
            let torn = if state.torn { data.len() / 2 } else { 0 };
            state.nodes[node].data.extend_from_slice(&data[..torn]);
            return Err(BROKEN);
        }
        if state.used() + data.len() > state.capacity {
            return Err(PortError::NoRoom);
        }
        let done = state.spend(data.len());
        state.nodes[node].data.extend_from_slice(&data[..done]);
        if state.dead { Err(BROKEN) } else { Ok(()) }
    }

    fn read_at(&self, file: Handle, position: u32, buffer: &mut [u8]) -> Result<usize> {
        let mut state = self.state.borrow_mut();
        if state.dead || state.failing_reads > 0 {
            state.failing_reads = state.failing_reads.saturating_sub(1);
            return Err(BROKEN);
        }
        let data = &state.nodes[state.node(file)].data;
        let rest = &data[data.len().min(position as usize)..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn length(&self, file: Handle) -> Result<u32> {
        let state = self.state.borrow();
        if state.dead { Err(BROKEN) } else { Ok(state.nodes[state.node(file)].data.len() as u32) }
    }

    fn sync(&self, file: Handle) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.change()?;
        let node = state.node(file);
        state.nodes[node].synced = state.nodes[node].data.len();
        Ok(())
    }

    fn close_file(&self, file: Handle) {
        let mut state = self.state.borrow_mut();
        state.open[usize::from(file.0)].take().expect("an open file");
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.change()?;
        let node = state.unlink(from)?;
        if let Some(replaced) = state.names.insert(to.to_string(), node) {
            state.nodes[replaced].removed = true;
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut state = self.state.borrow_mut();
        if !state.names.contains_key(name) {
            return Err(PortError::NotFound);
        }
        state.change()?;
        let node = state.unlink(name)?;
        state.nodes[node].removed = true;
        Ok(())
    }

    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        let state = self.state.borrow();
        if state.dead {
            return Err(BROKEN);
        }
        // Not in the order of the names: ports promise none.
        state.names.keys().rev().for_each(|name| each(name));
        Ok(())
    }

    fn free_space(&self) -> u32 {
        let state = self.state.borrow();
        (state.capacity - state.used()) as u32
    }
}
