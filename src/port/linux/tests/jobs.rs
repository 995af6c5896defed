//! Look-ups and pings.

use std::net::Ipv4Addr;

use super::{port, run};
use crate::port::{Interface, Job, JobOutput, JobRequest, Jobs, Port, PortError, lookup, ping};

const WLAN: Interface = Interface::Wlan;
const LOCALHOST: JobRequest<'_> = JobRequest::Lookup { interface: WLAN, name: "localhost" };

/// Waits for the result of a job.
async fn result(jobs: &dyn Jobs, job: Job) -> Result<JobOutput, PortError> {
    loop {
        match jobs.result(job) {
            Err(PortError::WouldBlock) => embassy_time::Timer::after_millis(1).await,
            other => return other,
        }
    }
}

#[test]
fn names_are_looked_up() {
    let (port, _folder) = port();
    run(port, async move {
        let started = port.jobs().start(&LOCALHOST).unwrap();
        let found = [Ipv4Addr::LOCALHOST].into_iter().collect();
        assert_eq!(result(port.jobs(), started).await, Ok(JobOutput::Addresses(found)), "each address once");
        assert_eq!(port.jobs().result(started), Err(PortError::NotFound), "the answer frees the job");
        assert_eq!(lookup(port, WLAN, "localhost").await.as_deref(), Ok(&[Ipv4Addr::LOCALHOST][..]));
        // Not a name: the resolver refuses it without asking anybody.
        assert_eq!(lookup(port, WLAN, "no..name").await, Err(PortError::NotFound));
    });
}

#[test]
fn the_device_itself_answers_a_ping() {
    let (port, _folder) = port();
    run(port, async move {
        match ping(port, WLAN, Ipv4Addr::LOCALHOST, 2000).await {
            Ok(millis) => assert!(millis < 2000),
            // Neither root nor in net.ipv4.ping_group_range.
            other => assert!(other == Err(PortError::Denied) && !rustix::process::geteuid().is_root(), "{other:?}"),
        }
    });
}

#[test]
fn the_table_is_bounded_and_cancelling_makes_room() {
    let (port, _folder) = port();
    run(port, async move {
        let jobs = port.jobs();
        let mut started: Vec<Job> = Vec::new();
        let full = loop {
            match jobs.start(&LOCALHOST) {
                Ok(job) => started.push(job),
                Err(error) => break error,
            }
        };
        assert_eq!(full, PortError::NoRoom);
        for job in started {
            jobs.cancel(job);
            assert_eq!(jobs.result(job), Err(PortError::NotFound));
        }
        let again = loop {
            match jobs.start(&LOCALHOST) {
                Ok(job) => break job,
                Err(PortError::NoRoom) => embassy_time::Timer::after_millis(1).await,
                Err(other) => panic!("{other:?}"),
            }
        };
        assert!(matches!(result(jobs, again).await, Ok(JobOutput::Addresses(_))));
    });
}
