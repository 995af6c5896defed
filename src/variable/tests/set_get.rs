//! `set` and `get` as the reference has them.

use super::*;
use crate::ground::PinUse;
use crate::port::{Direction, Pull};
use ValueError::{Denied, Invalid, TooFew, TooMany, Unknown, UnknownOption};

#[test]
fn a_group_prints_as_on_a_real_device() {
    // `get ud` on a device with factory settings.
    let golden = "udp.client.auto_interface: default\r\n\
                  udp.client.auto_retry: 0\r\n\
                  udp.client.auto_start: 0\r\n\
                  udp.client.local_port: 0\r\n\
                  udp.client.remote_host: \r\n\
                  udp.client.remote_port: 3000\r\n\
                  udp.server.auto_interface: default\r\n\
                  udp.server.auto_start: 0\r\n\
                  udp.server.data_gpio: -1\r\n\
                  udp.server.lock_client: 0\r\n\
                  udp.server.port: 3000\r\n\
                  udp.server.remote_host: \r\n\
                  udp.server.remote_port: 0\r\n";
    let base = device();
    assert_eq!(get(base, "ud").unwrap(), golden);
    assert_eq!(get(base, "udp").unwrap(), golden);
    assert_eq!(get(base, "ud s").unwrap(), golden[golden.find("udp.server").unwrap()..]);
    assert_eq!(get(base, "udp.server").unwrap(), get(base, "ud s").unwrap());
}

#[test]
fn a_group_is_any_leading_part_of_a_name() {
    let base = device();
    assert_eq!(get(base, "udp.").err(), Some(Unknown));
    assert_eq!(get(base, "udp.cl").err(), Some(Unknown));
    assert_eq!(get(base, "ud x").err(), Some(Unknown));
    assert_eq!(get(base, "udp client").err(), Some(TooMany));
    assert_eq!(get(base, "all all").err(), Some(TooMany));
    // Rows without an abbreviation belong to their group all the same.
    assert!(get(base, "wl").unwrap().contains("wlan.rssi_average: 8\r\n"));
    // Two groups share `sy a`.
    let shared = get(base, "sy a").unwrap();
    assert_eq!(shared, "system.activity.gpio_level: 1\r\nsystem.adc.vref: 3300\r\n");
}

#[test]
fn all_prints_what_the_web_app_needs_once_each() {
    let base = device();
    let all = get(base, "all").unwrap();
    for line in [
        "wlan.network.ip: 0.0.0.0",
        "wlan.mac: 4C:55:CC:10:09:42",
        "http.server.interface: default",
        "network.default_interface: wlan",
    ] {
        let key = line.split_inclusive(' ').next().unwrap();
        let found: Vec<&str> = all.split("\r\n").filter(|text| text.contains(key)).collect();
        assert_eq!(found, [line]);
    }
    assert!(all.starts_with("broadcast.data: mac,bssid,channel,ip,ssid,"));
    assert!(all.ends_with("\r\n") && !all.contains("\r\n\r\n"));
    for line in all.trim_end().split("\r\n") {
        let (name, _) = line.split_once(": ").unwrap();
        assert!(find(&[name.split(' ').next().unwrap()]).is_some(), "{line}");
    }
    assert!(!all.contains("security_key") && !all.contains("client_list"));
}

#[test]
fn a_value_prints_bare_and_an_empty_one_not_at_all() {
    let base = device();
    assert_eq!(get(base, "wlan.mac").unwrap(), "4C:55:CC:10:09:42\r\n");
    assert_eq!(get(base, "wl s").unwrap(), "");
    set(base, "wl s Net").unwrap();
    assert_eq!(get(base, "wlan.ssid").unwrap(), "Net\r\n");
    set(base, "wlan.ssid _").unwrap();
    assert_eq!(get(base, "wlan.ssid").unwrap(), "");
    // A device answers `ZentriOS-#`, not the expanded name.
    assert_eq!(get(base, "wlan.dhcp.hostname").unwrap(), "ZentriOS-#\r\n");
}

