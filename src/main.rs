//! The device as a Linux process.

use std::ffi::OsString;
use std::fmt::Display;
use std::future::poll_fn;
use std::process::ExitCode;
use std::task::Poll;

use openzentri::base::Base;
use openzentri::device::{self, BootError};
use openzentri::ground::log::Level;
use openzentri::port::host::{self, Runtime};
use openzentri::port::linux::{Exit, LinuxPort, Options, Request, TLS_CLIENT, notices};
use openzentri::terminal;
use openzentri::variable::{Id, Variables, id};

const HTTP_PORT: Id = id("http.server.port");
const USERNAME: Id = id("http.server.username");
const PASSWORD: Id = id("http.server.password");

/// Exit codes.
const FAILURE: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let ended = match Request::parse(std::env::args_os().skip(1), std::env::var_os(TLS_CLIENT)) {
        Ok(Request::Run(options)) => run(&options),
        Ok(Request::Print(text)) => {
            print!("{text}");
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
    if !port.serial_inherited() && options.data == Options::default().data {
        eprint!("data {}\r\n", options.data.display());
    }
    if options.log {
        host::spawn(runtime.spawner(), print_log(device.base));
    }
    warn_of_strangers(device.base.variables, options);
    let http_port = device.base.variables.number(HTTP_PORT);
    port.when_listening(http_port.try_into().unwrap_or(0), |address| notices::tell(format_args!("http://{address}/")));
    match port.run(&runtime) {
        Exit::Stopped => {
            if port.input_has_ended() {
                eprintln!("openzentri: stopped because standard input ended; --serial none runs without it");
            }
            Ok(())
        }
        Exit::Reboot => {
            let arguments: Vec<OsString> = std::env::args_os().collect();
            Err(fail(FAILURE, port.restart(arguments)))
        }
    }
}

/// Prints each log line to standard error, first those of the boot, which are there already. If that is the terminal on
/// which the device itself prints log lines, prints only those that the device does not.
async fn print_log(base: &'static Base) {
    let log = base.log;
    let mut next = log.first();
    loop {
        poll_fn(|context| {
            log.follow(context.waker());
            if log.next() == next { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        while let Some((number, level, line)) = log.get(next) {
            next = number.wrapping_add(1);
            let printed = notices::are_drawn() && terminal::prints_log(base, level);
            if level < Level::Trace as u8 && !printed {
                notices::tell(format_args!("{}", String::from_utf8_lossy(&line)));
            }
        }
    }
}

/// Warns when everybody in the network may command the device.
fn warn_of_strangers(variables: &Variables, options: &Options) {
    let open = variables.is_empty(USERNAME) || variables.is_empty(PASSWORD);
    if open && !options.bind.is_loopback() {
        let name = options.bind;
        eprint!(
            "openzentri: anyone who reaches {name} may control this device: set http.server.username and http.server.password\r\n"
        );
    }
}

fn wrong_setting(error: BootError, overrides: &[(&str, &str)]) -> u8 {
    let place = match error {
        BootError::Override(place) => place,
        BootError::Services => return fail(FAILURE, "the device does not start: it has no room for all its services"),
    };
    let (name, value) = overrides.get(place).copied().unwrap_or_default();
    fail(WRONG_USAGE, format_args!("--set {name}={value}: there is no such variable, or it does not take this value"))
}
