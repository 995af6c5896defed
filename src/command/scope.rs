//! Which scope a command line needs (`docs/extensions.md`). Front ends ask that know who their client is.

use super::line::Line;
use super::table;
use crate::access::scope::{Scope, of_variable};
use crate::limits;
use crate::variable;

/// The commands of each scope. Every command is in one list; one that is in none does not compile.
const COMMANDS: [(Scope, &[&str]); 5] = [
    (
        Scope::Read,
        &[
            "adc_take_sample",
            "faults_print",
            "file_stat",
            "get",
            "gpio_get",
            "gpios_get",
            "help",
            "ls",
            "stream_list",
            "stream_poll",
            "version",
            "wlan_get_rssi",
            "wlan_scan",
        ],
    ),
    (
        Scope::Streams,
        &[
            "dac_set_level",
            "gpio_set",
            "gpios_set",
            "http_add_header",
            "http_get",
            "http_head",
            "http_post",
            "http_put",
            "http_read_status",
            "i2c_master_open",
            "mdns_discover",
            "network_lookup",
            "ping",
            "pwm_update",
            "smtp_send",
            "spi_master_open",
            "stream_close",
            "stream_read",
            "stream_write",
            "tcp_client",
            "tcp_server",
            "tls_client",
            "tls_server",
            "udp_client",
            "udp_server",
            "websocket_client",
        ],
    ),
    (Scope::Files, &["file_create", "file_delete", "file_open", "http_download", "http_upload", "nvm"]),
    (
        Scope::Config,
        &[
            "faults_reset",
            "gpio_dir",
            "gpios_dir",
            "network_down",
            "network_restart",
            "network_up",
            "network_verify",
            "reboot",
            "save",
            "set",
            "setup",
            "sleep",
            "wps",
        ],
    ),
    (
        Scope::Admin,
        &[
            "factory_reset",
            "force_safemode",
            "format_flash",
            "load",
            "ota",
            "token_create",
            "token_delete",
            "token_list",
        ],
    ),
];

/// The scope of a command, for the table.
pub(super) const fn of(name: &str) -> Scope {
    let mut list = 0;
    while list < COMMANDS.len() {
        let (scope, names) = COMMANDS[list];
        let mut at = 0;
        while at < names.len() {
            if limits::same(names[at], name) {
                return scope;
            }
            at += 1;
        }
        list += 1;
    }
    panic!("the command is in no list of src/command/scope.rs")
}

/// The file that names what needs no password (HTTP reference 4).
pub const WHITELIST: &[u8] = b"http_whitelist.csv";

/// The scope that an API token must have for a command line. A line that runs no command needs the least.
///
/// The command's own scope, but [`Scope::Admin`] where a lesser one could make itself more than it is: setting a
/// variable that guards the device, and writing the file that names what needs no password.
pub fn scope_of(line: &[u8]) -> Scope {
    let Ok(line) = Line::parse(line) else { return Scope::Read };
    let Some(command) = line.get(0).and_then(table::find) else { return Scope::Read };
    if command.name == "set" {
        let words: heapless::Vec<&[u8], { variable::LONGEST }> = line.words().skip(1).take(variable::LONGEST).collect();
        return variable::find_bytes(&words).map_or(command.scope, |(id, _)| of_variable(id.row()));
    }
    let whitelist = || line.words().any(|word| word.windows(WHITELIST.len()).any(|part| part == WHITELIST));
    if command.scope != Scope::Read && whitelist() { Scope::Admin } else { command.scope }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_a_list_is_that_of_a_command_and_in_no_other_list() {
        let names: std::vec::Vec<_> = COMMANDS.iter().flat_map(|(_, names)| names.iter()).collect();
        for name in &names {
            assert!(table::COMMANDS.iter().any(|command| command.name == **name), "{name}");
            assert_eq!(names.iter().filter(|other| other == &name).count(), 1, "{name}");
        }
        assert_eq!(names.len(), table::COMMANDS.len());
    }

    #[test]
    fn a_line_needs_what_its_command_needs() {
        for (line, scope) in [
            ("", Scope::Read),
            ("nonsense", Scope::Read),
            ("get \"open", Scope::Read),
            ("ver", Scope::Read),
            ("  get all", Scope::Read),
            ("write 0 5", Scope::Streams),
            ("\"stream_write\" 0 5", Scope::Streams),
            ("tc\\x70c 10.0.0.1 80", Scope::Streams),
            ("fcr a 5", Scope::Files),
            ("set wl s MyNet", Scope::Config),
            ("set nonsense 1", Scope::Config),
            ("set", Scope::Config),
            ("save", Scope::Config),
            ("load settings.txt", Scope::Admin),
            ("token_create a read", Scope::Admin),
        ] {
            assert_eq!(scope_of(line.as_bytes()), scope, "{line}");
        }
    }

    #[test]
    fn what_guards_the_device_needs_admin() {
        for line in [
            "set http.server.username \"\"",
            "set ht s u \"\"",
            "set ht s w x",
            "set http.server.unauthorized_filename key.pem",
            "set wl h 0",
            "set remote_terminal.enabled 1",
            "fcr http_whitelist.csv 1",
            "fcr -o http_\\x77hitelist.csv 1",
            "fde http_whitelist.csv",
            "save http_whitelist.csv",
            "hdo http://10.0.0.1/http_whitelist.csv",
        ] {
            assert_eq!(scope_of(line.as_bytes()), Scope::Admin, "{line}");
        }
        assert_eq!(scope_of(b"fst http_whitelist.csv"), Scope::Read);
    }
}
