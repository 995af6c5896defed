//! Turns the non-blocking calls of a port into futures.

use core::future::poll_fn;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use super::{
    Addresses, Event, IdentityRequest, Interface, Job, JobOutput, JobRequest, Port, PortError, Result, SigningRequest,
    Socket, TlsCredentials, TlsError, TlsFailure, TlsRole, TlsSession,
};

/// Repeats `operation` until it returns anything but `WouldBlock`, sleeping until `event` in between.
pub async fn io<T>(port: &dyn Port, event: Event, mut operation: impl FnMut() -> Result<T>) -> Result<T> {
    poll_fn(|context| match operation() {
        Err(PortError::WouldBlock) => {
            port.wake_when(event, context.waker());
            Poll::Pending
        }
        other => Poll::Ready(other),
    })
    .await
}

/// Sleeps until `event` has happened once.
pub async fn readable(port: &dyn Port, event: Event) {
    let mut asked = false;
    poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        port.wake_when(event, context.waker());
        Poll::Pending
    })
    .await
}

/// Accepts the next connection of a listener.
pub async fn accept(port: &dyn Port, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
    io(port, Event::Readable(listener), || port.sockets().tcp_accept(listener)).await
}

/// An open socket that is closed when this is dropped, unless it was handed on: a cancelled operation leaves no socket
/// open.
pub struct OpenSocket<'a> {
    port: &'a dyn Port,
    socket: Socket,
}

impl<'a> OpenSocket<'a> {
    /// Takes ownership of a socket.
    pub fn new(port: &'a dyn Port, socket: Socket) -> Self {
        Self { port, socket }
    }

    /// The socket; this still owns it.
    pub fn socket(&self) -> Socket {
        self.socket
    }

    /// Returns the socket without closing it.
    pub fn hand_on(self) -> Socket {
        let socket = self.socket;
        core::mem::forget(self);
        socket
    }
}

impl Drop for OpenSocket<'_> {
    fn drop(&mut self) {
        self.port.sockets().close(self.socket);
    }
}

/// Connects to a peer.
pub async fn connect(port: &dyn Port, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
    let socket = port.sockets().tcp_connect(interface, local_port, remote)?;
    let open = OpenSocket::new(port, socket);
    io(port, Event::Writable(socket), || port.sockets().tcp_connected(socket)).await?;
    Ok(open.hand_on())
}

/// Cancels a job when its future is dropped before the result has come.
struct JobGuard<'a>(&'a dyn Port, Option<Job>);

impl Drop for JobGuard<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.1.take() {
            self.0.jobs().cancel(job);
        }
    }
}

impl JobGuard<'_> {
    /// Waits for the result.
    async fn result(mut self) -> Result<JobOutput> {
        let Some(job) = self.1 else { return Err(PortError::NotFound) };
        let result = io(self.0, Event::Job(job), || self.0.jobs().result(job)).await;
        self.1 = None;
        result
    }
}

/// Starts a job.
fn start<'a>(port: &'a dyn Port, request: &JobRequest<'_>) -> Result<JobGuard<'a>> {
    port.jobs().start(request).map(|job| JobGuard(port, Some(job)))
}

/// Starts a job and waits for its result.
async fn job(port: &dyn Port, request: &JobRequest<'_>) -> Result<JobOutput> {
    start(port, request)?.result().await
}

/// All addresses of a name, in the name server's order; at least one.
pub async fn lookup(port: &dyn Port, interface: Interface, name: &str) -> Result<Addresses> {
    match job(port, &JobRequest::Lookup { interface, name }).await? {
        JobOutput::Addresses(addresses) if !addresses.is_empty() => Ok(addresses),
        JobOutput::Addresses(_) => Err(PortError::NotFound),
        _ => Err(PortError::Unsupported),
    }
}

/// Milliseconds until a host has answered an echo request.
pub async fn ping(port: &dyn Port, interface: Interface, address: Ipv4Addr, timeout_ms: u32) -> Result<u32> {
    match job(port, &JobRequest::Ping { interface, address, timeout_ms }).await? {
        JobOutput::RoundTrip(millis) => Ok(millis),
        _ => Err(PortError::Unsupported),
    }
}

/// A TLS handshake that has begun; dropping it cancels it.
pub struct Handshake<'a>(JobGuard<'a>);

impl Handshake<'_> {
    /// Waits for its outcome. The caller decides how long the peer may be silent.
    pub async fn outcome(self) -> Result<core::result::Result<TlsSession, TlsFailure>> {
        match self.0.result().await? {
            JobOutput::Tls(outcome) => Ok(outcome),
            _ => Err(PortError::Unsupported),
        }
    }
}

/// Begins TLS on a connected socket; the credentials are no longer needed when this returns. `first` is a byte that was
/// received before. No free session, or no room for one more job, is [`TlsError::NoMemory`].
pub fn tls_begin<'a>(
    port: &'a dyn Port,
    socket: Socket,
    role: TlsRole<'_>,
    first: Option<u8>,
    credentials: &TlsCredentials<'_>,
) -> Result<core::result::Result<Handshake<'a>, TlsFailure>> {
    match start(port, &JobRequest::Tls { socket, role, first, credentials }) {
        Ok(job) => Ok(Ok(Handshake(job))),
        Err(PortError::NoRoom) => Ok(Err(TlsFailure { error: TlsError::NoMemory, state: None, code: 0 })),
        Err(error) => Err(error),
    }
}

/// Begins TLS, and waits for the end of the handshake; the inner result is that of the handshake, see [`tls_begin`].
pub async fn tls_start(
    port: &dyn Port,
    socket: Socket,
    role: TlsRole<'_>,
    first: Option<u8>,
    credentials: &TlsCredentials<'_>,
) -> Result<core::result::Result<TlsSession, TlsFailure>> {
    match tls_begin(port, socket, role, first, credentials)? {
        Ok(handshake) => handshake.outcome().await,
        Err(failure) => Ok(Err(failure)),
    }
}

/// Makes a key and a self-signed certificate; [`super::Jobs::identity`] then returns them.
pub async fn make_identity(port: &dyn Port, request: IdentityRequest<'_>) -> Result<()> {
    match job(port, &JobRequest::MakeIdentity(request)).await? {
        JobOutput::Identity => Ok(()),
        _ => Err(PortError::Unsupported),
    }
}

/// A certificate request that is being made; dropping it cancels it.
pub struct Making<'a>(JobGuard<'a>);

impl Making<'_> {
    /// Waits until [`super::Jobs::request`] has it.
    pub async fn outcome(self) -> Result<()> {
        match self.0.result().await? {
            JobOutput::Request => Ok(()),
            _ => Err(PortError::Unsupported),
        }
    }
}

/// Begins to make a request for a certificate; the key is no longer needed when this returns.
pub fn request_begin<'a>(port: &'a dyn Port, request: SigningRequest<'_>) -> Result<Making<'a>> {
    start(port, &JobRequest::MakeRequest(request)).map(Making)
}
