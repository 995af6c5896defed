//! Variables, the device, API tokens.

use super::page::{Page, Part, SET_OK, SUCCESS, part};

const MAC: Part = part("MAC", "The device's own MAC (`get wlan.mac`), as protection against mistakes.");
const VARIABLE: Part = part("variable", "Its name or short name; for an indexed variable the element after it.");

pub(super) const PAGES: &[Page] = &[
    Page { name: "exit", parameters: &[], options: &[], answer: SUCCESS, example: "exit" },
    Page {
        name: "factory_reset",
        parameters: &[MAC],
        options: &[],
        answer: "As `reboot`.",
        example: "factory_reset 4C:55:CC:10:09:42",
    },
    Page {
        name: "faults_print",
        parameters: &[],
        options: &[],
        answer: "A row for each of the last eight faults: its number, its kind, two handles that are always 00, and what is known of its place.",
        example: "faults_print",
    },
    Page { name: "faults_reset", parameters: &[], options: &[], answer: SUCCESS, example: "faults_reset" },
    Page {
        name: "force_safemode",
        parameters: &[MAC],
        options: &[],
        answer: "`Forcing safemode...`, `Rebooting`; then the device restarts in safe mode, until `faults_reset` and `reboot`.",
        example: "force_safemode 4C:55:CC:10:09:42",
    },
    Page {
        name: "get",
        parameters: &[
            VARIABLE,
            part("group", "The beginning of names, such as `wlan` or `ht s`."),
            part("all", "All variables."),
        ],
        options: &[],
        answer: "The value alone; for a group or `all` one line per variable, `<name>: <value>`.",
        example: "get wlan.network.ip",
    },
    Page {
        name: "help",
        parameters: &[
            part("commands", "All commands and their short names."),
            part("variables", "All variables and their short names."),
            part("all", "Both."),
            part("name", "A command, a variable, or the first word of names of variables."),
        ],
        options: &[],
        answer: "Text for people; `commands` and `variables` for programs, too.",
        example: "help stream_read",
    },
    Page {
        name: "load",
        parameters: &[part("file", "A settings file.")],
        options: &[],
        answer: SUCCESS,
        example: "load my_settings.csv",
    },
    Page {
        name: "ota",
        parameters: &[part("bundle", "The update.")],
        options: &[part("-f", "Also when it is not newer.")],
        answer: "It is refused: there are no updates in this release.",
        example: "ota",
    },
    Page {
        name: "reboot",
        parameters: &[],
        options: &[],
        answer: "`Rebooting`; then the device starts and prints its version.",
        example: "reboot",
    },
    Page {
        name: "save",
        parameters: &[part("file", "A settings file; without it the record that is read at boot.")],
        options: &[],
        answer: SUCCESS,
        example: "save",
    },
    Page {
        name: "set",
        parameters: &[VARIABLE, part("value", "The value, in quotes when it has blanks; `\"\"` is the empty one.")],
        options: &[],
        answer: SET_OK,
        example: "set wlan.ssid \"My Net\"",
    },
    Page {
        name: "sleep",
        parameters: &[],
        options: &[],
        answer: "None. Time (`system.wakeup.timeout`), a pin (`system.wakeup.events`) or a byte at the UART wakes the device, which then restarts.",
        example: "sleep",
    },
    Page {
        name: "tls_certificate_request",
        parameters: &[part("name", "The name to certify; without it `<mdns.name>.local`.")],
        options: &[],
        answer: "The request, in PEM.",
        example: "tls_certificate_request device.example.com",
    },
    Page {
        name: "token_create",
        parameters: &[
            part("name", "1 to 32 of a-z A-Z 0-9 . _ -"),
            part("scope,...", "Of `read`, `streams`, `files`, `config`, `admin`, with commas between them."),
        ],
        options: &[],
        answer: "The token, shown only this once.",
        example: "token_create phone read,streams",
    },
    Page {
        name: "token_delete",
        parameters: &[part("name", "The name that it was made with.")],
        options: &[],
        answer: SUCCESS,
        example: "token_delete phone",
    },
    Page {
        name: "token_list",
        parameters: &[],
        options: &[],
        answer: "One row per token: its name and scopes.",
        example: "token_list",
    },
    Page {
        name: "uart_update",
        parameters: &[part("uart", "0 or 1; there is one UART for commands.")],
        options: &[],
        answer: SUCCESS,
        example: "uart_update",
    },
    Page { name: "version", parameters: &[], options: &[], answer: "One line.", example: "version" },
];
