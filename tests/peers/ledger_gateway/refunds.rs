//! What goes back, what is disputed, and what is told of both. A charge has one lock: under it no two
//! refunds are booked that together come to more than was taken.

use std::fs::{self, File};
use std::io::{self, ErrorKind};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Ledger, Question, file_name};

/// A booking, as its file has it.
fn read(path: &std::path::Path) -> io::Result<Option<Value>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => Ok(Some(serde_json::from_str(&text?)?)),
    }
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Whether the money of a refund is gone, or on its way.
fn counts(refund: &Value) -> bool {
    refund["outcome"] == "succeeded" || refund["outcome"] == "pending"
}

impl Ledger {
    /// Books a refund that is not booked yet.
    pub fn book_refund(&self, question: &Question) -> io::Result<()> {
        let charge = question.body["charge"].as_str().unwrap_or_default();
        let key = charge.strip_prefix("led_").unwrap_or(charge).to_owned();
        let _one = self.lock_of(&key)?;
        let (outcome, code) = match self.refusal(question, &key)? {
            Some(code) => ("declined", code),
            None => self.first_refund_outcome(&question.key),
        };
        let mut entry: Value = serde_json::from_str(&super::entry(question, outcome))?;
        entry["charge"] = json!(charge);
        entry["code"] = json!(code);
        entry["at"] = json!(now());
        self.create(&self.place("refunded", &question.key), &entry.to_string()).map(drop)
    }

