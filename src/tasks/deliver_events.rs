//! `tasks deliver-events`, and the end of the other tasks: tells hooks what happened, in the order of the
//! events' ids, at least once. What a hook does not take holds back what is behind it, of that
//! hook alone, and is tried again later and later, by the machine's clock.

mod message;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::lock::Lock;
use super::{Done, Given, ItemError, item_error, item_refused};
use crate::config::{Config, Hook, Target};
use crate::domain::event::{About, HookEvent};
use crate::domain::hook::{self, HookState};
use crate::domain::schedule::Task;
use crate::domain::{Act, EventId, Result, act};
use crate::hooks::{Answer, Endpoint, Listener, Message, Receiver, Unready, Untold};
use crate::store::runs::Phase;
use crate::store::{Db, HookRow, Store, ToTell, Untaken};
use message::Writer;

/// Events read at once, and told to a program at once.
const PAGE: u32 = 100;

/// So long a run goes on to tell: the next minute's finds it at its end.
const RUN: Duration = Duration::from_secs(45);

/// So long one hook is told before the next one has its turn.
const TURN: Duration = Duration::from_secs(5);

/// No further are events counted that wait.
const COUNTED: u32 = 10_000;

/// What hooks were told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events that were taken, one for each hook that took it.
    pub delivered: u64,
    /// Hooks that did not take the event that they were called with.
    pub failed: u64,
    /// Events that wait behind one that was not taken, or for the next run; counted up to 10,000 a hook.
    pub held: u64,
    /// Hooks that want no more.
    pub stopped: u64,
}

/// What came of telling.
#[derive(Debug, Default)]
pub struct Told {
    pub counts: Counts,
    pub errors: Vec<ItemError>,
}

/// How long may be told.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// No call begins after that.
    until: Instant,
    /// Whether one that has begun is broken off then, too; that is no failure of the hook's.
    breaks_off: bool,
}

impl Limits {
    /// Whether the hook is called within them: a receiver over HTTP takes a message or does not, a program
    /// may be in the middle of its work.
    fn allow(self, hook: &Hook) -> bool {
        !self.breaks_off || matches!(hook.target, Target::Url { .. })
    }
}

/// Makes rows for the hooks of the configuration that have none: each is told of what happens from now
/// on. What writes does this first, so that a hook hears of all that was done since it was
/// configured.
///
/// # Errors
/// A fault of the file.
pub fn register(store: &mut Store, config: &Config, at: DateTime<Utc>) -> Result<()> {
    let new = store.read(|db| {
        let mut new = Vec::new();
        for hook in &config.hooks {
            if db.hook(&hook.name)?.is_none() {
                new.push(hook.name.as_str());
            }
        }
        Ok(new)
    })?;
    match new.is_empty() {
        true => Ok(()),
        false => store.write(|db| db.add_hooks(new.iter().copied(), &at_ms(at))),
    }
}

/// Whether a hook is to be called now, or is to pass over events that it is not told of.
///
/// # Errors
/// A fault of the file.
pub fn is_due(db: &Db, config: &Config, now: DateTime<Utc>) -> Result<bool> {
    Ok(!due(db, config, now)?.is_empty())
}

/// The hooks that are to be called now, those that failed last: what is down slows nothing that is not.
fn due<'c>(db: &Db, config: &'c Config, now: DateTime<Utc>) -> Result<Vec<(&'c Hook, HookRow)>> {
    let newest = db.newest_event()?;
    let mut due = Vec::new();
    for hook in &config.hooks {
        let Some(row) = db.hook(&hook.name)? else { continue };
        if row.told < newest && may_be_called(&row, now) {
            due.push((hook, row));
        }
    }
    due.sort_by_key(|(_, row)| row.state());
    Ok(due)
}

fn may_be_called(row: &HookRow, now: DateTime<Utc>) -> bool {
    let at = |text: &Option<String>| text.as_deref().and_then(instant);
    match (row.state(), at(&row.tried_at), at(&row.next_try_at)) {
        (HookState::Stopped, ..) => false,
        (HookState::Failing, Some(tried), Some(next)) => hook::is_due(tried, next, now),
        _ => true,
    }
}

