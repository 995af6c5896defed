//! The functions that build rows: `var("tcp.server.port", "tc s p", PORT, "3000").at(Network).done("Port of the
//! server.")`.

pub(super) use super::super::row::{Access, Effect, Index, Saved, Secret, ValueKind, Variable};
use crate::conformance::Conformance;
pub(super) use crate::limits;

/// A variable that is stored, acts at once and is no secret; the methods below change that.
pub(super) const fn var(name: &'static str, abbr: &'static str, kind: ValueKind, default: &'static str) -> Variable {
    Variable {
        name,
        abbr,
        kind,
        access: Access::ReadWrite,
        default,
        effect: Effect::Now,
        saved: Saved::Yes,
        secret: Secret::No,
        guarded: false,
        computed: false,
        status: Conformance::Done,
        summary: "",
    }
}

/// A read-only variable that is computed when read.
pub(super) const fn live(name: &'static str, abbr: &'static str) -> Variable {
    var(name, abbr, ValueKind::Live, "").read_only().computed()
}

/// A read-only text of several lines.
pub(super) const fn report(name: &'static str, abbr: &'static str) -> Variable {
    Variable { kind: ValueKind::Report, ..live(name, abbr) }
}

impl Variable {
    /// Acts at `effect`.
    pub(super) const fn at(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// Survives the soft reset of an update.
    pub(super) const fn backup(self) -> Self {
        Self { saved: Saved::Backup, ..self }
    }

    /// Cannot be set.
    pub(super) const fn read_only(self) -> Self {
        Self { access: Access::Read, effect: Effect::None, saved: Saved::No, ..self }
    }

    /// Is changed by commands of its own and never shown, but stored.
    pub(super) const fn kept(self) -> Self {
        Self { access: Access::Read, effect: Effect::Now, secret: Secret::Always, ..self }
    }

    /// Cannot be read.
    pub(super) const fn write_only(self) -> Self {
        Self { access: Access::Write, secret: Secret::Always, ..self }
    }

    /// Cannot be read back, always or while passkeys are hidden.
    pub(super) const fn secret(self, secret: Secret) -> Self {
        Self { secret, ..self }
    }

    /// Guards the device: a client that may only configure the device must not change this.
    pub(super) const fn guarded(self) -> Self {
        Self { guarded: true, ..self }
    }

    /// Is computed when read, by a function of `live.rs`, and keeps no value of its own.
    pub(super) const fn computed(self) -> Self {
        Self { computed: true, saved: Saved::No, ..self }
    }

    /// Works as the reference says.
    pub(super) const fn done(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// Is not in ZentriOS: `what` says what it belongs to.
    pub(super) const fn extension(self, what: &'static str, summary: &'static str) -> Self {
        Self { status: Conformance::Extension(what), summary, ..self }
    }

    /// Differs from the reference: `how` says in what and why.
    pub(super) const fn differs(self, how: &'static str, summary: &'static str) -> Self {
        Self { status: Conformance::Differs(how), summary, ..self }
    }
}

/// A number in a closed range.
pub(super) const fn number(min: i32, max: u32) -> ValueKind {
    ValueKind::Number { min, max }
}

/// Text of up to `max` bytes.
pub(super) const fn text(max: u16) -> ValueKind {
    ValueKind::Text { min: 0, max, optional: true }
}

/// A TCP or UDP port.
pub(super) const PORT: ValueKind = number(1, 65535);
/// A TCP or UDP port, 0 for any or none.
pub(super) const PORT_OR_ANY: ValueKind = number(0, 65535);
/// What a service runs on.
pub(super) const INTERFACE: ValueKind = ValueKind::Choice(&["default", "wlan", "softap"]);
/// A file of the device.
pub(super) const FILE: ValueKind = ValueKind::File;
/// A domain name or dotted address.
pub(super) const HOST: ValueKind = text(limits::HOST_NAME as u16);
