//! The billing back office of a small SaaS: one binary, one SQLite file, run by cron.
//!
//! The rooms, from the bottom up: [`domain`] holds the pure rules, [`store`] the rows, [`mail`]
//! the letters and their transports, [`gateway`] who takes the money, [`tasks`] what cron runs and
//! what touches several nouns at once, [`view`] how results are printed, [`commands`] the words for
//! all of it, [`cli`] the tree.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod domain;
pub mod failure;
pub mod gateway;
pub mod mail;
pub mod store;
pub mod tasks;
pub mod view;