/// Tells all hooks what is due, for less than a minute. The caller holds the lock of telling.
///
/// # Errors
/// A fault of the file; what a hook does not take is recorded with it and in the result.
pub fn tell(store: &mut Store, given: &Given) -> Result<Told> {
    tell_within(store, given, Limits { until: Instant::now() + RUN, breaks_off: false })
}

/// Tells the hooks that have an address at once what is due, and is back within `limit`: for what has
/// just been done and somebody waits to see. Programs are left to the task, since one that is killed in
/// the middle of its work may leave half of it. Where another process is telling, it is left to that
/// one; what fails is recorded with its hook, and the task goes on with it.
pub fn within(store: &mut Store, given: &Given, limit: Duration) {
    let limits = Limits { until: Instant::now() + limit, breaks_off: true };
    let now = given.clock.machine_now();
    let is_due = |db: &Db| {
        let due = due(db, given.config, now)?;
        Ok(due.iter().any(|(hook, _)| limits.allow(hook)))
    };
    if !store.read(is_due).unwrap_or(false) {
        return;
    }
    let lock = Lock::try_take(store.path(), Phase::Telling, Task::DeliverEvents);
    if let Ok(Some(_held)) = lock {
        // The file's faults are everybody's, and the next command names them.
        let _ = tell_within(store, given, limits);
    }
}

fn tell_within(store: &mut Store, given: &Given, limits: Limits) -> Result<Told> {
    let now = given.clock.machine_now();
    register(store, given.config, now)?;
    let mut due = store.read(|db| due(db, given.config, now))?;
    due.retain(|(hook, _)| limits.allow(hook));
    let act = given.clock.act("task:deliver-events");
    let mut teller = Teller {
        given,
        act: &act,
        writer: Writer::new(given.config, &act),
        limits,
        told: Told::default(),
    };
    // How far a hook was told may be lost with the power, not with the process: what is told again then is
    // told at least once.
    let told = store.lightly(|store| teller.tell_all(store, due));
    told.and_then(|()| teller.count(store))?;
    Ok(teller.told)
}

/// One hook that is being told.
struct Line<'a> {
    hook: &'a Hook,
    receiver: Receiver,
    /// The last event that it was told of.
    told: EventId,
    /// Whether the run before left something untold.
    was_behind: bool,
    is_over: bool,
    /// What was read and is not told yet, in order.
    page: std::vec::IntoIter<ToTell>,
}

struct Teller<'a> {
    given: &'a Given<'a>,
    act: &'a Act,
    writer: Writer<'a>,
    limits: Limits,
    told: Told,
}

