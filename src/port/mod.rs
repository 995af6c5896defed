//! The contract between the device and the platform on which it runs.
//!
//! A port has mechanism only: bytes, sockets, flash, radio, identity. It never parses and never decides. Everything a
//! user can observe lives above this line and is the same code on Linux, on Zephyr and in the simulation.
//!
//! All calls return at once. A call that is not ready yet returns [`PortError::WouldBlock`]; the caller then asks
//! [`Port::wake_when`] to be woken, once, when the event may have happened (level semantics: a wake-up may be spurious,
//! but none is ever missed). All calls come from the one thread that runs the device.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Waker;

mod bus;
mod converters;
mod error;
mod fault;
#[cfg(feature = "host")]
#[allow(unsafe_code, reason = "the executor is polled by hand")]
pub mod host;
#[cfg(feature = "host")]
pub mod host_bus;
#[cfg(feature = "host")]
pub mod host_pins;
#[cfg(feature = "host")]
mod host_tls;
mod interface;
mod job;
#[cfg(feature = "linux")]
#[allow(unsafe_code, reason = "descriptors are inherited by number")]
pub mod linux;
mod pins;
pub mod radio;
#[cfg(feature = "host")]
pub mod sim;
mod tls;
mod traffic;
mod uart;
mod wait;
mod wifi;

pub use bus::{BusTransfer, I2cSetup, SpiSetup};
pub use converters::{Converters, NoConverters, Pulse};
pub use error::{PortError, Result};
pub use fault::{Fault, FaultKind, PLACE as FAULT_PLACE};
pub use interface::Interface;
pub use job::{Addresses, FlashAtOnce, FlashWork, Job, JobOutput, JobRequest, Jobs};
pub use pins::{Direction, Driven, NoPins, Outside, Pins, Pull};
#[cfg(feature = "host")]
pub use tls::TlsClient;
pub use tls::{IdentityRequest, SigningRequest, TlsCredentials, TlsError, TlsFailure, TlsRole, TlsSession, TlsVersion};
pub use traffic::{Meter, Meters};
pub use uart::{Parity, UartSettings};
pub use wait::{
    Handshake, Making, OpenSocket, accept, connect, io, lookup, make_identity, ping, readable, request_begin,
    tls_begin, tls_start,
};
pub use wifi::{AccessPoint, Ipv4Config, JoinRequest, Link, Radio, RadioState, ScanRequest, Security, SoftApRequest};

/// A socket of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket(pub u16);

/// What a task can wait for. Each event has room for one waker; the last caller is the one woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes (or a hang-up) wait at the command UART.
    SerialReadable,
    /// The command UART takes more bytes.
    SerialWritable,
    /// The socket has data, a connection to accept, or has reached its end.
    Readable(Socket),
    /// The socket takes data, or its connection attempt has ended.
    Writable(Socket),
    /// The job has ended.
    Job(Job),
    /// The state of an interface of the radio changed: see [`Radio::radio_state`]. Scans belong to [`Interface::Wlan`].
    Radio(Interface),
    /// The operator console has a line: see [`Console`].
    Console,
    /// There is a notice for the person at the terminal: see [`Serial::serial_notice`].
    Notice,
    /// A watched pin has had an edge: see [`Pins::pin_edges`].
    Pins,
}

/// TCP keepalive of a connection (`tcp.keepalive.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Seconds of silence before the first probe.
    pub idle: u16,
    /// Seconds between probes.
    pub interval: u16,
    /// Probes without an answer before the connection counts as dead.
    pub count: u8,
}

/// The whole port: its parts, and the wake-up of tasks.
pub trait Port {
    /// The command UART.
    fn serial(&self) -> &dyn Serial;
    /// Sockets.
    fn sockets(&self) -> &dyn Sockets;
    /// Work that runs elsewhere.
    fn jobs(&self) -> &dyn Jobs;
    /// Flash.
    fn storage(&self) -> &dyn Storage;
    /// The Wi-Fi radio.
    fn radio(&self) -> &dyn Radio;
    /// Identity and services of the board.
    fn board(&self) -> &dyn Board;
    /// The operator console.
    fn console(&self) -> &dyn Console;
    /// The pins of the board; ports without any keep the default.
    fn pins(&self) -> &dyn Pins {
        &NoPins
    }
    /// The converters of voltages and pulses; ports without any keep the default.
    fn converters(&self) -> &dyn Converters {
        &NoConverters
    }
    /// Wakes `waker` once when `event` may have happened. A second call for the same event replaces the first.
    fn wake_when(&self, event: Event, waker: &Waker);
}

