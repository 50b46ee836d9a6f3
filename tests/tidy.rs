//! The style of the house as a test: who may name whom, what is banned, and what a test has to name.
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use billing::domain::coupon::Reason;

/// A room, the rooms it may name, and the crates it may name besides std.
struct Room {
    name: &'static str,
    rooms: &'static [&'static str],
    crates: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room {
        name: "domain",
        rooms: &["domain"],
        crates: &[
            "chrono",
            "rust_decimal",
            "idna",
            "iso_currency",
            "strsim",
            "unicode_normalization",
        ],
    },
    Room { name: "clock", rooms: &["domain"], crates: &["chrono", "chrono_tz"] },
    Room {
        name: "failure",
        rooms: &[
            "clock",
            "config",
            "documents",
            "domain",
            "gateway",
            "hooks",
            "imports",
            "mail",
            "store",
            "view",
        ],
        crates: &["anyhow", "serde_json"],
    },
    Room {
        name: "config",
        rooms: &["domain"],
        crates: &["chrono", "chrono_tz", "rust_decimal", "rustix", "serde", "strsim", "toml"],
    },
    Room { name: "links", rooms: &["domain"], crates: &["base64", "chrono", "ring"] },
    Room {
        name: "store",
        rooms: &["domain"],
        crates: &[
            "chrono",
            "chrono_tz",
            "getrandom",
            "ring",
            "rust_decimal",
            "rusqlite",
            "rustix",
            "strsim",
            "uuid",
        ],
    },
    Room {
        name: "mail",
        rooms: &["domain"],
        crates: &[
            "chrono",
            "lettre",
            "minijinja",
            "rust_decimal",
            "rustls",
            "serde",
            "serde_json",
            "uuid",
            "webpki_roots",
        ],
    },
    Room {
        name: "documents",
        rooms: &["domain"],
        crates: &[
            "chrono",
            "miniz_oxide",
            "pdf_writer",
            "png",
            "qrcodegen",
            "ring",
            "rust_decimal",
            "subsetter",
            "ttf_parser",
            "unicode_normalization",
        ],
    },
    Room { name: "outside", rooms: &["domain"], crates: &["rustix", "ureq"] },
    Room {
        name: "hooks",
        rooms: &["config", "domain", "outside"],
        crates: &["base64", "ring", "serde", "serde_json", "ureq"],
    },
    Room {
        name: "gateway",
        rooms: &["domain", "outside"],
        crates: &["chrono", "rust_decimal", "serde", "serde_json", "ureq"],
    },
    Room {
        name: "view",
        rooms: &["clock", "domain"],
        crates: &[
            "chrono",
            "chrono_tz",
            "comfy_table",
            "csv",
            "minijinja",
            "rust_decimal",
            "serde",
            "serde_json",
        ],
    },
    Room {
        name: "books",
        rooms: &["config", "documents", "domain", "links", "mail", "store"],
        crates: &["chrono", "rust_decimal", "serde", "serde_json"],
    },
    Room {
        name: "show",
        rooms: &["books", "domain", "mail", "store", "view"],
        crates: &["chrono", "serde_json"],
    },
    Room {
        name: "imports",
        rooms: &["books", "config", "domain", "store"],
        crates: &["chrono", "csv", "rust_decimal", "serde", "serde_json"],
    },
    Room {
        name: "reports",
        rooms: &["clock", "config", "domain", "store"],
        crates: &["chrono", "rust_decimal", "serde_json"],
    },
    Room {
        name: "tasks",
        rooms: &[
            "books", "clock", "config", "domain", "failure", "gateway", "hooks", "links", "mail",
            "reports", "show", "store",
        ],
        crates: &["chrono", "chrono_tz", "serde", "serde_json", "uuid"],
    },
    Room {
        name: "commands",
        rooms: &[
            "books",
            "clock",
            "config",
            "documents",
            "domain",
            "failure",
            "gateway",
            "hooks",
            "imports",
            "links",
            "mail",
            "reports",
            "show",
            "store",
            "tasks",
            "view",
        ],
        crates: &[
            "anyhow",
            "chrono",
            "chrono_tz",
            "clap",
            "clap_complete",
            "clap_mangen",
            "rust_decimal",
            "rustix",
            "serde",
            "serde_json",
            "uuid",
        ],
    },
    Room {
        name: "portal",
        rooms: &[
            "books", "clock", "commands", "config", "domain", "failure", "gateway", "links",
            "mail", "store", "tasks", "view",
        ],
        crates: &[
            "anyhow",
            "base64",
            "chrono",
            "clap",
            "form_urlencoded",
            "httparse",
            "minijinja",
            "percent_encoding",
            "ring",
            "serde_json",
            "strsim",
        ],
    },
    Room {
        name: "cli",
        rooms: &["clock", "commands", "config", "domain", "failure", "portal", "view"],
        crates: &["anyhow", "clap"],
    },
];

