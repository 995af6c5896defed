//! The arguments of the Linux device.

use std::ffi::OsString;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::port::TlsClient;

/// The environment variable that says the same as `--tls-client`.
pub const TLS_CLIENT: &str = "OPENZENTRI_TLS_CLIENT";

/// What `--help` prints.
pub const USAGE: &str = "\
Usage: openzentri [OPTION]...
A ZentriOS device as a process: commands on the serial line, web server, sockets, files, a simulated radio.

  --data DIR           folder with settings and files (default zentri-data)
  --serial LINE        stdio (default), pty[:LINK], tcp:PORT, or a serial port: /dev/ttyUSB0
  --set NAME=VALUE     set a variable at boot, over the saved settings; repeatable
  --bind ADDRESS       IPv4 address that servers listen on (default 127.0.0.1)
  --softap-bind ADDRESS
                       the same for servers of the soft AP (default 127.0.0.2)
  --radio FILE         networks that the simulated radio hears, one a line:
                       ssid=NAME [security=wpa2-aes passkey=KEY] [channel=N] [rssi=DBM]
                       [bssid=MAC] [dhcp=no] [hidden=yes] [fails=N] [hangs=yes]
                       [vanishes=SECONDS] [drops=SECONDS]
  --wlan INTERFACE     network interface behind the radio: addresses by its DHCP server
  --softap INTERFACE   the same for the soft AP, which is the DHCP server there
  --show-pins          print each change of an output pin to standard error
  --flash SIZE         bytes of file space, also as 512K or 4M (default 4M)
  --tls-client LIBRARY rustls (default), or embedded: embedded-tls, as boards without Mbed TLS can have it; also
                       by the environment variable OPENZENTRI_TLS_CLIENT
  --help, --version    print this, or the version, and exit
";

/// Where the command UART is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SerialKind {
    /// Standard input and output.
    Stdio,
    /// A pseudo-terminal, with a symbolic link to it at this path.
    Pty(Option<PathBuf>),
    /// A TCP port; 0 lets the kernel choose.
    Tcp(u16),
    /// A serial port of the machine.
    Tty(PathBuf),
}

/// How to run the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder that stands for the flash.
    pub data: PathBuf,
    /// The command UART.
    pub serial: SerialKind,
    /// Variables to set at boot.
    pub settings: Vec<(String, String)>,
    /// The address that servers listen on.
    pub bind: Ipv4Addr,
    /// The address that servers of the soft AP listen on.
    pub softap_bind: Ipv4Addr,
    /// The network interface of the station.
    pub wlan: Option<String>,
    /// The network interface of the soft AP.
    pub softap: Option<String>,
    /// List of simulated networks.
    pub radio: Option<PathBuf>,
    /// Whether changes of output pins are printed.
    pub show_pins: bool,
    /// Bytes that the files may take.
    pub flash: u32,
    /// The library of TLS clients.
    pub tls_client: TlsClient,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: "zentri-data".into(),
            serial: SerialKind::Stdio,
            settings: Vec::new(),
            bind: Ipv4Addr::LOCALHOST,
            softap_bind: Ipv4Addr::new(127, 0, 0, 2),
            wlan: None,
            softap: None,
            radio: None,
            show_pins: false,
            flash: 4 << 20,
            tls_client: TlsClient::default(),
        }
    }
}

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run the device.
    Run(Options),
    /// Print [`USAGE`].
    Help,
    /// Print the version.
    Version,
}

/// A wrong argument; one line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; see --help", self.0)
    }
}

impl std::error::Error for UsageError {}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

impl Request {
    /// Reads the arguments, without the program's name, and over the value of [`TLS_CLIENT`].
    pub fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        environment: Option<OsString>,
    ) -> Result<Self, UsageError> {
        let mut options = Options::default();
        if let Some(library) = environment {
            options.tls_client = tls_client(&library.string()?)?;
        }
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("data") => options.data = parser.value()?.into(),
                Long("serial") => options.serial = serial(&parser.value()?.string()?)?,
                Long("set") => options.settings.push(setting(&parser.value()?.string()?)?),
                Long("bind") => options.bind = bind(&parser.value()?.string()?)?,
                Long("softap-bind") => options.softap_bind = bind(&parser.value()?.string()?)?,
                Long("wlan") => options.wlan = Some(parser.value()?.string()?),
                Long("softap") => options.softap = Some(parser.value()?.string()?),
                Long("radio") => options.radio = Some(parser.value()?.into()),
                Long("show-pins") => options.show_pins = true,
                Long("tls-client") => options.tls_client = tls_client(&parser.value()?.string()?)?,
                Long("flash") => options.flash = size(&parser.value()?.string()?)?,
                Short('h') | Long("help") => return Ok(Self::Help),
                Short('V') | Long("version") => return Ok(Self::Version),
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(Self::Run(options))
    }
}

