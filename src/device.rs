//! What a device is made of, and the tasks that make it live.

use core::cell::RefCell;

use embassy_executor::Spawner;
use embassy_time::{Duration, Timer, with_timeout};

use crate::base::Base;
use crate::command::{Asker, Bytes, Dialogue, Machine, Shell};
use crate::discovery::{self, Discovery};
use crate::file::Files;
use crate::http::{self, HttpServer};
use crate::http_client::{self, Client, Requests, no_requests};
use crate::life::{self, Faults, Mode};
use crate::limits;
use crate::log::Level;
use crate::network::{self, Network};
use crate::pins::{self, Pins};
use crate::place::{place, place_const};
use crate::port::{Interface, Port, ResetReason};
use crate::service::{self, AutoConnect, AutoStart, Broadcast, Desk, DhcpServer, DnsServer, Names, Ntp, Smtp};
use crate::stream::{self, Pipe, Streams};
use crate::terminal::{self, Line, Opening, Presence, Remote, Uart, Visitor};
use crate::tls::{self, Tls};
use crate::variable::{self, Id, Message, id, settings};
use crate::version;

const WLAN_SSID: Id = id("wlan.ssid");
const AUTO_COMMAND: Id = id("setup.auto.cmd");
const BUTTON_COMMAND: Id = id("setup.gpio.cmd");

/// How long an answer may take to leave before a restart, in milliseconds.
const RESTART_DELAY: u64 = 100;

/// How long a restart waits for the flash.
const FLASH_PATIENCE: Duration = Duration::from_secs(60);

/// A running device.
pub struct Device {
    /// Port, log, clock, variables.
    pub base: &'static Base,
    /// The command interpreter and, behind it, the rooms it acts on.
    pub shell: &'static Shell,
    /// The HTTP server.
    pub http: &'static HttpServer,
}

/// Why a device does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootError {
    /// A variable given at the start is unknown, or its value is not valid: its place in the list.
    Override(usize),
    /// More services than `limits::SERVICES`: a mistake in how the device is put together.
    Services,
}

impl From<network::TooManyServices> for BootError {
    fn from(_: network::TooManyServices) -> Self {
        Self::Services
    }
}

/// Declares a task: on a board from a static pool, elsewhere on the heap.
macro_rules! task {
    ($name:ident[$pool:expr]($($argument:ident: $kind:ty),*) $body:expr) => {
        #[cfg(feature = "host")]
        fn $name(spawner: Spawner, $($argument: $kind),*) {
            crate::port::host::spawn(spawner, async move { $body.await; });
        }
        #[cfg(not(feature = "host"))]
        fn $name(spawner: Spawner, $($argument: $kind),*) {
            #[embassy_executor::task(pool_size = $pool)]
            async fn run($($argument: $kind),*) {
                $body.await;
            }
            // The pools are as large as the numbers of tasks started here.
            if let Ok(token) = run($($argument),*) {
                spawner.spawn(token);
            }
        }
    };
}

