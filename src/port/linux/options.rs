//! The arguments of the Linux device.

use std::ffi::OsString;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::builder::{OsStr, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::port::TlsClient;

/// The environment variable with the same meaning as `--tls-client`.
pub const TLS_CLIENT: &str = "OPENZENTRI_TLS_CLIENT";

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
    /// No line: no input comes, and output is lost.
    None,
}

/// How to run the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder that stands for the flash.
    pub data: PathBuf,
    /// The command UART.
    pub serial: SerialKind,
    /// Whether a person uses the command UART at a terminal, even if the process cannot detect that.
    pub terminal: bool,
    /// Whether log lines are printed to standard error.
    pub log: bool,
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
    /// Bytes of space for files.
    pub flash: u32,
    /// The library of TLS clients.
    pub tls_client: TlsClient,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: state_folder(|name| std::env::var_os(name)),
            serial: SerialKind::Stdio,
            terminal: false,
            log: false,
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

/// The default of `--data`: the folder that systemd gives (`STATE_DIRECTORY`), else `openzentri` in the user's state
/// folder (XDG Base Directory Specification 0.8). `variable` reads the environment.
fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(folders) = set("STATE_DIRECTORY") {
        // Several are separated by colons; the first is ours.
        let folders = folders.to_string_lossy().into_owned();
        return folders.split(':').next().unwrap_or_default().into();
    }
    let absolute = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    absolute("XDG_STATE_HOME").or_else(home).map_or_else(|| "zentri-data".into(), |state| state.join("openzentri"))
}

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run the device.
    Run(Options),
    /// Print this text, and nothing else.
    Print(String),
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

/// An option that takes a value.
fn option(name: &'static str, value: &'static str, parser: impl Into<ValueParser>, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(parser.into()).help(help).allow_hyphen_values(true)
}

/// The definition of the arguments, for the parser, the man page and the shell completions.
fn command() -> Command {
    let address = |name, default: &'static str, help| {
        option(name, "ADDRESS", value_parser!(Ipv4Addr), help).default_value(OsStr::from(default))
    };
    Command::new("openzentri")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A ZentriOS device as a process: commands on the serial line, web server, sockets, files, a simulated radio")
        .arg(
            option("data", "DIR", value_parser!(PathBuf), "Folder with settings and files")
                .long_help(
                    "Folder with settings and files. The default is $STATE_DIRECTORY, or else openzentri in $XDG_STATE_HOME \
                     or ~/.local/state",
                )
                .value_hint(clap::ValueHint::DirPath),
        )
        .arg(
            option("serial", "LINE", serial, "Command UART: stdio, pty[:LINK], tcp:PORT, a serial port such as /dev/ttyUSB0, or none").default_value("stdio"),
        )
        .arg(
            Arg::new("terminal")
                .long("terminal")
                .action(ArgAction::SetTrue)
                .help("A person uses the serial line at a terminal: draw the typed line")
                .long_help(
                    "A person uses the serial line at a terminal program: draw the typed line, with completion and search. This is \
                     the default if standard input and output are a terminal",
                ),
        )
        .arg(Arg::new("log").long("log").action(ArgAction::SetTrue).help("Print log lines to standard error"))
        .arg(
            option("set", "NAME=VALUE", setting, "Set a variable at boot, over the saved settings; repeatable")
                .action(ArgAction::Append),
        )
        .arg(address("bind", "127.0.0.1", "IPv4 address that servers listen on"))
        .arg(address("softap-bind", "127.0.0.2", "IPv4 address that servers of the soft AP listen on"))
        .arg(
            option("radio", "FILE", value_parser!(PathBuf), "Networks that the simulated radio hears, one per line")
                .long_help(
                    "Networks that the simulated radio hears, one per line: ssid=NAME [security=wpa2-aes passkey=KEY] \
                     [channel=N] [rssi=DBM] [bssid=MAC] [dhcp=no] [hidden=yes] [fails=N] [hangs=yes] [vanishes=SECONDS] \
                     [drops=SECONDS]",
                )
                .value_hint(clap::ValueHint::FilePath),
        )
        .arg(option(
            "wlan",
            "INTERFACE",
            value_parser!(String),
            "Network interface of the station; a DHCP server there gives the address",
        ))
        .arg(option(
            "softap",
            "INTERFACE",
            value_parser!(String),
            "Network interface of the soft AP; the device is the DHCP server there",
        ))
        .arg(
            Arg::new("show-pins")
                .long("show-pins")
                .action(ArgAction::SetTrue)
                .help("Print each change of an output pin to standard error"),
        )
        .arg(option("flash", "SIZE", size, "Bytes of file space, also as 512K or 4M").default_value("4M"))
        .arg(option("tls-client", "LIBRARY", tls_client, "Library of TLS clients: rustls or embedded").long_help(
            "Library of TLS clients: rustls, or embedded for embedded-tls, which boards without Mbed TLS can use. The \
             environment variable OPENZENTRI_TLS_CLIENT does the same",
        ))
        .arg(option("completion", "SHELL", value_parser!(Shell), "Print a completion script for a shell, and exit"))
        .arg(Arg::new("man").long("man").action(ArgAction::SetTrue).help("Print the man page, and exit"))
}

