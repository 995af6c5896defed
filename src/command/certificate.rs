//! `tls_certificate_request`: an extension (`docs/extensions.md`).

use core::net::Ipv4Addr;
use core::pin::pin;

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::limits;
use crate::tls::NotMade;

impl From<NotMade> for CommandError {
    fn from(_: NotMade) -> Self {
        Self::Failed
    }
}

/// `[<name>]`: the answer is the request, in PEM.
pub(super) async fn request(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let name = if call.count() == 0 { None } else { Some(call.text(0)?) };
    if name.is_some_and(|name| !is_host_name(name)) {
        return Err(CommandError::Invalid);
    }
    let made = call.apart(pin!(machine.tls.request(name))).await??;
    made.pem(|line| call.reply.put(line))?;
    Ok(Ending::Text)
}

/// Whether it is a host name, which can be the DNS name of a certificate.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && letters && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= limits::HOST_NAME && name.split('.').all(is_label) && name.parse::<Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts() {
        for name in ["a", "lamp.local", "a-1.b2.example", "1a"] {
            assert!(is_host_name(name), "{name}");
        }
        let label = "a".repeat(64);
        for name in ["", ".", "a.", ".a", "-a", "a-", "a_b", "a b", "127.0.0.1", "*.a", "\u{e9}.a", &label] {
            assert!(!is_host_name(name), "{name}");
        }
        assert!(!is_host_name(&"a.".repeat(65)));
    }
}
