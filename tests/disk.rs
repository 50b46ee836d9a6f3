//! A disk that is full and a folder that cannot be written: real ones, mounted for the test. Where
//! nothing can be mounted (only root may), the tests say so and pass.
mod support;

use std::path::PathBuf;
use std::process::Command;

use support::Shop;

/// A small disk of its own, on a folder of the shop, taken away in the end.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn mount(shop: &Shop) -> Option<Disk> {
        let at = shop.path("disk");
        std::fs::create_dir(&at).expect("a folder");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(&at).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Disk { at });
        }
        println!("skipped: only root can mount a disk");
        None
    }

    fn make_read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.at).status();
        assert!(done.expect("mount").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}

/// A business on the disk, with one tenant.
fn on(disk: &Disk, shop: &Shop) -> String {
    let db = disk.at.join("billing.db").display().to_string();
    shop.ok(&["db", "migrate", "--db", &db]);
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@b.co", "--db", &db]);
    db
}

#[test]
fn a_full_disk_is_told_and_nothing_is_changed() {
    let shop = Shop::new();
    let Some(disk) = Disk::mount(&shop) else { return };
    let db = on(&disk, &shop);
    let rows: String =
        (0..60_000).map(|n| format!("X-{n},acme,100,2026-01-01,2026-01-16\n")).collect();
    shop.write("many.csv", &format!("number,tenant,total,issued_on,due_on\n{rows}"));
    assert_eq!(shop.refusal(&["import", "invoices", "many.csv", "--db", &db]), "disk_full");
    assert_eq!(shop.json(&["invoice", "list", "--db", &db]), serde_json::json!([]));
    // A run asks for more room than the disk has left, before it begins.
    assert_eq!(shop.refusal(&["tasks", "check-overdue", "--db", &db]), "disk_full");
    std::fs::write(disk.at.join("fill"), vec![0u8; 8 << 20]).expect_err("a full disk");
    for args in [&["tenant", "list"][..], &["tenant", "close", "acme"], &["db", "check"]] {
        let args: Vec<_> = args.iter().copied().chain(["--db", &db]).collect();
        assert_eq!(shop.refusal(&args), "disk_full", "{args:?}");
    }
    std::fs::remove_file(disk.at.join("fill")).expect("room again");
    assert_eq!(shop.json(&["tenant", "show", "acme", "--db", &db])["status"], "active");
    shop.ok(&["db", "check", "--db", &db]);
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let shop = Shop::new();
    let Some(disk) = Disk::mount(&shop) else { return };
    let db = on(&disk, &shop);
    disk.make_read_only();
    let backup = disk.at.join("backup.db").display().to_string();
    let new = disk.at.join("new.db").display().to_string();
    for (args, code) in [
        (&["tenant", "close", "acme", "--db", &db][..], "denied"),
        (&["tasks", "check-overdue", "--db", &db], "denied"),
        (&["db", "migrate", "--db", &new], "file"),
        (&["db", "backup", &backup], "file"),
    ] {
        assert_eq!(shop.refusal(args), code, "{args:?}");
    }
}