impl Teller<'_> {
    fn tell_all(&mut self, store: &mut Store, due: Vec<(&Hook, HookRow)>) -> Result<()> {
        let mut lines = Vec::new();
        for (hook, row) in due {
            match Receiver::of(self.given.config, hook) {
                Ok(receiver) => lines.push(Line {
                    hook,
                    receiver,
                    told: row.told,
                    was_behind: row.behind_since.is_some(),
                    is_over: false,
                    page: Vec::new().into_iter(),
                }),
                Err(why) => self.unready(store, hook, row.told, &why)?,
            }
        }
        while !lines.is_empty() && !self.is_over() {
            for line in &mut lines {
                self.turn(store, line)?;
            }
            lines.retain(|line| !line.is_over);
        }
        lines.iter().try_for_each(|line| self.left_behind(store, line.hook, line.told))
    }

    /// Keeps that there was no time for what a hook is to be told after an event, if there is anything.
    fn left_behind(&self, store: &mut Store, hook: &Hook, told: EventId) -> Result<()> {
        let now = at_ms(self.given.clock.machine_now());
        let left = store.read(|db| db.count_to_tell(told, &hook.kinds, 1))?;
        store.write(|db| db.hook_is_behind(&hook.name, told, (left > 0).then_some(now.as_str())))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.limits.until
    }

    /// How long a call may last.
    fn patience(&self) -> Duration {
        match self.limits.breaks_off {
            true => self.limits.until.saturating_duration_since(Instant::now()),
            false => Duration::MAX,
        }
    }

    /// Tells one hook, for as long as its turn is.
    fn turn(&mut self, store: &mut Store, line: &mut Line) -> Result<()> {
        let end = self.limits.until.min(Instant::now() + TURN);
        while !line.is_over && Instant::now() < end {
            if line.page.len() == 0 && !self.read_on(store, line)? {
                return Ok(());
            }
            let Line { hook, told, is_over, page, receiver, .. } = line;
            *is_over = match receiver {
                Receiver::Endpoint(endpoint) => self.post(store, hook, told, page, endpoint)?,
                Receiver::Listener(program) => self.run(store, hook, told, page, program)?,
            };
        }
        Ok(())
    }

    /// Reads the next events. False where there are none: the hook is told, and passes over those that it
    /// is not told of.
    fn read_on(&self, store: &mut Store, line: &mut Line) -> Result<bool> {
        let (told, kinds) = (line.told, &line.hook.kinds);
        let (page, newest) =
            store.read(|db| Ok((db.events_to_tell(told, kinds, PAGE)?, db.newest_event()?)))?;
        if page.is_empty() {
            line.is_over = true;
            if newest > told || line.was_behind {
                let name = &line.hook.name;
                store.write(|db| {
                    db.hook_told(name, told, newest)?;
                    db.hook_is_behind(name, newest, None)
                })?;
            }
            return Ok(false);
        }
        line.page = page.into_iter();
        Ok(true)
    }

    /// Posts the next event. True where the hook is not called again in this run.
    fn post(
        &mut self,
        store: &mut Store,
        hook: &Hook,
        told: &mut EventId,
        page: &mut std::vec::IntoIter<ToTell>,
        endpoint: &Endpoint,
    ) -> Result<bool> {
        let Some(next) = page.next() else { return Ok(false) };
        let id = next.event.id;
        let body = store.read(|db| self.writer.body(db, &next))?;
        let leaves_at = self.given.clock.machine_now().timestamp();
        match endpoint.post(&id.to_string(), &body, leaves_at, self.patience()) {
            Answer::Taken => {
                let before = std::mem::replace(told, id);
                self.told.counts.delivered += 1;
                Ok(!store.write(|db| db.hook_told(&hook.name, before, id))?)
            }
            Answer::Gone => self.stopped(store, hook, *told, &next).map(|()| true),
            Answer::Failed(why) => {
                self.failed(store, hook, *told, Some(&next), &why).map(|()| true)
            }
            Answer::CutShort => self.left_behind(store, hook, *told).map(|()| true),
        }
    }

    /// Runs the program with the events of a page. True where the hook is not called again in this run.
    fn run(
        &mut self,
        store: &mut Store,
        hook: &Hook,
        told: &mut EventId,
        page: &mut std::vec::IntoIter<ToTell>,
        program: &Listener,
    ) -> Result<bool> {
        let events: Vec<ToTell> = page.collect();
        let messages = store.read(|db| {
            let message = |event: &ToTell| {
                Ok(Message { id: event.event.id, body: self.writer.body(db, event)? })
            };
            events.iter().map(message).collect::<Result<Vec<_>>>()
        })?;
        let delivered = &mut self.told.counts.delivered;
        // What keeping a line came to, where it did not go well.
        let mut kept = Ok(true);
        let done = |id: EventId| {
            if id <= *told {
                return ControlFlow::Continue(());
            }
            kept = store.write(|db| db.hook_told(&hook.name, *told, id));
            match kept {
                Ok(true) => {
                    *delivered += count(&events, *told, id);
                    *told = id;
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            }
        };
        let outcome = program.tell(&messages, done);
        if !kept? {
            return Ok(true);
        }
        match (outcome, events.last()) {
            (Ok(()), Some(last)) if last.event.id > *told => {
                let (id, before) = (last.event.id, *told);
                self.told.counts.delivered += count(&events, before, id);
                *told = id;
                Ok(!store.write(|db| db.hook_told(&hook.name, before, id))?)
            }
            (Ok(()), _) => Ok(false),
            (Err(Untold { why, .. }), _) => {
                let next = events.iter().find(|event| event.event.id > *told);
                self.failed(store, hook, *told, next, &why).map(|()| true)
            }
        }
    }

    /// A hook that cannot be called rests as one that did not take its event.
    fn unready(
        &mut self,
        store: &mut Store,
        hook: &Hook,
        told: EventId,
        why: &Unready,
    ) -> Result<()> {
        let why = match why {
            Unready::Secret(refusal) => item_refused(&hook.name, refusal).message,
            Unready::Setting(why) => why.clone(),
        };
        let next = store.read(|db| db.events_to_tell(told, &hook.kinds, 1))?;
        match next.first() {
            Some(next) => self.failed(store, hook, told, Some(next), &why),
            None => Ok(()),
        }
    }

    fn failed(
        &mut self,
        store: &mut Store,
        hook: &Hook,
        told: EventId,
        event: Option<&ToTell>,
        why: &str,
    ) -> Result<()> {
        let now = self.given.clock.machine_now();
        let next_try = store.write(|db| {
            let Some(row) = db.hook(&hook.name)? else { return Ok(None) };
            let next_try = now + hook::wait_after(row.attempts + 1);
            let untaken =
                Untaken { at: &at_ms(now), next_try_at: Some(&at_ms(next_try)), error: why };
            Ok(db.hook_failed(&hook.name, told, &untaken)?.then_some(next_try))
        })?;
        // Where it was told from elsewhere on meanwhile, this event is none that it waits for.
        let Some(next_try) = next_try else { return Ok(()) };
        self.told.counts.failed += 1;
        let what = event.map_or_else(String::new, |event| named(event) + " ");
        let next_try = act::instant(next_try);
        let message = format!("did not take {what}and is called again from {next_try} on: {why}");
        self.told.errors.push(item_error(&hook.name, "hook_failed", message));
        Ok(())
    }

    fn stopped(
        &mut self,
        store: &mut Store,
        hook: &Hook,
        told: EventId,
        event: &ToTell,
    ) -> Result<()> {
        let now = at_ms(self.given.clock.machine_now());
        let why = "answers 410: it wants no more";
        let stopped = store.write(|db| {
            let untaken = Untaken { at: &now, next_try_at: None, error: why };
            let stopped = db.hook_failed(&hook.name, told, &untaken)?;
            if stopped {
                let event = HookEvent::Stopped { hook: &hook.name, event: event.event.id };
                db.record(self.act, About::NOBODY, event, Some(why))?;
            }
            Ok(stopped)
        })?;
        if stopped {
            self.told.counts.stopped += 1;
            let message = format!(
                "{} was answered with 410, and nothing goes there any more; billing hook resume {} \
                 has it go on",
                named(event),
                hook.name
            );
            self.told.errors.push(item_error(&hook.name, "hook_stopped", message));
        }
        Ok(())
    }

    /// Counts what waits.
    fn count(&mut self, store: &mut Store) -> Result<()> {
        self.told.counts.held = store.read(|db| held(db, self.given.config))?;
        Ok(())
    }
}

