//! Documents: made once, kept for ever, and sent with the e-mails that tell of them.
mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use support::Shop;

const DAY: &str = "2025-03-01";

const FRENCH: &str = "timezone = \"Europe/Paris\"\n
    [company]\nname = \"Exemple SAS\"\nemail = \"compta@exemple.example\"\ncountry = \"FR\"\n
    street = \"12 rue de la Paix\"\npostcode = \"75002\"\ncity = \"Paris\"\n
    legal_id = \"552100554\"\nvat_id = \"FR96552100554\"\n
    electronic_address = \"0225:552100554\"\niban = \"FR7630006000011234567890189\"\n
    [invoicing]\ntax_rate = 20\n";

/// A shop with the customer acme.
fn shop(config: &str) -> Shop {
    let shop = Shop::with_config(config);
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "acme@clients.example"]);
    shop
}

/// A French one, with a French firm as the customer.
fn french(more: &str) -> Shop {
    let shop = Shop::with_config(&format!("{FRENCH}{more}"));
    shop.ok(&[
        "tenant",
        "create",
        "acme",
        "--name",
        "Acme SARL",
        "--email",
        "acme@clients.example",
        "--country",
        "FR",
        "--legal-id",
        "732829320",
        "--street",
        "3 quai du Port",
        "--postcode",
        "13002",
        "--city",
        "Marseille",
    ]);
    shop
}

impl Shop {
    fn invoice(&self, more: &[&str]) -> String {
        let args = ["invoice", "create", "--tenant", "acme", "--amount", "100", "--as-of", DAY];
        let made = self.json(&[&args, more].concat());
        made["number"].as_str().expect("a number").to_owned()
    }

    /// The bytes that a command prints.
    fn bytes(&self, args: &[&str]) -> Vec<u8> {
        let done = self.command(args).output().expect("billing starts");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{args:?}: {said}");
        done.stdout
    }

    fn pdf(&self, number: &str) -> Vec<u8> {
        let pdf = self.bytes(&["invoice", "pdf", number]);
        assert!(pdf.starts_with(b"%PDF-1.7"), "{:?}", String::from_utf8_lossy(&pdf[..20]));
        pdf
    }

    /// What a query of one column finds.
    fn texts(&self, query: &str) -> Vec<String> {
        let sql = self.sql();
        let mut statement = sql.prepare(query).expect("a query");
        let found = statement.query_map([], |row| row.get(0)).expect("rows");
        found.collect::<Result<_, _>>().expect("texts")
    }

    /// The documents that were made, in order: number, form, SHA-256.
    fn made(&self) -> Vec<String> {
        self.texts(
            "SELECT coalesce(i.number, n.number) || ' ' || d.form || ' ' || lower(hex(d.sha256))
             FROM documents d LEFT JOIN invoices i ON i.id = d.invoice_id
             LEFT JOIN credit_notes n ON n.id = d.credit_note_id ORDER BY d.id",
        )
    }

    /// The one e-mail in the mailbox whose recipient is that.
    fn email_to(&self, to: &str) -> String {
        let found: Vec<_> = self
            .mailbox()
            .into_values()
            .map(|bytes| String::from_utf8(bytes).expect("ASCII"))
            .filter(|text| text.contains(&format!("<{to}>")) || text.contains(&format!("To: {to}")))
            .collect();
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        found.into_iter().next().expect("one")
    }
}

/// The PDF that goes with a message, and what it is called; `None` where none does.
fn attached(message: &str) -> Option<(String, Vec<u8>)> {
    let (_, part) = message.split_once("Content-Disposition: attachment; filename=\"")?;
    let (name, rest) = part.split_once('"')?;
    let (_, body) = rest.split_once("\r\n\r\n")?;
    let (body, _) = body.split_once("\r\n--")?;
    let digits: Vec<u8> = body.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    Some((name.to_owned(), base64(&digits)))
}

fn base64(digits: &[u8]) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => u32::from(digit - b'A'),
        b'a'..=b'z' => u32::from(digit - b'a') + 26,
        b'0'..=b'9' => u32::from(digit - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("no digit of base64: {digit}"),
    };
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let known = four.iter().filter(|digit| **digit != b'=').count();
        let bits = four
            .iter()
            .fold(0, |bits, digit| bits << 6 | if *digit == b'=' { 0 } else { value(*digit) });
        bytes.extend(&bits.to_be_bytes()[1..known]);
    }
    bytes
}

#[test]
fn a_document_is_made_once_and_stays_whatever_is_edited() {
    let shop = shop("");
    let number = shop.invoice(&[]);
    assert_eq!(shop.made(), Vec::<String>::new());
    let pdf = shop.pdf(&number);
    shop.ok(&["tenant", "edit", "acme", "--name", "Another", "--locale", "fr", "--city", "Lyon"]);
    shop.ok(&["invoice", "pay", &number, "--amount", "all"]);
    shop.configure("[company]\nname = \"Another Company\"\n[documents]\nfooter = \"new\"\n");
    assert_eq!(shop.pdf(&number), pdf);
    let made = shop.made();
    assert_eq!(made.len(), 1, "{made:?}");
    // Once it was made, it is out: nothing of it is rewritten.
    let next = shop.invoice(&[]);
    shop.ok(&["invoice", "void", &next, "--reason", "typo"]);
    let third = shop.invoice(&[]);
    shop.pdf(&third);
    assert_eq!(shop.refusal(&["invoice", "void", &third, "--reason", "typo"]), "already_sent");
    shop.ok(&["invoice", "void", &third, "--reason", "typo", "--yes"]);
    shop.pdf(&third);
    assert_eq!(shop.refusal(&["invoice", "pdf", &next]), "invoice_void");
    let event = &shop.json(&["event", "list", "--kind", "document_made"])[0];
    assert_eq!(event["data"]["number"], json!(number), "{event}");
    assert!(made[0].ends_with(event["data"]["sha256"].as_str().expect("a hash")), "{event}");
    shop.check();
}

