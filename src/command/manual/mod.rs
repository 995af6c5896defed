//! What `help <command>` and the pages in docs/interface/commands say about a command beyond its row in the table:
//! parameters, options, the answer, an example.
//!
//! ```text
//! files      files
//! network    interfaces, networks, web setup, names
//! page       what a page has, and what several of them say
//! pins       pins, converters, buses
//! requests   HTTP, WebSocket and mail clients
//! streams    streams and sockets
//! system     variables, the device, API tokens
//! ```

mod files;
mod network;
mod page;
mod pins;
mod requests;
mod streams;
mod system;

pub use page::{Page, Part};

use crate::features;

const ALL: &[&[Page]] = &[files::PAGES, network::PAGES, pins::PAGES, requests::PAGES, streams::PAGES, system::PAGES];

/// The pages, in groups; none in a build without the feature `manual`.
pub static PAGES: &[&[Page]] = if features::MANUAL { ALL } else { &[] };

/// The page of a command by its full name.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().flat_map(|group| group.iter()).find(|page| page.name == name)
}

#[cfg(test)]
mod tests {
    use super::super::table::COMMANDS;
    use super::*;

    #[test]
    fn every_command_has_one_page() {
        let pages = ALL.iter().flat_map(|group| group.iter()).count();
        assert_eq!(pages, COMMANDS.len());
        for command in COMMANDS {
            assert!(page(command.name).is_some(), "{} has no page in src/command/manual", command.name);
        }
    }

    #[test]
    fn a_page_explains_each_option_and_each_parameter_of_the_usage() {
        for command in COMMANDS {
            let page = page(command.name).unwrap();
            for letter in options(command.synopsis) {
                let found = page.options.iter().any(|(name, _)| name.contains(letter));
                assert!(found, "{} does not explain -{letter}", command.name);
            }
            for name in parameters(command.synopsis) {
                let here = page
                    .parameters
                    .iter()
                    .chain(page.options)
                    .any(|(part, meaning)| *part == name || meaning.contains(&std::format!("<{name}>")));
                assert!(here, "{} does not explain <{name}>", command.name);
            }
        }
    }

    #[test]
    fn examples_are_lines_of_their_command() {
        for command in COMMANDS {
            let page = page(command.name).unwrap();
            assert_eq!(page.example.split(' ').next(), Some(command.name));
            assert!(!page.answer.is_empty(), "{}", command.name);
        }
    }

    /// The letters after a `-` in a usage.
    fn options(usage: &str) -> std::vec::Vec<char> {
        let mut letters = std::vec::Vec::new();
        for word in usage.split(['[', ']', ' ']).filter(|word| word.len() == 2) {
            if let Some(letter) = word.strip_prefix('-') {
                letters.extend(letter.chars());
            }
        }
        letters
    }

    /// What stands between `<` and `>` in a usage.
    fn parameters(usage: &str) -> std::vec::Vec<&str> {
        usage.split('<').skip(1).filter_map(|rest| rest.split('>').next()).collect()
    }
}
