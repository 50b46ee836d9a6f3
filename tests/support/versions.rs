//! Small full databases of each version before this one, in tests/schema/, and how what two programs
//! say is compared. make.py there says how they were made.

use rusqlite::Connection;
use serde_json::Value;

use super::Shop;

/// The versions of which there is a database.
pub const VERSIONS: [u8; 4] = [1, 2, 3, 4];

/// The database of that version, as the last program of it left it.
fn dump(version: u8) -> &'static str {
    match version {
        1 => include_str!("../schema/v1.sql"),
        2 => include_str!("../schema/v2.sql"),
        3 => include_str!("../schema/v3.sql"),
        4 => include_str!("../schema/v4.sql"),
        _ => panic!("no database of version {version}"),
    }
}

/// What that program printed of it, by command.
pub fn printed(version: u8) -> serde_json::Map<String, Value> {
    let text = match version {
        1 => include_str!("../schema/v1.expected.json"),
        2 => include_str!("../schema/v2.expected.json"),
        3 => include_str!("../schema/v3.expected.json"),
        4 => include_str!("../schema/v4.expected.json"),
        _ => panic!("nothing was printed of version {version}"),
    };
    serde_json::from_str(text).expect("JSON")
}

/// A folder with the database of that version, and the configuration that it lived with.
pub fn shop(version: u8) -> Shop {
    let shop = Shop::empty();
    let mut config = include_str!("../schema/billing.toml").to_owned();
    if version >= 4 {
        config += "[payments]\ngateway = \"sandbox\"\n";
    }
    shop.write("billing.toml", &config);
    let sql = shop.sql();
    sql.pragma_update(None, "foreign_keys", false).expect("rows in any order");
    sql.execute_batch(dump(version)).expect("a database");
    shop
}

/// The schema of that version without a row, as `name` in the folder.
pub fn empty(shop: &Shop, version: u8, name: &str) {
    let full = self::shop(version).sql();
    let query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'table' DESC";
    let mut statement = full.prepare(query).expect("the schema");
    let definitions = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    let sql = Connection::open(shop.path(name)).expect("a new file");
    for definition in definitions {
        sql.execute_batch(&definition.expect("a definition")).expect("a definition");
    }
    for mark in ["application_id", "user_version"] {
        let value: i64 = full.pragma_query_value(None, mark, |row| row.get(0)).expect("a mark");
        sql.pragma_update(None, mark, value).expect("a mark");
    }
}

/// What is missing in `found`, or other than in `expected`. A field that is new is no difference.
pub fn differences(expected: &Value, found: &Value, place: &str, into: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                differences(value, &found[name], &format!("{place}.{name}"), into);
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            // Checks are added behind those that there were.
            let may_grow = place.ends_with(".checks") && others.len() > items.len();
            if items.len() != others.len() && !may_grow {
                into.push(format!("{place}: {} items, {} expected", others.len(), items.len()));
            }
            for (at, (item, other)) in items.iter().zip(others).enumerate() {
                differences(item, other, &format!("{place}[{at}]"), into);
            }
        }
        _ if expected == found => {}
        _ => into.push(format!("{place}: {found}, {expected} expected")),
    }
}

/// A promise that is newer than version 4 and changes what it printed: of which command, in which
/// fields, and by how many of the smallest unit at most, where that can be said.
struct Promise {
    command: &'static str,
    fields: &'static [&'static str],
    most: Option<i64>,
}

const PROMISES: &[Promise] = &[
    // Recurring revenue is summed up exactly and rounded once, and not subscription by subscription;
    // ARR is twelve times that.
    Promise {
        command: "report mrr",
        fields: &["start", "new", "expansion", "contraction", "churn", "reactivation", "mrr"],
        most: Some(3),
    },
    Promise { command: "report mrr", fields: &["arr"], most: Some(36) },
    // A payment belongs to the day on which it was made, and not to that on which it was recorded; so
    // does it to the days that are asked for.
    Promise {
        command: "report transactions",
        fields: &["days", "totals", "methods", "success_rate"],
        most: None,
    },
];

/// Whether a difference is what a promise says: `place: "found", "said" expected`.
pub fn is_promised(difference: &str) -> bool {
    let Some((place, values)) = difference.split_once(": ") else { return false };
    let minor = |amount: &str| {
        let digits = amount.chars().filter(|c| c.is_ascii_digit() || *c == '-');
        digits.collect::<String>().parse::<i64>().ok()
    };
    let amounts: Vec<i64> = values.split(", ").filter_map(minor).collect();
    let apart = match amounts[..] {
        [found, said] => Some((found - said).abs()),
        _ => None,
    };
    let part_of = |part: &str| part.split('[').next().unwrap_or_default().to_owned();
    PROMISES.iter().any(|promise| {
        place.starts_with(promise.command)
            && place.split('.').any(|part| promise.fields.contains(&part_of(part).as_str()))
            && promise.most.is_none_or(|most| apart.is_some_and(|apart| apart <= most))
    })
}