/// The command UART.
pub trait Serial {
    /// Takes received bytes. `Ok(0)` means that no more will ever come (end of a pipe).
    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize>;
    /// Sends as many bytes as fit now.
    fn serial_write(&self, data: &[u8]) -> Result<usize>;
    /// Gives back bytes that were taken but not used: the next read returns them first. When the device restarts before
    /// that, they and the bytes not yet taken come first after the restart, as far as the port can keep them.
    fn serial_give_back(&self, bytes: &[u8]);
    /// Whether everything written has been sent. Ports that send bytes at once keep the default.
    fn serial_sent(&self) -> bool {
        true
    }
    /// Configures the UART; `Unsupported` when it cannot use these settings. Lines that are not a UART keep the
    /// default.
    fn serial_configure(&self, _settings: &UartSettings) -> Result<()> {
        Err(PortError::Unsupported)
    }
    /// The TCP port on which the line waits for its host, if the line is a TCP connection.
    fn serial_port(&self) -> Option<u16> {
        None
    }
    /// Whether a break condition (at the terminal of a process: Ctrl-C) has come since the last call; it also wakes the
    /// task that waits for [`Event::SerialReadable`]. Ports that cannot detect one keep the default.
    fn serial_break(&self) -> bool {
        false
    }
    /// The columns of the terminal at the other end, if a person uses one; whether one does is fixed for this life of the
    /// device. Lines to host programs keep the default: they do not draw the output.
    fn serial_terminal(&self) -> Option<u16> {
        None
    }
    /// Whether there is something for [`Serial::serial_notice`] to take.
    fn serial_has_notice(&self) -> bool {
        false
    }
    /// Takes the next notice of the port for that person, one line without a line end; see [`Event::Notice`]. What does
    /// not fit is cut off.
    fn serial_notice(&self, _buffer: &mut [u8]) -> Option<usize> {
        None
    }
}

/// IPv4 sockets. Every call is non-blocking.
pub trait Sockets {
    /// Listens on a port of an interface; the address may be reused at once after a close.
    fn tcp_listen(&self, interface: Interface, port: u16) -> Result<Socket>;
    /// Takes the next connection.
    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddrV4)>;
    /// Starts to connect; `local_port` 0 lets the port choose. Then wait for [`Event::Writable`] and ask
    /// [`Sockets::tcp_connected`].
    fn tcp_connect(&self, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket>;
    /// The outcome of a connection attempt, `WouldBlock` while it runs.
    fn tcp_connected(&self, socket: Socket) -> Result<()>;
    /// Turns keepalive on, or off with `None`.
    fn tcp_keepalive(&self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()>;
    /// Sends as many bytes as fit. TCP, or UDP to the connected peer.
    fn send(&self, socket: Socket, data: &[u8]) -> Result<usize>;
    /// Takes received bytes; `Ok(0)` on TCP means that the peer has finished sending.
    fn receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize>;
    /// Tells the peer that nothing more will be sent.
    fn finish(&self, socket: Socket) -> Result<()>;
    /// Whether the port still has to compute a step of the socket's TLS handshake; false while the peer has to answer.
    fn handshake_is_computed(&self, _socket: Socket) -> bool {
        false
    }
    /// Opens a UDP socket; `port` 0 lets the port choose. Broadcasts can be sent and received.
    fn udp_bind(&self, interface: Interface, port: u16) -> Result<Socket>;
    /// Opens a UDP socket that joins a multicast group: it receives datagrams to the group on the interface, and with
    /// `only` no others, as far as the port can tell. It sends datagrams to the group through that interface, all with
    /// a TTL of 255. Other sockets of the machine may use the same port and also receive the datagrams to the group.
    /// `port` 0 lets the port choose.
    fn udp_group(&self, _interface: Interface, _port: u16, _group: Ipv4Addr, _only: bool) -> Result<Socket> {
        Err(PortError::Unsupported)
    }
    /// Sends one datagram.
    fn udp_send(&self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()>;
    /// Takes one datagram; what does not fit into `buffer` is lost. `Ok((0, _))` is an empty datagram.
    fn udp_receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)>;
    /// The local end of a socket.
    fn local_address(&self, socket: Socket) -> Result<SocketAddrV4>;
    /// The traffic of the sockets of an interface, when the port counts it.
    fn meter(&self, _interface: Interface) -> Option<&Meter> {
        None
    }
    /// Closes the socket and forgets its wakers. Never blocks; data already sent still goes out.
    fn close(&self, socket: Socket);
}

/// An open file of [`Storage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub u16);

/// The slot of [`Storage`] for the record of faults.
pub const FAULT_SLOT: u8 = 2;

/// Flash: two slots for the settings record, one for the record of faults, and a flat volume of files with short names.
///
/// Only [`Storage::rename`] and [`Storage::remove`] are atomic; a power cut may tear anything else at any byte. The
/// calls may take as long as the flash needs; slow ones are also available as jobs, see [`FlashWork`].
pub trait Storage {
    /// Writes a slot: 0 or 1 for settings, or [`FAULT_SLOT`]. After a cut the slot may hold anything.
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()>;
    /// Reads a slot; `NotFound` when it was never written.
    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize>;
    /// Creates an empty file, replacing one of that name.
    fn create(&self, name: &str) -> Result<Handle>;
    /// Opens a file for reading.
    fn open(&self, name: &str) -> Result<Handle>;
    /// Appends bytes to a created file: all of them, or none and an error.
    fn append(&self, file: Handle, data: &[u8]) -> Result<()>;
    /// Reads at a position; fewer bytes than asked for only at the end.
    fn read_at(&self, file: Handle, position: u32, buffer: &mut [u8]) -> Result<usize>;
    /// The length of an open file.
    fn length(&self, file: Handle) -> Result<u32>;
    /// Makes what was appended durable.
    fn sync(&self, file: Handle) -> Result<()>;
    /// Closes an open file.
    fn close_file(&self, file: Handle);
    /// Renames a file, replacing `to`.
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    /// Removes a file; `NotFound` when there is none.
    fn remove(&self, name: &str) -> Result<()>;
    /// Calls `each` with the name of every file, in any order.
    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()>;
    /// Bytes that can still be written.
    fn free_space(&self) -> u32;
}

/// Why a device has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// Power-up.
    PowerOn,
    /// Somebody pulled the reset pin.
    Pin,
    /// The firmware restarted itself, for instance with `reboot`.
    Software,
    /// The watchdog was not fed in time.
    Watchdog,
    /// The supply voltage was too low.
    Brownout,
    /// A fault of the processor.
    Fault,
    /// The end of a deep sleep.
    Wake,
    /// Something else: a debugger, a check of the hardware.
    Other,
}

