//! The remote terminal: command mode over TCP, for one client at a time (interface, serial 10). As an extension over TLS.

use core::cell::Cell;
use core::future::{pending, poll_fn};
use core::net::SocketAddrV4;
use core::pin::pin;
use core::task::Poll;

use embassy_futures::select::{Either, select, select3};
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use super::line::Line;
use super::login::Login;
use super::presence::Presence;
use super::session::{Opening, serve};
use super::visitor::Visitor;
use crate::access::attempts::Attempts;
use crate::base::Base;
use crate::command::{Asker, Shell};
use crate::features;
use crate::log::Level;
use crate::network::Service;
use crate::port::{self, Event, Interface, Keepalive, OpenSocket, Socket};
use crate::tls::ServerFiles;
use crate::variable::{Id, id};

const ENABLED: Id = id("remote_terminal.enabled");
const INTERFACE: Id = id("remote_terminal.interface");
const PORT: Id = id("remote_terminal.port");
const TIMEOUT: Id = id("remote_terminal.timeout");
const TLS_ENABLED: Id = id("remote_terminal.tls_enabled");

/// How long a client may take to log in, the start of its TLS session included.
const LOGIN: Duration = Duration::from_secs(60);
/// The shortest time it has for that when another client comes.
const STAY: Duration = Duration::from_secs(10);
/// A client that is gone without closing must not keep the UART detached, whatever `tcp.keepalive.enabled` says.
const KEEPALIVE: Keepalive = Keepalive { idle: 60, interval: 10, count: 5 };
/// How often to look whether a client has fallen silent.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait for others to free sockets when none is left.
const PAUSE: Duration = Duration::from_millis(100);

/// The listening socket.
#[derive(Clone, Copy)]
struct Listener {
    socket: Socket,
    interface: Interface,
    port: u16,
    secure: bool,
}

/// The remote terminal of a device.
pub struct Remote {
    shell: &'static Shell,
    visitor: &'static Visitor,
    presence: &'static Presence,
    listener: Cell<Option<Listener>>,
    changed: Signal<NoopRawMutex, ()>,
    attempts: Attempts,
    /// When the client came that has not logged in yet.
    stranger: Cell<Option<Instant>>,
}

/// A client that has just connected.
type Caller = (Socket, SocketAddrV4);

impl Remote {
    /// A remote terminal that does not listen yet.
    pub fn new(shell: &'static Shell, visitor: &'static Visitor, presence: &'static Presence) -> Self {
        Self {
            shell,
            visitor,
            presence,
            listener: Cell::new(None),
            changed: Signal::new(),
            attempts: Attempts::new(),
            stranger: Cell::new(None),
        }
    }

