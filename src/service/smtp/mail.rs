//! What a message needs besides its content.

use crate::wire::smtp::address::{self, Mailbox};

/// What a message needs besides its content.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    to: &'a str,
    /// The subject.
    pub(super) subject: &'a str,
    /// Bytes of its content.
    pub(super) size: usize,
}

impl<'a> Mail<'a> {
    /// A message with a content of `size` bytes for a list of mailboxes; `None` when one of them is not valid. No text
    /// may have control characters: a line end would begin another field, or another command.
    pub fn new(to: &'a str, subject: &'a str, size: usize) -> Option<Self> {
        let is_valid = address::list(to).all(|mailbox| Mailbox::parse(mailbox).is_some());
        (is_valid && !subject.chars().any(char::is_control)).then_some(Self { to, subject, size })
    }

    /// The recipients.
    pub(super) fn recipients(&self) -> impl Iterator<Item = Mailbox<'a>> {
        address::list(self.to).filter_map(Mailbox::parse)
    }
}
