//! What manual pages say beside the commands: the environment, exit statuses, files, examples, and
//! the keys of the configuration, which docs/configuration.md is the home of.

use super::examples;

/// The page of the operator's book that lists every key.
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

const ENVIRONMENT: &[(&str, &str)] = &[
    ("BILLING_DB", "the SQLite file, as --db"),
    ("BILLING_CONFIG", "the configuration, as --config"),
    ("BILLING_AS_OF", "the moment to act in, as --as-of"),
    ("BILLING_SMTP_PASSWORD", "the password of the relay, instead of the password file"),
    ("BILLING_STRIPE_KEY", "the secret key of Stripe, instead of its file"),
    ("NO_COLOR", "turns colours off"),
    ("COLUMNS", "how many characters a line of a table may have"),
    ("LOGNAME, USER", "who acts, in the audit trail"),
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "done"),
    ("1", "refused or failed: nothing was changed"),
    ("2", "the command line is wrong"),
    ("3", "a task did its work, but some items failed or a cap held something back"),
    ("75", "another run of the task holds the lock: try again later"),
];

const FILES: &[(&str, &str)] = &[
    ("./billing.toml", "the configuration, see billing.toml(5)"),
    ("$XDG_CONFIG_HOME/billing/billing.toml", "where it is not there"),
    ("/etc/billing/billing.toml", "where that is not there either"),
    (
        "$XDG_DATA_HOME/billing/billing.db",
        "the database, where neither flag nor configuration names it",
    ),
];

/// The sections of a command's page that its tree does not know, in roff.
pub fn sections(words: &str) -> String {
    let mut roff = String::new();
    for (title, entries) in
        [("ENVIRONMENT", ENVIRONMENT), ("EXIT STATUS", EXIT_STATUS), ("FILES", FILES)]
    {
        roff.push_str(&format!(".SH \"{title}\"\n"));
        for (name, means) in entries {
            roff.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", escaped(name), escaped(means)));
        }
    }
    let lines = examples::of(words);
    if !lines.is_empty() {
        roff.push_str(".SH EXAMPLES\n.nf\n");
        lines.iter().for_each(|line| roff.push_str(&format!("{}\n", escaped(line))));
        roff.push_str(".fi\n");
    }
    roff
}

/// A table of keys, with its heading and what stands above it.
struct Section {
    title: String,
    says: String,
    /// Key, default, meaning.
    keys: Vec<(String, String, String)>,
}

/// The tables of docs/configuration.md that list keys.
fn tables() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for part in CONFIGURATION.split("\n## ").skip(1) {
        let (title, text) = part.split_once('\n').unwrap_or((part, ""));
        let Some((says, table)) = text.split_once("| key | default | meaning |\n") else {
            continue;
        };
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        let keys = rows.filter_map(|row| {
            let mut cells = row.trim_matches('|').splitn(3, " | ").map(plain);
            Some((cells.next()?, cells.next()?, cells.next()?))
        });
        let says = says.split("\n\n").next().unwrap_or_default();
        sections.push(Section {
            title: plain(title),
            says: plain(&says.replace('\n', " ")),
            keys: keys.collect(),
        });
    }
    sections
}

/// Markdown as plain text: links by their words, no back-quotes.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown.trim();
    while let Some((before, link)) = rest.split_once('[') {
        text.push_str(before);
        // `[words](target)`; other brackets, such as those of a table of TOML, stand.
        match link.split_once("](").and_then(|(words, after)| {
            let (_, after) = after.split_once(')')?;
            (!words.contains(']')).then_some((words, after))
        }) {
            Some((words, after)) => {
                text.push_str(words);
                rest = after;
            }
            None => {
                text.push('[');
                rest = link;
            }
        }
    }
    text.push_str(rest);
    text.replace('`', "")
}

/// Every key of billing.toml with its default and its meaning, for `billing help config`.
pub fn config_help() -> String {
    let mut text = String::from(
        "Keys of billing.toml, with their defaults. Each may be left out; one that does not exist is refused.\n",
    );
    for Section { title, says, keys } in tables() {
        text.push_str(&format!("\n{title}\n  {says}\n"));
        for (key, default, means) in keys {
            let default = if default == "–" { String::new() } else { format!(" = {default}") };
            text.push_str(&format!("\n  {key}{default}\n      {means}\n"));
        }
    }
    text
}

/// The manual page billing.toml(5).
pub fn config_page(date: &str) -> String {
    let mut roff = format!(
        ".TH billing.toml 5 {date}\n.SH NAME\nbilling.toml \\- the configuration of billing\n\
         .SH DESCRIPTION\nThe file is read at each run. Every key may be left out, and a key that does not exist is refused.\n"
    );
    for Section { title, says, keys } in tables() {
        roff.push_str(&format!(".SH \"{}\"\n{}\n", escaped(&title.to_uppercase()), escaped(&says)));
        for (key, default, means) in keys {
            let default =
                if default == "–" { String::new() } else { format!(" = {}", escaped(&default)) };
            roff.push_str(&format!(
                ".TP\n\\fB{}\\fR{default}\n{}\n",
                escaped(&key),
                escaped(&means)
            ));
        }
    }
    roff.push_str(".SH \"SEE ALSO\"\nbilling(1)\n");
    roff
}

/// Text as roff takes it: no backslash, hyphen or first letter of it is a request.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}
