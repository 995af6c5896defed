//! `set` and `get` as the reference has them.

use super::*;

#[test]
fn a_group_prints_as_on_a_real_device() {
    // Variables reference 1.2: `get ud` on a device with factory settings.
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