/// The events that wait for hooks, those of each counted up to 10,000.
///
/// # Errors
/// A fault of the file.
pub fn held(db: &Db, config: &Config) -> Result<u64> {
    let mut held = 0;
    for hook in &config.hooks {
        held += match db.hook(&hook.name)? {
            Some(row) => u64::from(behind(db, hook, &row)?),
            None => 0,
        };
    }
    Ok(held)
}

/// How many events wait for a hook, counted up to 10,000.
///
/// # Errors
/// A fault of the file.
pub fn behind(db: &Db, hook: &Hook, row: &HookRow) -> Result<u32> {
    db.count_to_tell(row.told, &hook.kinds, COUNTED)
}

/// A hook that has been behind for more than an hour.
#[derive(Debug)]
pub struct LateHook {
    pub name: String,
    pub since: String,
    /// Counted up to 10,000.
    pub behind: u32,
    /// What went wrong the last time; `None` where nothing did, and it is only slow.
    pub why: Option<String>,
}

/// The hooks that no run has told all that there was for more than an hour, by the machine's clock.
///
/// # Errors
/// A fault of the file.
pub fn late(db: &Db, config: &Config, now: DateTime<Utc>) -> Result<Vec<LateHook>> {
    let mut late = Vec::new();
    for hook in &config.hooks {
        let Some(row) = db.hook(&hook.name)? else { continue };
        let since = row.behind_since.as_deref().and_then(instant);
        let Some(since) = since.filter(|since| now - since > hook::MAY_BE_BEHIND) else { continue };
        // All of it may have been passed over since.
        let behind = behind(db, hook, &row)?;
        if behind > 0 {
            late.push(LateHook {
                behind,
                since: act::instant(since),
                why: row.error,
                name: row.name,
            });
        }
    }
    Ok(late)
}

