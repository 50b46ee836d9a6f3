//! The audit trail as a script or a later version meets it. docs/events.md is made from the kinds of
//! events in the code: `BILLING_BLESS=1 cargo test --test events` writes it anew.
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use billing::domain::event::{Field, Kind, NOUNS, Noun, Parts};
use rusqlite::Connection;
use support::Shop;

const HEAD: &str = "\
<!-- Made from src/domain/event by `BILLING_BLESS=1 cargo test --test events`. -->
# Events

Every change leaves an event: what happened, when, about whom, who or what did it, and why. `billing event list` prints them, oldest
first; with `--json` each is

```json
{\"id\": \"evt_88\", \"at\": \"2026-03-01T09:00:00Z\", \"kind\": \"promise_recorded\", \"tenant\": \"acme\", \"invoice\": \"INV-2026-000001\",
 \"actor\": \"operator:awa\", \"reason\": \"says the bank was closed\", \"data\": {\"until\": \"2026-03-10\"}}
```

`tenant` and `invoice` are null where an event is about none, `reason` where there is nothing to add. What `data` holds depends on the
kind. Kinds and fields are added, never renamed or dropped: pass over those that you don't know.

In the tables below, an *amount* is a text in major units with exactly the currency's decimals (`\"15000\"` XOF, `\"49.90\"` EUR), a
*currency* its three e-mails, a *date* `YYYY-MM-DD` in the business time zone, and a field that is *not always there* is left out where
it has nothing to say. Words in `code` are the values that there are.

To [hooks](hooks.md) goes an `object` beside them: what the event is about, as it stands when it is sent. The beginning of each section
says what that is; it is null where it is there no more.
";

/// Fields that several kinds have, each group with the kinds that have it.
fn shared() -> BTreeMap<&'static str, (Parts, usize)> {
    let mut groups = BTreeMap::new();
    for field in NOUNS.iter().flat_map(|(_, kinds)| *kinds).flat_map(|kind| kind.data) {
        if let Some(parts) = field.parts {
            groups.entry(parts.title).or_insert((parts, 0)).1 += 1;
        }
    }
    groups.retain(|_, (_, kinds)| *kinds > 1);
    groups
}

fn rows<'a>(fields: impl Iterator<Item = &'a Field>, page: &mut String) {
    page.push_str("\n| field | value | meaning |\n| --- | --- | --- |\n");
    for field in fields {
        writeln!(page, "| `{}` | {} | {} |", name(field), (field.is)(), field.means.trim())
            .expect("a string");
    }
}

fn name(field: &Field) -> &str {
    field.name.strip_prefix("r#").unwrap_or(field.name)
}

/// The title of a group without its full stop, and where it stands.
fn section(title: &str) -> (&str, String) {
    let title = title.trim().trim_end_matches('.');
    let anchor = title.to_lowercase().replace(' ', "-");
    let anchor = anchor.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect();
    (title, anchor)
}

fn tell(kind: &Kind, page: &mut String) {
    writeln!(page, "\n### {}\n\n{}", kind.word, kind.when.trim()).expect("a string");
    let shared = shared();
    let is_shared = |field: &&Field| field.parts.is_some_and(|p| shared.contains_key(p.title));
    let own: Vec<&Field> = kind
        .data
        .iter()
        .filter(|field| !is_shared(field))
        .flat_map(|field| match field.parts {
            Some(parts) => parts.fields.iter().collect(),
            None => vec![field],
        })
        .collect();
    if kind.data.is_empty() {
        page.push_str("\nIts data is empty.\n");
    } else if !own.is_empty() {
        rows(own.into_iter(), page);
    }
    let groups: Vec<String> = kind
        .data
        .iter()
        .filter(is_shared)
        .filter_map(|field| field.parts)
        .map(|parts| {
            let (title, anchor) = section(parts.title);
            format!("[{}](#{anchor})", title.to_lowercase())
        })
        .collect();
    if !groups.is_empty() {
        writeln!(page, "\nIts data has the fields of {}.", groups.join(" and ")).expect("a string");
    }
}

