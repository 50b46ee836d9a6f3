//! When crontab runs a scheduled task, and when a run of it is late.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone};

use super::words;

words! {
    /// The scheduled tasks.
    Task {
        GenerateRecurringInvoices = "generate-recurring-invoices",
        RetryFailedPayments = "retry-failed-payments",
        CleanupExpiredTrials = "cleanup-expired-trials",
        CheckOverdue = "check-overdue",
        DeliverEmails = "deliver-emails",
        DeliverEvents = "deliver-events",
    }
}

/// A crontab line's time fields, as `crontab.example` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Each day at that hour.
    Daily { hour: u32 },
    /// Each so many minutes, from the full hour on.
    Minutes { every: u32 },
}

impl Task {
    /// When crontab is to run the task.
    pub fn schedule(self) -> Schedule {
        match self {
            Task::GenerateRecurringInvoices => Schedule::Daily { hour: 0 },
            Task::RetryFailedPayments => Schedule::Daily { hour: 2 },
            Task::CleanupExpiredTrials => Schedule::Daily { hour: 3 },
            Task::CheckOverdue => Schedule::Daily { hour: 9 },
            Task::DeliverEmails => Schedule::Minutes { every: 10 },
            Task::DeliverEvents => Schedule::Minutes { every: 1 },
        }
    }

    /// Whether the task may charge.
    pub fn charges(self) -> bool {
        match self {
            Task::GenerateRecurringInvoices
            | Task::RetryFailedPayments
            | Task::CleanupExpiredTrials => true,
            Task::CheckOverdue | Task::DeliverEmails | Task::DeliverEvents => false,
        }
    }

    /// What the task does, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Task::GenerateRecurringInvoices => {
                "issue an invoice for every period that has begun and is not billed"
            }
            Task::RetryFailedPayments => {
                "charge again what was declined, and ask what became of charges and refunds"
            }
            Task::CleanupExpiredTrials => "end trials: announce it, then suspend or convert",
            Task::CheckOverdue => "chase overdue invoices: reminders, notice, suspension",
            Task::DeliverEmails => "send the e-mails that are queued and due",
            Task::DeliverEvents => "tell hooks what happened",
        }
    }
}

impl Schedule {
    /// The five time fields of a crontab line.
    pub fn crontab(self) -> String {
        match self {
            Schedule::Daily { hour } => format!("0 {hour} * * *"),
            Schedule::Minutes { every: 1 } => "* * * * *".to_owned(),
            Schedule::Minutes { every } => format!("*/{every} * * * *"),
        }
    }

    /// How long after its time a run is not yet late: cron starts at the minute, and the run
    /// before it may still be at work.
    pub fn grace(self) -> Duration {
        match self {
            Schedule::Daily { .. } => Duration::hours(1),
            // Each minute, so that nobody waits; that nobody waited for an hour is soon enough.
            Schedule::Minutes { every: 1 } => Duration::hours(1),
            Schedule::Minutes { every } => Duration::minutes(i64::from(every) * 2),
        }
    }

    /// The first time after `after` at which cron starts the task, in the host's time zone. An
    /// hour that summer time skips is taken at the next hour that exists.
    pub fn next<Z: TimeZone>(self, after: &DateTime<Z>) -> DateTime<Z> {
        let zone = after.timezone();
        match self {
            Schedule::Daily { hour } => {
                let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
                let first: NaiveDate = after.date_naive();
                first
                    .iter_days()
                    .take(3)
                    .filter_map(|day| {
                        let local = day.and_time(time);
                        zone.from_local_datetime(&local).earliest().or_else(|| {
                            zone.from_local_datetime(&(local + Duration::hours(1))).earliest()
                        })
                    })
                    .find(|at| at > after)
                    .unwrap_or_else(|| after.clone() + Duration::days(1))
            }
            Schedule::Minutes { every } => {
                let step = i64::from(every) * 60;
                let seconds = after.timestamp().div_euclid(step) * step + step;
                after.clone() + Duration::seconds(seconds - after.timestamp())
            }
        }
    }

    /// Whether a run is missing: one was to start after `last` (or after the database was made,
    /// where none ran yet), and its grace has passed.
    pub fn is_late<Z: TimeZone>(self, last: &DateTime<Z>, now: &DateTime<Z>) -> bool {
        self.next(last) + self.grace() < *now
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Paris;

    use super::*;

    fn at(text: &str) -> DateTime<chrono_tz::Tz> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Paris)
    }

    #[test]
    fn the_next_run_is_the_next_time_of_the_crontab_line() {
        let daily = Schedule::Daily { hour: 9 };
        for (after, next) in [
            ("2026-03-01T08:59:59+01:00", "2026-03-01T09:00:00+01:00"),
            ("2026-03-01T09:00:00+01:00", "2026-03-02T09:00:00+01:00"),
            // Summer time begins on 29 March: nine o'clock is an hour earlier in UTC.
            ("2026-03-28T10:00:00+01:00", "2026-03-29T09:00:00+02:00"),
        ] {
            assert_eq!(daily.next(&at(after)), at(next), "{after}");
        }
        // 02:00 does not exist on that day.
        let night = Schedule::Daily { hour: 2 };
        assert_eq!(night.next(&at("2026-03-28T12:00:00+01:00")), at("2026-03-29T03:00:00+02:00"));
        let often = Schedule::Minutes { every: 10 };
        assert_eq!(often.next(&at("2026-03-01T08:59:59+01:00")), at("2026-03-01T09:00:00+01:00"));
        assert_eq!(often.next(&at("2026-03-01T09:00:00+01:00")), at("2026-03-01T09:10:00+01:00"));
    }

    #[test]
    fn a_task_is_late_when_its_time_and_its_grace_have_passed() {
        let daily = Schedule::Daily { hour: 9 };
        let last = at("2026-03-01T09:00:02+01:00");
        assert!(!daily.is_late(&last, &at("2026-03-02T09:59:00+01:00")));
        assert!(daily.is_late(&last, &at("2026-03-02T10:00:01+01:00")));
    }
}
