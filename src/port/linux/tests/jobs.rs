//! Look-ups and pings.

use std::net::Ipv4Addr;

use super::{port, run};
use crate::port::{Interface, Job, JobOutput, PortError, Sockets, job};

const WLAN: Interface = Interface::Wlan;

#[test]
fn names_are_looked_up() {
    let (port, _folder) = port();
    run(port, async move {
        let started = port.lookup(WLAN, "localhost").unwrap();
        assert_eq!(job(port, started).await, Ok(JobOutput::Address(Ipv4Addr::LOCALHOST)));
        assert_eq!(port.job_result(started), Err(PortError::NotFound), "the answer frees the job");
        // Not a name: the resolver refuses it without asking anybody.
        let wrong = port.lookup(WLAN, "no..name").unwrap();
        assert_eq!(job(port, wrong).await, Err(PortError::NotFound));
    });
}

#[test]
fn the_device_itself_answers_a_ping() {
    let (port, _folder) = port();
    run(port, async move {
        let started = port.ping(WLAN, Ipv4Addr::LOCALHOST, 2000).unwrap();
        match job(port, started).await {
            Ok(JobOutput::RoundTrip(millis)) => assert!(millis < 2000),
            // Neither root nor in net.ipv4.ping_group_range.
            other => assert!(other == Err(PortError::Denied) && !rustix::process::geteuid().is_root(), "{other:?}"),
        }
    });
}

#[test]
fn the_table_is_bounded_and_cancelling_makes_room() {
    let (port, _folder) = port();
    run(port, async move {
        let mut jobs: Vec<Job> = Vec::new();
        let full = loop {
            match port.lookup(WLAN, "localhost") {
                Ok(job) => jobs.push(job),
                Err(error) => break error,
            }
        };
        assert_eq!(full, PortError::NoRoom);
        for job in jobs {
            port.job_cancel(job);
            assert_eq!(port.job_result(job), Err(PortError::NotFound));
        }
        let again = loop {
            match port.lookup(WLAN, "localhost") {
                Ok(job) => break job,
                Err(PortError::NoRoom) => embassy_time::Timer::after_millis(1).await,
                Err(other) => panic!("{other:?}"),
            }
        };
        assert_eq!(job(port, again).await, Ok(JobOutput::Address(Ipv4Addr::LOCALHOST)));
    });
}
