//! A port without sockets, files or radio.

use core::cell::RefCell;
use core::net::SocketAddrV4;
use core::task::Waker;

use crate::limits;
use crate::port::*;

/// An identity and nothing else.
#[derive(Default)]
pub struct Bench {
    slots: RefCell<[Option<std::vec::Vec<u8>>; 2]>,
    work: FlashAtOnce,
}

const NO: PortError = PortError::Unsupported;

impl Port for Bench {
    fn serial(&self) -> &dyn Serial {
        self
    }

    fn sockets(&self) -> &dyn Sockets {
        self
    }

    fn jobs(&self) -> &dyn Jobs {
        self
    }

    fn storage(&self) -> &dyn Storage {
        self
    }

    fn radio(&self) -> &dyn Radio {
        self
    }

    fn board(&self) -> &dyn Board {
        self
    }

    fn console(&self) -> &dyn Console {
        self
    }

    fn pins(&self) -> &dyn Pins {
        self
    }

    fn wake_when(&self, _: Event, _: &Waker) {}
}

impl Console for Bench {}

/// Every pin but the last one; nobody uses them.
impl Pins for Bench {
    fn has_pin(&self, pin: u8) -> bool {
        pin < limits::GPIOS - 1
    }
    fn pin_direction(&self, _: u8, _: Direction) -> Result<()> {
        Err(NO)
    }
    fn pin_write(&self, _: u8, _: bool) -> Result<()> {
        Err(NO)
    }
    fn pin_read(&self, _: u8) -> Result<bool> {
        Err(NO)
    }
    fn pin_watch(&self, _: u8, _: bool) -> Result<()> {
        Err(NO)
    }
    fn pin_edges(&self) -> u64 {
        0
    }
}

impl Serial for Bench {
    fn serial_read(&self, _: &mut [u8]) -> Result<usize> {
        Err(NO)
    }
    fn serial_give_back(&self, _: &[u8]) {
        unreachable!()
    }
    fn serial_write(&self, _: &[u8]) -> Result<usize> {
        Err(NO)
    }
}

impl Sockets for Bench {
    fn tcp_listen(&self, _: Interface, _: u16) -> Result<Socket> {
        Err(NO)
    }
    fn tcp_accept(&self, _: Socket) -> Result<(Socket, SocketAddrV4)> {
        Err(NO)
    }
    fn tcp_connect(&self, _: Interface, _: u16, _: SocketAddrV4) -> Result<Socket> {
        Err(NO)
    }
    fn tcp_connected(&self, _: Socket) -> Result<()> {
        Err(NO)
    }
    fn tcp_keepalive(&self, _: Socket, _: Option<Keepalive>) -> Result<()> {
        Err(NO)
    }
    fn send(&self, _: Socket, _: &[u8]) -> Result<usize> {
        Err(NO)
    }
    fn receive(&self, _: Socket, _: &mut [u8]) -> Result<usize> {
        Err(NO)
    }
    fn finish(&self, _: Socket) -> Result<()> {
        Err(NO)
    }
    fn udp_bind(&self, _: Interface, _: u16) -> Result<Socket> {
        Err(NO)
    }
    fn udp_send(&self, _: Socket, _: &[u8], _: SocketAddrV4) -> Result<()> {
        Err(NO)
    }
    fn udp_receive(&self, _: Socket, _: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        Err(NO)
    }
    fn local_address(&self, _: Socket) -> Result<SocketAddrV4> {
        Err(NO)
    }
    fn close(&self, _: Socket) {}
}

impl Jobs for Bench {
    fn start(&self, request: &JobRequest<'_>) -> Result<Job> {
        let JobRequest::Flash(work) = request else { return Err(NO) };
        self.work.start(work, self);
        Ok(Job(0))
    }
    fn result(&self, _: Job) -> Result<JobOutput> {
        self.work.result()
    }
    fn cancel(&self, _: Job) {}
}

impl Storage for Bench {
    fn slot_write(&self, slot: u8, record: &[u8]) -> Result<()> {
        self.slots.borrow_mut()[usize::from(slot)] = Some(record.to_vec());
        Ok(())
    }
    fn slot_read(&self, slot: u8, buffer: &mut [u8]) -> Result<usize> {
        let slots = self.slots.borrow();
        let record = slots[usize::from(slot)].as_ref().ok_or(PortError::NotFound)?;
        buffer.get_mut(..record.len()).ok_or(PortError::NoRoom)?.copy_from_slice(record);
        Ok(record.len())
    }
    fn create(&self, _: &str) -> Result<Handle> {
        Err(NO)
    }
    fn open(&self, _: &str) -> Result<Handle> {
        Err(NO)
    }
    fn append(&self, _: Handle, _: &[u8]) -> Result<()> {
        Err(NO)
    }
    fn read_at(&self, _: Handle, _: u32, _: &mut [u8]) -> Result<usize> {
        Err(NO)
    }
    fn length(&self, _: Handle) -> Result<u32> {
        Err(NO)
    }
    fn sync(&self, _: Handle) -> Result<()> {
        Err(NO)
    }
    fn close_file(&self, _: Handle) {}
    fn rename(&self, _: &str, _: &str) -> Result<()> {
        Err(NO)
    }
    fn remove(&self, _: &str) -> Result<()> {
        Err(NO)
    }
    fn list(&self, _: &mut dyn FnMut(&str)) -> Result<()> {
        Err(NO)
    }
    fn free_space(&self) -> u32 {
        0
    }
}

impl Radio for Bench {
    fn serves_both(&self) -> bool {
        false
    }
    fn scan(&self, _: &ScanRequest<'_>) -> Result<()> {
        Err(NO)
    }
    fn scan_result(&self, _: usize) -> Option<AccessPoint> {
        None
    }
    fn join(&self, _: &JoinRequest<'_>) -> Result<()> {
        Err(NO)
    }
    fn leave(&self) {}
    fn reset(&self) {}
    fn configure(&self, _: Interface, _: Option<Ipv4Config>) -> Result<()> {
        Err(NO)
    }
    fn radio_state(&self, _: Interface) -> RadioState {
        RadioState::default()
    }
    fn rssi(&self) -> Option<i8> {
        None
    }
    fn softap_start(&self, _: &SoftApRequest<'_>) -> Result<()> {
        Err(NO)
    }
    fn softap_stop(&self) {}
    fn softap_station(&self, _: usize) -> Option<[u8; 6]> {
        None
    }
    fn softap_drop(&self, _: [u8; 6]) {}
}

impl Board for Bench {
    fn mac(&self) -> [u8; 6] {
        [0x4C, 0x55, 0xCC, 0x10, 0x09, 0x42]
    }
    fn uuid(&self) -> [u8; 20] {
        [0xA5; 20]
    }
    fn board_name(&self) -> &'static str {
        "bench"
    }
    fn board_defaults(&self) -> &[(&str, &str)] {
        &[
            ("system.indicator.gpio", "wlan 20"),
            ("setup.gpio.control_gpio", "0x5"),
            ("gpio.alias", "7 button"),
            ("no.such.variable", "1"),
            ("tcp.server.port", "0"),
        ]
    }
    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(4);
    }
    fn wall_clock(&self) -> Option<u64> {
        None
    }
    fn memory_usage(&self) -> Option<u8> {
        Some(37)
    }
    fn reboot(&self) {}
}
