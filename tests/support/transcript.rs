//! Transcripts: documents that show commands and their output, run as they stand.
//!
//! In a ```` ```console ```` block, a line `$ command` is run by `sh` in a folder of the document's
//! own (`> ` goes on with it); what follows is its standard output and error, exactly, and a last
//! line `? 3` its exit status where it is not 0. Where that line goes on with a word, as `? 1
//! not_found` does, the command is refused with that code: it is run once more with `--json`, which
//! shows the code, and which it may be, since a refused command has changed nothing. `[..]` stands
//! for anything within a line. A variable that `$ export NAME=VALUE` sets is set for every command
//! after it, until `$ unset NAME`. A block ```` ```toml file=billing.toml ```` is written into the
//! folder. Lines that begin with `#` are for the reader, and so is a block of any other kind, such
//! as ```` ```sh ````.
//!
//! `TRANSCRIPTS=overwrite cargo test` writes what really came out into the documents.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::seal;

/// One test for each document of a folder, so that a failing document is named by its test, and one
/// that fails where a document of the folder has no test. `$run` is called with the document's path.
#[allow(unused_macros, reason = "each test file uses its own part")]
macro_rules! documents {
    ($folder:literal, $run:ident; $($name:ident => $file:literal),+ $(,)?) => {
        $(#[test]
        fn $name() {
            $run(&support::transcript::root().join($folder).join($file));
        })+

        #[test]
        fn every_document_is_run() {
            let mut named = vec![$($file),+];
            named.sort();
            let there = support::transcript::transcripts($folder);
            assert_eq!(there, named);
        }
    };
}

#[allow(unused_imports, reason = "each test file uses its own part")]
pub(crate) use documents;

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The documents of a folder, by their paths.
pub fn documents_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    found.sort();
    found
}

/// The names of the documents of a folder in which a command is shown.
pub fn transcripts(folder: &str) -> Vec<String> {
    let shown = documents_of(&root().join(folder)).into_iter().filter(|path| {
        let text = std::fs::read_to_string(path).expect("a document");
        text.lines().any(|line| line.trim_start() == "```console")
    });
    shown.map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}

/// Runs a document; fails with every command whose output differs. `prepare` fills the folder.
/// Returns the variables that the document leaves set.
pub fn run(document: &Path, prepare: impl FnOnce(&Path)) -> Vec<String> {
    let text = std::fs::read_to_string(document).expect("a document");
    let folder = tempfile::tempdir().expect("a temporary folder");
    prepare(folder.path());
    let mut played = Played {
        folder: folder.path(),
        text: String::new(),
        wrong: String::new(),
        commands: 0,
        exported: Vec::new(),
    };
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let _ = writeln!(played.text, "{line}");
        let indented = line.starts_with(' ') && line.trim() == "```console";
        assert!(!indented, "{}: a block that is indented is not run", document.display());
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match info.split_once(" file=") {
            Some((_, name)) => played.file(name, &block),
            None if info == "console" => played.console(&block),
            None => block.iter().for_each(|line| played.text += &format!("{line}\n")),
        }
        played.text.push_str("```\n");
    }
    if std::env::var("TRANSCRIPTS").is_ok_and(|mode| mode == "overwrite") {
        std::fs::write(document, &played.text).expect("a document");
    } else {
        assert!(played.commands > 0, "{}: no command was run", document.display());
        assert!(played.wrong.is_empty(), "{}:\n{}", document.display(), played.wrong);
    }
    played.exported.into_iter().map(|(name, _)| name).collect()
}

struct Played<'a> {
    folder: &'a Path,
    /// The document with what really came out.
    text: String,
    wrong: String,
    commands: usize,
    /// What `$ export NAME=VALUE` set.
    exported: Vec<(String, String)>,
}

