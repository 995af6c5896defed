//! The network interfaces.

/// The network interfaces of the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// The 802.11 station.
    #[default]
    Wlan,
    /// The 802.11 access point.
    SoftAp,
}

impl Interface {
    /// Every interface.
    pub const ALL: [Self; 2] = [Self::Wlan, Self::SoftAp];

    /// The word for it in commands and variables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wlan => "wlan",
            Self::SoftAp => "softap",
        }
    }
}
