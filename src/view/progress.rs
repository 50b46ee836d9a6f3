//! A progress bar on standard error, on a terminal only.

use std::io::{IsTerminal, Write};

/// How far a long command is.
#[derive(Debug)]
pub struct Progress {
    what: String,
    total: u64,
    shown: Option<u64>,
    visible: bool,
}

const WIDTH: u64 = 30;

impl Progress {
    /// A bar towards `total`; never shown where `quiet` or without a terminal.
    pub fn new(what: &str, total: u64, quiet: bool) -> Self {
        let visible = !quiet && total > 0 && std::io::stderr().is_terminal();
        Progress { what: what.to_owned(), total, shown: None, visible }
    }

    /// Draws the bar anew where it has grown by a percent.
    pub fn at(&mut self, done: u64) {
        let percent = (done.min(self.total) * 100).checked_div(self.total).unwrap_or(100);
        if !self.visible || self.shown == Some(percent) {
            return;
        }
        self.shown = Some(percent);
        let filled = usize::try_from(percent * WIDTH / 100).unwrap_or(0);
        let bar = "█".repeat(filled);
        let mut err = std::io::stderr();
        // A terminal that went away is no reason to stop the work.
        let _ = write!(err, "\r{} {bar:░<width$} {percent:3} %", self.what, width = WIDTH as usize);
        let _ = err.flush();
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