/// What hooks send beside the events of a section.
fn object(kinds: &[Kind]) -> String {
    let of = |kind: &Kind| Noun::of(kind.word);
    let Some(noun) = kinds.iter().find_map(of) else { return "Hooks send no `object`.".to_owned() };
    let none: Vec<_> = kinds.iter().filter(|kind| of(kind).is_none()).collect();
    let none = none.iter().map(|kind| format!("; null with `{}`", kind.word)).collect::<String>();
    format!("`object`: {}{none}.", noun.shown_by())
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (noun, kinds) in NOUNS {
        writeln!(page, "\n## {noun}\n\n{}", object(kinds)).expect("a string");
        for kind in *kinds {
            tell(kind, &mut page);
        }
    }
    page.push_str("\n## Fields that several kinds have\n");
    for (parts, _) in shared().values() {
        writeln!(page, "\n### {}", section(parts.title).0).expect("a string");
        rows(parts.fields.iter(), &mut page);
    }
    page
}

#[test]
fn docs_events_md_tells_of_every_kind() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let page = page();
    if std::env::var_os("BILLING_BLESS").is_some() {
        std::fs::write(&path, &page).expect("docs/events.md is written");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == page,
        "docs/events.md is not what the code says: BILLING_BLESS=1 cargo test --test events"
    );
}

/// What an event says, with the salt and the hash it is kept with.
struct Said {
    hash: Vec<u8>,
    salt: Vec<u8>,
    reason: Option<String>,
    data: String,
}