/// How many of the events are after one, up to another.
fn count(events: &[ToTell], after: EventId, until: EventId) -> u64 {
    let between = |event: &&ToTell| event.event.id > after && event.event.id <= until;
    events.iter().filter(between).count() as u64
}

fn named(event: &ToTell) -> String {
    format!("{} ({})", event.event.id, event.event.kind)
}

/// Hands each event that a run would tell to `each`, hook by hook, without what the event is about.
/// Writes and calls nothing.
///
/// # Errors
/// What `each` refuses, or a fault of the file.
pub fn dry_run(
    store: &mut Store,
    given: &Given,
    mut each: impl FnMut(&Hook, &ToTell) -> Result<()>,
) -> Result<(Done, Counts)> {
    let now = given.clock.machine_now();
    let mut counts = Counts::default();
    store.read(|db| {
        for (hook, row) in due(db, given.config, now)? {
            let mut after = row.told;
            loop {
                let page = db.events_to_tell(after, &hook.kinds, PAGE)?;
                let Some(last) = page.last() else { break };
                after = last.event.id;
                page.iter().try_for_each(|event| each(hook, event))?;
                counts.delivered += page.len() as u64;
            }
        }
        let held = held(db, given.config)?;
        counts.held = held.saturating_sub(counts.delivered);
        Ok((super::nothing_decided(), counts))
    })
}

/// Sends a made-up event to a hook: it is told nothing, and nothing is kept of it.
///
/// # Errors
/// In words: it did not take it.
pub fn test(given: &Given, act: &Act, hook: &Hook, id: &str) -> std::result::Result<(), String> {
    let body = message::made_up(id, act);
    match Receiver::of(given.config, hook) {
        Err(Unready::Secret(refusal)) => Err(item_refused(&hook.name, &refusal).message),
        Err(Unready::Setting(why)) => Err(why),
        Ok(Receiver::Endpoint(endpoint)) => {
            let leaves_at = given.clock.machine_now().timestamp();
            match endpoint.post(id, &body, leaves_at, Duration::MAX) {
                Answer::Taken => Ok(()),
                Answer::Gone => Err("answers 410".to_owned()),
                Answer::Failed(why) => Err(why),
                Answer::CutShort => Err("no answer".to_owned()),
            }
        }
        Ok(Receiver::Listener(program)) => {
            let message = Message { id: EventId(0), body };
            let told = program.tell(&[message], |_| ControlFlow::Continue(()));
            // Who tries it sees what it says; nothing is kept of that.
            told.map_err(|untold| match untold.complaint {
                Some(complaint) => format!("{}: {complaint}", untold.why),
                None => untold.why,
            })
        }
    }
}

/// An instant of the machine's clock as a hook's row keeps it: waits begin at five seconds.
pub fn at_ms(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The same, read.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}
