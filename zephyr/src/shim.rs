//! The C side of the port: mirrors `zephyr/shim/openzentri.h`, which documents each function.
//!
//! The functions take numbers by value and buffers as pointer and length; every call with a pointer is wrapped here, so
//! that the rest of the port needs no `unsafe`.

use core::ffi::{CStr, c_char, c_void};

use openzentri::limits;
use openzentri::port::{Heap, HeapUse, Interface, Parity, PortError, ResetReason, Result, Stack, UartSettings};

/// One descriptor to wait for.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Watch {
    pub fd: i32,
    pub wanted: i16,
    pub ready: i16,
}

/// Bits of [`Watch`].
pub const READABLE: i16 = 1;
/// Bits of [`Watch`].
pub const WRITABLE: i16 = 4;

/// An address (first byte highest) and a port.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Endpoint {
    pub address: u32,
    pub port: u16,
}

/// A job that looks a name up.
pub const JOB_LOOKUP: u8 = 1;
/// A job that sends an echo request.
pub const JOB_PING: u8 = 2;

/// The output of a job: the kind of the job determines what the values mean.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawOutput {
    pub kind: u8,
    pub count: u8,
    pub values: [u32; limits::LOOKUP_ADDRESSES],
}

/// How much of a heap is in use, in bytes.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawHeap {
    pub size: u32,
    pub used: u32,
    pub most: u32,
}

mod raw {
    use super::{Endpoint, RawHeap, RawOutput, Watch, c_char, c_void};

    unsafe extern "C" {
        pub safe fn oz_start() -> i32;
        pub fn oz_wait(watches: *mut Watch, count: u32, timeout_us: i64) -> i32;
        pub safe fn oz_uptime_us() -> u64;

        pub safe fn oz_serial_start() -> i32;
        pub fn oz_serial_read(buffer: *mut u8, size: u32) -> i32;
        pub fn oz_serial_write(data: *const u8, size: u32) -> i32;
        pub safe fn oz_serial_ready() -> i32;
        pub safe fn oz_serial_sent() -> i32;
        pub fn oz_serial_give_back(data: *const u8, size: u32);
        pub safe fn oz_serial_break() -> i32;
        pub safe fn oz_serial_configure(baud: u32, data: u8, parity: u8, stop: u8, flow: u8) -> i32;

        pub safe fn oz_tcp_listen(interface: u8, port: u16) -> i32;
        pub fn oz_tcp_accept(listener: i32, peer: *mut Endpoint) -> i32;
        pub safe fn oz_tcp_connect(interface: u8, local_port: u16, address: u32, port: u16) -> i32;
        pub safe fn oz_tcp_connected(socket: i32) -> i32;
        pub safe fn oz_tcp_keepalive(socket: i32, idle: u16, interval: u16, count: u8) -> i32;
        pub fn oz_send(socket: i32, data: *const u8, size: u32) -> i32;
        pub fn oz_receive(socket: i32, buffer: *mut u8, size: u32) -> i32;
        pub safe fn oz_finish(socket: i32) -> i32;
        pub safe fn oz_udp_bind(interface: u8, port: u16) -> i32;
        pub safe fn oz_udp_group(interface: u8, port: u16, group: u32, only: u8) -> i32;
        pub fn oz_udp_send(socket: i32, data: *const u8, size: u32, address: u32, port: u16) -> i32;
        pub fn oz_udp_receive(socket: i32, buffer: *mut u8, size: u32, from: *mut Endpoint) -> i32;
        pub fn oz_local_address(socket: i32, local: *mut Endpoint) -> i32;
        pub safe fn oz_close(socket: i32);

        pub fn oz_lookup(interface: u8, name: *const u8, size: u32) -> i32;
        pub safe fn oz_ping(interface: u8, address: u32, timeout_ms: u32) -> i32;
        pub fn oz_job_result(job: i32, output: *mut RawOutput) -> i32;
        pub safe fn oz_job_cancel(job: i32);
        pub safe fn oz_job_ended(job: i32) -> i32;

        pub safe fn oz_storage_start() -> i32;
        pub fn oz_slot_write(slot: u8, record: *const u8, size: u32) -> i32;
        pub fn oz_slot_read(slot: u8, buffer: *mut u8, size: u32) -> i32;
        pub fn oz_file_create(name: *const u8, size: u32) -> i32;
        pub fn oz_file_open(name: *const u8, size: u32) -> i32;
        pub fn oz_file_append(file: i32, data: *const u8, size: u32) -> i32;
        pub fn oz_file_read(file: i32, position: u32, buffer: *mut u8, size: u32) -> i32;
        pub safe fn oz_file_length(file: i32) -> i32;
        pub safe fn oz_file_sync(file: i32) -> i32;
        pub safe fn oz_file_close(file: i32);
        pub fn oz_file_rename(from: *const u8, from_size: u32, to: *const u8, to_size: u32) -> i32;
        pub fn oz_file_remove(name: *const u8, size: u32) -> i32;
        pub fn oz_file_list(each: extern "C" fn(*mut c_void, *const u8, u32), context: *mut c_void) -> i32;
        pub safe fn oz_file_space() -> u32;

        pub fn oz_mac(mac: *mut u8);
        pub fn oz_unique_id(id: *mut u8);
        pub fn oz_random(buffer: *mut u8, size: u32);
        pub safe fn oz_wall_clock() -> u64;
        pub safe fn oz_memory_usage() -> i32;
        pub fn oz_heap(heap: u8, used: *mut RawHeap) -> i32;
        pub safe fn oz_reset_reason() -> i32;
        pub fn oz_stack(size: *mut u32, untouched: *mut u32) -> i32;
        pub safe fn oz_reboot();
        pub safe fn oz_serial_ended();
        pub safe fn oz_override(index: u32) -> *const c_char;
        pub safe fn oz_give_up();
        #[cfg(CONFIG_PRINTK)]
        pub fn oz_print(text: *const u8, size: u32);
        pub safe fn oz_panic() -> !;
        pub safe fn oz_lock() -> u32;
        pub safe fn oz_unlock(state: u32);
    }
}

