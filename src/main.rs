//! The device as a Linux process.

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

use openzentri::device::{self, BootError};
use openzentri::port::host::Runtime;
use openzentri::port::linux::{Exit, LinuxPort, Options, Request, TLS_CLIENT, USAGE};
use openzentri::variable::{Id, id};

const HTTP_PORT: Id = id("http.server.port");

/// Exit codes.
const FAILURE: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let ended = match Request::parse(std::env::args_os().skip(1), std::env::var_os(TLS_CLIENT)) {
        Ok(Request::Run(options)) => run(&options),
        Ok(Request::Help) => {
            print!("{USAGE}");
            Ok(())
        }
        Ok(Request::Version) => {
            println!("openzentri {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Err(error) => Err(fail(WRONG_USAGE, error)),
    };
    ended.map_or_else(ExitCode::from, |()| ExitCode::SUCCESS)
}

/// Tells the user in one line why it ends here.
fn fail(code: u8, error: impl Display) -> u8 {
    eprintln!("openzentri: {error}");
    code
}

/// Runs the device until it ends; a reboot replaces the process.
fn run(options: &Options) -> Result<(), u8> {
    let mut port = LinuxPort::new(options).map_err(|error| fail(FAILURE, error))?;
    port.warnings().iter().for_each(|warning| eprintln!("openzentri: {warning}"));
    port.handle_signals().map_err(|error| fail(FAILURE, error))?;
    port.record_faults(options).map_err(|error| fail(FAILURE, error))?;
    let port: &'static LinuxPort = Box::leak(Box::new(port));
    let ended = boot_and_run(port, options);
    port.shut_down();
    ended
}

fn boot_and_run(port: &'static LinuxPort, options: &Options) -> Result<(), u8> {
    let runtime = Runtime::new();
    let overrides: Vec<(&str, &str)> = options.settings.iter().map(|(name, value)| (&**name, &**value)).collect();
    let device = device::boot(port, runtime.spawner(), &overrides).map_err(|error| wrong_setting(error, &overrides))?;
    // People and the scripts that start the device learn here where it is.
    if let Some(place) = port.serial_place()
        && !port.serial_inherited()
    {
        eprintln!("serial {place}");
    }
    let http_port = device.base.variables.number(HTTP_PORT);
    // The terminal may be raw, so the line end is written out.
    port.when_listening(http_port.try_into().unwrap_or(0), |address| eprint!("http://{address}/\r\n"));
    match port.run(&runtime) {
        Exit::Stopped => Ok(()),
        Exit::Reboot => {
            let arguments: Vec<OsString> = std::env::args_os().collect();
            Err(fail(FAILURE, port.restart(arguments)))
        }
    }
}

fn wrong_setting(error: BootError, overrides: &[(&str, &str)]) -> u8 {
    let place = match error {
        BootError::Override(place) => place,
        BootError::Services => return fail(FAILURE, "the device does not start: more services than it has room for"),
    };
    let (name, value) = overrides.get(place).copied().unwrap_or_default();
    fail(WRONG_USAGE, format_args!("--set {name}={value}: there is no such variable, or it does not take this value"))
}
