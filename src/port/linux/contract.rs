//! The port contract, call by call: each goes to the part of the port that does it.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::LinuxPort;
use crate::port::{
    AccessPoint, Board, Console, Handle, Interface, Ipv4Config, Job, JobOutput, JoinRequest, Keepalive, Radio,
    RadioState, ResetReason, Result, Serial, Socket, Sockets, Storage,
};

impl Serial for LinuxPort {
    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.serial.borrow_mut().read(buffer)
    }

    fn serial_write(&self, data: &[u8]) -> Result<usize> {
        self.serial.borrow_mut().write(data)
    }
}

/// Station and access point share the host's network: the interface makes no difference here.
impl Sockets for LinuxPort {
    fn tcp_listen(&self, _interface: Interface, port: u16) -> Result<Socket> {
        let socket = self.sockets.borrow_mut().tcp_listen(port)?;
        self.tell_listening(port);
        Ok(socket)
    }

    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
        self.sockets.borrow_mut().tcp_accept(listener)
    }

    fn tcp_connect(&self, _interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
        self.sockets.borrow_mut().tcp_connect(local_port, remote)
    }

    fn tcp_connected(&self, socket: Socket) -> Result<()> {
        self.sockets.borrow_mut().tcp_connected(socket)
    }

    fn tcp_keepalive(&self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()> {
        self.sockets.borrow_mut().tcp_keepalive(socket, keepalive)
    }

    fn send(&self, socket: Socket, data: &[u8]) -> Result<usize> {
        self.sockets.borrow_mut().send(socket, data)
    }

    fn receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize> {
        self.sockets.borrow_mut().receive(socket, buffer)
    }

    fn finish(&self, socket: Socket) -> Result<()> {
        self.sockets.borrow_mut().finish(socket)
    }

    fn udp_bind(&self, _interface: Interface, port: u16) -> Result<Socket> {
        self.sockets.borrow_mut().udp_bind(port)
    }

    fn udp_send(&self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()> {
        self.sockets.borrow_mut().udp_send(socket, data, to)
    }

    fn udp_receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        self.sockets.borrow_mut().udp_receive(socket, buffer)
    }

    fn local_address(&self, socket: Socket) -> Result<SocketAddrV4> {
        self.sockets.borrow_mut().local_address(socket)
    }

    fn close(&self, socket: Socket) {
        self.sockets.borrow_mut().close(socket);
    }

    fn lookup(&self, _interface: Interface, name: &str) -> Result<Job> {
        self.jobs.lookup(name)
    }

    fn ping(&self, _interface: Interface, address: Ipv4Addr, timeout_ms: u32) -> Result<Job> {
        self.jobs.ping(address, timeout_ms)
    }

    fn job_result(&self, job: Job) -> Result<JobOutput> {
        self.jobs.result(job)
    }

    fn job_cancel(&self, job: Job) {
        self.jobs.cancel(job);
    }
}

impl Storage for LinuxPort {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        self.store.slot_write(slot, record)
    }

    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        self.store.slot_read(slot, buffer)
    }

    fn create(&self, name: &str) -> Result<Handle> {
        self.store.create(name)
    }

    fn open(&self, name: &str) -> Result<Handle> {
        self.store.open_file(name)
    }

    fn append(&self, file: Handle, data: &[u8]) -> Result<()> {
        self.store.append(file, data)
    }

    fn read_at(&self, file: Handle, position: u32, buffer: &mut [u8]) -> Result<usize> {
        self.store.read_at(file, position, buffer)
    }

    fn length(&self, file: Handle) -> Result<u32> {
        self.store.length(file)
    }

    fn sync(&self, file: Handle) -> Result<()> {
        self.store.sync(file)
    }

    fn close_file(&self, file: Handle) {
        self.store.close(file);
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.store.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.store.remove(name)
    }

    fn list(&self, each: &mut dyn FnMut(&str)) -> Result<()> {
        self.store.list(each)
    }

    fn free_space(&self) -> u32 {
        self.store.free_space()
    }
}

impl Radio for LinuxPort {
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

impl Board for LinuxPort {
    fn mac(&self) -> [u8; 6] {
        self.identity.mac
    }

    fn uuid(&self) -> [u8; 20] {
        self.identity.uuid
    }

    fn board_name(&self) -> &'static str {
        "Linux"
    }

    fn board_defaults(&self) -> &[(&str, &str)] {
        &self.defaults
    }

    fn random(&self, buffer: &mut [u8]) {
        super::board::random(buffer);
    }

    fn wall_clock(&self) -> Option<u64> {
        super::board::wall_clock()
    }

    fn memory_usage(&self) -> Option<u8> {
        super::board::memory_usage()
    }

    fn reset_reason(&self) -> Option<ResetReason> {
        Some(super::board::reset_reason())
    }

    fn reboot(&self) {
        self.reboot.set(true);
    }

    fn serial_ended(&self) {
        self.serial_ended.set(true);
    }
}

/// There is no operator console on Linux: the serial line is the user's.
impl Console for LinuxPort {}
