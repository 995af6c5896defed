//! Files.

use super::page::{Page, Part, SUCCESS, part};

const NAME: Part = part("name", "The name of the file, up to 96 bytes.");
const MAC: Part = part("MAC", "The device's own MAC (`get wlan.mac`), as protection against mistakes.");

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "file_create",
        parameters: &[
            part("name", "The name of the file, up to 96 bytes, in quotes when it has blanks."),
            part("size", "Bytes of its content."),
            part("version", "Three or four numbers with dots; 1.0.0.0 if none is given."),
            part("type", "A hexadecimal number; FE if none is given."),
            part("crc", "CRC-16 or CRC-32 of the content, hexadecimal; when it does not match, no file is made."),
        ],
        options: &[
            part("-e", "Essential: factory_reset keeps the file."),
            part("-u", "Unprotected: the web server gives it out without a password."),
            part("-r", "Replaces a file of that name when the new one is complete."),
            part("-o", "Answers a handle; the content comes by stream_write. Without it the content follows the line."),
        ],
        answer: "`Success` when the last byte has come; with -o the handle.",
        example: "file_create hello.txt 12",
    },
    Page { name: "file_delete", parameters: &[NAME], options: &[], answer: SUCCESS, example: "file_delete hello.txt" },
    Page {
        name: "file_open",
        parameters: &[NAME],
        options: &[],
        answer: "The handle of a stream that closes by itself when all is read.",
        example: "file_open hello.txt",
    },
    Page {
        name: "file_stat",
        parameters: &[NAME],
        options: &[part("-v", "A line for each property, with its name.")],
        answer: "Size, version, type, flags, CRC and name, with commas between them.",
        example: "file_stat -v hello.txt",
    },
    Page {
        name: "format_flash",
        parameters: &[part("extended|bulk", "The place of the files; both words mean the same place here."), MAC],
        options: &[],
        answer: SUCCESS,
        example: "format_flash extended 4C:55:CC:10:09:42",
    },
    Page {
        name: "ls",
        parameters: &[],
        options: &[part("-v", "Also place, type, flags and CRC.")],
        answer: "A heading that begins with `!`, then one row per file, beginning with `#`: number, size, version, name.",
        example: "ls",
    },
    Page { name: "nvm", parameters: &[], options: &[], answer: "It is refused.", example: "nvm" },
];
