//! TLS on the device's connections: sessions as a real port has them, over the simulated network.

use super::super::host_tls::{self, Session, Transport};
use super::super::{Job, JobOutput, PortError, Result, Socket, TlsCredentials, TlsRole};
use super::network::{Connection, Entry, Progress, State};
use super::{Call, SimPort};
use crate::limits;

/// A session, and the job that waits for its handshake.
pub(super) struct Secured {
    pub(super) session: Session,
    job: Option<Job>,
}

impl Transport for Connection {
    fn send(&mut self, data: &[u8]) -> Result<usize> {
        Connection::send(self, data)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Connection::receive(self, buffer)
    }

    fn finish(&mut self) -> Result<()> {
        Connection::finish(self)
    }
}

/// The connection of a socket that the device has closed: what was sent before still goes out.
struct Lingering<'a>(&'a mut Connection);

impl Transport for Lingering<'_> {
    fn send(&mut self, data: &[u8]) -> Result<usize> {
        self.0.outbound.extend_from_slice(data);
        Ok(data.len())
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(PortError::WouldBlock)
    }

    fn finish(&mut self) -> Result<()> {
        self.0.finish()
    }
}

impl State {
    /// The session of a socket and the connection below it.
    pub(super) fn secured(&mut self, socket: Socket) -> Option<(&mut Session, &mut Connection)> {
        let Some(Entry::Tcp(number)) = self.sockets.get(&socket.0) else { return None };
        let secured = self.tls.get_mut(&socket.0)?;
        Some((&mut secured.session, self.connections.get_mut(number)?))
    }

    /// Moves the records of all sessions as far as they go, and ends the jobs whose handshake is over.
    pub(super) fn drive_tls(&mut self) {
        let mut ended = Vec::new();
        for (socket, secured) in &mut self.tls {
            let Some(Entry::Tcp(number)) = self.sockets.get(socket) else { continue };
            let Some(connection) = self.connections.get_mut(number) else { continue };
            let outcome = secured.session.advance(connection);
            if let (Some(job), Some(outcome)) = (secured.job, outcome) {
                secured.job = None;
                ended.push((job, outcome));
            }
        }
        for (job, outcome) in ended {
            self.end_job(job, Ok(JobOutput::Tls(outcome)));
        }
    }

    /// The device closes a socket that has a session.
    pub(super) fn close_tls(&mut self, socket: Socket) {
        if let Some((session, connection)) = self.secured(socket) {
            session.close(&mut Lingering(connection));
        }
        self.tls.remove(&socket.0);
    }

    /// Nobody waits for this handshake any more.
    pub(super) fn give_up_tls(&mut self, job: Job) {
        for secured in self.tls.values_mut().filter(|secured| secured.job == Some(job)) {
            secured.job = None;
            secured.session.give_up();
        }
    }
}

impl SimPort {
    pub(super) fn tls_start(
        &self,
        socket: Socket,
        role: &TlsRole<'_>,
        credentials: &TlsCredentials<'_>,
    ) -> Result<Job> {
        self.check(Call::TlsStart)?;
        let mut network = self.network.borrow_mut();
        if network.tcp(socket)?.progress != Progress::Established || network.tls.contains_key(&socket.0) {
            return Err(PortError::Unsupported);
        }
        if network.tls.len() >= limits::TLS_SESSIONS {
            return Err(PortError::NoRoom);
        }
        let job = network.new_job();
        match host_tls::session(role, credentials) {
            Ok(session) => {
                network.tls.insert(socket.0, Secured { session, job: Some(job) });
            }
            Err(failure) => network.end_job(job, Ok(JobOutput::Tls(Err(failure)))),
        }
        drop(network);
        self.notify();
        Ok(job)
    }

    /// Sessions that the device has open.
    pub fn open_sessions(&self) -> usize {
        self.network.borrow().tls.len()
    }
}