#[cfg(CONFIG_WIFI)]
pub mod wifi;

#[cfg(CONFIG_OPENZENTRI_TLS)]
pub mod tls;

#[cfg(CONFIG_OPENZENTRI_PINS)]
pub mod pins;

#[cfg(CONFIG_OPENZENTRI_CONVERTERS)]
pub mod converters;

#[cfg(CONFIG_OPENZENTRI_BUS_MASTERS)]
pub mod bus;

#[cfg(CONFIG_OPENZENTRI_SHELL)]
pub mod console;

#[cfg(any(CONFIG_OPENZENTRI_SIMULATED_RADIO, CONFIG_OPENZENTRI_SIMULATED_WIFI))]
pub mod networks;

#[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
pub mod air;

pub use raw::{
    oz_close as close, oz_file_close as file_close, oz_file_space as file_space, oz_give_up as give_up,
    oz_job_cancel as job_cancel, oz_lock as lock, oz_panic as panic, oz_reboot as reboot,
    oz_serial_ended as serial_ended, oz_unlock as unlock, oz_uptime_us as uptime_us,
};

/// The result of a call: a number, or the error that a negative code stands for (`enum oz_error`).
pub fn result(code: i32) -> Result<usize> {
    if let Ok(value) = usize::try_from(code) {
        return Ok(value);
    }
    Err(match -code {
        1 => PortError::WouldBlock,
        2 => PortError::Closed,
        3 => PortError::Refused,
        4 => PortError::TimedOut,
        5 => PortError::InUse,
        6 => PortError::NoRoom,
        7 => PortError::NotFound,
        8 => PortError::Unreachable,
        9 => PortError::Denied,
        10 => PortError::Unsupported,
        11 => PortError::ReadOnly,
        other => PortError::Failed(other - 1000),
    })
}

fn done(code: i32) -> Result<()> {
    result(code).map(|_| ())
}

/// A length for C; the device's buffers are far smaller than 4 GB.
fn size(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

/// Prepares the parts that can fail: the loop, the UART, the flash.
pub fn start() -> (Result<()>, Result<()>, Result<()>) {
    (done(raw::oz_start()), done(raw::oz_serial_start()), done(raw::oz_storage_start()))
}

/// Puts text on Zephyr's console.
#[cfg(CONFIG_PRINTK)]
pub fn print(text: &[u8]) {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    unsafe { raw::oz_print(text.as_ptr(), size(text)) };
}

/// Sleeps until one of the first `count` descriptors is ready, something rings, or `timeout` microseconds are over
/// (`None`: for ever). One place of `watches` must be left over.
pub fn wait(watches: &mut [Watch], count: usize, timeout: Option<u64>) -> Result<usize> {
    if count >= watches.len() {
        return Err(PortError::NoRoom);
    }
    let timeout = timeout.map_or(-1, |micros| i64::try_from(micros).unwrap_or(i64::MAX));
    // SAFETY: C uses `count` places and the one after them, which are there, and only during the call.
    result(unsafe { raw::oz_wait(watches.as_mut_ptr(), count as u32, timeout) })
}

pub fn serial_read(buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_serial_read(buffer.as_mut_ptr(), size(buffer)) })
}

pub fn serial_write(data: &[u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_serial_write(data.as_ptr(), size(data)) })
}

pub fn serial_give_back(data: &[u8]) {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    unsafe { raw::oz_serial_give_back(data.as_ptr(), size(data)) };
}