impl ResetReason {
    /// Its name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::PowerOn => "power_on",
            Self::Pin => "pin",
            Self::Software => "software",
            Self::Watchdog => "watchdog",
            Self::Brownout => "brownout",
            Self::Fault => "fault",
            Self::Wake => "wake",
            Self::Other => "other",
        }
    }
}

/// The stack of the device's thread, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack {
    /// All of it.
    pub size: u32,
    /// The part that was never used since the start.
    pub untouched: u32,
}

/// A heap of another part of the board; the device itself uses none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heap {
    /// The operating system's heap: drivers of the radio, the supplicant.
    System,
    /// The heap of the cryptography library: handshakes of the wireless network and of TLS.
    Crypto,
}

impl Heap {
    /// Every heap, in the order of the declaration.
    pub const ALL: [Self; 2] = [Self::System, Self::Crypto];

    /// The name in `/metrics`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Crypto => "crypto",
        }
    }
}

/// How much of a heap is in use, in bytes as the heap itself counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapUse {
    /// All of it.
    pub size: u32,
    /// What is in use now.
    pub used: u32,
    /// The most that was in use at once since the start.
    pub most: u32,
}

/// Identity and services of the board.
pub trait Board {
    /// The station's MAC address.
    fn mac(&self) -> [u8; 6];
    /// The unique id, 20 bytes.
    fn uuid(&self) -> [u8; 20];
    /// The board's name, for the version text.
    fn board_name(&self) -> &'static str;
    /// Variables whose default differs on this board, as `(name, value)`.
    fn board_defaults(&self) -> &[(&str, &str)];
    /// Fills `buffer` with random bytes fit for keys.
    fn random(&self, buffer: &mut [u8]);
    /// Milliseconds since 1970 by the board's own clock, if it has one and that is set.
    fn wall_clock(&self) -> Option<u64>;
    /// Memory in use, in percent, when the port can tell.
    fn memory_usage(&self) -> Option<u8>;
    /// Why the device has started, when the port can tell.
    fn reset_reason(&self) -> Option<ResetReason> {
        None
    }
    /// The fault that ended the previous run, if there was one and the port can tell.
    fn fault(&self) -> Option<Fault> {
        None
    }
    /// How much of the stack was needed so far, when the port can tell.
    fn stack(&self) -> Option<Stack> {
        None
    }
    /// How much of a heap is in use, when the port has it and can tell.
    fn heap(&self, _heap: Heap) -> Option<HeapUse> {
        None
    }
    /// How many SPI buses there are.
    fn spi_buses(&self) -> u8 {
        0
    }
    /// How many I2C buses there are.
    fn i2c_buses(&self) -> u8 {
        0
    }
    /// Restarts the device. Returns; the port stops running tasks soon after.
    fn reboot(&self);
    /// As [`Board::reboot`], at the end of a sleep: if the port can do that, the device then starts with
    /// [`ResetReason::Wake`].
    fn wake(&self) {
        self.reboot();
    }
    /// The serial line has ended, or was interrupted while no command ran, and nothing else keeps the device alive: a
    /// process ends here, a board ignores it.
    fn serial_ended(&self) {}
}

/// A second way to give commands, for operators: the Zephyr shell. Ports without one have [`NoConsole`].
pub trait Console {
    /// Takes the next command line.
    fn console_line(&self, _buffer: &mut [u8]) -> Result<usize> {
        Err(PortError::WouldBlock)
    }
    /// Delivers the whole answer to the line taken last.
    fn console_answer(&self, _text: &[u8]) {}
}

/// The console of a port that has none.
pub struct NoConsole;

impl Console for NoConsole {}
