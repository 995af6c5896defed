//! Faults on demand: a test names the call of the contract that shall fail.

use super::{PortError, Result, SimPort};

/// The calls of the contract that can be made to fail with [`SimPort::fail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its method")]
pub enum Call {
    SerialRead,
    SerialWrite,
    TcpListen,
    TcpAccept,
    TcpConnect,
    TcpConnected,
    Send,
    Receive,
    Finish,
    UdpBind,
    UdpSend,
    UdpReceive,
    Lookup,
    Ping,
    TlsStart,
    SlotWrite,
    SlotRead,
    Create,
    Open,
    Append,
    ReadAt,
    Sync,
    Rename,
    Remove,
    List,
    SoftAp,
    Scan,
    Join,
    Configure,
}

/// A failure that waits for its call.
pub(super) struct Failure {
    call: Call,
    /// Calls that still succeed.
    skip: usize,
    error: PortError,
}

impl SimPort {
    /// Lets the next `call` fail with `error`.
    pub fn fail(&self, call: Call, error: PortError) {
        self.fail_after(0, call, error);
    }

    /// Lets one `call` fail with `error` after `skip` of them have been done.
    pub fn fail_after(&self, skip: usize, call: Call, error: PortError) {
        self.faults.borrow_mut().push(Failure { call, skip, error });
    }

    /// Faults that have not occurred yet.
    pub fn faults_left(&self) -> usize {
        self.faults.borrow().len()
    }

    /// Returns the error of a fault that waits for this call.
    pub(super) fn check(&self, call: Call) -> Result<()> {
        let mut faults = self.faults.borrow_mut();
        let mut due = None;
        for (position, fault) in faults.iter_mut().enumerate().filter(|(_, fault)| fault.call == call) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if due.is_none() {
                due = Some(position);
            }
        }
        due.map_or(Ok(()), |position| Err(faults.remove(position).error))
    }
}