/// Whether a break condition has come since the last call.
pub fn serial_break() -> bool {
    raw::oz_serial_break() != 0
}

/// Configures the UART. The numbers of the parity are those of `enum oz_parity`.
pub fn serial_configure(settings: &UartSettings) -> Result<()> {
    let parity = match settings.parity {
        Parity::None => 0,
        Parity::Odd => 1,
        Parity::Even => 2,
    };
    done(raw::oz_serial_configure(settings.baud, settings.data, parity, settings.stop, settings.flow.into()))
}

/// Whether everything written has been sent.
pub fn serial_sent() -> bool {
    raw::oz_serial_sent() != 0
}

/// [`READABLE`] and [`WRITABLE`] as far as they hold.
pub fn serial_ready() -> i16 {
    raw::oz_serial_ready() as i16
}

pub fn tcp_listen(interface: Interface, port: u16) -> Result<usize> {
    result(raw::oz_tcp_listen(interface as u8, port))
}

pub fn tcp_accept(listener: i32) -> Result<(usize, Endpoint)> {
    let mut peer = Endpoint::default();
    // SAFETY: `peer` lives longer than the call.
    let socket = result(unsafe { raw::oz_tcp_accept(listener, &mut peer) })?;
    Ok((socket, peer))
}

pub fn tcp_connect(interface: Interface, local_port: u16, address: u32, port: u16) -> Result<usize> {
    result(raw::oz_tcp_connect(interface as u8, local_port, address, port))
}

pub fn tcp_connected(socket: i32) -> Result<()> {
    done(raw::oz_tcp_connected(socket))
}

pub fn tcp_keepalive(socket: i32, idle: u16, interval: u16, count: u8) -> Result<()> {
    done(raw::oz_tcp_keepalive(socket, idle, interval, count))
}

pub fn send(socket: i32, data: &[u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_send(socket, data.as_ptr(), size(data)) })
}

pub fn receive(socket: i32, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_receive(socket, buffer.as_mut_ptr(), size(buffer)) })
}

pub fn finish(socket: i32) -> Result<()> {
    done(raw::oz_finish(socket))
}

pub fn udp_bind(interface: Interface, port: u16) -> Result<usize> {
    result(raw::oz_udp_bind(interface as u8, port))
}

pub fn udp_group(interface: Interface, port: u16, group: u32, only: bool) -> Result<usize> {
    result(raw::oz_udp_group(interface as u8, port, group, only.into()))
}

pub fn udp_send(socket: i32, data: &[u8], to: Endpoint) -> Result<()> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    done(unsafe { raw::oz_udp_send(socket, data.as_ptr(), size(data), to.address, to.port) })
}

pub fn udp_receive(socket: i32, buffer: &mut [u8]) -> Result<(usize, Endpoint)> {
    let mut from = Endpoint::default();
    // SAFETY: pointer and length are those of one slice; `from` lives longer than the call.
    let count = result(unsafe { raw::oz_udp_receive(socket, buffer.as_mut_ptr(), size(buffer), &mut from) })?;
    Ok((count, from))
}

pub fn local_address(socket: i32) -> Result<Endpoint> {
    let mut local = Endpoint::default();
    // SAFETY: `local` lives longer than the call.
    result(unsafe { raw::oz_local_address(socket, &mut local) })?;
    Ok(local)
}

pub fn lookup(interface: Interface, name: &str) -> Result<usize> {
    // SAFETY: pointer and length are those of one string, which C copies.
    result(unsafe { raw::oz_lookup(interface as u8, name.as_ptr(), size(name.as_bytes())) })
}

pub fn ping(interface: Interface, address: u32, timeout_ms: u32) -> Result<usize> {
    result(raw::oz_ping(interface as u8, address, timeout_ms))
}

pub fn job_result(job: i32) -> Result<RawOutput> {
    let mut output = RawOutput::default();
    // SAFETY: `output` lives longer than the call.
    result(unsafe { raw::oz_job_result(job, &mut output) })?;
    Ok(output)
}

pub fn job_ended(job: i32) -> bool {
    raw::oz_job_ended(job) != 0
}

pub fn slot_write(slot: u8, record: &[u8]) -> Result<()> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    done(unsafe { raw::oz_slot_write(slot, record.as_ptr(), size(record)) })
}

pub fn slot_read(slot: u8, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_slot_read(slot, buffer.as_mut_ptr(), size(buffer)) })
}

pub fn file_create(name: &str) -> Result<usize> {
    // SAFETY: pointer and length are those of one string, used only during the call.
    result(unsafe { raw::oz_file_create(name.as_ptr(), size(name.as_bytes())) })
}