    /// Why it is refused whatever the chances say.
    fn refusal(&self, question: &Question, charge: &str) -> io::Result<Option<&'static str>> {
        let Some(booked) = read(&self.place("booked", charge))? else {
            return Ok(Some("unknown_charge"));
        };
        if booked["outcome"] != "succeeded" || booked["currency"] != question.body["currency"] {
            return Ok(Some("unknown_charge"));
        }
        let dispute = read(&self.place("disputes", charge))?;
        if dispute.is_some_and(|dispute| dispute["status"] != "won") {
            return Ok(Some("charge_disputed"));
        }
        let taken = booked["amount_minor"].as_i64().unwrap_or(0);
        let asked = question.body["amount_minor"].as_i64().unwrap_or(i64::MAX);
        match self.given_back(charge)?.checked_add(asked) {
            Some(sum) if sum <= taken => Ok(None),
            _ => Ok(Some("refund_above_charge")),
        }
    }

    /// How much of a charge is back, or on its way. Called under its lock.
    fn given_back(&self, charge: &str) -> io::Result<i64> {
        let reference = format!("led_{charge}");
        let mut sum = 0;
        for refund in self.all("refunded")? {
            if refund["charge"] == reference.as_str() && counts(&refund) {
                sum += refund["amount_minor"].as_i64().unwrap_or(0);
            }
        }
        Ok(sum)
    }

    fn first_refund_outcome(&self, key: &str) -> (&'static str, &'static str) {
        match self.settings.one_of(&["refund-decline", "refund-pending"], key) {
            Some("refund-pending") => ("pending", ""),
            Some(_) => ("declined", "account_closed"),
            None => ("succeeded", ""),
        }
    }

    /// What a booked refund comes to when it is asked after: the end of one that is pending, or the
    /// failure of one that had succeeded.
    pub fn refund_ends(&self, key: &str, outcome: &str) -> io::Result<Option<&'static str>> {
        let (chance, else_) = match outcome {
            "pending" => ("refund-pending-declines", Some("succeeded")),
            "succeeded" => ("refund-fails-later", None),
            _ => return Ok(None),
        };
        if self.times_asked(key)? < self.settings.get("asks") {
            return Ok(None);
        }
        Ok(if self.settings.happens(chance, key) { Some("declined") } else { else_ })
    }

    /// Writes how a booked refund ended.
    pub fn end_refund(&self, key: &str, outcome: &str) -> io::Result<()> {
        let path = self.place("refunded", key);
        let Some(mut entry) = read(&path)? else { return Ok(()) };
        entry["outcome"] = json!(outcome);
        if outcome == "declined" {
            entry["code"] = json!("account_closed");
        }
        fs::rename(self.temporary(&entry.to_string())?, &path)
    }

    /// The code of a refund that was declined.
    pub fn code_of_refund(&self, key: &str) -> io::Result<String> {
        let entry = read(&self.place("refunded", key))?.unwrap_or_default();
        Ok(entry["code"].as_str().unwrap_or("declined").to_owned())
    }

    /// Lets others give back and dispute, as the chances of each charge have it, and tells of all that
    /// was done since: what billing asked for, too.
    pub fn changes(&self, since: DateTime<Utc>) -> io::Result<Value> {
        for booked in self.all("booked")? {
            let key = booked["key"].as_str().unwrap_or_default();
            if booked["outcome"] == "succeeded" {
                let _one = self.lock_of(key)?;
                self.give_back_outside(key, &booked)?;
                self.dispute(key)?;
            }
        }
        let is_since = |entry: &Value| {
            let at = entry["at"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok());
            at.is_some_and(|at| at >= since)
        };
        let mut changes = Vec::new();
        for refund in self.all("refunded")? {
            if refund["outcome"] == "succeeded" && is_since(&refund) {
                let key = refund["key"].as_str().unwrap_or_default();
                changes.push(json!({
                    "kind": "refund", "reference": format!("led_{key}"),
                    "charge": refund["charge"], "amount": refund["amount"],
                    "currency": refund["currency"], "at": refund["at"],
                }));
            }
        }
        for dispute in self.all("disputes")? {
            if is_since(&dispute) {
                let key = dispute["key"].as_str().unwrap_or_default();
                changes.push(json!({
                    "kind": "dispute", "status": dispute["status"],
                    "reference": format!("dp_{key}"), "charge": format!("led_{key}"),
                    "at": dispute["at"],
                }));
            }
        }
        Ok(json!({ "changes": changes }))
    }

    /// Half of the charge, or what is left of it, once.
    fn give_back_outside(&self, key: &str, booked: &Value) -> io::Result<()> {
        let name = format!("out_{key}");
        let path = self.place("refunded", &name);
        if !self.settings.happens("outside", key) || path.exists() {
            return Ok(());
        }
        let taken = booked["amount_minor"].as_i64().unwrap_or(0);
        let units = (taken - self.given_back(key)?).min(taken / 2);
        // It is said as the charge was, so that no currency's decimals have to be known here.
        let decimals = booked["amount"].as_str().and_then(|text| text.split_once('.'));
        let decimals = decimals.map_or(0, |(_, fraction)| fraction.len());
        let digits = format!("{units:0>width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let amount = if decimals == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") };
        if units <= 0 {
            return Ok(());
        }
        let mut entry = booked.clone();
        entry["key"] = json!(name);
        entry["charge"] = json!(format!("led_{key}"));
        entry["amount_minor"] = json!(units);
        entry["amount"] = json!(amount);
        entry["code"] = json!("");
        entry["at"] = json!(now());
        self.create(&path, &entry.to_string()).map(drop)
    }

    /// Open when it is first told of; decided once it was told of so often.
    fn dispute(&self, key: &str) -> io::Result<()> {
        if !self.settings.happens("dispute", key) {
            return Ok(());
        }
        let path = self.place("disputes", key);
        let entry = |status: &str| json!({"key": key, "status": status, "at": now()}).to_string();
        if self.create(&path, &entry("open"))? {
            return Ok(());
        }
        let open = read(&path)?.is_some_and(|dispute| dispute["status"] == "open");
        if open && self.times_asked(&format!("dp_{key}"))? >= self.settings.get("asks") {
            let lost = self.settings.happens("dispute-lost", key);
            let status = if lost { "lost" } else { "won" };
            fs::rename(self.temporary(&entry(status))?, &path)?;
        }
        Ok(())
    }

    /// Holds the charge's lock until what is returned is dropped.
    fn lock_of(&self, charge: &str) -> io::Result<File> {
        let lock = File::create(self.place("locks", charge))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Every file of a folder.
    fn all(&self, folder: &str) -> io::Result<Vec<Value>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(self.folder.join(folder))? {
            paths.push(entry?.path());
        }
        paths.sort();
        paths.iter().filter_map(|path| read(path).transpose()).collect()
    }

    /// Where something of a key is.
    pub fn place(&self, folder: &str, key: &str) -> std::path::PathBuf {
        self.folder.join(folder).join(file_name(key))
    }
}