#[test]
fn errors_have_their_codes() {
    let base = device();
    assert_eq!(set(base, "no.such 1"), Err(Unknown));
    assert_eq!(set(base, "wlan.ssid"), Err(TooFew));
    assert_eq!(set(base, "wlan.ssid my net"), Err(TooMany));
    assert_eq!(set(base, "wlan.mac 4C:55:CC:10:09:43"), Err(Denied));
    assert_eq!(set(base, "wlan.network.ip 1.2.3.4"), Err(Denied));
    assert_eq!(set(base, "uart.baud"), Err(TooFew));
    assert_eq!(set(base, "uart.baud 0"), Err(TooFew));
    assert_eq!(set(base, "uart.baud 2 9600"), Err(Invalid));
    assert_eq!(get(base, "no.such").err(), Some(Unknown));
    assert_eq!(get(base, "wlan.ssid x").err(), Some(TooMany));
    assert_eq!(get(base, "uart.baud").err(), Some(TooFew));
    assert_eq!(get(base, "uart.baud 7").err(), Some(Invalid));
    assert_eq!(get(base, "uart.baud 0 1").err(), Some(TooMany));
    assert_eq!(get(base, "time.rtc xyz").err(), Some(UnknownOption));
    assert_eq!(get(base, "wlan.mac utc").err(), Some(TooMany));
    assert_eq!(get(base, "system.security_key").err(), Some(Denied));
    assert_eq!(set(base, "system.security_key abc"), Ok(()));
}

#[test]
fn an_answer_that_does_not_fit_is_an_error() {
    let base = device();
    let mut small = heapless::Vec::<u8, 16>::new();
    assert_eq!(base.variables.get(base, &["wlan.mac"], &mut small), Err(ValueError::Full));
    assert_eq!(base.variables.get(base, &["all"], &mut small), Err(ValueError::Full));
}

#[test]
fn passkeys_are_hidden_until_the_owner_shows_them() {
    let base = device();
    set(base, "wl p secret-one").unwrap();
    set(base, "so p secret-two").unwrap();
    set(base, "re w secret-three").unwrap();
    set(base, "ht s w secret-four").unwrap();
    set(base, "setup.web.passkey secret-five").unwrap();
    assert_eq!(get(base, "wlan.passkey").unwrap(), "");
    assert!(get(base, "wl").unwrap().contains("wlan.passkey: \r\n"));
    assert!(!get(base, "all").unwrap().contains("secret-"));
    set(base, "wlan.hide_passkey off").unwrap();
    assert_eq!(get(base, "wlan.passkey").unwrap(), "secret-one\r\n");
    assert_eq!(get(base, "softap.passkey").unwrap(), "secret-two\r\n");
    let all = get(base, "all").unwrap();
    assert!(["three", "four", "five"].iter().all(|secret| !all.contains(secret)));
    // The device itself reads them.
    base.variables.with(id("remote_terminal.password"), |password| assert_eq!(password, b"secret-three"));
}

#[test]
fn indexed_variables_take_their_element_first() {
    let base = device();
    set(base, "uart.baud 0 460800").unwrap();
    set(base, "ua b 1 123456 raw").unwrap();
    assert_eq!(get(base, "uart.baud 0").unwrap(), "460800\r\n");
    assert_eq!(get(base, "ua b all").unwrap(), "uart.baud 0: 460800\r\nuart.baud 1: 123456\r\n");
    set(base, "uart.flow 0 on").unwrap();
    assert!(get(base, "uart").unwrap().contains("uart.flow 0: 1\r\nuart.flow 1: 0\r\n"));
    assert_eq!(get(base, "gp i all").unwrap(), "");
    set(base, "gpio.init 22 out 1").unwrap();
    set(base, "gpio.init 3 output_open_drain").unwrap();
    assert_eq!(get(base, "gp i 22").unwrap(), "output 1\r\n");
    assert_eq!(get(base, "gp i 23").unwrap(), "none\r\n");
    assert_eq!(get(base, "gp i all").unwrap(), "gpio.init 3: output_open_drain\r\ngpio.init 22: output 1\r\n");
    set(base, "gp i 22 none").unwrap();
    set(base, "gp i 3 -1").unwrap();
    assert_eq!(get(base, "gp i all").unwrap(), "");
}