pub fn file_open(name: &str) -> Result<usize> {
    // SAFETY: pointer and length are those of one string, used only during the call.
    result(unsafe { raw::oz_file_open(name.as_ptr(), size(name.as_bytes())) })
}

pub fn file_append(file: i32, data: &[u8]) -> Result<()> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    done(unsafe { raw::oz_file_append(file, data.as_ptr(), size(data)) })
}

pub fn file_read(file: i32, position: u32, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_file_read(file, position, buffer.as_mut_ptr(), size(buffer)) })
}

pub fn file_length(file: i32) -> Result<usize> {
    result(raw::oz_file_length(file))
}

pub fn file_sync(file: i32) -> Result<()> {
    done(raw::oz_file_sync(file))
}

pub fn file_rename(from: &str, to: &str) -> Result<()> {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    // SAFETY: each pointer has the length of its string; both are used only during the call.
    done(unsafe { raw::oz_file_rename(from.as_ptr(), size(from), to.as_ptr(), size(to)) })
}

pub fn file_remove(name: &str) -> Result<()> {
    // SAFETY: pointer and length are those of one string, used only during the call.
    done(unsafe { raw::oz_file_remove(name.as_ptr(), size(name.as_bytes())) })
}

/// Calls `each` with every name that is text; the device writes no others.
pub fn file_list(mut each: &mut dyn FnMut(&str)) -> Result<()> {
    extern "C" fn give(context: *mut c_void, name: *const u8, size: u32) {
        // SAFETY: the context is the reference that `file_list` passes below, which lives longer than the call.
        let each = unsafe { &mut *context.cast::<&mut dyn FnMut(&str)>() };
        // SAFETY: C passes a name and its length, valid during this call.
        let name = unsafe { core::slice::from_raw_parts(name, size as usize) };
        if let Ok(name) = core::str::from_utf8(name) {
            each(name);
        }
    }
    let context: *mut &mut dyn FnMut(&str) = &mut each;
    // SAFETY: `give` gets the context only during the call, and C has no other use for it.
    done(unsafe { raw::oz_file_list(give, context.cast()) })
}

pub fn mac() -> [u8; 6] {
    let mut mac = [0; 6];
    // SAFETY: C writes the six bytes that are there.
    unsafe { raw::oz_mac(mac.as_mut_ptr()) };
    mac
}

pub fn unique_id() -> [u8; 20] {
    let mut id = [0; 20];
    // SAFETY: C writes the twenty bytes that are there.
    unsafe { raw::oz_unique_id(id.as_mut_ptr()) };
    id
}

pub fn random(buffer: &mut [u8]) {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    unsafe { raw::oz_random(buffer.as_mut_ptr(), size(buffer)) };
}

/// Milliseconds since 1970, if the clock is set.
pub fn wall_clock() -> Option<u64> {
    Some(raw::oz_wall_clock()).filter(|millis| *millis != 0)
}

pub fn memory_usage() -> Option<u8> {
    u8::try_from(raw::oz_memory_usage()).ok()
}

/// How much of a heap is in use.
pub fn heap(heap: Heap) -> Option<HeapUse> {
    let number = match heap {
        Heap::System => 1,
        Heap::Crypto => 2,
    };
    let mut used = RawHeap::default();
    // SAFETY: the place lives longer than the call.
    let known = unsafe { raw::oz_heap(number, &mut used) };
    (known == 0).then_some(HeapUse { size: used.size, used: used.used, most: used.most })
}

/// Why the device has started. The chip forgets it after this call.
pub fn reset_reason() -> Option<ResetReason> {
    Some(match raw::oz_reset_reason() {
        0 => ResetReason::PowerOn,
        1 => ResetReason::Pin,
        2 => ResetReason::Software,
        3 => ResetReason::Watchdog,
        4 => ResetReason::Brownout,
        5 => ResetReason::Fault,
        6 => ResetReason::Wake,
        7 => ResetReason::Other,
        _ => return None,
    })
}

/// The stack of the calling thread.
pub fn stack() -> Option<Stack> {
    let mut stack = Stack { size: 0, untouched: 0 };
    // SAFETY: both places live longer than the call.
    let known = unsafe { raw::oz_stack(&mut stack.size, &mut stack.untouched) };
    (known == 0).then_some(stack)
}

/// Variables to set at the start, as `(name, value)`.
pub fn overrides() -> impl Iterator<Item = (&'static str, &'static str)> {
    (0..).map_while(|index| {
        let text = raw::oz_override(index);
        // SAFETY: C returns null or a text with a terminator that is never freed.
        let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })?;
        // Without `=`, or not in UTF-8: a name that does not exist, so that the start fails.
        Some(text.to_str().ok().and_then(|text| text.split_once('=')).unwrap_or(("", "")))
    })
}
