//! Help, manual pages and completions: all of it comes from the tree of commands.
mod support;

use std::collections::BTreeSet;

use billing::cli;
use billing::commands::examples;
use clap::{Arg, Command};
use support::Shop;

/// Hands each command to `each`, with its words.
fn walk(command: &Command, words: &str, each: &mut impl FnMut(&str, &Command)) {
    each(words, command);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        walk(sub, &format!("{words} {}", sub.get_name()), each);
    }
}

fn tree() -> Command {
    let mut command = cli::tree();
    command.build();
    command
}

#[test]
fn every_command_and_option_has_a_line() {
    let mut silent = Vec::new();
    walk(&tree(), "billing", &mut |words, command| {
        if command.get_about().is_none() {
            silent.push(words.to_owned());
        }
        let without = command.get_arguments().filter(|arg| arg.get_help().is_none());
        silent.extend(without.map(|arg| format!("{words} {}", arg.get_id())));
    });
    assert!(silent.is_empty(), "{} without a word: {silent:#?}", silent.len());
}

/// Words of an option that stand for a choice of few, but were typed by hand.
#[test]
fn an_option_of_few_words_names_them_to_the_shell() {
    let mut free = Vec::new();
    walk(&tree(), "billing", &mut |words, command| {
        let of_words = |arg: &&Arg| {
            let id = arg.get_id().as_str();
            let chosen = [
                "status",
                "stage",
                "interval",
                "kind",
                "anchor",
                "collection",
                "locale",
                "eligibility",
                "template",
                "task",
            ];
            chosen.contains(&id) && arg.get_possible_values().is_empty()
        };
        free.extend(
            command.get_arguments().filter(of_words).map(|arg| format!("{words} {}", arg.get_id())),
        );
    });
    assert!(free.is_empty(), "{free:#?}");
}

/// The words of a line as a shell splits them.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("a word").push(c),
        }
    }
    words
}

#[test]
fn every_example_is_a_command_that_is_understood() {
    for (words, line) in examples::all() {
        // Up to a pipe or a redirection.
        let args: Vec<String> =
            split(line).into_iter().take_while(|w| w != "||" && w != ">").collect();
        let read = cli::tree().try_get_matches_from(&args);
        assert!(read.is_ok(), "{line}: {}", read.expect_err("an error"));
        assert!(line.starts_with(words), "{line} stands at {words}");
    }
}

#[test]
fn every_verb_has_an_example_and_shows_it() {
    let with: BTreeSet<&str> = examples::all().map(|(words, _)| words).collect();
    let mut without = Vec::new();
    walk(&tree(), "billing", &mut |words, command| {
        if !command.has_subcommands() && !with.contains(words) {
            without.push(words.to_owned());
        }
    });
    // They say what there is, and take nothing.
    assert_eq!(without, ["billing tasks simulate", "billing tasks list"]);
    let help = Shop::empty().ok(&["invoice", "pay", "--help"]);
    assert!(help.contains("Example:\n  billing invoice pay INV-2026-000042"), "{help}");
}

#[test]
fn manual_pages_have_the_sections_that_a_reader_looks_for() {
    let shop = Shop::empty();
    shop.ok(&["man", "--out", "man1"]);
    let page = |name: &str| std::fs::read_to_string(shop.path(name)).expect(name);
    for name in ["man1/billing.1", "man1/billing-invoice-pay.1", "man1/billing-coupon-create.1"] {
        for section in ["NAME", "SYNOPSIS", "ENVIRONMENT", "EXIT STATUS", "FILES", "EXAMPLES"] {
            let (bare, quoted) = (format!(".SH {section}\n"), format!(".SH \"{section}\"\n"));
            let text = page(name);
            assert!(text.contains(&bare) || text.contains(&quoted), "{name} lacks {section}");
        }
    }
    let keys = page("man5/billing.toml.5");
    for key in ["timezone", "warning_days", "acquisition_spend", "secret_key_file"] {
        assert!(keys.contains(&format!("\\fB{key}\\fR")), "{key}");
    }
    assert!(!shop.path("man1/billing.toml.5").exists());
}

#[test]
fn help_lists_every_key_of_the_configuration() {
    let help = Shop::empty().ok(&["help", "config"]);
    let example = include_str!("../examples/billing.toml");
    let keys = example.lines().filter_map(|line| {
        let line = line.trim_start_matches("# ");
        let (key, _) = line.split_once(" = ")?;
        key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(key)
    });
    for key in keys {
        let is_there = |line: &str| line.trim().split(' ').next() == Some(key);
        assert!(help.lines().any(is_there), "{key}");
    }
    assert!(!help.contains('`') && !help.contains("]("), "{help}");
}

#[test]
fn completions_offer_words_and_not_files() {
    let script = Shop::empty().ok(&["completions", "bash"]);
    for words in
        ["active suspended closed", "month year", "draft open paid credited void uncollectible"]
    {
        assert!(script.contains(&format!("compgen -W \"{words}\"")), "{words}");
    }
}
