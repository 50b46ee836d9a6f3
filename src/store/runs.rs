//! The rows of the tasks' runs.

use rusqlite::{OptionalExtension, Row};

use super::{Db, columns};
use crate::domain::schedule::Task;
use crate::domain::{Act, Result, RunId, words};

words! {
    /// How a run went.
    RunStatus {
        Running = "running",
        Ok = "ok",
        Partial = "partial",
        Failed = "failed",
        /// Died without a word.
        Interrupted = "interrupted",
    }
}

words! {
    /// Which lock a run holds while it is at work.
    Phase {
        Deciding = "deciding",
        Delivering = "delivering",
        /// Of what happened, to hooks.
        Telling = "telling",
    }
}

/// A run as it stands.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub task: Task,
    pub as_of: String,
    pub status: RunStatus,
    pub phase: Option<Phase>,
    pub started_at: String,
    pub finished_at: Option<String>,
    /// The result as it was printed, JSON.
    pub result: Option<String>,
}

impl Db<'_> {
    /// Records that a run starts. Runs of the same phase that are still marked as running have
    /// died, for the caller holds the lock of that phase: they are marked as interrupted.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn start_run(
        &self,
        act: &Act,
        task: Task,
        clock_given: bool,
        phase: Phase,
    ) -> Result<RunId> {
        self.interrupt_runs(phase, RunId(0))?;
        let clock = if clock_given { "given" } else { "system" };
        let id = self
            .conn
            .prepare_cached(
                "INSERT INTO runs (task, as_of, clock, status, phase, started_at)
                 VALUES (?1, ?2, ?3, 'running', ?4, ?2)",
            )?
            .insert((task.word(), act.at(), clock, phase.word()))?;
        Ok(RunId(id))
    }

    /// Records that a run starts which does nothing; it has to be finished in the same transaction. It takes the
    /// place of the last one of the task, where that did nothing before it.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn quiet_run(&self, act: &Act, task: Task, clock_given: bool) -> Result<RunId> {
        let clock = if clock_given { "given" } else { "system" };
        let quiet = self
            .conn
            .prepare_cached(
                "SELECT id, as_of, clock, status, result FROM runs INDEXED BY runs_task
                 WHERE task = ?1 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([task.word()], |row| {
                let id = RunId(row.get("id")?);
                let before = row.get::<_, String>("as_of")? <= act.at();
                let same = row.get::<_, String>("clock")? == clock;
                let ok = row.get::<_, String>("status")? == RunStatus::Ok.word();
                let result: Option<String> = row.get("result")?;
                let did_nothing = result.is_some_and(|text| text.contains("\"delivered\":0,"));
                Ok((before && same && ok && did_nothing).then_some(id))
            })
            .optional()?;
        match quiet.flatten() {
            Some(id) => {
                self.conn
                    .prepare_cached("UPDATE runs SET as_of = ?2, started_at = ?2 WHERE id = ?1")?
                    .execute((id.0, act.at()))?;
                Ok(id)
            }
            None => {
                let id = self
                    .conn
                    .prepare_cached(
                        "INSERT INTO runs (task, as_of, clock, status, started_at)
                         VALUES (?1, ?2, ?3, 'interrupted', ?2)",
                    )?
                    .insert((task.word(), act.at(), clock))?;
                Ok(RunId(id))
            }
        }
    }

    fn interrupt_runs(&self, phase: Phase, but: RunId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE runs SET status = 'interrupted', phase = NULL
                 WHERE phase = ?1 AND id <> ?2",
            )?
            .execute((phase.word(), but.0))?;
        Ok(())
    }

    /// Records that a run goes on to its next phase; it holds the lock of that already.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn run_goes_on(&self, id: RunId, phase: Phase) -> Result<()> {
        self.interrupt_runs(phase, id)?;
        self.conn
            .prepare_cached("UPDATE runs SET phase = ?2 WHERE id = ?1")?
            .execute((id.0, phase.word()))?;
        Ok(())
    }

    /// Records how a run ended.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn finish_run(
        &self,
        id: RunId,
        status: RunStatus,
        finished_at: &str,
        result: &str,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE runs SET status = ?2, phase = NULL, finished_at = ?3, result = ?4
                 WHERE id = ?1",
            )?
            .execute((id.0, status.word(), finished_at, result))?;
        Ok(())
    }

    /// The runs that are marked as running, with the phase whose lock they hold if they live.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn running(&self) -> Result<Vec<(RunId, Phase)>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id, phase FROM runs WHERE phase IS NOT NULL")?;
        let runs = statement
            .query_map([], |row| Ok((RunId(row.get("id")?), columns::word(row, "phase")?)))?;
        Ok(runs.collect::<rusqlite::Result<_>>()?)
    }

    /// Hands each run to `each`, newest first.
    ///
    /// # Errors
    /// What `each` refuses, or a fault of the file.
    pub fn each_run(
        &self,
        task: Option<Task>,
        limit: Option<u32>,
        mut each: impl FnMut(Run) -> Result<()>,
    ) -> Result<()> {
        let sql = match task {
            Some(_) => {
                "SELECT * FROM runs INDEXED BY runs_task WHERE task = ?1 ORDER BY id DESC LIMIT ?2"
            }
            None => "SELECT * FROM runs WHERE ?1 IS NULL ORDER BY id DESC LIMIT ?2",
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((task.map(Task::word), columns::limit(limit)))?;
        while let Some(row) = rows.next()? {
            each(run(row)?)?;
        }
        Ok(())
    }

    /// The latest instant, not after `now`, for which a task ran.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn last_run_until(&self, task: Task, now: &str) -> Result<Option<String>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT max(as_of) FROM runs INDEXED BY runs_as_of WHERE task = ?1 AND as_of <= ?2",
        )?;
        Ok(statement.query_row((task.word(), now), |row| row.get(0))?)
    }
}

/// The run that a row holds.
pub(super) fn run(row: &Row) -> rusqlite::Result<Run> {
    Ok(Run {
        id: RunId(row.get("id")?),
        task: columns::word(row, "task")?,
        as_of: row.get("as_of")?,
        status: columns::word(row, "status")?,
        phase: columns::word_or_null(row, "phase")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        result: row.get("result")?,
    })
}
