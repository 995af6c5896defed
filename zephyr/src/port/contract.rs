//! The parts of the contract, one by one.

use core::net::{Ipv4Addr, SocketAddrV4};

use openzentri::port::{
    AccessPoint, Board, Console, Handle, Interface, Ipv4Config, Job, JobOutput, JoinRequest, Keepalive, PortError,
    Radio, RadioState, ResetReason, Result, Serial, Socket, Sockets, Stack, Storage,
};

use super::ZephyrPort;
use crate::shim::{self, Endpoint};

impl Serial for ZephyrPort {
    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize> {
        shim::serial_read(buffer)
    }

    fn serial_write(&self, data: &[u8]) -> Result<usize> {
        shim::serial_write(data)
    }
}

/// Descriptors of Zephyr are small: there are `CONFIG_ZVFS_OPEN_MAX` of them.
fn socket(fd: usize) -> Socket {
    Socket(fd as u16)
}

fn fd(socket: Socket) -> i32 {
    i32::from(socket.0)
}

fn from_endpoint(endpoint: Endpoint) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from_bits(endpoint.address), endpoint.port)
}

impl Sockets for ZephyrPort {
    fn tcp_listen(&self, interface: Interface, port: u16) -> Result<Socket> {
        station(interface)?;
        shim::tcp_listen(port).map(socket)
    }

    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
        shim::tcp_accept(fd(listener)).map(|(fd, peer)| (socket(fd), from_endpoint(peer)))
    }

    fn tcp_connect(&self, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
        station(interface)?;
        shim::tcp_connect(local_port, remote.ip().to_bits(), remote.port()).map(socket)
    }

    fn tcp_connected(&self, socket: Socket) -> Result<()> {
        shim::tcp_connected(fd(socket))
    }

    fn tcp_keepalive(&self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()> {
        let (idle, interval, count) = keepalive.map_or((0, 0, 0), |keep| (keep.idle.max(1), keep.interval, keep.count));
        shim::tcp_keepalive(fd(socket), idle, interval, count)
    }

    fn send(&self, socket: Socket, data: &[u8]) -> Result<usize> {
        shim::send(fd(socket), data)
    }

    fn receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize> {
        shim::receive(fd(socket), buffer)
    }

    fn finish(&self, socket: Socket) -> Result<()> {
        shim::finish(fd(socket))
    }

    fn udp_bind(&self, interface: Interface, port: u16) -> Result<Socket> {
        station(interface)?;
        shim::udp_bind(port).map(socket)
    }

    fn udp_send(&self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()> {
        shim::udp_send(fd(socket), data, Endpoint { address: to.ip().to_bits(), port: to.port() })
    }

    fn udp_receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        shim::udp_receive(fd(socket), buffer).map(|(count, from)| (count, from_endpoint(from)))
    }

    fn local_address(&self, socket: Socket) -> Result<SocketAddrV4> {
        shim::local_address(fd(socket)).map(from_endpoint)
    }

    fn close(&self, socket: Socket) {
        self.wakers.borrow_mut().forget(socket);
        shim::close(fd(socket));
    }

    fn lookup(&self, interface: Interface, name: &str) -> Result<Job> {
        station(interface)?;
        let number = shim::lookup(name)?;
        Ok(self.job(number, false))
    }

    fn ping(&self, interface: Interface, address: Ipv4Addr, timeout_ms: u32) -> Result<Job> {
        station(interface)?;
        let number = shim::ping(address.to_bits(), timeout_ms)?;
        Ok(self.job(number, true))
    }

    fn job_result(&self, job: Job) -> Result<JobOutput> {
        let value = shim::job_result(i32::from(job.0))?;
        let is_ping = self.pings.get() & (1 << job.0) != 0;
        Ok(if is_ping { JobOutput::RoundTrip(value) } else { JobOutput::Address(Ipv4Addr::from_bits(value)) })
    }

    fn job_cancel(&self, job: Job) {
        shim::job_cancel(i32::from(job.0));
    }
}

