//! A business in a temporary folder, with nothing of the machine around it: what every test of the
//! binary starts from.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod transcript;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder with a database, and the binary run in it.
pub struct Shop {
    folder: tempfile::TempDir,
}

/// What a command came to.
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Shop {
    /// An empty folder.
    pub fn empty() -> Shop {
        Shop { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder after `billing init`, in EUR and English.
    pub fn new() -> Shop {
        let shop = Shop::empty();
        shop.ok(&["init", "--currency", "EUR", "--locale", "en", "--company", "Example Services"]);
        shop
    }

    /// The same with lines added to billing.toml.
    pub fn with_config(lines: &str) -> Shop {
        let shop = Shop::new();
        shop.configure(lines);
        shop
    }

    /// Replaces billing.toml.
    pub fn configure(&self, lines: &str) {
        let text =
            format!("database = \"billing.db\"\ncurrency = \"EUR\"\nlocale = \"en\"\n{lines}");
        std::fs::write(self.path("billing.toml"), text).expect("billing.toml");
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// The command, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_billing"));
        command.args(args);
        seal(&mut command, self.folder.path());
        command
    }

    /// Runs the command, whatever it comes to.
    pub fn run(&self, args: &[&str]) -> Outcome {
        outcome(self.command(args).output().expect("billing starts"))
    }

    /// Runs a command that must succeed; returns its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.status, 0, "billing {args:?}: {}{}", done.stdout, done.stderr);
        done.stdout
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let text = self.ok(&args);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
    }

    /// Runs a command that must be refused; returns the error object.
    pub fn refused(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
        let done = self.run(&args);
        assert!(done.status == 1 || done.status == 2, "{args:?}: {} {}", done.status, done.stdout);
        let error: Value = serde_json::from_str(&done.stderr).expect("one line of JSON");
        error["error"].clone()
    }

    /// The code with which a command is refused.
    pub fn refusal(&self, args: &[&str]) -> String {
        self.refused(args)["code"].as_str().expect("a code").to_owned()
    }

    /// Runs a task on a day; returns its result, whatever its exit status.
    pub fn task(&self, task: &str, day: &str, more: &[&str]) -> Value {
        let args: Vec<_> = ["tasks", task, "--as-of", day, "--json"]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        let done = self.run(&args);
        serde_json::from_str(&done.stdout)
            .unwrap_or_else(|e| panic!("{args:?}: {e}: {}{}", done.stdout, done.stderr))
    }

    /// A tenant with an invoice over 100.00, due on that day.
    pub fn owes(&self, tenant: &str, due_on: &str) -> String {
        if self.run(&["tenant", "show", tenant]).status != 0 {
            let email = format!("{tenant}@clients.example");
            self.ok(&["tenant", "create", tenant, "--name", tenant, "--email", &email]);
        }
        let issued = ["--issued-on", "2026-01-01", "--due-on", due_on];
        let args: Vec<_> = ["invoice", "create", "--tenant", tenant, "--amount", "100"]
            .into_iter()
            .chain(issued)
            .collect();
        self.json(&args)["number"].as_str().expect("a number").to_owned()
    }

    /// Proves that what is kept agrees with what it is computed from.
    pub fn check(&self) {
        let done = self.run(&["db", "check"]);
        assert_eq!((done.status, done.stdout.as_str()), (0, ""), "{}", done.stderr);
    }

    /// The database itself, for what no command shows.
    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("billing.db")).expect("the database")
    }
}

fn outcome(output: Output) -> Outcome {
    Outcome {
        // A process that was killed has no status.
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a command in a folder with nothing of the machine's environment but what it needs.
pub fn seal(command: &mut Command, folder: &Path) {
    let bin = Path::new(env!("CARGO_BIN_EXE_billing")).parent().expect("a folder");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("LOGNAME", "awa")
        .env("TZ", "UTC")
        .stdin(std::process::Stdio::null());
}