#[test]
fn two_databases_make_the_same_bytes_of_the_same_facts() {
    let pdf = || {
        let shop = french("");
        let number = shop.invoice(&[]);
        shop.bytes(&["invoice", "pdf", &number, "--facturx"])
    };
    assert_eq!(pdf(), pdf());
}

#[test]
fn an_invoice_says_what_credit_had_paid_when_it_was_issued() {
    let shop = french("");
    shop.ok(&[
        "credit", "grant", "--tenant", "acme", "--amount", "30", "--reason", "x", "--as-of", DAY,
    ]);
    let number = shop.invoice(&[]);
    let before = shop.bytes(&["invoice", "xml", &number]);
    let text = String::from_utf8(before).expect("UTF-8");
    // Paid on the day of its issue is paid after it all the same.
    let later = shop.invoice(&[]);
    shop.ok(&["invoice", "pay", &later, "--amount", "50", "--as-of", DAY]);
    shop.ok(&[
        "credit", "grant", "--tenant", "acme", "--amount", "5", "--reason", "x", "--as-of", DAY,
    ]);
    let unpaid = String::from_utf8(shop.bytes(&["invoice", "xml", &later])).expect("UTF-8");
    // A coupon that comes before anybody has the invoice leaves less than the credit had paid.
    let other = french("");
    let grant = ["credit", "grant", "--tenant", "acme", "--amount", "30", "--reason", "x"];
    other.ok(&[&grant[..], &["--as-of", DAY]].concat());
    let coupon = ["coupon", "create", "MOST", "--name", "Most", "--percent", "90"];
    let coupon = [&coupon[..], &["--until", "2025-12-31", "--as-of", DAY]].concat();
    other.ok(&coupon);
    let number = other.invoice(&[]);
    other.ok(&["coupon", "apply", "MOST", "--invoice", &number, "--as-of", DAY]);
    let little = String::from_utf8(other.bytes(&["invoice", "xml", &number])).expect("UTF-8");
    for (text, prepaid, due) in [
        (&text, Some("30.00"), "90.00"),
        (&unpaid, None, "120.00"),
        (&little, Some("12.00"), "0.00"),
    ] {
        let of = |name: &str| {
            let (_, rest) = text.split_once(&format!("<ram:{name}>"))?;
            Some(rest.split_once('<').expect("an end").0)
        };
        assert_eq!(of("TotalPrepaidAmount").filter(|paid| *paid != "0.00"), prepaid, "{text}");
        assert_eq!(of("DuePayableAmount"), Some(due), "{text}");
    }
}

#[test]
fn an_einvoice_says_what_it_lacks_and_where_to_set_it() {
    let shop = Shop::with_config("[company]\nname = \"Exemple\"\ncountry = \"FR\"\n");
    shop.ok(&["tenant", "create", "acme", "--name", "Acme", "--email", "a@b.example"]);
    let number = shop.invoice(&[]);
    let checked = shop.run(&["invoice", "check", &number, "--json"]);
    assert_eq!(checked.status, 1, "{}", checked.stdout);
    let lacks: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!((&lacks["number"], &lacks["valid"]), (&json!(number), &json!(false)));
    let lacks = lacks["lacks"].as_array().expect("a list");
    assert!(lacks.len() > 2, "{lacks:?}");
    for lack in lacks {
        for field in ["term", "code", "message", "hint"] {
            assert!(lack[field].as_str().is_some_and(|text| !text.is_empty()), "{lack}");
        }
    }
    let refused = shop.refused(&["invoice", "xml", &number]);
    assert_eq!(refused["code"], "einvoice_incomplete");
    assert_eq!(shop.made(), Vec::<String>::new());
    // The PDF alone needs nothing of it.
    shop.pdf(&number);
    let whole = french("");
    let number = whole.invoice(&[]);
    assert_eq!(whole.json(&["invoice", "check", &number])["valid"], true);
    assert_eq!(
        whole.ok(&["invoice", "check", &number]),
        format!("{number}: an e-invoice lacks nothing\n")
    );
}

#[test]
fn what_the_standard_cannot_say_is_refused_by_name() {
    for (currency, code) in [("KWD", "currency_not_in_standard"), ("XOF", "currency_needs_rate")] {
        let shop = french("");
        shop.ok(&[
            "tenant",
            "create",
            "other",
            "--name",
            "Other",
            "--email",
            "o@b.example",
            "--currency",
            currency,
            "--country",
            "FR",
            "--legal-id",
            "732829320",
        ]);
        let made = shop.json(&["invoice", "create", "--tenant", "other", "--amount", "100"]);
        let number = made["number"].as_str().expect("a number");
        for args in [
            &["invoice", "xml", number][..],
            &["invoice", "check", number],
            &["invoice", "pdf", number, "--facturx"],
        ] {
            assert_eq!(shop.refusal(args), code, "{args:?}");
        }
        shop.pdf(number);
    }
}

