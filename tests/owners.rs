//! Who owns what: files that root makes for somebody else's database, databases of other programs, and
//! configs that somebody else may write. What needs two users needs root; elsewhere those tests say so
//! and pass.
mod support;

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use rusqlite::Connection;
use support::Shop;

/// A user that is neither root nor anybody's.
const SOMEBODY: u32 = 65_534;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can run a program as somebody else");
    }
    root
}

/// Runs the program as that user: a copy of it, since the folder in which cargo built it may be closed
/// to others.
fn run_as(user: u32, shop: &Shop, args: &[&str]) -> Output {
    let program = shop.path("program");
    if !program.exists() {
        std::fs::copy(shop.command(&[]).get_program(), &program).expect("a copy of the program");
    }
    let mut command = Command::new(&program);
    support::seal(&mut command, &shop.path("."));
    command.args(args).uid(user).gid(user).output().expect("the program starts")
}

fn give(path: &Path) {
    chown(path, Some(SOMEBODY), Some(SOMEBODY)).expect("we are root");
}

fn every_file(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        each(&path);
        if path.is_dir() {
            every_file(&path, each);
        }
    }
}

#[test]
fn what_one_run_as_root_makes_belongs_to_the_owner_of_the_database() {
    if !is_root() {
        return;
    }
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    shop.ok(&["plan", "create", "pro", "--name", "Pro", "--price", "10", "--interval", "month"]);
    every_file(&shop.path("."), &mut give);
    give(&shop.path("."));
    // Named, for it is somebody else's.
    let config = ["--config", "billing.toml"];
    shop.ok(&[&["tasks", "check-overdue", "--as-of", "2026-01-20"], &config[..]].concat());
    shop.ok(&[&["tasks", "retry-failed-payments", "--as-of", "2026-01-20"], &config[..]].concat());
    shop.ok(&[&["tasks", "status", "--as-of", "2026-01-20"], &config[..]].concat());
    shop.ok(&[&["db", "backup", "copy.db"], &config[..]].concat());
    shop.ok(&[&["report", "html", "--out", "site/pages"], &config[..]].concat());
    shop.ok(&[&["report", "html", "--out", "site/pages"], &config[..]].concat());
    assert_eq!(shop.mailbox().len(), 1);
    let mut made = 0;
    every_file(&shop.path("."), &mut |path| {
        let meta = path.metadata().expect("a file");
        let owner = (meta.uid(), meta.gid());
        assert_eq!(owner, (SOMEBODY, SOMEBODY), "{}", path.display());
        made += 1;
    });
    assert!(made > 15, "{made}");
    for args in [&["tasks", "check-overdue", "--as-of", "2026-01-25"][..], &["db", "check"]] {
        let output = run_as(SOMEBODY, &shop, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(shop.mailbox().len(), 2);
}

#[test]
fn root_writes_through_no_link_that_another_put_in_the_place_of_a_lock() {
    let shop = Shop::new();
    shop.write("precious", "kept");
    std::os::unix::fs::symlink("precious", shop.path("billing.db.lock")).expect("a link");
    assert_eq!(shop.refusal(&["tasks", "check-overdue"]), "file");
    assert_eq!(std::fs::read_to_string(shop.path("precious")).expect("a file"), "kept");
}

#[test]
fn a_config_of_somebody_else_that_was_only_found_is_not_obeyed() {
    if !is_root() {
        return;
    }
    let shop = Shop::new();
    give(&shop.path("billing.toml"));
    let error = shop.refused(&["tenant", "list"]);
    assert_eq!(error["code"], "untrusted_config");
    assert_eq!(
        error["message"],
        "billing.toml was found here and is not obeyed: it belongs to user 65534"
    );
    assert_eq!(error["hint"], "if you trust it, name it with --config billing.toml");
    shop.ok(&["tenant", "list", "--config", "billing.toml"]);
    // A link of theirs to a file of ours.
    std::fs::rename(shop.path("billing.toml"), shop.path("ours.toml")).expect("a name");
    chown(shop.path("ours.toml"), Some(0), Some(0)).expect("we are root");
    std::os::unix::fs::symlink("ours.toml", shop.path("billing.toml")).expect("a link");
    shop.ok(&["tenant", "list"]);
    std::os::unix::fs::lchown(shop.path("billing.toml"), Some(SOMEBODY), None)
        .expect("we are root");
    assert_eq!(shop.refusal(&["tenant", "list"]), "untrusted_config");
}

/// The files of a database, byte for byte.
fn bytes(shop: &Shop, name: &str) -> Vec<Option<Vec<u8>>> {
    let endings = ["", "-wal", "-journal"];
    endings.iter().map(|ending| std::fs::read(shop.path(&format!("{name}{ending}"))).ok()).collect()
}

#[test]
fn the_database_of_another_program_is_left_as_it_is() {
    let shop = Shop::new();
    for mode in ["DELETE", "WAL"] {
        let name = format!("{mode}.db");
        let other = Connection::open(shop.path(&name)).expect("a database");
        other.pragma_update(None, "journal_mode", mode).expect("a mode");
        other.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (1)").expect("a table");
        let before = bytes(&shop, &name);
        for args in [
            &["tenant", "list", "--db", &name][..],
            &["tenant", "close", "acme", "--db", &name],
            &["tasks", "check-overdue", "--db", &name],
            &["db", "migrate", "--db", &name],
            &["db", "check", "--db", &name],
        ] {
            assert_eq!(shop.refusal(args), "foreign_database", "{args:?}");
        }
        assert!(bytes(&shop, &name) == before, "{mode}");
        // Also where its own program is not at work, and its log is left over.
        let log = std::fs::read(shop.path(&format!("{name}-wal"))).ok();
        drop(other);
        if let Some(log) = log {
            std::fs::write(shop.path(&format!("{name}-wal")), log).expect("a log");
        }
        let before = bytes(&shop, &name);
        assert_eq!(shop.refusal(&["db", "migrate", "--db", &name]), "foreign_database");
        assert!(bytes(&shop, &name) == before, "{mode}");
    }
}

/// A reader of a database just made, whose header is in its log alone.
#[test]
fn a_database_of_ours_is_known_by_its_log_too() {
    let shop = Shop::new();
    let other = shop.sql();
    other
        .execute_batch(
            "PRAGMA application_id = 1; PRAGMA wal_checkpoint(TRUNCATE);
             PRAGMA application_id = 0x42494C4C",
        )
        .expect("a header");
    shop.ok(&["tenant", "list"]);
    assert_ne!(
        std::fs::read(shop.path("billing.db")).expect("a file")[68..72],
        *b"BILL",
        "the header is in the log alone"
    );
    shop.ok(&["db", "check"]);
    drop(other);
}
