//! Documents: made once, kept for ever, and sent with the e-mails that tell of them.
mod support;

use std::collections::BTreeSet;

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
    for (text, prepaid, due) in [(&text, Some("30.00"), "90.00"), (&unpaid, None, "120.00")] {
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