task!(spawn_pump[limits::STREAMS](streams: &'static Streams, handle: u8) stream::pump::run(streams, handle));
task!(spawn_server[limits::SERVERS](streams: &'static Streams, row: u8) stream::serve(streams, row));
task!(spawn_door[limits::TLS_DOORS](streams: &'static Streams, tls: &'static Tls, number: usize) stream::keep_door(streams, tls, number));
task!(spawn_wlan[1](network: &'static Network) network::keep_wlan(network));
task!(spawn_softap[1](network: &'static Network) network::keep_softap(network));
task!(spawn_setup[1](network: &'static Network) network::keep_setup(network));
task!(spawn_first[1](shell: &'static Shell, pins: &'static Pins) first_command(shell, pins));
task!(spawn_pins[1](pins: &'static Pins) pins::show(pins));
task!(spawn_dhcp[1](server: &'static DhcpServer) service::serve_dhcp(server));
task!(spawn_dns[1](server: &'static DnsServer) service::serve_dns(server));
task!(spawn_ntp[limits::NTP_CLIENTS](ntp: &'static Ntp) service::keep_time(ntp));
task!(spawn_broadcast[limits::BROADCASTS](broadcast: &'static Broadcast) service::announce(broadcast));
task!(spawn_connected[limits::AUTO_CLIENTS](clients: &'static AutoConnect, number: usize) service::keep_connected(clients, number));
task!(spawn_discovery[limits::DISCOVERY](discovery: &'static Discovery) discovery::run(discovery));
task!(spawn_http[1](server: &'static HttpServer) http::accept(server));
task!(spawn_worker[limits::HTTP_CONNECTIONS](server: &'static HttpServer, number: usize) http::worker(server, number));
task!(spawn_websocket[limits::WEBSOCKETS](server: &'static HttpServer, number: usize) http::session(server, number));
task!(spawn_client[limits::HTTP_CLIENTS](client: &'static Client, number: usize) http_client::run(client, number));
task!(spawn_serial[1](shell: &'static Shell, uart: Uart, first_log: u32) serve_serial(shell, uart, first_log));
task!(spawn_remote[limits::REMOTE_TERMINALS](remote: &'static Remote) terminal::keep_remote(remote));
task!(spawn_structured[limits::STRUCTURED_WEBSOCKETS](shell: &'static Shell, pipe: &'static Pipe) terminal::keep_structured(shell, pipe));
task!(spawn_console[limits::CONSOLES](shell: &'static Shell) serve_console(shell));
task!(spawn_uart[1](base: &'static Base) terminal::keep_uart(base));
task!(spawn_files[1](files: &'static Files) keep_files(files));
task!(spawn_restart[1](machine: &'static Machine) restart(machine));
task!(spawn_sleep[1](base: &'static Base) life::go_to_sleep(base));
task!(spawn_recovery[1](shell: &'static Shell) recover(shell));
task!(spawn_rescue[1](network: &'static Network) network::rescue(network));

/// Starts a device on a port. `overrides` are put over the stored settings, as `set` would do it, but are not stored
/// unless the owner saves.
pub fn boot(
    port: &'static dyn Port,
    spawner: Spawner,
    overrides: &[(&str, &str)],
) -> Result<&'static Device, BootError> {
    let base = place!(Base, Base::new(port));
    let faults = place!(Faults, Faults::new(base));
    settings::load(base);
    for (place, (name, value)) in overrides.iter().enumerate() {
        give(base, name, value).ok_or(BootError::Override(place))?;
    }
    let mode = faults.begin();
    let files = place!(Files, Files::new(&base.flash));
    let mounted = files.mount();
    let streams = place!(Streams, Streams::new(base, files));
    base.status.buffers.set(Some(streams));
    let tls = place!(Tls, Tls::new(base, files, place_const!(tls::Buffer, tls::no_files())));
    let discovery = place!(Discovery, Discovery::new(base));
    let network = place!(Network, Network::new(base, streams, discovery));
    let requests = place_const!(Requests, no_requests());
    let http = place!(Client, Client::new(base, network, streams, files, tls, requests));
    let desk = place_const!(RefCell<Desk>, RefCell::new(Desk::new()));
    let smtp = place!(Smtp, Smtp::new(base, network, tls, desk));
    let pins = place!(Pins, Pins::new(base, streams));
    let dialogue = Dialogue::default();
    let machine = place!(Machine, Machine { base, files, streams, network, http, tls, smtp, pins, faults, dialogue });
    let shell = place!(Shell, Shell::new(machine));
    let pipe = place_const!(Pipe, Pipe::new());
    for _ in (0..).take(limits::STRUCTURED_WEBSOCKETS) {
        spawn_structured(spawner, shell, pipe);
    }
    let server = place!(HttpServer, HttpServer::new(shell, pipe));
    if mode != Mode::Safe {
        serve_stations(spawner, machine)?;
    }
    if mode == Mode::Normal {
        serve_network(spawner, machine, server)?;
    }
    let presence = place!(Presence, Presence::new());
    if mode != Mode::Safe {
        serve_terminal(spawner, shell, presence)?;
    }
    let first_log = base.log.next();
    greet(base, mode, mounted.is_err());
    start(spawner, shell, Uart { pins, presence }, first_log);
    match mode {
        Mode::Normal => {
            pins.start();
            start_network(spawner, shell, server, pins);
        }
        Mode::Safe => spawn_recovery(spawner, shell),
        Mode::Serial => {
            spawn_softap(spawner, network);
            spawn_rescue(spawner, network);
        }
    }
    Ok(place!(Device, Device { base, shell, http: server }))
}

/// What stations of the soft AP need: addresses.
fn serve_stations(spawner: Spawner, machine: &'static Machine) -> Result<(), BootError> {
    let base = machine.base;
    let dhcp = place!(DhcpServer, DhcpServer::new(base));
    base.status.clients.set(Some(dhcp));
    machine.network.register(dhcp)?;
    spawn_dhcp(spawner, dhcp);
    Ok(())
}

/// The other services that come and go with an interface.
fn serve_network(spawner: Spawner, machine: &'static Machine, server: &'static HttpServer) -> Result<(), BootError> {
    let (base, network) = (machine.base, machine.network);
    // Before the HTTP server, as the lines of a join are (interface, network 2.2).
    network.register(place!(Names, Names::new(base, network, network.discovery())))?;
    for _ in (0..).take(limits::DISCOVERY) {
        spawn_discovery(spawner, network.discovery());
    }
    network.register(server)?;
    network.register(place!(AutoStart, AutoStart::new(base, machine.streams)))?;
    let Machine { streams, tls, pins, .. } = *machine;
    let clients = place!(AutoConnect, AutoConnect::new(base, network, streams, tls, pins));
    network.register(clients)?;
    for number in (0..).take(limits::AUTO_CLIENTS) {
        spawn_connected(spawner, clients, number);
    }
    let dns = place!(DnsServer, DnsServer::new(base));
    network.register(dns)?;
    spawn_dns(spawner, dns);
    let ntp = place!(Ntp, Ntp::new(base, network));
    network.register(ntp)?;
    for _ in (0..).take(limits::NTP_CLIENTS) {
        spawn_ntp(spawner, ntp);
    }
    let broadcast = place!(Broadcast, Broadcast::new(base, network, pins, machine.http));
    network.register(broadcast)?;
    for _ in (0..).take(limits::BROADCASTS) {
        spawn_broadcast(spawner, broadcast);
    }
    Ok(())
}

/// The remote terminal: also when a device that has crashed too often waits for somebody to repair it.
fn serve_terminal(
    spawner: Spawner,
    shell: &'static Shell,
    presence: &'static Presence,
) -> Result<(), network::TooManyServices> {
    let machine = shell.machine();
    let remote = place!(Remote, Remote::new(shell, place!(Visitor, Visitor::new(machine.base.port)), presence));
    for _ in (0..).take(limits::REMOTE_TERMINALS) {
        spawn_remote(spawner, remote);
    }
    machine.network.register(remote)
}

/// Starts what runs in safe mode, too.
fn start(spawner: Spawner, shell: &'static Shell, uart: Uart, first_log: u32) {
    let machine = shell.machine();
    for handle in 0..limits::STREAMS as u8 {
        spawn_pump(spawner, machine.streams, handle);
    }
    spawn_uart(spawner, machine.base);
    spawn_serial(spawner, shell, uart, first_log);
    if limits::CONSOLES > 0 {
        spawn_console(spawner, shell);
    }
    spawn_files(spawner, machine.files);
    spawn_restart(spawner, machine);
    spawn_sleep(spawner, machine.base);
}

/// Starts everything else.
fn start_network(spawner: Spawner, shell: &'static Shell, server: &'static HttpServer, pins: &'static Pins) {
    let machine = shell.machine();
    for row in 0..limits::SERVERS as u8 {
        spawn_server(spawner, machine.streams, row);
    }
    for number in (0..).take(limits::TLS_DOORS) {
        spawn_door(spawner, machine.streams, machine.tls, number);
    }
    for number in 0..limits::HTTP_CONNECTIONS {
        spawn_worker(spawner, server, number);
    }
    for number in (0..).take(limits::WEBSOCKETS) {
        spawn_websocket(spawner, server, number);
    }
    for number in (0..).take(limits::HTTP_CLIENTS) {
        spawn_client(spawner, machine.http, number);
    }
    spawn_http(spawner, server);
    spawn_wlan(spawner, machine.network);
    spawn_softap(spawner, machine.network);
    spawn_setup(spawner, machine.network);
    spawn_first(spawner, shell, pins);
    spawn_pins(spawner, pins);
}

/// Sets one variable by its full name or abbreviation, with its element after it.
fn give(base: &Base, name: &str, value: &str) -> Option<()> {
    let mut words: heapless::Vec<&[u8], 8> = heapless::Vec::new();
    for word in name.split(' ').chain([value]) {
        words.push(word.as_bytes()).ok()?;
    }
    let (id, taken) = variable::find_bytes(words.split_last()?.1)?;
    let values = words.get(taken..)?;
    base.variables.preset(base, id, values).ok()
}

/// The boot lines (interface, serial 8, 9).
fn greet(base: &Base, mode: Mode, flash_failed: bool) {
    let mut banner: heapless::String<{ limits::LOG_LINE }> = heapless::String::new();
    let _ = version::write(base, &mut banner);
    base.log.line(Level::State, format_args!("{banner}"));
    if flash_failed {
        base.log.line(Level::Failure, format_args!("File system not available"));
    }
    if base.port.board().reset_reason() == Some(ResetReason::Wake) {
        base.tell(Message::Wake);
    }
    if mode == Mode::Normal {
        return base.tell(Message::Initialized);
    }
    base.log.line(Level::State, format_args!(""));
    base.tell(Message::SafeMode);
}

/// Serves the command UART, from the boot lines on.
async fn serve_serial(shell: &'static Shell, uart: Uart, first_log: u32) {
    let machine = shell.machine();
    let port = machine.base.port;
    terminal::serve(shell, Line::serial(port, &machine.base.status.uart_traffic), Opening::Boot(first_log), Some(uart))
        .await;
    // The process ends, once everything is stored.
    stored(machine).await;
    port.board().serial_ended();
}

/// Runs `setup.gpio.cmd` when the set-up button is held, else `setup.auto.cmd` when no network is set (interface, serial 8).
async fn first_command(shell: &'static Shell, pins: &'static Pins) {
    let variables = &shell.machine().base.variables;
    if pins.is_factory_reset_held().await {
        return reset_by_pin(shell.machine().base).await;
    }
    let command = match pins.is_button_held().await {
        true => BUTTON_COMMAND,
        false if variables.is_empty(WLAN_SSID) => AUTO_COMMAND,
        false => return,
    };
    if variables.is_empty(command) {
        return;
    }
    let mut line: heapless::Vec<u8, { limits::VALUE }> = heapless::Vec::new();
    // A value is never longer than that.
    let _ = variables.with(command, |command| line.extend_from_slice(command));
    let answer = shell.run(&mut line, &mut Bytes(b""), Asker::Console).await;
    if answer.is_ok_and(|reply| reply.code != 0) {
        shell.machine().base.log.line(Level::Failure, format_args!("{} failed", command.row().name));
    }
}

/// Erases the settings, as `factory_reset` does.
async fn reset_by_pin(base: &'static Base) {
    base.log.line(Level::State, format_args!("Factory reset by GPIO"));
    match settings::erase(base).await {
        Ok(()) => base.restart.order(),
        Err(error) => base.log.line(Level::Failure, format_args!("Settings not erased: {error}")),
    }
}

/// Serves the operator console.
async fn serve_console(shell: &'static Shell) {
    terminal::serve_console(shell, Line::console(shell.machine().base.port)).await;
}

/// Commits the files that are written.
async fn keep_files(files: &'static Files) {
    files.keep().await;
}

/// Lets a device in safe mode that nobody helps try by itself to run without safe mode.
async fn recover(shell: &'static Shell) {
    let machine = shell.machine();
    life::recover(machine.base, machine.faults, || shell.count()).await;
}

/// Carries out the restart that a command has ordered, once its answer is on its way and everything is stored.
async fn restart(machine: &'static Machine) {
    machine.base.restart.ordered().await;
    stored(machine).await;
    Timer::after_millis(RESTART_DELAY).await;
    machine.base.tell(Message::WlanLeave);
    Interface::ALL.iter().for_each(|interface| machine.network.leave_for_restart(*interface));
    Timer::after_millis(RESTART_DELAY).await;
    let board = machine.base.port.board();
    match machine.base.restart.sleep() {
        Some(limit) => {
            machine.base.tell(Message::Sleep);
            machine.pins.fall_asleep();
            life::sleep(machine.base, machine.pins, limit).await;
            board.wake();
        }
        None => board.reboot(),
    }
}

/// Waits for the flash; a flash that never answers does not keep the device from restarting.
async fn stored(machine: &'static Machine) {
    let all = async {
        machine.files.idle().await;
        machine.base.flash.idle().await;
    };
    let _ = with_timeout(FLASH_PATIENCE, all).await;
}
