//! Names of networks and of their security in texts.

use core::fmt::{self, Display, Formatter, Write};

use crate::port::Security;

/// A network's name as text: control characters and invalid UTF-8 as `\xNN`, the escape of arguments.
pub struct Printable<'a>(pub &'a [u8]);

impl Display for Printable<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character.is_control() {
                    false => out.write_char(character)?,
                    true => escape(out, character.encode_utf8(&mut [0; 4]).as_bytes())?,
                }
            }
            escape(out, chunk.invalid())?;
        }
        Ok(())
    }
}

fn escape(out: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "\\x{byte:02X}"))
}

/// The name of a security type in logs and scans.
pub fn security_name(security: Security) -> &'static str {
    match security {
        Security::Open => "Open",
        Security::Wep => "WEP",
        Security::WpaAes => "WPA-AES",
        Security::WpaTkip => "WPA-TKIP",
        Security::Wpa2Aes => "WPA2-AES",
        Security::Wpa2Mixed => "WPA2-Mixed",
        Security::Wpa2Tkip => "WPA2-TKIP",
        Security::Wpa3Sae => "WPA3-SAE",
        Security::Wpa3Mixed => "WPA3-Mixed",
    }
}
