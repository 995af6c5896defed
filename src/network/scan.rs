//! Scans (interface, network 2.5), and waiting for the radio.

use core::future::poll_fn;
use core::task::Poll;

use embassy_time::{Duration, with_timeout};

use super::interfaces::{Network, RadioTurn};
use super::state::JoinError;
use crate::port::{Event, Interface, RadioState, ScanRequest};
use crate::variable::{Id, id};

const TYPE: Id = id("wlan.scan.type");
const ACTIVE_DWELL: Id = id("wlan.scan.active_dwell");
const PASSIVE_DWELL: Id = id("wlan.scan.passive_dwell");
const CHANNEL_MASK: Id = id("wlan.scan.channel_mask");
const RETRIES: Id = id("wlan.scan.retries");

/// Every channel of `wlan.scan.channel_mask`.
const ALL_CHANNELS: u16 = 0x3fff;

/// A scan that takes longer than this has failed.
const TIMEOUT: Duration = Duration::from_secs(15);

impl Network {
    /// Scans for one network, or for all, once no other task scans or joins. The results stay in the port until the
    /// next scan; answers the number of this one.
    pub async fn scan(&self, ssid: Option<&[u8]>) -> Result<u32, JoinError> {
        let turn = self.take_radio().await;
        in_turn(self, &turn, ssid).await?;
        Ok(self.scans())
    }

    /// Scans begun since boot: the number of the scan whose results are in the port.
    pub fn scans(&self) -> u32 {
        self.scans.get()
    }
}

/// Scans as `wlan.scan.*` say. If no network is found, repeats the scan as often as `wlan.scan.retries` allows.
pub(super) async fn in_turn(network: &Network, _: &RadioTurn<'_>, ssid: Option<&[u8]>) -> Result<(), JoinError> {
    for _ in 0..=network.base.variables.number(RETRIES).max(0) {
        let scanned = with_timeout(TIMEOUT, once(network, ssid)).await;
        network.radio_answered(scanned.is_ok());
        scanned.unwrap_or(Err(JoinError::NotFound))?;
        if network.base.port.radio().scan_result(0).is_some() {
            break;
        }
    }
    Ok(())
}

async fn once(network: &Network, ssid: Option<&[u8]>) -> Result<(), JoinError> {
    let idle = |state: RadioState| (!state.scanning).then_some(());
    // A scan that was given up may still run.
    radio(network, Interface::Wlan, idle).await;
    network.scans.set(network.scans.get().wrapping_add(1));
    network.base.port.radio().scan(&request(network, ssid)).map_err(|_| JoinError::NotFound)?;
    radio(network, Interface::Wlan, idle).await;
    Ok(())
}

fn request<'a>(network: &Network, ssid: Option<&'a [u8]>) -> ScanRequest<'a> {
    let variables = &network.base.variables;
    let passive = variables.choice(TYPE) == 1;
    let dwell = variables.number(if passive { PASSIVE_DWELL } else { ACTIVE_DWELL });
    let channels = variables.number(CHANNEL_MASK) as u16 & ALL_CHANNELS;
    ScanRequest {
        ssid,
        passive,
        dwell: dwell.clamp(0, u16::MAX.into()) as u16,
        // With 0 (all channels) radios may scan more than these fourteen.
        channels: if channels == ALL_CHANNELS { 0 } else { channels },
    }
}

/// Waits until the radio's state of an interface satisfies `pick`. A port wakes only the last task that waits for it:
/// for the station the task that has the turn of the radio (see [`RadioTurn`]), for the access point its own task.
pub(super) async fn radio<T>(
    network: &Network,
    interface: Interface,
    mut pick: impl FnMut(RadioState) -> Option<T>,
) -> T {
    let port = network.base.port;
    poll_fn(|context| match pick(port.radio().radio_state(interface)) {
        Some(value) => Poll::Ready(value),
        None => {
            port.wake_when(Event::Radio(interface), context.waker());
            Poll::Pending
        }
    })
    .await
}
