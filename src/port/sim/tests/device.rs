//! The harness, the serial line and transcripts.

use std::string::ToString;

use embassy_executor::Spawner;
use embassy_time::{Duration, Timer};

use super::toy;
use crate::port::host::spawn;
use crate::port::sim::{Call, SimDevice, SimPort, transcript};
use crate::port::{Board, PortError};

fn device() -> SimDevice {
    SimDevice::boot_with(SimPort::new(), toy::boot)
}

#[test]
fn a_command_gives_its_answer_alone() {
    let mut device = device();
    assert_eq!(device.take_output(), "toy 1\r\n\r\n[Ready]\r\n> ");
    assert_eq!(device.command("uptime"), "0\r\n");
    assert_eq!(device.command(""), "");
    assert_eq!(device.command_with_data("data 5", b"a\r\nb>"), "a\r\nb>\r\n");
    assert_eq!(device.command("machine"), "R000008\r\nSet OK\r\n");
    let frame = device.request("uptime");
    assert_eq!((frame.kind, frame.code, frame.text()), (b'R', 0, "0".to_string()));
    assert_eq!(device.take_output(), "");
}

#[test]
fn time_moves_from_timer_to_timer() {
    let mut device = device();
    assert_eq!(device.command("sleep 250"), "Success\r\n");
    assert_eq!(device.millis(), 250);
    device.advance(Duration::from_secs(3600));
    assert_eq!(device.command("uptime"), "3600250\r\n");
    device.command("later 40");
    device.take_output();
    let start = device.millis();
    device.expect("[Later]", Duration::from_millis(40));
    assert_eq!(device.millis() - start, 40);
    device.command("later 40");
    device.take_output();
    assert!(!device.run_until(Duration::from_millis(39), |device| !device.take_output().is_empty()));
    device.advance(Duration::from_millis(1));
    assert_eq!(device.take_output(), "[Later]\r\n");
}

#[test]
fn what_was_printed_before_a_command_stays() {
    let mut device = device();
    device.take_output();
    device.command("later 1");
    device.advance(Duration::from_millis(1));
    assert_eq!(device.command("uptime"), "1\r\n");
    assert_eq!(device.take_output(), "[Later]\r\n");
}

#[test]
fn a_full_line_stops_the_device_until_it_is_read() {
    let mut device = device();
    device.take_output();
    device.port().limit_output(3);
    device.port().limit_serial_calls(1, 2);
    device.type_line("uptime");
    device.settle();
    assert_eq!(device.port().printed(), b"upt");
    device.settle();
    assert_eq!(device.port().printed(), b"ime");
    assert_eq!(device.take_output(), "\r\n0\r\n> ");
    assert_eq!(device.command("data 0"), "\r\n");
}

#[test]
fn a_reboot_starts_again_at_zero_and_keeps_flash() {
    let mut device = device();
    assert_eq!(device.command("count"), "1\r\n");
    device.port().set_wall_clock(Some(1_000_000));
    device.advance(Duration::from_secs(5));
    assert_eq!(device.command("reboot"), "Rebooting\r\ntoy 1\r\n\r\n[Ready]\r\n");
    assert_eq!((device.restarts(), device.millis()), (1, 0));
    assert_eq!(device.port().wall_clock(), Some(1_005_000));
    assert_eq!(device.command("count"), "2\r\n");
    device.power_cycle();
    assert_eq!(device.command("count"), "3\r\n");
    device.restart_by_itself(false);
    device.type_line("reboot");
    device.settle();
    assert!(device.port().is_rebooting());
    assert_eq!(device.restarts(), 2);
}

#[test]
fn old_timers_do_not_disturb_the_next_life() {
    fn boot(port: &'static SimPort, spawner: Spawner) {
        toy::boot(port, spawner);
        spawn(spawner, async {
            Timer::after_secs(10).await;
        });
    }
    let mut device = SimDevice::boot_with(SimPort::new(), boot);
    device.advance(Duration::from_secs(5));
    device.power_cycle();
    device.advance(Duration::from_secs(100));
    assert_eq!(device.command("uptime"), "100000\r\n");
}

#[test]
fn the_end_of_the_line_and_errors_on_demand_arrive() {
    let mut device = device();
    device.port().fail_after(1, Call::SerialRead, PortError::WouldBlock);
    assert_eq!(device.command("uptime"), "0\r\n");
    assert_eq!(device.port().faults_left(), 0);
    device.port().hang_up();
    device.settle();
    assert!(device.port().has_serial_ended());
}

#[test]
#[should_panic(expected = "the device spins")]
fn a_device_without_rest_is_noticed() {
    SimDevice::boot_with(SimPort::new(), |_, spawner| {
        spawn(spawner, async {
            loop {
                embassy_futures::yield_now().await;
            }
        });
    });
}

const GOOD: &[u8] = b"# A toy

>! boot
toy {int=version}

[Ready]
> uptime
0
> sleep 20
Success
> uptime
{int=now}
> data 8
>> {$now}, 
>x 68 69 21 21
20, hi!!
> later {$delay}
>! wait 4
>! wait 1
[Later]
> reboot
Rebooting
{...}
[Ready]
> later 10
> reset 20
>! prompt
[Later]
toy {int}
{...}
[Ready]
>! framing echo header
> machine
R000008
Set OK
>! framing header
> uptime
R000003
0
>! restart
toy {$version}

[Ready]
";

#[test]
fn a_transcript_is_played() {
    let mut device = device();
    assert_eq!(transcript::run(&mut device, GOOD, &[("delay", "5")]), Ok(()));
}

#[test]
fn a_transcript_that_differs_is_told() {
    for (wrong, message) in [
        ("> uptime\n1\n", "line 1: the answer differs\nexpected:\n  1\nprinted:\n  0\n"),
        ("> uptime\n", "line 1: the answer differs\nexpected:\nprinted:\n  0\n"),
        ("> uptime\n0\n\n", "line 1: the answer differs\nexpected:\n  0\n  \nprinted:\n  0\n"),
        ("\n>! framing prompt\n> uptime\n0\n", "line 3: the echo is there: \"uptime\\r\\n0\\r\\n> \""),
        ("> machine\nSet OK\n", "line 1: the prompt is missing: \"machine\\r\\nR000008\\r\\nSet OK\\r\\n\""),
        ("> later 1\n>! wait 2\n", "line 2: the answer differs\nexpected:\nprinted:\n  [Later]\n"),
        ("> data {$size}\n", "line 1: no value for {$size}"),
    ] {
        let mut device = device();
        assert_eq!(transcript::run(&mut device, wrong.as_bytes(), &[]), Err(message.to_string()), "{wrong}");
    }
}