impl Played<'_> {
    fn file(&mut self, name: &str, block: &[&str]) {
        let text: String = block.iter().map(|line| format!("{line}\n")).collect();
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, &text).expect("a file");
        self.text.push_str(&text);
    }

    fn console(&mut self, block: &[&str]) {
        let mut lines = block.iter().copied().peekable();
        while let Some(line) = lines.next() {
            let _ = writeln!(self.text, "{line}");
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let mut command = command.to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
                let _ = writeln!(self.text, "{more}");
                let _ = write!(command, "\n{}", &more[2..]);
            }
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|l| !l.starts_with("$ ") && !l.starts_with("# ")) {
                expected.push(line.to_owned());
            }
            self.command(&command, &expected);
        }
    }

    fn command(&mut self, command: &str, expected: &[String]) {
        self.commands += 1;
        if let Some((name, value)) = command.strip_prefix("export ").and_then(|e| e.split_once('='))
        {
            self.exported.retain(|(exported, _)| exported != name);
            self.exported.push((name.to_owned(), value.to_owned()));
        }
        if let Some(name) = command.strip_prefix("unset ") {
            self.exported.retain(|(exported, _)| exported != name);
        }
        let (mut actual, status) = self.sh(command);
        match status {
            Some(0) => {}
            Some(status) if names_a_code(expected) => {
                actual.push(format!("? {status} {}", self.code_of(command)));
            }
            Some(status) => actual.push(format!("? {status}")),
            None => actual.push("? killed".to_owned()),
        }
        let trimmed: Vec<_> = expected.iter().rev().skip_while(|line| line.is_empty()).collect();
        let blank = expected.len() - trimmed.len();
        let expected: Vec<&str> = trimmed.into_iter().rev().map(String::as_str).collect();
        let same = expected.len() == actual.len()
            && expected.iter().zip(&actual).all(|(want, got)| matches(want, got));
        for (at, got) in actual.iter().enumerate() {
            // What stands for anything goes on doing so where the rest of its line is right.
            let want = expected.get(at).filter(|want| matches(want, got));
            let _ = writeln!(self.text, "{}", want.unwrap_or(&got.as_str()));
        }
        self.text.push_str(&"\n".repeat(blank));
        if !same {
            let (want, got) = (expected.join("\n"), actual.join("\n"));
            let _ = writeln!(self.wrong, "$ {command}\n--- expected\n{want}\n--- got\n{got}\n");
        }
    }

    /// What a command printed, and its exit status.
    fn sh(&self, command: &str) -> (Vec<String>, Option<i32>) {
        let mut sh = Command::new("sh");
        sh.arg("-c").arg(format!("exec 2>&1\n{command}"));
        seal(&mut sh, self.folder);
        sh.envs(self.exported.iter().map(|(name, value)| (name, value)));
        let output = sh.output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (said.lines().map(str::to_owned).collect(), output.status.code())
    }

    /// The code with which a command is refused, run once more with `--json`.
    fn code_of(&self, command: &str) -> String {
        let (said, _) = self.sh(&format!("{command} --json"));
        let error = said.iter().find_map(|line| line.strip_prefix(r#"{"error":{"code":""#));
        let code = error.and_then(|rest| rest.split('"').next());
        code.unwrap_or("not refused with --json").to_owned()
    }
}

/// Whether the status line of what is expected goes on with the code of an error.
fn names_a_code(expected: &[String]) -> bool {
    let last = expected.iter().rev().find(|line| !line.is_empty());
    last.is_some_and(|line| line.starts_with("? ") && line.split(' ').count() > 2)
}

/// Whether a line is as expected, `[..]` standing for anything.
fn matches(want: &str, got: &str) -> bool {
    let mut parts = want.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = got.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(at) = rest.find(part) {
            rest = &rest[at + part.len()..];
            last = Some(part);
        } else {
            return false;
        }
    }
    // The last part has to reach the end of the line.
    match last {
        None => rest.is_empty(),
        Some(part) => part.is_empty() || rest.is_empty() || got.ends_with(part),
    }
}
