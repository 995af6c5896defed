//! How far each command and variable is built; `docs/conformance.md` is generated from these marks.

/// The state of one command or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conformance {
    /// Works as the reference says.
    Done,
    /// Works, but not quite as the reference says; the text says how and why.
    Differs(&'static str),
    /// Known, but without effect in this build; the text says what is missing.
    NotYet(&'static str),
    /// Not in ZentriOS: an addition of this project.
    Extension(&'static str),
}
