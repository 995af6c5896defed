//! The device as a Linux process.

use std::ffi::OsString;
use std::process::ExitCode;

use openzentri::device::{self, BootError};
use openzentri::port::host::Runtime;
use openzentri::port::linux::{Exit, LinuxPort, Options, Request, StartError, USAGE};

fn main() -> ExitCode {
    let options = match Request::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Request::Version) => {
            println!("openzentri {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("openzentri: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openzentri: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the device until it ends; a reboot replaces the process.
fn run(options: &Options) -> Result<(), StartError> {
    let mut port = LinuxPort::new(options)?;
    port.handle_signals()?;
    let port: &'static LinuxPort = Box::leak(Box::new(port));
    if let (Some(place), false) = (port.serial_place(), port.serial_inherited()) {
        eprintln!("serial {place}");
    }
    let runtime = Runtime::new();
    let overrides: Vec<(&str, &str)> = options.settings.iter().map(|(name, value)| (&**name, &**value)).collect();
    device::boot(port, runtime.spawner(), &overrides).map_err(|BootError::Override(place)| {
        let (name, value) = overrides.get(place).copied().unwrap_or_default();
        StartError::new("set", format_args!("{name}={value}: no such variable, or not a value of it"))
    })?;
    let exit = port.run(&runtime);
    if exit == Exit::Reboot {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let error = port.restart(arguments);
        port.shut_down();
        return Err(error);
    }
    port.shut_down();
    Ok(())
}
