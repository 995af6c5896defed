//! The part of the shim for the Zephyr shell (`zephyr/shim/shell.c`).

use openzentri::command::COMMANDS;
use openzentri::port::Result;

use super::{result, size};

mod raw {
    unsafe extern "C" {
        pub fn oz_console_line(buffer: *mut u8, size: u32) -> i32;
        pub fn oz_console_answer(text: *const u8, size: u32);
        pub safe fn oz_console_ready() -> i32;
    }
}

pub fn line(buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: pointer and length are those of one slice, used only during the call.
    result(unsafe { raw::oz_console_line(buffer.as_mut_ptr(), size(buffer)) })
}

pub fn answer(text: &[u8]) {
    // SAFETY: pointer and length are those of one slice, which C copies.
    unsafe { raw::oz_console_answer(text.as_ptr(), size(text)) };
}

pub fn ready() -> bool {
    raw::oz_console_ready() != 0
}

/// Gives the shell the `index`-th command of the table, for completion and help.
///
/// # Safety
///
/// The four pointers are valid for writing.
#[unsafe(no_mangle)]
unsafe extern "C" fn oz_command(
    index: u32,
    name: *mut *const u8,
    name_size: *mut u32,
    summary: *mut *const u8,
    summary_size: *mut u32,
) -> bool {
    let Some(command) = COMMANDS.get(index as usize) else { return false };
    // SAFETY: the caller says that the pointers may be written to; the texts of the table are never freed.
    unsafe {
        *name = command.name.as_ptr();
        *name_size = size(command.name.as_bytes());
        *summary = command.summary.as_ptr();
        *summary_size = size(command.summary.as_bytes());
    }
    true
}
