//! The list of networks that the simulated radio hears (`--radio FILE`).
//!
//! One network per line, as `key=value` words in any order; `#` starts a comment. A value with blanks is in double
//! quotes. A name may have any bytes: `\xNN` stands for one.
//!
//! ```text
//! ssid="Home" security=wpa2-aes passkey=secret channel=6 rssi=-60
//! ssid=Cafe dhcp=no fails=2 vanishes=30   # joins at the third attempt, is gone half a minute later
//! ```

use std::path::Path;

use embassy_time::Duration;

use super::board;
use super::errors::StartError;
use crate::port::radio::SimulatedNetwork;
use crate::port::{Ipv4Config, Security};

/// The names of the securities in the file.
const SECURITIES: [(&str, Security); 9] = [
    ("open", Security::Open),
    ("wep", Security::Wep),
    ("wpa-aes", Security::WpaAes),
    ("wpa-tkip", Security::WpaTkip),
    ("wpa2-aes", Security::Wpa2Aes),
    ("wpa2-mixed", Security::Wpa2Mixed),
    ("wpa2-tkip", Security::Wpa2Tkip),
    ("wpa3-sae", Security::Wpa3Sae),
    ("wpa3-mixed", Security::Wpa3Mixed),
];

/// Reads a list; every DHCP server gives `address`.
pub(super) fn load(file: &Path, address: Ipv4Config) -> Result<Vec<SimulatedNetwork>, StartError> {
    let what = format!("read the networks in {}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| StartError::new(&what, error))?;
    parse(&text, address).map_err(|error| StartError::new(&what, error))
}

fn parse(text: &str, address: Ipv4Config) -> Result<Vec<SimulatedNetwork>, String> {
    let mut networks = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let words = words(line).map_err(|error| format!("line {}: {error}", at + 1))?;
        if !words.is_empty() {
            let number = u8::try_from(networks.len() + 1).map_err(|_| "too many networks")?;
            networks.push(network(&words, number, address).map_err(|error| format!("line {}: {error}", at + 1))?);
        }
    }
    Ok(networks)
}

/// Splits a line into keys and values.
fn words(line: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (key, value) = rest.split_once('=').ok_or_else(|| format!("'{rest}' is not key=value"))?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        words.push((key, value));
        rest = after.trim_start();
    }
    Ok(words)
}

/// The network that the words of a line describe.
fn network(words: &[(&str, &str)], number: u8, address: Ipv4Config) -> Result<SimulatedNetwork, String> {
    let mut network =
        SimulatedNetwork { bssid: [0x02, 0, 0, 0, 0, number], address: Some(address), ..SimulatedNetwork::OPEN };
    for (key, value) in words {
        set(&mut network, key, value).ok_or_else(|| format!("'{key}={value}' is not known"))?;
    }
    if network.ssid.is_empty() || network.ssid.len() > 32 {
        return Err("a network needs an ssid of 1 to 32 bytes".into());
    }
    if network.security != Security::Open && network.passkey.is_empty() {
        return Err("a network with encryption needs a passkey".into());
    }
    Ok(network)
}

fn set(network: &mut SimulatedNetwork, key: &str, value: &str) -> Option<()> {
    match key {
        "ssid" => network.ssid = name(value)?.leak(),
        "bssid" => network.bssid = board::bytes(&value.replace(':', ""))?,
        "channel" => network.channel = value.parse().ok()?,
        "rssi" => network.rssi = value.parse().ok()?,
        "security" => network.security = SECURITIES.iter().find(|(name, _)| *name == value)?.1,
        "passkey" => network.passkey = value.as_bytes().to_vec().leak(),
        "dhcp" if value == "yes" => {}
        "dhcp" if value == "no" => network.address = None,
        "fails" => network.fails = value.parse().ok()?,
        "hidden" if matches!(value, "yes" | "no") => network.hidden = value == "yes",
        "hangs" if matches!(value, "yes" | "no") => network.hangs = value == "yes",
        "drops" => network.drops_after = Some(Duration::from_secs(value.parse::<u32>().ok()?.into())),
        "vanishes" => network.vanishes_after = Some(Duration::from_secs(value.parse::<u32>().ok()?.into())),
        _ => return None,
    }
    Some(())
}

/// The bytes of a name: `\xNN` stands for one.
fn name(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    Some(bytes)
}

/// A name or key as the value of a string variable.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ADDRESS: Ipv4Config = Ipv4Config {
        address: Ipv4Addr::LOCALHOST,
        netmask: Ipv4Addr::BROADCAST,
        gateway: Ipv4Addr::LOCALHOST,
        dns: Ipv4Addr::LOCALHOST,
    };

    #[test]
    fn a_list_is_read() {
        let text = "# two networks\n\nssid=\"My # Home\" security=wpa2-aes passkey=secret rssi=-60 channel=6 \
                    bssid=00:11:22:33:44:55\n  ssid=Cafe dhcp=no fails=2 vanishes=30 # odd\n";
        let networks = parse(text, ADDRESS).unwrap();
        assert_eq!(networks.len(), 2);
        assert_eq!(networks[0].ssid, b"My # Home");
        assert_eq!(networks[0].bssid, [0x00, 0x11, 0x22, 0x33, 0x44, 0x55]);
        assert_eq!((networks[0].channel, networks[0].rssi), (6, -60));
        assert_eq!((networks[0].security, networks[0].passkey), (Security::Wpa2Aes, &b"secret"[..]));
        assert_eq!(networks[0].address, Some(ADDRESS));
        assert_eq!((networks[1].address, networks[1].fails), (None, 2));
        assert_eq!(networks[1].vanishes_after, Some(Duration::from_secs(30)));
        let odd =
            parse("ssid=a\\x1B[2J\\xFF security=wpa3-mixed passkey=k hidden=yes hangs=yes drops=2", ADDRESS).unwrap();
        assert_eq!((odd[0].ssid, odd[0].security), (b"a\x1B[2J\xFF".as_slice(), Security::Wpa3Mixed));
        assert_eq!((odd[0].hidden, odd[0].hangs, odd[0].drops_after), (true, true, Some(Duration::from_secs(2))));
        assert_ne!(networks[0].bssid, networks[1].bssid);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for line in [
            "nonsense",
            "ssid=\"open",
            "channel=1",
            "ssid=a channel=x",
            "ssid=a colour=red",
            "ssid=a security=wep",
            "ssid=a\\x1",
            "ssid=a\\xGG",
        ] {
            let error = parse(&format!("ssid=ok\n{line}\n"), ADDRESS).unwrap_err();
            assert!(error.starts_with("line 2: "), "{line}: {error}");
        }
    }
}
