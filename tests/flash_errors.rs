//! A flash that takes nothing: full, read-only, broken. The log says why.

use openzentri::port::PortError;
use openzentri::port::sim::{Call, SimDevice, SimPort};

fn device() -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), &[("http.server.enabled", "0")]);
    device.take_output();
    device
}

const REASONS: [(PortError, &str); 4] = [
    (PortError::NoRoom, "no space left"),
    (PortError::ReadOnly, "read-only"),
    (PortError::Denied, "not allowed"),
    (PortError::Failed(5), "error 5"),
];

#[test]
fn save_says_why_it_failed() {
    for (error, reason) in REASONS {
        let mut device = device();
        device.command("set udp.client.remote_port 4711");
        for line in ["save", "factory_reset 4C:55:CC:10:09:42"] {
            device.port().fail(Call::SlotWrite, error);
            let answer = device.command(line);
            assert!(answer.contains(&format!("Settings not saved: {reason}")), "{line}: {answer}");
            assert!(answer.ends_with("Command failed\r\n"), "{line}: {answer}");
        }
        assert!(device.command("save").ends_with("Success\r\n"), "it works again");
    }
}

#[test]
fn files_say_why_they_are_not_written() {
    for (error, reason) in REASONS {
        // What hosts know of a full flash, and what a person understands.
        let reason = match error {
            PortError::NoRoom => "Not enough free space",
            PortError::ReadOnly => "Flash is write-protected",
            PortError::Failed(_) => "Flash error 5",
            _ => reason,
        };
        for call in [Call::Create, Call::Append, Call::Sync, Call::Rename] {
            let mut device = device();
            device.port().fail(call, error);
            // Data are asked for only when there is a file for them.
            let data: &[u8] = if call == Call::Create { b"" } else { b"hello" };
            let answer = device.command_with_data("file_create a.txt 5", data);
            assert!(answer.contains(reason), "{call:?}: {answer}");
            assert!(answer.contains("Command failed"), "{call:?}: {answer}");
        }
        let mut device = device();
        device.port().fail(Call::Create, error);
        let answer = device.command("save my.cfg");
        assert!(answer.contains(reason), "save <file>: {answer}");
        device.command_with_data("file_create b.txt 5", b"hello");
        device.port().fail(Call::Remove, error);
        let answer = device.command("file_delete b.txt");
        assert!(answer.contains(reason), "file_delete: {answer}");
    }
}