#[test]
fn indicators_have_four_or_three_patterns() {
    let base = device();
    assert_eq!(get(base, "sy i g wlan").unwrap(), "20\r\n");
    assert_eq!(get(base, "sy i g softap").unwrap(), "-1\r\n");
    set(base, "sy i g Network 18").unwrap();
    let all = "system.indicator.gpio wlan: 20\r\nsystem.indicator.gpio network: 18\r\n\
               system.indicator.gpio softap: -1\r\n";
    assert_eq!(get(base, "sy i g all").unwrap(), all);
    assert_eq!(get(base, "sy i s network").unwrap(), "static_off|fast_blink|slow_blink\r\n");
    set(base, "sy i s softap static_off|STATIC_OFF|static_off|static_on").unwrap();
    assert_eq!(get(base, "sy i s softap").unwrap(), "static_off|static_off|static_off|static_on\r\n");
    assert_eq!(set(base, "sy i s softap static_off|static_on"), Err(Invalid));
    assert_eq!(set(base, "sy i s network static_off|static_off|static_off|static_on"), Err(Invalid));
    assert_eq!(set(base, "sy i s wlan a|b|c|d"), Err(Invalid));
}

#[test]
fn messages_are_bounded() {
    let base = device();
    set(base, "system.msg initialized 1234567890123456789012345678901").unwrap();
    assert_eq!(set(base, "system.msg initialized 12345678901234567890123456789012"), Err(Invalid));
    assert_eq!(get(base, "system.msg initialized").unwrap(), "1234567890123456789012345678901\r\n");
    assert_eq!(set(base, "system.msg nonsense x"), Err(Invalid));
}

#[test]
fn activity_is_taken_out_of_every_gpio() {
    let base = device();
    set(base, "sy a g 4 wlan_rx,wlan_tx").unwrap();
    set(base, "sy a g 6 WLAN_RX,uart1_tx").unwrap();
    set(base, "sy a g 8 wlan_rx").unwrap();
    set(base, "sy a g -1 wlan_rx").unwrap();
    assert_eq!(get(base, "sy a g 4").unwrap(), "wlan_tx\r\n");
    assert_eq!(get(base, "sy a g 6").unwrap(), "uart1_tx\r\n");
    assert_eq!(get(base, "sy a g 8").unwrap(), "none\r\n");
    assert_eq!(set(base, "sy a g 6 wlan_up"), Err(Invalid));
}

#[test]
fn a_gpio_alias_stands_for_its_number() {
    let base = device();
    set(base, "gpio.init button in").unwrap();
    assert_eq!(get(base, "gpio.init 7").unwrap(), "input_highz\r\n");
    set(base, "gp a 7 _").unwrap();
    assert_eq!(get(base, "gpio.init button").err(), Some(Invalid));
    assert_eq!(base.variables.gpio(b"64"), None);
    assert_eq!(base.variables.gpio(b""), None);
}

#[test]
fn usage_lists_the_gpios_with_a_function() {
    let base = device();
    set(base, "gpio.init 1 out").unwrap();
    set(base, "wl n o 14").unwrap();
    base.pin_uses.set(0, PinUse::Gpio(Direction::Input(Pull::None)));
    base.pin_uses.set(7, PinUse::Gpio(Direction::Output(true)));
    let usage = "!  # Description\r\n\
                 #  0 GPIO input_highz\r\n\
                 #  5 setup.gpio.control_gpio\r\n\
                 #  7 GPIO output (button)\r\n\
                 # 14 wlan.network.status_gpio\r\n\
                 # 20 system.indicator.wlan\r\n";
    assert_eq!(get(base, "gp u").unwrap(), usage);
}