#[test]
fn the_einvoice_in_the_pdf_is_what_xml_prints() {
    let shop = french("[documents]\nattach = \"facturx\"\n");
    let number = shop.invoice(&[]);
    let pdf = shop.pdf(&number);
    shop.ok(&["tenant", "edit", "acme", "--city", "Lyon"]);
    let xml = shop.bytes(&["invoice", "xml", &number]);
    assert_eq!(shop.pdf(&number), pdf);
    let made = shop.made();
    let forms: Vec<_> = made.iter().filter_map(|row| row.split(' ').nth(1)).collect();
    assert_eq!(forms, ["ubl", "cii", "facturx"], "{made:?}");
    let ubl = shop.bytes(&["invoice", "xml", &number, "--syntax", "ubl"]);
    assert!(xml != ubl && ubl.starts_with(b"<?xml"));
    let note =
        shop.json(&["credit-note", "create", "--invoice", &number, "--full", "--reason", "error"]);
    let note = note["number"].as_str().expect("a number");
    assert_eq!(shop.json(&["credit-note", "check", note])["valid"], true);
    for args in [
        &["credit-note", "pdf", note][..],
        &["credit-note", "xml", note],
        &["credit-note", "xml", note, "--syntax", "ubl"],
    ] {
        assert_eq!(shop.bytes(args), shop.bytes(args), "{args:?}");
    }
    let cii = String::from_utf8(shop.bytes(&["credit-note", "xml", note])).expect("UTF-8");
    assert!(cii.contains("<ram:TypeCode>381</ram:TypeCode>") && cii.contains(&number), "{cii}");
}

#[test]
fn a_folder_of_documents_holds_them_by_their_hash() {
    let shop = shop("[documents]\ndirectory = \"papers\"\n");
    let number = shop.invoice(&[]);
    let pdf = shop.pdf(&number);
    let made = shop.made();
    let hash = made[0].rsplit(' ').next().expect("a hash");
    let file = shop.path("papers").join(format!("{hash}.pdf"));
    assert_eq!(std::fs::read(&file).expect("the file"), pdf);
    assert_eq!(shop.texts("SELECT 'x' FROM document_files"), Vec::<String>::new());
    shop.check();
    // What is not the document any more is never handed out, and nothing is made in its place.
    std::fs::write(&file, b"%PDF-1.7 another").expect("a file");
    let refused = shop.refused(&["invoice", "pdf", &number]);
    assert_eq!(refused["code"], "document_lost");
    assert!(refused["message"].to_string().contains("not what"), "{refused}");
    assert_eq!(shop.run(&["db", "check"]).status, 1);
    std::fs::remove_file(&file).expect("gone");
    assert!(shop.refused(&["invoice", "pdf", &number])["message"].to_string().contains("missing"));
    let found = shop.run(&["db", "check"]);
    assert!(found.status == 1 && found.stdout.contains(&number), "{}", found.stdout);
    assert_eq!(shop.made(), made);
    // In the database again, what was put into the folder is still found there.
    std::fs::write(&file, &pdf).expect("a file");
    shop.check();
    let next = shop.invoice(&[]);
    shop.configure("[documents]\n");
    shop.pdf(&next);
    assert_eq!(shop.texts("SELECT 'x' FROM document_files").len(), 1);
}

