//! How a process that crashes tells the next one why: it writes the reason to a file in the data folder.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::panic::PanicHookInfo;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::c_int;

use super::storage;
use crate::port::{Fault, FaultKind};

/// The file in the data folder.
const FILE: &str = "crash";

/// The signals that the kernel sends to a process that cannot go on, and a supervisor to one that hangs.
const SIGNALS: [c_int; 6] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGSYS, libc::SIGABRT];

/// The path of that file.
static PATH: OnceLock<CString> = OnceLock::new();
/// The reason has been written; later signals and panics of the same crash say nothing new.
static TOLD: AtomicBool = AtomicBool::new(false);
/// SIGABRT comes from the supervisor's watchdog.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Takes the reason that the previous process has left.
pub(super) fn take(folder: &Path) -> Option<Fault> {
    let path = folder.join(FILE);
    let text = storage::read_text(&path).ok()??;
    // A file that cannot be removed would report the crash at each start.
    fs::remove_file(&path).ok()?;
    Some(parse(text.trim_end()))
}

fn parse(text: &str) -> Fault {
    match text.split_once(' ') {
        Some(("panic", place)) => Fault::new(FaultKind::Panic, format_args!("{place}")),
        None if text == "watchdog" => Fault::new(FaultKind::Watchdog, format_args!("")),
        Some(("signal", _)) => Fault::new(FaultKind::Hard, format_args!("{text}")),
        _ => Fault::new(FaultKind::Other, format_args!("{text}")),
    }
}

/// From now on, a crash of this process writes its reason to the folder. `watched`: a supervisor ends the process by
/// SIGABRT when it hangs.
pub(super) fn record(folder: &Path, watched: bool) -> io::Result<()> {
    // The path may be relative, and the process may change its working directory later.
    let path = std::path::absolute(folder)?.join(FILE);
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
    if PATH.set(path).is_err() {
        return Ok(());
    }
    WATCHED.store(watched, Ordering::Relaxed);
    for signal in SIGNALS {
        handle(signal)?;
    }
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        of_panic(panic);
        // Without the panicked thread, the device would only half work.
        std::process::abort();
    }));
    Ok(())
}

fn of_panic(panic: &PanicHookInfo<'_>) {
    if TOLD.swap(true, Ordering::Relaxed) {
        return;
    }
    let Some(path) = PATH.get() else { return };
    let place = panic.location().map(|place| format!("panic {}:{}", place.file(), place.line()));
    let path = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
    // A folder that cannot be written is no reason for a second panic.
    let _ = fs::File::create(path).and_then(|mut file| file.write_all(place.unwrap_or_default().as_bytes()));
}

fn handle(signal: c_int) -> io::Result<()> {
    // SAFETY: a zeroed sigaction is a valid one, and all of it that counts is set before it is used.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(c_int) = of_signal;
    action.sa_sigaction = handler as usize;
    // The handler runs once, on the stack that std has for this; the signal then ends the process as it would have.
    action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK;
    // SAFETY: the handler does only what a signal handler may do.
    match unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Interrupts any code: it may only use atomics and make plain system calls.
extern "C" fn of_signal(signal: c_int) {
    if !TOLD.swap(true, Ordering::Relaxed)
        && let Some(path) = PATH.get()
    {
        let mut text = *b"signal 00";
        if signal == libc::SIGABRT && WATCHED.load(Ordering::Relaxed) {
            text = *b"watchdog ";
        } else {
            let [.., tens, ones] = &mut text;
            *tens += (signal / 10 % 10) as u8;
            *ones += (signal % 10) as u8;
        }
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC;
        // SAFETY: the path ends in NUL, and the length is that of the text.
        unsafe {
            let file = libc::open(path.as_ptr(), flags, 0o600);
            if file >= 0 {
                libc::write(file, text.as_ptr().cast(), text.len());
                libc::close(file);
            }
        }
    }
    // SAFETY: raise() may be called in a handler; the signal waits until this one returns.
    unsafe { libc::raise(signal) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::linux::tests::Folder;

    #[test]
    fn a_word_is_taken_once() {
        let folder = Folder::new();
        assert_eq!(take(folder.path()), None);
        for (text, kind, place) in [
            ("panic src/a.rs:7", FaultKind::Panic, "src/a.rs:7"),
            ("signal 11", FaultKind::Hard, "signal 11"),
            ("watchdog ", FaultKind::Watchdog, ""),
            ("", FaultKind::Other, ""),
            ("\u{1F4A5}", FaultKind::Other, "\u{1F4A5}"),
        ] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let fault = take(folder.path()).unwrap();
            assert_eq!((fault.kind, fault.place.as_str()), (kind, place), "{text}");
            assert_eq!(take(folder.path()), None);
        }
    }
}
