//! TLS on the device's connections: the sessions of a real port, over the simulated network.

use super::super::host_tls::{Session, Transport};
use super::super::{Job, JobOutput, PortError, Result, Socket};
use super::network::{Connection, Entry, State};

/// A session, and the job that waits for its handshake.
pub(super) struct Secured {
    pub(super) session: Session,
    pub(super) job: Option<Job>,
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

/// The connection of a socket that the device has closed: bytes sent before still go out.
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

    /// The job of this handshake was cancelled.
    pub(super) fn give_up_tls(&mut self, job: Job) {
        for secured in self.tls.values_mut().filter(|secured| secured.job == Some(job)) {
            secured.job = None;
            secured.session.give_up();
        }
    }
}