impl ZephyrPort {
    /// Notes what the job in a place of the table is.
    fn job(&self, number: usize, is_ping: bool) -> Job {
        let bit = 1 << number;
        self.pings.set(if is_ping { self.pings.get() | bit } else { self.pings.get() & !bit });
        Job(number as u16)
    }
}

/// The soft AP is not built yet.
fn station(interface: Interface) -> Result<()> {
    match interface {
        Interface::Wlan => Ok(()),
        Interface::SoftAp => Err(PortError::Unreachable),
    }
}

fn file(handle: Handle) -> i32 {
    i32::from(handle.0)
}

impl Storage for ZephyrPort {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        shim::slot_write(slot, record)
    }

    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        shim::slot_read(slot, buffer)
    }

    fn create(&self, name: &str) -> Result<Handle> {
        shim::file_create(name).map(|file| Handle(file as u16))
    }

    fn open(&self, name: &str) -> Result<Handle> {
        shim::file_open(name).map(|file| Handle(file as u16))
    }

    fn append(&self, handle: Handle, data: &[u8]) -> Result<()> {
        shim::file_append(file(handle), data)
    }

    fn read_at(&self, handle: Handle, position: u32, buffer: &mut [u8]) -> Result<usize> {
        shim::file_read(file(handle), position, buffer)
    }

    fn length(&self, handle: Handle) -> Result<u32> {
        shim::file_length(file(handle)).map(|length| length as u32)
    }

    fn sync(&self, handle: Handle) -> Result<()> {
        shim::file_sync(file(handle))
    }

    fn close_file(&self, handle: Handle) {
        shim::file_close(file(handle));
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        shim::file_rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        shim::file_remove(name)
    }

    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        shim::file_list(each)
    }

    fn free_space(&self) -> u32 {
        shim::file_space()
    }
}

impl Radio for ZephyrPort {
    fn scan(&self, ssid: Option<&[u8]>) -> Result<()> {
        self.radio.scan(ssid)
    }

    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        self.radio.scan_result(index)
    }

    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        self.radio.join(request)
    }

    fn leave(&self) {
        self.radio.leave();
    }

    fn configure(&self, address: Option<Ipv4Config>) -> Result<()> {
        self.radio.configure(address)
    }

    fn radio_state(&self) -> RadioState {
        self.radio.radio_state()
    }

    fn rssi(&self) -> Option<i8> {
        self.radio.rssi()
    }
}

impl Board for ZephyrPort {
    fn mac(&self) -> [u8; 6] {
        shim::mac()
    }

    fn uuid(&self) -> [u8; 20] {
        shim::unique_id()
    }

    fn board_name(&self) -> &'static str {
        zephyr::kconfig::CONFIG_BOARD
    }

    fn board_defaults(&self) -> &[(&str, &str)] {
        &self.defaults
    }

    fn random(&self, buffer: &mut [u8]) {
        shim::random(buffer);
    }

    fn wall_clock(&self) -> Option<u64> {
        shim::wall_clock()
    }

    fn memory_usage(&self) -> Option<u8> {
        shim::memory_usage()
    }

    fn reset_reason(&self) -> Option<ResetReason> {
        self.reset
    }

    fn stack(&self) -> Option<Stack> {
        shim::stack()
    }

    fn reboot(&self) {
        self.reboot.set(true);
    }

    fn serial_ended(&self) {
        shim::serial_ended();
    }
}

#[cfg(CONFIG_OPENZENTRI_SHELL)]
impl Console for ZephyrPort {
    fn console_line(&self, buffer: &mut [u8]) -> Result<usize> {
        shim::console::line(buffer)
    }

    fn console_answer(&self, text: &[u8]) {
        shim::console::answer(text);
    }
}

#[cfg(not(CONFIG_OPENZENTRI_SHELL))]
impl Console for ZephyrPort {}