impl Request {
    /// Reads the arguments, without the program's name; they take precedence over the value of [`TLS_CLIENT`].
    pub fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        environment: Option<OsString>,
    ) -> Result<Self, UsageError> {
        let given = environment.map(|library| tls_client(&library.to_string_lossy()));
        let given = given.transpose().map_err(|why| UsageError(format!("{TLS_CLIENT}: {why}")))?;
        let words = std::iter::once(OsString::from("openzentri")).chain(arguments);
        match command().try_get_matches_from(words) {
            Ok(matches) if matches.get_flag("man") => Ok(Self::Print(man_page())),
            Ok(matches) => Ok(match matches.get_one::<Shell>("completion") {
                Some(shell) => Self::Print(completion(*shell)),
                None => Self::Run(options(matches, given)),
            }),
            Err(text) if matches!(text.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                Ok(Self::Print(text.to_string()))
            }
            Err(error) => Err(one_line(&error)),
        }
    }
}

fn options(mut matches: ArgMatches, library: Option<TlsClient>) -> Options {
    let given = Options::default();
    Options {
        data: matches.remove_one("data").unwrap_or(given.data),
        serial: matches.remove_one("serial").unwrap_or(given.serial),
        terminal: matches.get_flag("terminal"),
        log: matches.get_flag("log"),
        settings: matches.remove_many("set").into_iter().flatten().collect(),
        bind: matches.remove_one("bind").unwrap_or(given.bind),
        softap_bind: matches.remove_one("softap-bind").unwrap_or(given.softap_bind),
        wlan: matches.remove_one("wlan"),
        softap: matches.remove_one("softap"),
        radio: matches.remove_one("radio"),
        show_pins: matches.get_flag("show-pins"),
        flash: matches.remove_one("flash").unwrap_or(given.flash),
        tls_client: matches.remove_one("tls-client").or(library).unwrap_or_default(),
    }
}

/// The first line of the parser's message.
fn one_line(error: &clap::Error) -> UsageError {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    UsageError(line.trim_start_matches("error: ").to_owned())
}

fn man_page() -> String {
    let mut page = Vec::new();
    // Writing into memory cannot fail.
    let _ = clap_mangen::Man::new(command()).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}

fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "openzentri", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn serial(text: &str) -> Result<SerialKind, String> {
    if text.starts_with('/') {
        return Ok(SerialKind::Tty(text.into()));
    }
    match text.split_once(':').unwrap_or((text, "")) {
        ("stdio", "") => Ok(SerialKind::Stdio),
        ("none", "") => Ok(SerialKind::None),
        ("pty", "") => Ok(SerialKind::Pty(None)),
        ("pty", link) => Ok(SerialKind::Pty(Some(link.into()))),
        ("tcp", port) if port.parse::<u16>().is_ok() => Ok(SerialKind::Tcp(port.parse().unwrap_or(0))),
        _ => Err("it takes stdio, pty, pty:LINK, tcp:PORT, a path or none".into()),
    }
}