fn serial(text: &str) -> Result<SerialKind, UsageError> {
    if text.starts_with('/') {
        return Ok(SerialKind::Tty(text.into()));
    }
    match text.split_once(':').unwrap_or((text, "")) {
        ("stdio", "") => Ok(SerialKind::Stdio),
        ("pty", "") => Ok(SerialKind::Pty(None)),
        ("pty", link) => Ok(SerialKind::Pty(Some(link.into()))),
        ("tcp", port) if port.parse::<u16>().is_ok() => Ok(SerialKind::Tcp(port.parse().unwrap_or(0))),
        _ => Err(UsageError(format!("--serial takes stdio, pty, pty:LINK, tcp:PORT or a path, not '{text}'"))),
    }
}

fn setting(text: &str) -> Result<(String, String), UsageError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(UsageError(format!("--set takes NAME=VALUE, not '{text}'"))),
    }
}

fn bind(text: &str) -> Result<Ipv4Addr, UsageError> {
    text.parse().map_err(|_| UsageError(format!("--bind takes an IPv4 address, not '{text}'")))
}

fn tls_client(text: &str) -> Result<TlsClient, UsageError> {
    text.parse().map_err(|()| UsageError(format!("--tls-client takes rustls or embedded, not '{text}'")))
}

fn size(text: &str) -> Result<u32, UsageError> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    let size = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    size.ok_or_else(|| UsageError(format!("--flash takes a number of bytes like 4194304, 512K or 4M, not '{text}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Request, UsageError> {
        Request::parse(arguments.iter().map(OsString::from), None)
    }

    #[test]
    fn arguments_are_read() {
        let arguments =
            "--data d --serial pty:/tmp/uart --set wlan.ssid=a=b --set ht.s.p=1 --bind 0.0.0.0 --flash=512K";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let Ok(Request::Run(options)) = parse(&arguments) else { panic!() };
        assert_eq!(options.data, PathBuf::from("d"));
        assert_eq!(options.serial, SerialKind::Pty(Some("/tmp/uart".into())));
        assert_eq!(options.settings, [("wlan.ssid".into(), "a=b".into()), ("ht.s.p".into(), "1".into())]);
        assert_eq!(options.bind, Ipv4Addr::UNSPECIFIED);
        assert_eq!(options.flash, 512 * 1024);
        assert_eq!(parse(&[]), Ok(Request::Run(Options::default())));
        assert_eq!(parse(&["--data", "x", "--help"]), Ok(Request::Help));
        let Ok(Request::Run(options)) = parse(&["--tls-client", "embedded"]) else { panic!() };
        assert_eq!(options.tls_client, TlsClient::Embedded);
        let by_environment = Request::parse([], Some("embedded".into()));
        assert_eq!(by_environment, Ok(Request::Run(options)));
        assert!(Request::parse([], Some("openssl".into())).is_err());
        assert_eq!(serial("tcp:2000"), Ok(SerialKind::Tcp(2000)));
        assert_eq!(serial("/dev/ttyS0"), Ok(SerialKind::Tty("/dev/ttyS0".into())));
    }

    #[test]
    fn wrong_arguments_are_one_line() {
        let wrong: [&[&str]; 13] = [
            &["--tls-client", "openssl"],
            &["--nonsense"],
            &["file"],
            &["--data"],
            &["--serial", "usb"],
            &["--serial", "stdio:x"],
            &["--serial", "tcp"],
            &["--serial", "tcp:99999"],
            &["--set", "noequals"],
            &["--set", "=x"],
            &["--bind", "::1"],
            &["--flash", "9G"],
            &["--flash", "4096M"],
        ];
        for arguments in wrong {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(!error.contains('\n') && error.ends_with("see --help"), "{error}");
        }
    }
}