/// Every crate of Cargo.toml, as code names it.
fn all_crates() -> Vec<String> {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).expect("dependencies");
    let until = dependencies.split("\n[").next().expect("a section");
    let names = until.lines().filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.trim().replace('-', "_")).collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = support::files_below(&root);
    paths.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source");
        (path.strip_prefix(&root).expect("below src").to_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

/// The code of a file without its tests and comments.
fn code(text: &str) -> Vec<(usize, &str)> {
    let until = text.find("\n#[cfg(test)]").unwrap_or(text.len());
    let lines = text[..until].lines().enumerate();
    lines
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

/// `tests.rs`, and what lies in the folder of one.
fn is_test_file(path: &Path) -> bool {
    let in_folder = path.components().any(|part| part.as_os_str() == "tests");
    in_folder || path.file_name().is_some_and(|name| name == "tests.rs")
}

fn room_of(path: &Path) -> String {
    let first = path.components().next().expect("a part").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Whether the line names `word::` as a path of its own.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(&format!("{word}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn each_room_names_only_the_rooms_and_crates_it_may() {
    let crates = all_crates();
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test_file(path)) {
        let name = room_of(path);
        let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
            assert!(["lib", "main"].contains(&name.as_str()), "{}: no such room", path.display());
            continue;
        };
        for (at, line) in code(text) {
            let other_room = ROOMS.iter().find(|other| {
                other.name != room.name
                    && !room.rooms.contains(&other.name)
                    && line.contains(&format!("crate::{}::", other.name))
            });
            let other_crate = crates.iter().find(|c| {
                // dialoguer has one door.
                let door = *c == "dialoguer" && path.ends_with("commands/prompt.rs");
                !door && !room.crates.contains(&c.as_str()) && names(line, c)
            });
            let named = other_room.map(|r| r.name.to_owned()).or(other_crate.cloned());
            if let Some(named) = named {
                wrong.push(format!("src/{}:{at}: names {named}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The file that a path of modules leads to, as deep as there is one: `books/pay.rs` of
/// `crate::books::pay::Charge`.
fn file_of<'a>(parts: &[&str], files: &'a [(PathBuf, String)]) -> Option<&'a Path> {
    (1..=parts.len()).rev().find_map(|many| {
        let stem = parts[..many].join("/");
        let names = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
        files.iter().map(|(path, _)| path.as_path()).find(|path| {
            names.iter().any(|name| path == &Path::new(name)) && room_of(path) == parts[0]
        })
    })
}

/// The modules of a file: `[books, pay]` of `books/pay.rs`.
fn module_of(path: &Path) -> Vec<String> {
    let stem = path.with_extension("");
    let parts = stem.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

/// The paths that stand behind `start` in a text, each as its parts; `a::{b, c::d}` is two.
fn paths_behind(text: &str, start: &str) -> Vec<Vec<String>> {
    fn spread(prefix: &[String], text: &str, into: &mut Vec<Vec<String>>) -> usize {
        let (mut path, mut at) = (prefix.to_vec(), 0);
        let bytes = text.as_bytes();
        loop {
            let word = text[at..].find(|c: char| !(c.is_alphanumeric() || c == '_'));
            let end = word.map_or(text.len(), |length| at + length);
            if end > at {
                path.push(text[at..end].to_owned());
            }
            at = end;
            if !text[at..].starts_with("::") {
                into.push(path);
                return at;
            }
            at += 2;
            if bytes.get(at) == Some(&b'{') {
                at += 1;
                while at < text.len() && bytes[at] != b'}' {
                    at += match bytes[at] {
                        b',' | b' ' | b'\n' => 1,
                        _ => spread(&path, &text[at..], into).max(1),
                    };
                }
                return at + 1;
            }
        }
    }
    let mut found = Vec::new();
    for (at, _) in text.match_indices(start) {
        let before = text[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            spread(&[], &text[at + start.len()..], &mut found);
        }
    }
    found
}

/// Which files of its own room a file names.
fn named_by(path: &Path, text: &str, files: &[(PathBuf, String)]) -> Vec<PathBuf> {
    let code: String = code(text).iter().map(|(_, line)| format!("{line}\n")).collect();
    let module = module_of(path);
    // Of `use super::…` in a file that has modules below it, `super` is its parent all the same.
    let above = &module[..module.len().saturating_sub(1)];
    let mut named = Vec::new();
    let mut add = |parts: Vec<String>| {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if parts.first() != module.first().map(String::as_str).as_ref() {
            return;
        }
        let Some(file) = file_of(&parts, files) else { return };
        // What lies in the folder of a file belongs to it, and what a folder holds in common may
        // be named by all that lies in it.
        let (this, other) = (module_of(path), module_of(file));
        if this != other && !this.starts_with(&other) && !other.starts_with(&this) {
            named.push(file.to_owned());
        }
    };
    for path in paths_behind(&code, "crate::") {
        add(path);
    }
    for path in paths_behind(&code, "super::") {
        add(above.iter().cloned().chain(path).collect());
    }
    named.sort();
    named.dedup();
    named
}

/// Files of a room that name one another in a circle can only be understood, and changed, together.
#[test]
fn no_files_of_a_room_form_a_circle() {
    let files = sources();
    let mut names: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| !is_test_file(path)) {
        names.push((path.clone(), named_by(path, text, &files)));
    }
    // What names nothing that is left is no part of a circle.
    while let Some(at) = names.iter().position(|(_, named)| named.is_empty()) {
        let (free, _) = names.remove(at);
        names.iter_mut().for_each(|(_, named)| named.retain(|path| *path != free));
    }
    // Nor is what nothing that is left names.
    while let Some(at) =
        (0..names.len()).find(|at| !names.iter().any(|(_, named)| named.contains(&names[*at].0)))
    {
        names.remove(at);
    }
    let circles: Vec<String> =
        names.iter().map(|(path, n)| format!("{path:?} names {n:?}")).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn what_is_banned_is_not_there() {
    // The word, where it may stand, and why it is banned elsewhere.
    let bans: &[(&str, &[&str], &str)] = &[
        ("f64", &[], "no floating point near money"),
        ("f32", &["documents/pdf/canvas.rs"], "no floating point near money"),
        ("Utc::now", &["clock.rs"], "one reader of the system's clock"),
        ("Local::now", &["clock.rs"], "one reader of the system's clock"),
        ("SystemTime", &["clock.rs"], "one reader of the system's clock"),
        (".round(", &[], "rounding names its strategy"),
        (".round_dp(", &[], "rounding names its strategy"),
        ("println!", &[], "it panics where standard output is full"),
        ("eprintln!", &[], "it panics where standard error is gone"),
        ("todo!", &[], "no stub"),
        ("unimplemented!", &[], "no stub"),
        ("dbg!", &[], "left over"),
        ("panic!", &[], "a refusal, not a panic"),
        ("unsafe ", &[], "nothing here needs it"),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test_file(path)) {
        for (at, line) in code(text) {
            for (word, allowed, why) in bans {
                let may = allowed.iter().any(|file| path.ends_with(file));
                if line.contains(word) && !may {
                    wrong.push(format!("src/{}:{at}: {word}: {why}", path.display()));
                }
            }
            let unwraps = line.contains(".unwrap()") || line.contains(".expect(");
            let reason = text.contains("reason = ") && text.contains("#[expect(clippy::");
            if unwraps && !reason {
                wrong.push(format!("src/{}:{at}: unwrap without a reason", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_is_spoken_in_the_store_alone() {
    let words = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "PRAGMA "];
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| room_of(path) != "store") {
        for (at, line) in code(text) {
            if words.iter().any(|word| line.contains(word)) {
                wrong.push(format!("src/{}:{at}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A statement is one literal, or several put together by `concat!` before the program runs: what
/// is not there at run time cannot carry what someone typed. The ways of formatting are looked for.
#[test]
fn no_statement_is_put_together_at_run_time() {
    let words = ["SELECT", "INSERT", "UPDATE", "DELETE", "WHERE", "PRAGMA", "ORDER BY"];
    let calls = ["format!(", ".push_str(", "write!(", "format_args!("];
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| room_of(path) == "store") {
        let text = code(text).iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
        for (at, call) in calls.iter().flat_map(|call| text.match_indices(call)) {
            let mut open = 1;
            let mut inside = |c: char| {
                open += i32::from(c == '(') - i32::from(c == ')');
                open > 0
            };
            let said: String = text[at + call.len()..].chars().take_while(|c| inside(*c)).collect();
            if words.iter().any(|word| said.contains(word)) {
                wrong.push(format!("src/{}: {call}{said}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The tables that a text drops without a copy of their rows having been made and counted before it.
fn dropped_unread(sql: &str) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        let code = text.lines().map(|line| line.split("--").next().unwrap_or_default());
        let apart = |c: char| !(c.is_alphanumeric() || "_.*".contains(c));
        code.flat_map(|line| line.split(apart)).map(str::to_lowercase).collect()
    };
    let words: Vec<String> = words(sql).into_iter().filter(|word| !word.is_empty()).collect();
    let is = |at: usize, said: &[&str]| {
        said.iter().enumerate().all(|(n, word)| words.get(at + n).is_some_and(|w| w == word))
    };
    let said = |until: usize, said: &[&str]| (0..until).any(|at| is(at, said));
    let mut unread = Vec::new();
    for at in (0..words.len()).filter(|at| is(*at, &["drop", "table"])) {
        let exists = if is(at + 2, &["if", "exists"]) { 4 } else { 2 };
        let table = words.get(at + exists).map_or("", String::as_str);
        let copied = said(at, &["select", "*", "from", table])
            || (0..at).any(|from| is(from, &["from", table]) && !is(from - 1, &["*"]));
        let counted = said(at, &["count", "*", "from", table]);
        let its_own = said(at, &["create", "temp", "table", table]);
        // Row by row, as each was found where it went to; nothing was left.
        let emptied = said(at, &["delete", "from", table])
            && said(at, &["select", "exists", "select", "1", "from", table]);
        if !(its_own || emptied || copied && counted) {
            unread.push(table.to_owned());
        }
    }
    unread
}

#[test]
fn a_table_dropped_with_its_rows_is_found() {
    let copy = "CREATE TABLE b AS SELECT * FROM a;";
    let count = "INSERT INTO lost SELECT (SELECT count(*) FROM a) - (SELECT count(*) FROM b);";
    let fine = format!("CREATE TEMP TABLE lost (n);{copy}{count} DROP TABLE a; DROP TABLE lost;");
    assert!(dropped_unread(&fine).is_empty());
    for wrong in [
        "DROP TABLE a;".to_owned(),
        "drop table if exists a;".to_owned(),
        format!("{copy} DROP TABLE a;"),
        format!("{count} DROP TABLE a;"),
        format!("DROP TABLE a; {copy}{count}"),
        format!("-- {copy}{count}\nDROP TABLE a;"),
    ] {
        assert_eq!(dropped_unread(&wrong), ["a"], "{wrong}");
    }
}

/// A table may hold rows whatever the programs of a version wrote: before a migration drops it,
/// each is copied, and the copies are counted.
#[test]
fn no_migration_drops_a_table_that_may_hold_a_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
    let (mut read, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).expect("the migrations") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a migration");
        read += 1;
        for table in dropped_unread(&text) {
            wrong.push(format!("{}: {table} is dropped with its rows", path.display()));
        }
    }
    assert!(read >= 4, "{read}");
    for (path, text) in sources().iter().filter(|(path, _)| room_of(path) == "store") {
        for table in dropped_unread(text) {
            wrong.push(format!("src/{}: {table} is dropped with its rows", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources() {
        let says = text.lines().next().is_some_and(|line| line.starts_with("//!"));
        assert!(says || is_test_file(&path), "src/{}: no //! at its top", path.display());
    }
}

#[test]
fn every_command_says_what_it_does() {
    let help = |words: &[&str]| -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_billing"));
        let output = command.args(words).arg("--help").output().expect("billing starts");
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let commands = |text: &str| -> Vec<(String, String)> {
        let Some(list) = text.split("Commands:\n").nth(1) else { return Vec::new() };
        let lines = list.lines().take_while(|line| !line.is_empty());
        let own = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        own.map(|line| {
            let (name, says) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            (name.to_owned(), says.trim().to_owned())
        })
        .filter(|(name, _)| name != "help")
        .collect()
    };
    let nouns = commands(&help(&[]));
    assert!(nouns.len() >= 10);
    for (noun, says) in nouns {
        assert!(!says.is_empty(), "billing {noun}");
        for (verb, says) in commands(&help(&[&noun])) {
            assert!(!says.is_empty(), "billing {noun} {verb}");
        }
    }
}

/// The word in quotes at the beginning of a text, if it is `snake_case`.
fn quoted(text: &str) -> Option<&str> {
    let (word, _) = text.strip_prefix('"')?.split_once('"')?;
    word.chars().all(|c| c.is_ascii_lowercase() || c == '_').then_some(word)
}

/// What stands in the parentheses of a call, from behind the opening one on, argument by argument.
fn arguments(text: &str) -> Vec<&str> {
    let (mut open, mut from, mut found) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            ',' if open == 0 => {
                found.push(text[from..at].trim());
                from = at + 1;
            }
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' if open == 0 => {
                found.push(text[from..at].trim());
                break;
            }
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
    }
    found
}

/// The codes of every error: the first argument of whatever makes a failure in the room of their
/// words, the second of whatever makes the error of one item of a task, and a coupon's reasons.
fn error_codes() -> BTreeSet<String> {
    let mut codes: BTreeSet<String> =
        Reason::ALL.iter().map(|reason| reason.word().to_owned()).collect();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test_file(path)) {
        let text = code(text).iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
        for (at, _) in text.match_indices('(') {
            let before = text[..at].rsplit('\n').next().unwrap_or_default();
            let named = |name: &str| before.ends_with(name);
            let place = match room_of(path).as_str() {
                // A call, or a code with its words on a line of their own.
                "failure" if before.trim().is_empty() => 0,
                "failure" if named("map_or") => continue,
                "failure" if before.ends_with(|c: char| c.is_ascii_lowercase() || c == '_') => 0,
                _ if named("item_error") => 1,
                _ => continue,
            };
            let arguments = arguments(&text[at + 1..]);
            let word = arguments.get(place).and_then(|argument| quoted(argument));
            codes.extend(word.filter(|_| arguments.len() > 1).map(str::to_owned));
        }
    }
    codes
}

/// An error that no test provokes may say anything. In a transcript its code stands behind the exit
/// status or in JSON, in a test between quotes.
#[test]
fn every_code_of_an_error_is_named_by_a_test() {
    let codes = error_codes();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (mut named, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for path in support::files_below(&folder) {
        let text = std::fs::read_to_string(&path).expect("a text");
        let status = |line: &str| {
            let (status, code) = line.strip_prefix("? ")?.split_once(' ')?;
            status.parse::<u8>().ok().map(|_| code.to_owned())
        };
        shown.extend(text.lines().filter_map(status));
        named.extend(
            text.match_indices('"').filter_map(|(at, _)| quoted(&text[at..])).map(str::to_owned),
        );
    }
    named.extend(shown.iter().cloned());
    let missing: Vec<_> = codes.difference(&named).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
    // Or the codes are made in a way that is not found here.
    let unknown: Vec<_> = shown.difference(&codes).collect();
    assert!(unknown.is_empty() && codes.len() > 100, "{} codes, without {unknown:?}", codes.len());
}

/// The API answers each with a status of its own: a new code has its place in the table.
#[test]
fn every_code_of_an_error_has_a_status_of_http() {
    let status = |code: &String| billing::portal::api::status::of_code(code);
    let missing: Vec<_> = error_codes().into_iter().filter(|c| status(c).is_none()).collect();
    assert!(missing.is_empty(), "src/portal/api/status.rs lacks {missing:?}");
}

/// Hooks and scripts tell events by their kind: each is provoked by a test, which names it.
#[test]
fn every_kind_of_event_is_named_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut named = BTreeSet::new();
    for path in support::files_below(&folder) {
        let text = std::fs::read_to_string(&path).expect("a text");
        named.extend(text.split(|c| !is_word(c)).map(str::to_owned));
    }
    let kinds = billing::domain::event::NOUNS.iter().flat_map(|(_, kinds)| *kinds);
    let missing: Vec<_> =
        kinds.map(|kind| kind.word).filter(|word| !named.contains(*word)).collect();
    assert!(missing.is_empty(), "no test names {}", missing.join(", "));
}
