//! The billing back office of a small SaaS: one binary, one SQLite file, run by cron.
//!
//! The rooms, from the bottom up: [`domain`] holds the pure rules, [`store`] the rows, [`mail`]
//! the e-mails and their transports, [`gateway`] who takes the money, [`links`] the signed links of the
//! portal, [`books`] the verbs that change
//! several nouns at once, [`imports`] the files that are read, [`reports`] the figures, [`tasks`] what
//! cron runs, [`view`] how results are printed, [`commands`] the words for all of it, [`portal`] what
//! customers and the product see of it over HTTP, [`cli`] the tree.
// An invoice is one `json!` of many fields.
#![recursion_limit = "256"]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

pub mod books;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod documents;
pub mod domain;
pub mod failure;
pub mod gateway;
pub mod hooks;
pub mod imports;
pub mod links;
pub mod mail;
pub mod outside;
pub mod portal;
pub mod reports;
pub mod show;
pub mod store;
pub mod tasks;
pub mod view;