fn said(sql: &Connection) -> Vec<Said> {
    let query = "SELECT e.text_hash, x.salt, x.reason, x.data
                 FROM events e LEFT JOIN event_texts x ON x.event_id = e.id";
    let mut statement = sql.prepare(query).expect("the events");
    let rows = statement.query_map([], |row| {
        Ok(Said { hash: row.get(0)?, salt: row.get(1)?, reason: row.get(2)?, data: row.get(3)? })
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("what each says")
}

/// schema.sql says how a text is hashed; this is another program that reads it.
fn each_text_is_the_one_that_was_hashed(sql: &Connection) {
    let said = said(sql);
    assert!(!said.is_empty());
    for text in &said {
        let reason = serde_json::to_string(&text.reason).expect("JSON");
        let mut bytes = text.salt.clone();
        bytes.extend_from_slice(format!("[{reason},{}]", text.data).as_bytes());
        let hash = ring::digest::digest(&ring::digest::SHA256, &bytes);
        assert_eq!(hash.as_ref(), text.hash, "{reason} {}", text.data);
    }
    let salts: BTreeSet<_> = said.iter().map(|text| &text.salt).collect();
    assert_eq!(salts.len(), said.len(), "a salt was used twice");
    assert!(said.iter().all(|text| text.salt.len() == 16));
}

#[test]
fn what_an_event_says_is_hashed_as_the_schema_has_it() {
    let shop = Shop::new();
    let number = shop.owes("acme", "2026-01-16");
    let odd = "a \"quote\", a \\ and an é, and 漢字";
    shop.ok(&["invoice", "promise", &number, "--until", "2099-01-01", "--note", odd]);
    shop.ok(&["tenant", "suspend", "acme", "--reason", odd]);
    each_text_is_the_one_that_was_hashed(&shop.sql());
    let told = shop.json(&["event", "list", "--kind", "tenant_suspended"]);
    assert_eq!(told[0]["reason"], odd);
}

#[test]
fn a_text_that_was_changed_or_is_gone_is_found() {
    let shop = Shop::new();
    shop.owes("acme", "2026-01-16");
    let damages = [
        ("UPDATE event_texts SET reason = 'none' WHERE event_id = 1", "evt_1 does not say"),
        (
            "UPDATE event_texts SET data = '{\"total\":\"1\"}' WHERE event_id = 2",
            "evt_2 does not say",
        ),
        ("UPDATE event_texts SET salt = zeroblob(16) WHERE event_id = 1", "evt_1 does not say"),
        ("DELETE FROM event_texts WHERE event_id = 2", "evt_2 says nothing"),
    ];
    for (damage, found) in damages {
        shop.sql().backup("main", shop.path("damaged.db"), None::<fn(_)>).expect("a copy");
        let sql = Connection::open(shop.path("damaged.db")).expect("the copy");
        sql.execute_batch("DROP TRIGGER event_texts_no_update; DROP TRIGGER event_texts_no_delete")
            .expect("the triggers");
        assert_eq!(sql.execute(damage, []).expect(damage), 1);
        drop(sql);
        let checked = shop.run(&["--db", "damaged.db", "db", "check", "--json"]);
        assert_eq!(checked.status, 1, "{damage}: {checked:?}");
        assert!(checked.stdout.contains(found), "{damage}: {checked:?}");
        std::fs::remove_file(shop.path("damaged.db")).expect("the copy goes");
    }
}

/// What a file of version 4 may hold: rows that no list shows any more, and rows that were typed.
const OLD_EVENTS: &str = r#"
    INSERT INTO database_info (id, uuid, created_at) VALUES (1, 'u', '2026-01-01T12:00:00Z');
    INSERT INTO events (id, at, kind, tenant_id, invoice_id, actor, reason, data) VALUES
      (1, '2026-01-01T12:00:00Z', 'tenant_created', 1, NULL, 'operator:awa', NULL, '{}'),
      (2, '2026-01-01T12:00:00Z', 'plan_created', NULL, NULL, 'import:plans', '', '{"plan":"pro"}'),
      (5, '2026-01-02T12:00:00Z', 'invoice_voided', 7, 9, 'operator:awa', 'a "b" \ é 漢', '{ "x" : 1 }'),
      (6, '2025-12-31T12:00:00Z', 'no_kind_of_ours', -3, 0, 'émile', 'two
lines', '[null]'),
      (900, '2026-01-02T12:00:00Z', 'coupon_deleted', NULL, NULL, 'operator:awa', NULL, '{}');
"#;

/// The tables, indexes and triggers of version 4, without the rows that its example has.
fn schema_of_version_4() -> String {
    let full = Connection::open_in_memory().expect("a database");
    full.pragma_update(None, "foreign_keys", false).expect("rows in any order");
    full.execute_batch(include_str!("schema/v4.sql")).expect("a business of version 4");
    let query = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL
                 ORDER BY type <> 'table', type <> 'index', rowid";
    let mut statement = full.prepare(query).expect("the schema");
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("definitions");
    rows.collect::<Result<Vec<_>, _>>().expect("definitions").join("\n")
}

#[test]
fn every_event_of_an_older_file_is_moved_as_it_was() {
    let shop = Shop::new();
    // Byte by byte: a column called data would be read as JSON.
    let old = "SELECT id, at, kind, tenant_id, invoice_id, actor, reason, data AS text FROM events
               ORDER BY id";
    let new = support::EVENTS.replace("x.data", "x.data AS text");
    {
        let sql = Connection::open(shop.path("old.db")).expect("a new file");
        sql.execute_batch(&schema_of_version_4()).expect("the schema of version 4");
        sql.execute_batch(OLD_EVENTS).expect("its events");
        sql.pragma_update(None, "application_id", 0x4249_4C4C).expect("our mark");
        sql.pragma_update(None, "user_version", 4).expect("its version");
    }
    let open = || Connection::open(shop.path("old.db")).expect("the file");
    let before = support::rows(&open(), old);
    assert_eq!(before.len(), 5);
    // Killed before it is committed, nothing of it was done.
    assert!(shop.crashes(&["--db", "old.db", "db", "migrate"], 1).is_some());
    assert_eq!(support::rows(&open(), old), before);
    shop.ok(&["--db", "old.db", "db", "migrate"]);
    assert_eq!(support::rows(&open(), &new), before);
    each_text_is_the_one_that_was_hashed(&open());
    let actors = support::rows(&open(), "SELECT name FROM actors ORDER BY id");
    assert_eq!(actors, ["name=operator:awa ", "name=import:plans ", "name=émile "]);
    for statement in ["DELETE FROM events", "UPDATE event_texts SET reason = 'none'"] {
        assert!(open().execute_batch(statement).is_err(), "{statement}");
    }
    shop.ok(&["--db", "old.db", "db", "check"]);
    // The next one goes behind them.
    shop.ok(&[
        "--db",
        "old.db",
        "tenant",
        "create",
        "next",
        "--name",
        "N",
        "--email",
        "n@n.example",
    ]);
    let next = shop.json(&["--db", "old.db", "event", "list", "--after", "evt_900"]);
    assert_eq!(next[0]["id"], "evt_901", "{next}");
}
