//! Joins on trial: the device tries a network, and goes back to the previous one when that fails.

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer, with_timeout};

use super::interfaces::Network;
use super::join;
use super::orders::{Purpose, Trial, TrialError};
use super::state::{JoinError, RESULT_JOINING, RESULT_SUCCESS, State};
use crate::port::{Interface, Ipv4Config, Security};
use crate::variable::{Id, id, settings};

const AUTO_JOIN: Id = id("wlan.auto_join.enabled");

const WLAN: Interface = Interface::Wlan;

impl Network {
    /// Tries a network. The trial goes on when this future is dropped, because the trial may end the connection over
    /// which it was requested.
    pub async fn on_trial(&self, trial: Trial) -> Result<(), TrialError> {
        let number = self.ask_for(trial)?;
        self.when(|| self.trials.borrow().outcome(number)).await
    }

    /// Begins to try a network without waiting for the outcome: `wlan.join.result` shows it.
    pub fn ask_for(&self, trial: Trial) -> Result<u32, TrialError> {
        let number = self.trials.borrow_mut().ask(trial)?;
        // From now on the variables must show this trial.
        self.base.status.join_result.set(RESULT_JOINING);
        self.base.status.join_reason.set("");
        self.changed();
        Ok(number)
    }

    /// `wlan.minimum_security`, which holds for trials, too.
    pub fn minimum_security(&self) -> Option<Security> {
        join::minimum_security(self)
    }
}

/// Runs the waiting trial. Answers the addresses when the device has joined and stays.
pub(super) async fn run(network: &Network) -> Option<Ipv4Config> {
    let trial = network.trials.borrow_mut().begin()?;
    if trial.notice > Duration::from_ticks(0) {
        Timer::after(trial.notice).await;
    }
    let before = network.state(WLAN);
    let was_there = before.is_up() || before.is_coming() || before.is_wanted();
    if was_there {
        network.leave(WLAN, false, None);
    }
    let paused = network.make_way(Interface::SoftAp, false);
    let known = network.known.take();
    let outcome = attempt(network, &trial).await;
    let (result, stays) = match outcome {
        Ok(Some(config)) => (keep(network, &trial).await, Some(config)),
        Ok(None) => (Ok(()), None),
        Err(error) => (Err(TrialError::Join(error)), None),
    };
    if stays.is_none() {
        network.known.replace(known);
        go_back(network, outcome.err(), was_there);
    }
    if paused && stays.is_none() {
        network.want(Interface::SoftAp);
    }
    network.trials.borrow_mut().end(result);
    network.changed();
    stays
}

/// Joins within the limit; `None` stands for a network that was only verified.
async fn attempt(network: &Network, trial: &Trial) -> Result<Option<Ipv4Config>, JoinError> {
    network.enter(WLAN, State::Joining);
    let stopped = network.until(WLAN, |state| !state.is_coming());
    let joining = async {
        match trial.purpose {
            Purpose::Stay => join::sequence(network, &trial.target).await.map(Some),
            Purpose::Verify => join::reach(network, &trial.target).await.map(|_| None),
        }
    };
    match select(stopped, with_timeout(trial.limit, joining)).await {
        Either::First(()) => Err(JoinError::Aborted),
        Either::Second(joined) => joined.unwrap_or(Err(JoinError::Failed)),
    }
}

/// Leaves the network that was tried. If the device was in another one before, it goes back to it, unless the owner has
/// taken the interface down meanwhile. The result of the trial stays in `wlan.join.result`.
fn go_back(network: &Network, error: Option<JoinError>, was_there: bool) {
    network.base.port.radio().leave();
    if network.state(WLAN).is_forced_down() {
        return;
    }
    network.enter(WLAN, State::Down { forced: false, error });
    if error.is_none() {
        network.base.status.join_result.set(RESULT_SUCCESS);
    }
    if was_there {
        network.returning.set(true);
        network.want(WLAN);
    }
}

/// Sets the variables to the network that was tried, and stores it.
async fn keep(network: &Network, trial: &Trial) -> Result<(), TrialError> {
    let named = network.name(&trial.target.ssid, &trial.target.passkey);
    let set = named.and_then(|()| network.base.variables.set_text(AUTO_JOIN, b"1"));
    set.map_err(|_| TrialError::NotSaved)?;
    settings::save(network.base).await.map_err(|_| TrialError::NotSaved)
}