    fn base(&self) -> &'static Base {
        self.shell.machine().base
    }

    /// Whether the remote terminal belongs on an interface: that of `remote_terminal.interface` while it is enabled; in
    /// safe mode the soft AP, whatever the variables say, so that somebody can repair the device (interface, serial 9).
    fn belongs_on(&self, interface: Interface) -> bool {
        let base = self.base();
        if base.status.safe_mode.get() {
            return interface == Interface::SoftAp;
        }
        let chosen = base.variables.with(INTERFACE, |word| self.shell.machine().network.interface(word));
        base.variables.flag(ENABLED) && chosen == Some(interface)
    }

    /// Serves one client after the other, until there are no more sockets.
    async fn serve_all(&self, listener: &Listener) {
        let mut next = None;
        loop {
            let caller = match next.take() {
                Some(caller) => caller,
                None => match self.accept(listener).await {
                    Ok(caller) => caller,
                    Err(_) => return,
                },
            };
            // The current client is closed first.
            next = match select(self.serve_one(caller, listener), self.next_one(listener)).await {
                Either::First(()) => None,
                Either::Second(Some(caller)) => Some(caller),
                Either::Second(None) => return,
            };
        }
    }

    /// Accepts the next client. A listener that was closed meanwhile, by the client's own command perhaps, is left alone.
    async fn accept(&self, listener: &Listener) -> port::Result<Caller> {
        let port = self.base().port;
        poll_fn(|context| match self.changed.signaled() {
            true => Poll::Pending,
            false => pin!(port::accept(port, listener.socket)).poll(context),
        })
        .await
    }

    /// Refuses other clients while one is served. Exception: a client that does not log in keeps nobody out and must go
    /// after `STAY`; then returns the new one. `None` when there are no more sockets.
    async fn next_one(&self, listener: &Listener) -> Option<Caller> {
        let port = self.base().port;
        loop {
            let (socket, remote) = self.accept(listener).await.ok()?;
            if self.stranger.get().is_some_and(|since| since.elapsed() >= STAY) {
                return Some((socket, remote));
            }
            port.sockets().close(socket);
            yield_now().await;
        }
    }

    /// Serves one client until it goes, or must go.
    async fn serve_one(&self, (socket, remote): Caller, listener: &Listener) {
        let base = self.base();
        let _open = OpenSocket::new(base.port, socket);
        let keepalive = self.shell.machine().streams.keepalive().unwrap_or(KEEPALIVE);
        // A port that has no keepalive goes without.
        let _ = base.port.sockets().tcp_keepalive(socket, Some(keepalive));
        self.visitor.arrives(socket);
        self.stranger.set(Some(Instant::now()));
        let enters = with_timeout(LOGIN, self.enters(socket, remote, listener.secure)).await;
        self.stranger.set(None);
        if enters != Ok(true) {
            return;
        }
        let line = Line::visitor(base.port, self.visitor);
        select3(serve(self.shell, line, Opening::Prompt, None), self.falls_silent(), self.takes_over()).await;
        self.shell.forget_question(Asker::Remote);
    }

    /// Starts the client's TLS session, where it needs one, and lets it log in.
    async fn enters(&self, socket: Socket, remote: SocketAddrV4, secure: bool) -> bool {
        let (base, visitor) = (self.base(), self.visitor);
        if secure && !self.shakes_hands(socket).await {
            return false;
        }
        let (line, attempts, address) = (Line::visitor(base.port, visitor), &self.attempts, *remote.ip());
        Login { base, line, visitor, attempts, address }.succeeds().await
    }

    async fn shakes_hands(&self, socket: Socket) -> bool {
        let port = self.base().port;
        // A client costs no session until it has sent something.
        let mut first = [0];
        let saying = port::io(port, Event::Readable(socket), || port.sockets().receive(socket, &mut first));
        let Ok(1) = saying.await else { return false };
        let [first] = first;
        let tls = self.shell.machine().tls;
        let session = tls.server(socket, Some(first), ServerFiles::Streams).await;
        session.inspect_err(|refusal| tls.log(Level::Failure, *refusal)).is_ok()
    }

    /// Takes the command UART's place once the client sends something: a host program connects first and goes on using
    /// its UART. Does not end.
    async fn takes_over(&self) {
        self.visitor.speaks().await;
        let _present = self.presence.enter();
        pending().await
    }

    /// Ends when the client has sent nothing for too long (`remote_terminal.timeout`).
    async fn falls_silent(&self) {
        loop {
            Timer::after(LOOK).await;
            let seconds = self.base().variables.number(TIMEOUT).max(0) as u64;
            if seconds > 0 && self.visitor.silence() >= Duration::from_secs(seconds) {
                return;
            }
        }
    }
}

impl Service for Remote {
    fn start(&self, interface: Interface) {
        self.stop(interface);
        if !features::REMOTE_TERMINAL || !self.belongs_on(interface) {
            return;
        }
        let base = self.base();
        let (port, secure) = (base.variables.number(PORT) as u16, base.variables.flag(TLS_ENABLED));
        if secure && !self.shell.machine().tls.has_identity(ServerFiles::Streams) {
            return base.log.line(Level::Failure, format_args!("Remote terminal: no certificate for TLS"));
        }
        match base.port.sockets().tcp_listen(interface, port) {
            Ok(socket) => {
                self.listener.set(Some(Listener { socket, interface, port, secure }));
                self.changed.signal(());
                base.log.line(Level::Progress, format_args!("Remote terminal listening on port: {port}"));
            }
            Err(error) => {
                let text = format_args!("Remote terminal: cannot listen on port {port} ({error})");
                base.log.line(Level::Failure, text);
            }
        }
    }

    fn stop(&self, interface: Interface) {
        let Some(listener) = self.listener.get().filter(|listener| listener.interface == interface) else { return };
        self.listener.set(None);
        self.base().port.sockets().close(listener.socket);
        self.changed.signal(());
    }

    fn listens_on(&self, port: u16) -> bool {
        self.listener.get().is_some_and(|listener| listener.port == port)
    }
}

/// Keeps the remote terminal, for ever: one task.
pub async fn run(remote: &'static Remote) {
    loop {
        let Some(listener) = remote.listener.get() else {
            remote.changed.wait().await;
            continue;
        };
        if let Either::Second(()) = select(remote.changed.wait(), remote.serve_all(&listener)).await {
            Timer::after(PAUSE).await;
        }
    }
}