#[test]
fn a_gpio_gets_one_function_and_must_exist() {
    let base = device();
    assert_eq!(set(base, "system.cmd.gpio 20"), Err(ValueError::InUse), "the board has given it to an indicator");
    assert_eq!(set(base, "system.cmd.gpio 63"), Err(Invalid), "the board does not have it");
    let log = |number| base.log.get(number).unwrap().2;
    assert_eq!(log(0).as_slice(), b"GPIO 20 is in use: system.indicator.wlan");
    assert_eq!(log(1).as_slice(), b"GPIO 63 does not exist on this board");
    assert_eq!(set(base, "system.indicator.gpio wlan 20"), Ok(()), "its own");
    assert_eq!(set(base, "system.indicator.gpio wlan -1"), Ok(()));
    assert_eq!(set(base, "system.cmd.gpio 20"), Ok(()));
    assert_eq!(set(base, "system.indicator.gpio wlan 20"), Err(ValueError::InUse));
}

#[test]
fn a_mode_switches_four_variables() {
    let base = device();
    set(base, "system.cmd.mode machine").unwrap();
    assert_eq!(get(base, "sy c m").unwrap(), "machine\r\n");
    assert_eq!(get(base, "sy c f").unwrap(), "machine\r\n");
    let values = |words: [&str; 4]| words.map(|word| get(base, word).unwrap());
    let names = ["sy c e", "sy c h", "sy c p", "sy p"];
    assert_eq!(values(names), ["0\r\n", "1\r\n", "0\r\n", "0\r\n"]);
    set(base, "sy p all").unwrap();
    assert_eq!(base.variables.choice(id("system.print_level")), 6);
    set(base, "sy c f Human").unwrap();
    assert_eq!(values(names), ["1\r\n", "0\r\n", "1\r\n", "all\r\n"]);
    assert_eq!(set(base, "sy c m robot"), Err(Invalid));
}

#[test]
fn the_clock_is_set_and_shown_in_all_forms() {
    crate::port::host::set_virtual_time(5_000_248);
    let base = device();
    assert_eq!(get(base, "ti u").unwrap(), "5\r\n");
    assert_eq!(get(base, "ti u ms").unwrap(), "5000\r\n");
    assert_eq!(get(base, "ti l").unwrap(), "-1\r\n");
    assert_eq!(get(base, "ti r").unwrap(), "5\r\n");
    set(base, "time.rtc 1395562387").unwrap();
    crate::port::host::set_virtual_time(5_010_496);
    assert_eq!(get(base, "time.rtc").unwrap(), "1395562387\r\n");
    assert_eq!(get(base, "time.rtc ms").unwrap(), "1395562387010\r\n");
    // An example that the vendor documents.
    assert_eq!(get(base, "time.rtc utc").unwrap(), "2014-03-23T08:13:07.010248Z\r\n");
    assert_eq!(get(base, "time.last_set").unwrap(), "0\r\n");
    assert_eq!(get(base, "time.last_set ms").unwrap(), "10\r\n");
    set(base, "time.zone -4:30").unwrap();
    assert_eq!(base.clock.local().unwrap().hour, 3);
    assert_eq!(set(base, "time.rtc -1"), Err(Invalid));
}

struct Filled;

impl crate::ground::Buffers for Filled {
    fn percent(&self) -> (u8, u8) {
        (3, 0)
    }
}