fn tls_client(text: &str) -> Result<TlsClient, String> {
    text.parse().map_err(|()| "it takes rustls or embedded".into())
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it takes NAME=VALUE".into()),
    }
}

fn size(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    let size = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    size.ok_or_else(|| "it takes a number of bytes like 4194304, 512K or 4M".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Request, UsageError> {
        Request::parse(arguments.iter().map(OsString::from), None)
    }

    fn printed(arguments: &[&str]) -> String {
        match parse(arguments) {
            Ok(Request::Print(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_arguments_make_sense() {
        command().debug_assert();
    }

    #[test]
    fn arguments_are_read() {
        let arguments = "--data d --serial pty:/tmp/uart --set wlan.ssid=a=b --set ht.s.p=1 --bind 0.0.0.0 --flash=512K --log --terminal";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let Ok(Request::Run(options)) = parse(&arguments) else { panic!() };
        assert_eq!(options.data, PathBuf::from("d"));
        assert_eq!(options.serial, SerialKind::Pty(Some("/tmp/uart".into())));
        assert_eq!(options.settings, [("wlan.ssid".into(), "a=b".into()), ("ht.s.p".into(), "1".into())]);
        assert_eq!(options.bind, Ipv4Addr::UNSPECIFIED);
        assert_eq!(options.flash, 512 * 1024);
        assert!(options.log && options.terminal);
        assert_eq!(parse(&[]), Ok(Request::Run(Options::default())));
        let Ok(Request::Run(options)) = parse(&["--tls-client", "embedded"]) else { panic!() };
        assert_eq!(options.tls_client, TlsClient::Embedded);
        assert_eq!(Request::parse([], Some("embedded".into())), Ok(Request::Run(options)));
        assert!(Request::parse([], Some("openssl".into())).is_err());
        assert_eq!(serial("tcp:2000"), Ok(SerialKind::Tcp(2000)));
        assert_eq!(serial("none"), Ok(SerialKind::None));
        assert_eq!(serial("/dev/ttyS0"), Ok(SerialKind::Tty("/dev/ttyS0".into())));
    }

    #[test]
    fn what_is_only_printed_names_every_option() {
        let names = command().get_arguments().map(|argument| argument.get_id().to_string()).collect::<Vec<_>>();
        let texts = [
            printed(&["--data", "x", "--help"]),
            printed(&["--man"]).replace("\\-", "-"),
            printed(&["--completion", "bash"]),
            printed(&["--completion", "zsh"]),
        ];
        for text in texts {
            for name in &names {
                assert!(text.contains(&format!("--{name}")), "{name}: {text}");
            }
        }
        assert!(printed(&["-V"]).starts_with("openzentri "));
    }

    #[test]
    fn the_folder_is_where_a_user_or_systemd_expects_it() {
        let folder = |given: &[(&str, &str)]| {
            let find = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            state_folder(find).display().to_string()
        };
        let systemd = [("STATE_DIRECTORY", "/var/lib/openzentri:/var/lib/more"), ("HOME", "/root")];
        assert_eq!(folder(&systemd), "/var/lib/openzentri");
        assert_eq!(folder(&[("XDG_STATE_HOME", "/state"), ("HOME", "/home/a")]), "/state/openzentri");
        assert_eq!(folder(&[("XDG_STATE_HOME", "relative"), ("HOME", "/home/a")]), "/home/a/.local/state/openzentri");
        assert_eq!(folder(&[("HOME", "")]), "zentri-data");
    }

    #[test]
    fn wrong_arguments_are_one_line() {
        let wrong: [&[&str]; 14] = [
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
            &["--completion", "cmd"],
        ];
        for arguments in wrong {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(!error.contains('\n') && error.ends_with("see --help") && error.len() > 20, "{error}");
        }
    }
}