#[test]
fn many_that_ask_at_once_get_one_document() {
    for config in ["", "[documents]\ndirectory = \"papers\"\n"] {
        let shop = shop(config);
        let number = shop.invoice(&[]);
        let ask = || vec!["invoice", "pdf", &number, "--out"];
        let names: Vec<String> = (0..16).map(|at| format!("{at}.pdf")).collect();
        let commands: Vec<Vec<&str>> =
            names.iter().map(|name| [ask(), vec![name.as_str()]].concat()).collect();
        for done in shop.at_once(&commands) {
            assert_eq!(done.status, 0, "{}", done.stderr);
        }
        let bytes: BTreeSet<Vec<u8>> =
            names.iter().map(|name| std::fs::read(shop.path(name)).expect("a PDF")).collect();
        assert_eq!((bytes.len(), shop.made().len()), (1, 1));
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_half_document() {
    let shop = shop("[documents]\ndirectory = \"papers\"\n");
    let (mut before, mut after) = (0, 0);
    for wait in (0..40).map(|at| Duration::from_millis(at * 3)) {
        let number = shop.invoice(&["--send"]);
        let many = shop.made().len();
        shop.is_killed(&["tasks", "deliver-emails", "--as-of", DAY], wait);
        match shop.made().len() - many {
            0 => before += 1,
            made => {
                after += 1;
                assert_eq!(made, 1, "{number}");
            }
        }
        // What the run had not come to is done by the next, and all is there once.
        shop.is_killed(&["invoice", "pdf", &number, "--out", "a.pdf"], wait);
        shop.task("deliver-emails", DAY, &[]);
        let whole = shop.pdf(&number);
        let left = std::fs::read(shop.path("a.pdf"));
        assert!(left.is_err() || left.is_ok_and(|left| left == whole), "{number}");
        std::fs::remove_file(shop.path("a.pdf")).ok();
        let sent = shop.mailbox().into_values().filter_map(|bytes| {
            let (name, sent) = attached(&String::from_utf8(bytes).expect("ASCII"))?;
            (name == format!("{number}.pdf")).then_some(sent)
        });
        assert_eq!(sent.collect::<Vec<_>>(), [whole], "{number}");
    }
    assert!(before > 0 && after > 0, "{before} {after}");
    shop.check();
}

#[test]
fn the_emails_of_an_invoice_and_a_credit_note_carry_them() {
    let shop = shop("");
    let number = shop.invoice(&["--send"]);
    let run = shop.task("deliver-emails", DAY, &[]);
    assert_eq!((&run["emails_sent"], &run["errors"]), (&json!(1), &json!([])), "{run}");
    let message = shop.email_to("acme@clients.example");
    let (name, pdf) = attached(&message).expect("a PDF");
    assert_eq!((name, pdf), (format!("{number}.pdf"), shop.pdf(&number)));
    assert!(message.contains("also attached to this e-mail as a PDF"), "{message}");
    // The bytes of the document stand in the database once, and not with the message.
    let stored = "SELECT 'apart' FROM email_messages WHERE instr(message, '%PDF') = 0
                    AND length(message) < (SELECT min(length(bytes)) FROM document_files)";
    assert_eq!(shop.texts(stored), ["apart"]);
    let email = shop.json(&["email", "show", "1"]);
    assert!(email["document"].as_str().is_some_and(|id| id.starts_with("doc_")), "{email}");
    shop.ok(&[
        "credit-note",
        "create",
        "--invoice",
        &number,
        "--full",
        "--reason",
        "error",
        "--as-of",
        DAY,
    ]);
    shop.task("deliver-emails", DAY, &[]);
    let notes: Vec<_> = shop.mailbox().into_values().collect();
    let notes: Vec<String> = notes.into_iter().filter_map(|b| String::from_utf8(b).ok()).collect();
    let note = notes.iter().find(|text| text.contains("credit note")).expect("the note's e-mail");
    let (name, pdf) = attached(note).expect("a PDF");
    assert_eq!(name, "CN-2025-000001.pdf");
    assert_eq!(pdf, shop.bytes(&["credit-note", "pdf", "CN-2025-000001"]));
}

#[test]
fn every_attempt_of_an_email_carries_the_same_document() {
    let shop = shop("");
    let number = shop.invoice(&["--send"]);
    let refuses = "[mail]\ntransport = \"sendmail\"\nsendmail = \"/bin/false\"\nfrom = \"a@b.example\"\n\n                   [company]\nname = \"Example Services\"\n";
    shop.configure(refuses);
    let run = shop.task("deliver-emails", DAY, &[]);
    assert_eq!(run["emails_sent"], 0, "{run}");
    let made = shop.made();
    assert_eq!(made.len(), 1, "{made:?}");
    shop.ok(&["tenant", "edit", "acme", "--name", "Another"]);
    shop.configure("[company]\nname = \"Example Services\"\n");
    shop.task("deliver-emails", "2025-03-02", &[]);
    let (_, pdf) = attached(&shop.email_to("acme@clients.example")).expect("a PDF");
    assert_eq!(pdf, shop.pdf(&number));
    assert_eq!(shop.made(), made);
}

#[test]
fn a_document_that_cannot_be_made_never_stops_an_email() {
    let shop = shop("");
    let number = shop.invoice(&["--description", "\u{4f60}\u{597d}", "--send"]);
    let run = shop.task("deliver-emails", DAY, &[]);
    assert_eq!((&run["emails_sent"], &run["status"]), (&json!(1), &json!("partial")), "{run}");
    assert_eq!(run["errors"][0]["code"], "glyph_missing", "{run}");
    let message = run["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains(&number) && message.ends_with("leaves without it"), "{run}");
    let message = shop.email_to("acme@clients.example");
    assert!(attached(&message).is_none() && !message.contains("attached"), "{message}");
    assert_eq!(shop.refusal(&["invoice", "pdf", &number]), "glyph_missing");
    // Of an e-invoice that stands, the PDF can be had once there is a font.
    let french = french("");
    let number = french.invoice(&["--description", "\u{4f60}"]);
    let xml = french.bytes(&["invoice", "xml", &number]);
    for _ in 0..2 {
        assert_eq!(french.refusal(&["invoice", "pdf", &number, "--facturx"]), "glyph_missing");
    }
    assert_eq!(french.bytes(&["invoice", "xml", &number]), xml);
    // The same of a logo that is none, or is gone: each e-mail is named.
    for (logo, says) in [(Some("no picture"), "logo"), (None, "cannot read")] {
        let shop = self::shop("[documents]\nlogo = \"logo.png\"\n");
        if let Some(bytes) = logo {
            shop.write("logo.png", bytes);
        }
        shop.invoice(&["--send"]);
        shop.invoice(&["--send"]);
        let run = shop.task("deliver-emails", DAY, &[]);
        assert_eq!(
            (&run["emails_sent"], &run["errors"][1]["subject"]),
            (&json!(2), &json!("eml_2"))
        );
        for error in run["errors"].as_array().expect("a list") {
            let message = error["message"].as_str().expect("a message");
            assert_eq!(error["code"], "bad_asset", "{run}");
            assert!(message.contains(says) && message.contains("leaves without it"), "{run}");
        }
    }
}

#[test]
fn a_document_that_is_lost_costs_the_emails_that_carry_it_alone() {
    let shop = shop("[documents]\ndirectory = \"papers\"\n");
    shop.invoice(&["--send"]);
    shop.task("deliver-emails", DAY, &[]);
    for file in std::fs::read_dir(shop.path("papers")).expect("a folder") {
        std::fs::remove_file(file.expect("a file").path()).expect("gone");
    }
    shop.ok(&["email", "resend", "eml_1", "--as-of", DAY]);
    shop.ok(&["tenant", "create", "birch", "--name", "Birch", "--email", "birch@clients.example"]);
    let bill =
        ["invoice", "create", "--tenant", "birch", "--amount", "50", "--send", "--as-of", DAY];
    shop.ok(&bill);
    let run = shop.task("deliver-emails", DAY, &[]);
    let errors = run["errors"].as_array().expect("a list");
    assert_eq!((&run["emails_sent"], errors.len()), (&json!(2), 1), "{run}");
    assert_eq!(
        (&errors[0]["subject"], &errors[0]["code"]),
        (&json!("eml_2"), &json!("document_lost"))
    );
    assert!(attached(&shop.email_to("birch@clients.example")).is_some());
    // Pages are written all the same.
    let pages = shop.run(&["report", "html", "--out", "pages", "--as-of", DAY]);
    assert!(pages.status == 3 && pages.stderr.contains("is missing"), "{}", pages.stderr);
    assert!(shop.path("pages/documents/INV-2025-000002.pdf").exists());
}

#[test]
fn an_einvoice_is_made_in_all_its_forms_or_in_none() {
    let twin = french("");
    let number = twin.invoice(&[]);
    twin.bytes(&["invoice", "xml", &number]);
    let made = twin.made();
    let hash = made.iter().find(|row| row.contains(" cii ")).and_then(|row| row.rsplit(' ').next());
    // A folder where the second of the files is to come stands for a disk that is full by then.
    let shop = french("[documents]\ndirectory = \"papers\"\nattach = \"facturx\"\n");
    let number = shop.invoice(&["--send"]);
    let taken = shop.path("papers").join(format!("{}.xml", hash.expect("a hash")));
    std::fs::create_dir_all(taken.join("taken")).expect("a folder");
    let run = shop.task("deliver-emails", DAY, &[]);
    assert_eq!((&run["emails_sent"], &run["status"]), (&json!(1), &json!("partial")), "{run}");
    assert_eq!(shop.made(), Vec::<String>::new());
    // Others are made in the same transaction, by somebody who did nothing before.
    shop.invoice(&[]);
    let export =
        ["export", "documents", "--since", "2025-01-01", "--out", "out", "--format", "cii"];
    let mut export = shop.command(&export);
    let done = export.env("LOGNAME", "auditor").output().expect("billing starts");
    assert_eq!(done.status.code(), Some(3), "{}", String::from_utf8_lossy(&done.stderr));
    let made = shop.made();
    assert!(made.len() == 3 && made[0].starts_with("INV-2025-000002 "), "{made:?}");
    std::fs::remove_dir_all(&taken).expect("gone");
    shop.bytes(&["invoice", "xml", &number]);
    assert_eq!(shop.made().len(), 6);
}

#[test]
fn the_pdf_that_a_customer_has_is_the_one_that_is_handed_out() {
    let config = format!("{FRENCH}[documents]\nattach = \"facturx\"\n");
    let shop = Shop::with_config(&config);
    let create = ["tenant", "create", "acme", "--name", "Acme", "--email", "acme@clients.example"];
    shop.ok(&[&create[..], &["--country", "FR"]].concat());
    let number = shop.invoice(&["--send"]);
    shop.task("deliver-emails", DAY, &[]);
    let (_, sent) = attached(&shop.email_to("acme@clients.example")).expect("a PDF");
    // What was lacking is there now, and the form of the config could be made.
    shop.ok(&["tenant", "edit", "acme", "--legal-id", "732829320", "--locale", "fr"]);
    assert_eq!(shop.json(&["invoice", "check", &number])["valid"], true);
    assert_eq!(shop.pdf(&number), sent);
    let export = ["export", "documents", "--since", "2025-01-01", "--until", "2025-12-31", "--out"];
    shop.ok(&[&export[..], &["out"]].concat());
    shop.ok(&["invoice", "void", &number, "--reason", "x", "--yes"]);
    assert_eq!(shop.pdf(&number), sent);
    assert_eq!(shop.refusal(&["invoice", "xml", &number]), "invoice_void");
    assert_eq!(shop.refusal(&["invoice", "check", &number]), "invoice_void");
    assert_eq!(shop.refusal(&["invoice", "pdf", &number, "--facturx"]), "invoice_void");
    assert_eq!(shop.json(&[&export[..], &["out"]].concat())["left"], 1);
    // Nor does another form that is configured later make another of it.
    let next = shop.invoice(&["--number", "N-2"]);
    let pdf = shop.pdf(&next);
    shop.configure(FRENCH);
    assert_eq!(shop.pdf(&next), pdf);
}

#[test]
fn an_import_does_not_rewrite_what_is_out() {
    let shop = shop("");
    let import = |total: &str, status: &str, description: &str| {
        shop.write(
            "old.csv",
            &format!(
                "number,tenant,total,currency,issued_on,due_on,status,paid_on,description\n\
                 OLD-1,acme,{total},EUR,2025-01-01,2025-01-15,{status},{description}\n"
            ),
        );
        shop.run(&["import", "invoices", "old.csv", "--update", "--as-of", DAY, "--json"])
    };
    assert_eq!(import("80", "open,", "Old").status, 0);
    assert_eq!(import("81", "open,", "Old").status, 0);
    let pdf = shop.pdf("OLD-1");
    for (total, description) in [("80", "Old"), ("81", "Other")] {
        let refused = import(total, "open,", description);
        assert!(
            refused.status == 1 && refused.stderr.contains("cannot_change"),
            "{}",
            refused.stderr
        );
    }
    // That it was paid since, elsewhere, is not printed.
    assert_eq!(import("81", "paid,2025-01-10", "Old").status, 0);
    assert_eq!(shop.json(&["invoice", "show", "OLD-1"])["status"], "paid");
    assert_eq!(shop.pdf("OLD-1"), pdf);
    shop.check();
}

#[test]
fn documents_of_like_numbers_have_files_of_their_own() {
    let shop = shop("");
    shop.ok(&["tenant", "create", "birch", "--name", "Birch", "--email", "birch@clients.example"]);
    let bill = ["invoice", "create", "--amount", "5", "--as-of", DAY, "--tenant"];
    shop.ok(&[&bill[..], &["acme", "--number", "F/1"]].concat());
    shop.ok(&[&bill[..], &["birch", "--number", "F_1"]].concat());
    let export = ["export", "documents", "--since", "2025-01-01", "--until", "2025-12-31", "--out"];
    assert_eq!(shop.json(&[&export[..], &["out"]].concat())["written"], 2);
    shop.ok(&["report", "html", "--out", "pages", "--as-of", DAY]);
    for (tenant, file, number) in [("acme", "F_1-inv_1.pdf", "F/1"), ("birch", "F_1.pdf", "F_1")] {
        let page = shop.path(&format!("pages/tenants/{tenant}.html"));
        let page = std::fs::read_to_string(page).expect("a page");
        assert!(page.contains(&format!("../documents/{file}\"")), "{page}");
        let pdf = std::fs::read(shop.path("pages/documents").join(file)).expect("a PDF");
        assert_eq!(pdf, shop.pdf(number));
    }
}

#[test]
fn the_lift_finds_what_credit_had_paid_at_the_issue() {
    let shop = shop("");
    let grant = |amount: &str| {
        let grant = ["credit", "grant", "--tenant", "acme", "--reason", "x", "--as-of", DAY];
        shop.ok(&[&grant[..], &["--amount", amount]].concat());
    };
    // All at one instant: credit that came before, in two parts, and credit that came after.
    grant("30");
    grant("20");
    shop.invoice(&[]);
    grant("10");
    shop.invoice(&[]);
    let said = "SELECT number || ' ' || credit_at_issue_minor FROM invoices ORDER BY id";
    let known = shop.texts(said);
    assert_eq!(known, ["INV-2025-000001 5000", "INV-2025-000002 0"]);
    let sql = shop.sql();
    let lift = include_str!("../src/store/migrations/17.sql");
    let (_, update) = lift.split_once("UPDATE invoices SET").expect("the update");
    let (update, _) = update.split_once(';').expect("its end");
    sql.execute_batch("UPDATE invoices SET credit_at_issue_minor = 0").expect("forgotten");
    sql.execute_batch(&format!("UPDATE invoices SET{update}")).expect("found again");
    assert_eq!(shop.texts(said), known);
}

#[test]
fn what_was_made_can_be_read_where_nothing_can_be_written() {
    let shop = shop("");
    let number = shop.invoice(&[]);
    let pdf = shop.pdf(&number);
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(shop.path("billing.db"), mode(0o400)).expect("a mode");
    assert_eq!(shop.pdf(&number), pdf);
    std::fs::set_permissions(shop.path("billing.db"), mode(0o600)).expect("a mode");
    let backup = shop.run(&["db", "backup", "copy.db"]);
    assert!(!backup.stderr.contains("copy that folder"), "{}", backup.stderr);
    shop.configure("[documents]\ndirectory = \"papers\"\n");
    let backup = shop.run(&["db", "backup", "other.db"]);
    assert!(backup.stderr.contains("papers: copy that folder now, too"), "{}", backup.stderr);
}

#[test]
fn a_folder_that_is_gone_is_not_made_anew() {
    let shop = shop("[documents]\ndirectory = \"papers\"\n");
    let number = shop.invoice(&[]);
    shop.pdf(&number);
    std::fs::rename(shop.path("papers"), shop.path("elsewhere")).expect("moved");
    let next = shop.invoice(&[]);
    let refused = shop.refused(&["invoice", "pdf", &next]);
    assert!(refused["message"].to_string().contains("is its disk there?"), "{refused}");
    // A link to where it is now will do, and what a disk lost half of is written again.
    std::os::unix::fs::symlink(shop.path("elsewhere"), shop.path("papers")).expect("a link");
    let pdf = shop.pdf(&next);
    assert_eq!(shop.made().len(), 2);
    let file = |pdf: &[u8]| {
        let files = std::fs::read_dir(shop.path("elsewhere")).expect("a folder");
        let mut files = files.map(|file| file.expect("a file").path());
        files.find(|file| std::fs::read(file).expect("bytes") == pdf).expect("the document")
    };
    let half = file(&pdf);
    let twin = self::shop("[documents]\ndirectory = \"papers\"\n");
    std::fs::create_dir(twin.path("papers")).expect("a folder");
    std::fs::write(twin.path("papers").join(half.file_name().expect("a name")), "%PDF")
        .expect("half");
    twin.invoice(&[]);
    let same = twin.invoice(&[]);
    assert_eq!(twin.pdf(&same), pdf);
    twin.check();
}

#[test]
fn emails_carry_what_the_config_says() {
    for (attach, attached_form, errors) in
        [("none", None, 0), ("pdf", Some("pdf"), 0), ("facturx", Some("facturx"), 0)]
    {
        let shop = french(&format!("[documents]\nattach = \"{attach}\"\n"));
        shop.invoice(&["--send"]);
        let run = shop.task("deliver-emails", DAY, &[]);
        assert_eq!(run["errors"].as_array().map(Vec::len), Some(errors), "{run}");
        let last = shop.made().last().and_then(|row| row.split(' ').nth(1).map(str::to_owned));
        assert_eq!(last.as_deref(), attached_form);
        assert_eq!(attached(&shop.email_to("acme@clients.example")).is_some(), last.is_some());
    }
    // Where an e-invoice lacks something, the PDF goes without it, and the run says so.
    let shop = shop(
        "[company]\nname = \"Exemple\"\ncountry = \"FR\"\n[documents]\nattach = \"facturx\"\n",
    );
    let number = shop.invoice(&["--send"]);
    let run = shop.task("deliver-emails", DAY, &[]);
    assert_eq!(run["errors"][0]["code"], "einvoice_incomplete", "{run}");
    let (_, pdf) = attached(&shop.email_to("acme@clients.example")).expect("a PDF");
    assert_eq!(
        shop.made(),
        [format!("{number} pdf {}", shop.made()[0].rsplit(' ').next().unwrap())]
    );
    assert!(pdf.starts_with(b"%PDF"));
}

#[test]
fn a_simulation_and_a_dry_run_make_no_document() {
    let shop = shop("[documents]\ndirectory = \"papers\"\n");
    shop.invoice(&["--send"]);
    shop.ok(&["tasks", "deliver-emails", "--dry-run", "--as-of", DAY]);
    shop.ok(&["email", "show", "1", "--as-of", DAY]);
    shop.ok(&["tasks", "simulate", "--until", "2025-04-01", "--as-of", DAY]);
    assert_eq!(shop.made(), Vec::<String>::new());
    assert!(!shop.path("papers").exists());
}

#[test]
fn an_invoice_is_sent_when_a_person_asks() {
    let shop = shop("");
    shop.write(
        "old.csv",
        "number,tenant,total,currency,issued_on,due_on\nOLD-1,acme,80,EUR,2025-01-01,2025-01-15\n",
    );
    shop.ok(&["import", "invoices", "old.csv", "--as-of", DAY]);
    let queued = shop.json(&["invoice", "send", "OLD-1", "--as-of", DAY]);
    assert_eq!(
        (&queued["to"], &queued["status"]),
        (&json!("acme@clients.example"), &json!("queued"))
    );
    assert_eq!(shop.refusal(&["invoice", "send", "OLD-1", "--as-of", DAY]), "still_queued");
    let named = ["invoice", "send", "OLD-1", "--to", "boss@clients.example", "--as-of", DAY];
    assert_eq!(shop.json(&named)["to"], "boss@clients.example");
    assert_eq!(shop.refusal(&named), "still_queued");
    assert_eq!(shop.refusal(&["invoice", "send", "OLD-1", "--to", "nobody"]), "bad_email");
    shop.ok(&["tenant", "edit", "acme", "--cc", "copy@clients.example"]);
    shop.task("deliver-emails", DAY, &[]);
    for (to, copied) in [("acme@clients.example", true), ("boss@clients.example", false)] {
        let message = shop.email_to(to);
        assert!(attached(&message).is_some_and(|(name, _)| name == "OLD-1.pdf"), "{message}");
        assert_eq!(message.contains("copy@clients.example"), copied, "{message}");
    }
    let asked = shop.json(&["event", "list", "--kind", "invoice_send_requested"]);
    assert_eq!(asked[1]["data"], json!({ "email": "eml_2", "to": "boss@clients.example" }));
    // Sent again to the address that was named.
    let again = shop.json(&["email", "resend", "eml_2", "--as-of", DAY]);
    assert_eq!(again["to"], "boss@clients.example");
    let void = shop.invoice(&[]);
    shop.ok(&["invoice", "void", &void, "--reason", "x"]);
    assert_eq!(shop.refusal(&["invoice", "send", &void]), "not_open");
}

#[test]
fn an_export_writes_what_is_new_and_leaves_the_rest() {
    let shop = french("");
    let first = shop.invoice(&[]);
    let void = shop.invoice(&[]);
    shop.ok(&["invoice", "void", &void, "--reason", "x"]);
    let dotted = shop.invoice(&["--number", "F/1"]);
    shop.ok(&[
        "credit-note",
        "create",
        "--invoice",
        &first,
        "--amount",
        "12",
        "--reason",
        "error",
        "--as-of",
        DAY,
    ]);
    let args =
        ["export", "documents", "--since", "2025-01-01", "--until", "2025-12-31", "--out", "out"];
    let exported = shop.json(&args);
    assert_eq!((&exported["written"], &exported["left"]), (&json!(3), &json!(0)), "{exported}");
    let manifest = std::fs::read_to_string(shop.path("out/manifest.csv")).expect("a list");
    let rows: Vec<Vec<&str>> = manifest.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["number", "type", "sha256", "file"]);
    let kinds: Vec<_> = rows[1..].iter().map(|row| (row[0], row[1], row[3])).collect();
    assert_eq!(
        kinds,
        [
            (first.as_str(), "invoice", "INV-2025-000001.pdf"),
            (dotted.as_str(), "invoice", "F_1-inv_3.pdf"),
            ("CN-2025-000001", "credit_note", "CN-2025-000001.pdf"),
        ]
    );
    let before = std::fs::metadata(shop.path("out/F_1-inv_3.pdf"))
        .expect("a file")
        .modified()
        .expect("a time");
    let again = shop.json(&args);
    assert_eq!((&again["written"], &again["left"]), (&json!(0), &json!(3)), "{again}");
    let after = std::fs::metadata(shop.path("out/F_1-inv_3.pdf"))
        .expect("a file")
        .modified()
        .expect("a time");
    assert_eq!(before, after);
    assert_eq!(std::fs::read_to_string(shop.path("out/manifest.csv")).expect("a list"), manifest);
    // Another form, and another month, come beside them; what a hand changed is left, and named.
    shop.write("out/INV-2025-000001.pdf", "mine");
    let more = shop.run(&[&args[..], &["--format", "pdf", "--json"]].concat());
    assert_eq!(more.status, 3, "{}", more.stdout);
    let more: Value = serde_json::from_str(&more.stdout).expect("JSON");
    assert_eq!(more["errors"][0]["number"], json!(first), "{more}");
    assert_eq!(
        std::fs::read_to_string(shop.path("out/INV-2025-000001.pdf")).expect("a file"),
        "mine"
    );
    let xml = shop.json(&[&args[..], &["--format", "ubl"]].concat());
    assert_eq!(xml["written"], 3, "{xml}");
    let manifest = std::fs::read_to_string(shop.path("out/manifest.csv")).expect("a list");
    assert_eq!(manifest.lines().count(), 7, "{manifest}");
    // A list that is a link would have a stranger's file read by root.
    shop.write("secret", "root:x");
    std::fs::create_dir(shop.path("planted")).expect("a folder");
    std::os::unix::fs::symlink(shop.path("secret"), shop.path("planted/manifest.csv"))
        .expect("a link");
    let planted = [&args[..7], &["planted"]].concat();
    assert_eq!(shop.run(&planted).status, 1);
    let none = shop.json(&[
        "export",
        "documents",
        "--since",
        "2026-01-01",
        "--until",
        "2026-12-31",
        "--out",
        "none",
    ]);
    assert_eq!(none["written"], 0);
}

#[test]
fn an_export_names_what_cannot_be_made() {
    let shop = shop("");
    shop.invoice(&["--description", "\u{4f60}"]);
    shop.invoice(&[]);
    let args = ["export", "documents", "--since", "2025-01-01", "--until", "2025-12-31", "--out"];
    let done = shop.run(&[&args[..], &["out", "--json"]].concat());
    assert_eq!(done.status, 3, "{}", done.stdout);
    let done: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(
        (&done["written"], &done["errors"][0]["code"]),
        (&json!(1), &json!("glyph_missing"))
    );
    assert_eq!(
        shop.refusal(&[
            "export",
            "documents",
            "--since",
            "2025-02-01",
            "--until",
            "2025-01-01",
            "--out",
            "x"
        ]),
        "bad_order"
    );
}

#[test]
fn statements_lead_to_the_documents() {
    let shop = shop("");
    let number = shop.invoice(&[]);
    let other = shop.invoice(&[]);
    let pdf = shop.pdf(&number);
    let page = |shop: &Shop| {
        shop.ok(&["report", "html", "--out", "pages", "--as-of", DAY]);
        std::fs::read_to_string(shop.path("pages/tenants/acme.html")).expect("a page")
    };
    let text = page(&shop);
    assert!(
        text.contains(&format!("<a href=\"../documents/{number}.pdf\">{number}</a>")),
        "{text}"
    );
    assert!(!text.contains(&format!("{other}.pdf")), "{text}");
    let file: PathBuf = shop.path("pages/documents").join(format!("{number}.pdf"));
    assert_eq!(std::fs::read(&file).expect("a PDF"), pdf);
    let written = std::fs::metadata(&file).expect("a file").modified().expect("a time");
    page(&shop);
    assert_eq!(std::fs::metadata(&file).expect("a file").modified().expect("a time"), written);
    std::fs::write(&file, "short").expect("a file");
    page(&shop);
    assert_eq!(std::fs::read(&file).expect("a PDF"), pdf);
}