#[test]
fn live_rows_show_the_device() {
    let base = device();
    base.status.network.set(2);
    base.status.join_result.set(1);
    base.status.buffers.set(Some(&Filled));
    let address = |last| core::net::Ipv4Addr::new(10, 5, 6, last);
    base.status.ipv4(crate::port::Interface::Wlan).set(Some(crate::port::Ipv4Config {
        address: address(108),
        netmask: address(0),
        gateway: address(1),
        dns: address(2),
    }));
    assert_eq!(get(base, "wl n s").unwrap(), "2\r\n");
    assert_eq!(get(base, "ne i").unwrap(), "10.5.6.108\r\n");
    assert_eq!(get(base, "wl n d").unwrap(), "10.5.6.2\r\n");
    assert_eq!(get(base, "wlan.join.result").unwrap(), "1\r\n");
    assert!(get(base, "wlan.info").unwrap().starts_with("wlan up\r\n"));
    assert_eq!(get(base, "ne b u").unwrap(), "rx:3,tx:0\r\n");
    assert_eq!(get(base, "sy e u").unwrap(), "37\r\n");
    assert_eq!(get(base, "sy u").unwrap(), "A5".repeat(20) + "\r\n");
    let version = get(base, "sy v").unwrap();
    assert!(version.starts_with("OPENZENTRI-bench-") && version.contains("Z, ZentriOS-WZ-"), "{version}");
    assert!(version.trim_end().split(',').count() >= 3);
}

#[test]
fn long_answers_are_known() {
    let long = |words: &str| is_long(&words.split(' ').collect::<Vec<_>>());
    for words in ["all", "wlan", "wl", "ht s", "gp i all", "softap.client_list"] {
        assert!(long(words), "{words}");
    }
    for words in ["wl s", "gp i 2", "gpio.usage", "no.such", "wlan.ssid"] {
        assert!(!long(words), "{words}");
    }
}

#[test]
fn boards_have_their_own_defaults_under_the_users_values() {
    let base = device();
    assert_eq!(get(base, "setup.gpio.control_gpio").unwrap(), "5\r\n");
    assert_eq!(get(base, "tcp.server.port").unwrap(), "3000\r\n", "an invalid default is ignored");
    set(base, "setup.gpio.control_gpio -1").unwrap();
    set(base, "wlan.ssid Net").unwrap();
    assert_eq!(get(base, "setup.gpio.control_gpio").unwrap(), "-1\r\n");
    base.variables.reset();
    assert_eq!(get(base, "setup.gpio.control_gpio").unwrap(), "5\r\n");
    assert_eq!(get(base, "wlan.ssid").unwrap(), "");
}

/// Sets variables until not even the smallest one fits any more.
fn fill(base: &Base) {
    let types = "softap_rx,softap_tx,wlan_rx,wlan_tx,uart0_rx,uart0_tx,uart1_rx,uart1_tx";
    let mut full = 0;
    for gpio in 0..limits::GPIOS {
        for value in [types, "wlan_rx"] {
            let result = set(base, &std::format!("system.activity.gpio {gpio} {types},{types},{value}"));
            full += u32::from(result == Err(ValueError::Full));
        }
        let _ = set(base, &std::format!("gpio.init {gpio} output_open_drain_pull_up 1"));
        let _ = set(base, &std::format!("gpio.init {gpio} in"));
        let _ = set(base, &std::format!("gpio.alias {gpio} x"));
    }
    assert!(full > 0);
}

#[test]
fn full_settings_refuse_and_keep_what_was_there() {
    let base = device();
    set(base, "wlan.ssid Net").unwrap();
    fill(base);
    let before = get(base, "all").unwrap();
    assert_eq!(set(base, "setup.auto.cmd network_up"), Err(ValueError::Full));
    assert_eq!(set(base, "wlan.ssid A-much-longer-network-name"), Err(ValueError::Full));
    // A switch of several variables changes all or none.
    assert_eq!(set(base, "system.cmd.mode machine"), Err(ValueError::Full));
    assert_eq!(get(base, "all").unwrap(), before);
    // What is in RAM can be saved, and going back to defaults needs no room.
    embassy_futures::block_on(settings::save(base)).unwrap();
    set(base, "system.cmd.mode human").unwrap();
    set(base, "wlan.ssid New").unwrap();
    assert_eq!(get(base, "wlan.ssid").unwrap(), "New\r\n");
}
