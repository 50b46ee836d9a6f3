use super::*;
use crate::domain::Money;
use crate::domain::email::ByLanguage;
use crate::domain::party::{CustomerKind, Party};
use crate::domain::plan::{Interval, IntervalUnit};
use crate::domain::tax::{OwnTax, SellerTax, TaxBasis, TaxCategory};
use crate::domain::template::{AfterTrial, ListedInvoice};

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn company() -> Company {
    Company {
        name: "Facile Sénégal & Cie".into(),
        email: Some("compta@facile.example".into()),
        address: Some("12 rue de la Paix\nDakar".into()),
        country: None,
        tax_id: Some("SN0042".into()),
        registration: Some("RCCM SN-DKR-2024-B-1".into()),
        bank: Some("IBAN SN12 3456".into()),
        how_to_pay: Some(ByLanguage::same("Wave : 77 000 00 00\nOrange Money : 78 000 00 00")),
        legal_text: Some(ByLanguage::same("SARL au capital de 1 000 000 F CFA")),
        ..Company::default()
    }
}

fn listed(number: &str, days_overdue: i64, minor: i64, currency: &str) -> ListedInvoice {
    let amount = Money::from_minor(minor, currency.parse().unwrap());
    ListedInvoice {
        number: number.into(),
        issued_on: day(2026, 2, 15),
        due_on: day(2026, 3, 1),
        days_overdue,
        total: amount,
        amount_due: amount,
        link: None,
    }
}

fn example(template: Template, locale: Locale, company: &Company) -> Content {
    variant(template, locale, company, None)
}

fn variant(
    template: Template,
    locale: Locale,
    company: &Company,
    variant: Option<Variant>,
) -> Content {
    at_portal(template, locale, company, variant, None)
}

fn at_portal(
    template: Template,
    locale: Locale,
    company: &Company,
    variant: Option<Variant>,
    portal: Option<ExamplePortal>,
) -> Content {
    let (currency, today) = (Currency::XOF, day(2026, 3, 15));
    let country = company.country.as_deref();
    let tax = SellerTax { rate: 18.into(), country, ..SellerTax::default() };
    let (basis, legal_notes, net_days) = (TaxBasis::Exclusive, None, 14);
    sample(&Example {
        template,
        locale,
        variant,
        company,
        currency,
        today,
        tax,
        basis,
        legal_notes,
        net_days,
        attached: true,
        portal,
    })
}

/// The e-mail with each space a plain one, so that its words can be found.
fn plain(renderer: &Renderer, content: &Content) -> Rendered {
    let read = renderer.render(content).unwrap();
    let plain = |text: &str| text.replace(['\u{a0}', '\u{202f}'], " ").replace("&nbsp;", " ");
    Rendered {
        locale: read.locale,
        subject: plain(&read.subject),
        text: plain(&read.text),
        html: plain(&read.html),
    }
}

/// The e-mail with so many invoices to tell of, the second of them in euros.
fn with_overdue(mut content: Content, count: usize) -> Content {
    let all = [listed("INV-1", 14, 15_000, "XOF"), listed("INV-2", 1, 4_990, "EUR")];
    content.overdue = all[..count].to_vec();
    content.totals = content.overdue.iter().map(|listed| listed.amount_due).collect();
    content
}

fn every_email() -> impl Iterator<Item = (Template, Locale)> {
    Template::ALL.iter().flat_map(|t| Locale::ALL.iter().map(|l| (*t, *l)))
}

#[test]
fn every_email_reads_well_whatever_its_facts() {
    let renderer = Renderer::new(None).unwrap();
    for (template, locale) in every_email() {
        for company in [company(), Company::default()] {
            for count in 0..=2 {
                for (suspended, warned) in
                    [(false, false), (false, true), (true, false), (true, true)]
                {
                    let mut content = with_overdue(example(template, locale, &company), count);
                    content.tenant_suspended = suspended;
                    content.suspension_on = warned.then(|| day(2026, 3, 22));
                    (content.comes_back, content.paid) = (warned, warned);
                    let read = plain(&renderer, &content);
                    let about = format!("{template} {locale} {count}\n{}", read.text);
                    assert!(read.text.contains(&content.tenant_name), "{about}");
                    assert!(!read.text.contains("\n\n\n") && !read.text.contains('{'), "{about}");
                    assert!(!read.text.contains(" \n") && read.text.ends_with('\n'), "{about}");
                    // A sentence that ends its line ends its paragraph.
                    let mut pairs = read.text.lines().zip(read.text.lines().skip(1));
                    assert!(pairs.all(|(a, b)| !a.ends_with('.') || b.is_empty()), "{about}");
                    assert!(!read.text.contains("none") && !read.html.contains("none<"), "{about}");
                    assert!(!read.subject.chars().any(char::is_control), "{about}");
                    assert!(read.html.contains(&format!("<html lang=\"{locale}\">")), "{about}");
                    let named = read.text.contains("22 mars") || read.text.contains("22 March");
                    let names_it = matches!(template, Template::Urgent | Template::Warning);
                    assert_eq!(named, names_it && warned && !suspended, "{about}");
                }
            }
        }
    }
}

#[test]
fn a_dunning_email_lists_what_is_owed_in_each_currency() {
    let renderer = Renderer::new(None).unwrap();
    for template in [Template::Friendly, Template::Urgent, Template::Warning, Template::Suspension]
    {
        for (locale, told) in [
            (Locale::Fr, ["15 000 F CFA", "49,90 €", "14 jours", "1 jour ", "1er mars 2026"]),
            (Locale::En, ["15,000 F CFA", "€49.90", "14 days", "1 day ", "1 March 2026"]),
        ] {
            let content = with_overdue(example(template, locale, &company()), 2);
            let read = plain(&renderer, &content);
            for words in told {
                assert!(read.text.contains(words), "{words}\n{}", read.text);
                assert!(read.html.contains(words.trim()), "{words}\n{}", read.html);
            }
            let total = if locale == Locale::Fr { "Total à régler" } else { "Total due" };
            assert_eq!(read.text.matches(total).count(), 2, "{}", read.text);
            for words in ["INV-1", "INV-2", "IBAN SN12 3456", "Orange Money", "compta@facile"] {
                assert!(read.text.contains(words) && read.html.contains(words), "{words}");
            }
        }
    }
}

#[test]
fn a_suspended_tenant_is_not_threatened_with_suspension() {
    let renderer = Renderer::new(None).unwrap();
    for (locale, told, threat) in [
        (Locale::Fr, "est suspendu et le restera", "sera suspendu"),
        (Locale::En, "is suspended and will stay so", "will be suspended"),
    ] {
        let mut content = example(Template::Warning, locale, &company());
        let threatened = plain(&renderer, &content);
        assert!(threatened.text.contains(threat) && threatened.subject.contains(threat));
        content.tenant_suspended = true;
        let read = plain(&renderer, &content);
        assert!(read.text.contains(told) && read.html.contains(told), "{}", read.text);
        for words in [&read.subject, &read.text, &read.html] {
            assert!(!words.contains(threat), "{words}");
        }
    }
}

#[test]
fn the_columns_of_a_text_are_aligned() {
    let renderer = Renderer::new(None).unwrap();
    let content = with_overdue(example(Template::Friendly, Locale::Fr, &company()), 2);
    let text = plain(&renderer, &content).text;
    let rows: Vec<_> =
        text.lines().skip_while(|line| !line.starts_with("Facture ")).take(4).collect();
    let widths: Vec<_> = rows.iter().map(|row| row.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{}", rows.join("\n"));
}

#[test]
fn an_invoice_is_told_whole() {
    let renderer = Renderer::new(None).unwrap();
    let mut content = example(Template::Invoice, Locale::Fr, &company());
    let invoice = content.invoice.as_mut().unwrap();
    invoice.discount = Money::from_minor(5_000, Currency::XOF);
    invoice.coupon = Some("BIENVENUE".into());
    invoice.tax_rate = "5.50".parse().unwrap();
    invoice.tax = Money::from_minor(2_200, Currency::XOF);
    invoice.total = Money::from_minor(42_200, Currency::XOF);
    invoice.paid = Money::from_minor(3_100, Currency::XOF);
    invoice.due = invoice.total.minus(invoice.paid).unwrap();
    content.buyer = Party {
        name: Some("Boutique <Ndar>".into()),
        country: Some("SN".into()),
        tax_id: Some("NINEA 1".into()),
        ..Party::default()
    };
    let read = plain(&renderer, &content);
    for words in [
        "EXEMPLE-0042",
        "15 mars 2026",
        "29 mars 2026",
        "du 15 mars au 13 avril 2026",
        "2 × 15 000 F CFA",
        "45 000 F CFA",
        "Remise (BIENVENUE)",
        "-5 000 F CFA",
        "Total HT",
        "Total HT net                                    40 000 F CFA",
        "TVA 5,5 %",
        "Total TTC",
        "Net à payer                                     39 100 F CFA",
        "2 200 F CFA",
        "42 200 F CFA",
        "-3 100 F CFA",
        "39 100 F CFA",
        "Facile Sénégal & Cie",
        "Boutique <Ndar>",
        "NINEA 1",
    ] {
        assert!(read.text.contains(words), "{words}\n{}", read.text);
    }
    assert!(read.html.contains("Boutique &lt;Ndar&gt;") && !read.html.contains("<Ndar>"));
}

#[test]
fn a_bare_invoice_is_told_without_what_it_lacks() {
    let renderer = Renderer::new(None).unwrap();
    let mut content = example(Template::Invoice, Locale::En, &Company::default());
    let invoice = content.invoice.as_mut().unwrap();
    (invoice.tax, invoice.tax_rate) = (Money::zero(Currency::XOF), 0.into());
    invoice.paid = invoice.total;
    invoice.due = invoice.total.minus(invoice.paid).unwrap();
    invoice.period = None;
    let read = plain(&renderer, &content);
    assert!(read.text.contains("nothing left for you to pay"), "{}", read.text);
    assert!(!read.text.contains("Seller") && read.text.contains("Customer:\nExample Workshop"));
    assert!(!read.text.contains("Tax") && !read.text.contains("How to pay"), "{}", read.text);
    content.invoice = None;
    assert!(matches!(
        renderer.render(&content).unwrap_err().of(),
        Some(Undeliverable::Template { .. })
    ));
}

#[test]
fn a_payment_is_confirmed_with_what_remains() {
    let renderer = Renderer::new(None).unwrap();
    let mut content = example(Template::PaymentReceived, Locale::Fr, &company());
    let settled = plain(&renderer, &content);
    assert!(settled.text.contains("entièrement réglée"), "{}", settled.text);
    assert!(!settled.text.contains("Reste dû"));
    content.payment.as_mut().unwrap().paid[0].remaining = Money::from_minor(2_000, Currency::XOF);
    let partly = plain(&renderer, &content);
    assert!(partly.text.contains("Il reste 2 000 F CFA à régler"), "{}", partly.text);
}

/// The e-mail of a trial of two units that is billed every quarter, with what follows it.
fn with_trial(mut content: Content, after: AfterTrial) -> Content {
    let trial = content.trial.as_mut().unwrap();
    (trial.plan, trial.quantity, trial.after) = ("Pro".into(), 2, after);
    (trial.ends_on, trial.first_paid_on) = (day(2026, 3, 31), day(2026, 4, 1));
    trial.price = Money::from_minor(30_000, Currency::XOF);
    trial.interval = Interval { unit: IntervalUnit::Month, count: 3 };
    content
}

const QUARTERLY: [&str; 2] =
    ["30 000 F CFA tous les 3 mois pour 2 unités", "30,000 F CFA every 3 months for 2 units"];

/// Renders the e-mail of each language and checks that text and HTML hold the words.
fn told(template: Template, after: AfterTrial, words: [&[&str]; 2]) {
    let renderer = Renderer::new(None).unwrap();
    for (locale, words) in [Locale::Fr, Locale::En].into_iter().zip(words) {
        let read = plain(&renderer, &with_trial(example(template, locale, &company()), after));
        let html = read.html.replace("<span style=\"white-space:nowrap\">", "");
        let html = html.replace("</span>", "").replace("&nbsp;", " ");
        let html = html.replace("<strong>", "").replace("</strong>", "");
        for words in words {
            assert!(read.text.contains(words), "{words}\n{}", read.text);
            assert!(html.contains(words), "{words}\n{}", read.html);
        }
        assert!(read.subject.contains("Pro"), "{}", read.subject);
        let price = QUARTERLY[usize::from(locale == Locale::En)];
        let priced = after != AfterTrial::Canceled;
        assert_eq!(read.text.contains(price), priced, "{}", read.text);
        assert_eq!(html.contains(price), priced, "{}", read.html);
        assert!(!read.text.contains("IBAN"), "there is no invoice to pay yet\n{}", read.text);
    }
}

#[test]
fn a_trial_that_ends_is_announced_with_what_follows() {
    told(
        Template::TrialEnding,
        AfterTrial::Suspended,
        [
            &[
                "est le 31 mars 2026.",
                "Répondez avant le 31 mars 2026 au soir",
                "sera ensuite suspendu",
            ],
            &["is 31 March 2026.", "Simply reply", "will be suspended after that day"],
        ],
    );
    told(
        Template::TrialEnding,
        AfterTrial::Converted,
        [
            &[
                "est le 31 mars 2026.",
                "à partir du 1er avril 2026, votre abonnement",
                "avant le 1er",
            ],
            &["is 31 March 2026.", "from 1 April 2026 your subscription", "before 1 April 2026"],
        ],
    );
    told(
        Template::TrialEnding,
        AfterTrial::Canceled,
        [
            &["est le 31 mars 2026.", "Comme vous l’avez demandé", "Rien ne vous sera facturé"],
            &["is 31 March 2026.", "As you asked", "Nothing will be billed"],
        ],
    );
}

#[test]
fn the_end_of_a_trial_is_told_with_what_followed() {
    told(
        Template::TrialEnded,
        AfterTrial::Suspended,
        [
            &["terminé le 31 mars 2026.", "Votre accès au service est maintenant suspendu"],
            &["ended on 31 March 2026.", "Your access to the service is now suspended"],
        ],
    );
    told(
        Template::TrialEnded,
        AfterTrial::Converted,
        [
            &["terminé le 31 mars 2026", "À partir du 1er avril 2026", "La facture vous sera"],
            &["ended on 31 March 2026", "From 1 April 2026", "You will receive the invoice"],
        ],
    );
    told(
        Template::TrialEnded,
        AfterTrial::Canceled,
        [
            &["terminé le 31 mars 2026", "comme vous l’avez demandé", "Rien ne vous a été facturé"],
            &["ended on 31 March 2026", "as you asked", "Nothing has been billed"],
        ],
    );
}

#[test]
fn the_subject_names_the_last_free_day_and_whether_it_is_today() {
    let renderer = Renderer::new(None).unwrap();
    for (locale, ahead, today, body) in [
        (
            Locale::Fr,
            "Votre essai de l’offre « Pro » se termine le 31 mars 2026",
            "Votre essai de l’offre « Pro » se termine aujourd’hui, 31 mars 2026",
            "Aujourd’hui, 31 mars 2026, est le dernier jour",
        ),
        (
            Locale::En,
            "Your trial of Pro ends on 31 March 2026",
            "Your trial of Pro ends today, 31 March 2026",
            "Today, 31 March 2026, is the last day",
        ),
    ] {
        let content = example(Template::TrialEnding, locale, &company());
        let mut content = with_trial(content, AfterTrial::Suspended);
        assert_eq!(plain(&renderer, &content).subject, ahead);
        content.today = day(2026, 3, 31);
        let read = plain(&renderer, &content);
        assert_eq!(read.subject, today);
        assert!(read.text.contains(body), "{}", read.text);
    }
}

#[test]
fn who_has_another_subscription_loses_the_access_to_that_plan_alone() {
    let renderer = Renderer::new(None).unwrap();
    for (locale, whole, part) in [
        (Locale::Fr, "Votre accès au service", "Votre accès à l’offre « Pro » est maintenant"),
        (Locale::En, "Your access to the service", "Your access to Pro is now suspended"),
    ] {
        let content = example(Template::TrialEnded, locale, &company());
        let mut content = with_trial(content, AfterTrial::Suspended);
        for suspended in [true, false] {
            content.tenant_suspended = suspended;
            let read = plain(&renderer, &content);
            let html = read.html.replace("&nbsp;", " ");
            for words in [&read.text, &html] {
                assert_eq!(words.contains(whole), suspended, "{words}");
                assert_eq!(words.contains(part), !suspended, "{words}");
            }
        }
    }
}

#[test]
fn a_email_of_a_trial_reads_well_whatever_follows_it() {
    let renderer = Renderer::new(None).unwrap();
    for (template, locale) in every_email() {
        if !matches!(template, Template::TrialEnding | Template::TrialEnded) {
            continue;
        }
        for after in [AfterTrial::Suspended, AfterTrial::Converted, AfterTrial::Canceled] {
            for (suspended, quantity) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
                let mut content = with_trial(example(template, locale, &Company::default()), after);
                content.tenant_suspended = suspended;
                content.trial.as_mut().unwrap().quantity = quantity;
                let read = plain(&renderer, &content);
                let about = format!("{template} {locale} {after:?}\n{}", read.text);
                for gap in ["\n\n\n", "  ", " .", " ,", "..", "« »", "none", "{", "undefined"] {
                    assert!(!read.text.contains(gap), "{gap:?} in {about}");
                }
                assert!(!read.html.contains("\"></p>") && !read.html.contains("> </"), "{about}");
                let units = read.text.contains("unit");
                assert_eq!(units, quantity > 1 && after != AfterTrial::Canceled, "{about}");
            }
        }
        let mut content = example(template, locale, &company());
        content.trial.as_mut().unwrap().plan = "<b>&\"".into();
        let read = plain(&renderer, &content);
        assert!(read.text.contains("<b>&\"") && read.subject.contains("<b>&\""));
        assert!(read.html.contains("&lt;b&gt;&amp;&quot;") && !read.html.contains("<b>"));
        content.trial = None;
        assert!(matches!(
            renderer.render(&content).unwrap_err().of(),
            Some(Undeliverable::Template { .. })
        ));
    }
}

#[test]
fn what_a_tenant_is_called_is_text_and_no_markup() {
    let renderer = Renderer::new(None).unwrap();
    for (template, locale) in every_email() {
        let mut content = example(template, locale, &company());
        content.tenant_name = "<b>&\"".into();
        let read = plain(&renderer, &content);
        assert!(read.text.contains("<b>&\""));
        assert!(read.html.contains("&lt;b&gt;&amp;&quot;") && !read.html.contains("<b>"));
    }
}

/// A folder with that file.
fn folder(name: &str, source: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), source).unwrap();
    folder
}

#[test]
fn an_operators_template_takes_the_place_of_the_built_in_one() {
    let own =
        "Subject: {{ tenant }}\r\n\r\nCher client,\r\nvous devez {{ totals[0] | amount }}.\r\n";
    let folder = folder("friendly.fr.txt", own);
    let renderer = Renderer::new(Some(folder.path())).unwrap();
    let mut content = with_overdue(example(Template::Friendly, Locale::Fr, &company()), 1);
    content.tenant_name = "a\nBcc: b\u{2028}c".into();
    let read = plain(&renderer, &content);
    assert_eq!(read.subject, "a Bcc: b c");
    assert_eq!(read.text, "Cher client,\nvous devez 15 000 F CFA.\n");
    assert!(read.html.contains("<html lang=\"fr\">"), "the HTML is still the built-in one");
}

#[test]
fn a_broken_template_is_named_with_its_line() {
    for (name, source, line, words) in [
        ("urgent.fr.txt", "Subject: a\n\n{% if %}\n", "line 3", "syntax error"),
        ("urgent.fr.txt", "Subject: a\n\n\n{{ tenant_nam }}\n", "line 4", "undefined"),
        ("urgent.fr.html", "<p>{{ today | amount }}</p>", "line 1", "amounts"),
        ("urgent.fr.txt", "Bonjour", "line 1", "Subject:"),
        ("urgent.fr.txt", "Subject: \n\nBonjour", "line 1", "empty"),
        ("urgent.fr.txt", "Subject: a\nBonjour", "line 2", "empty line"),
        ("part_pay.en.txt", "a\n{{ company.iban }}", "line 2", "undefined"),
    ] {
        let folder = folder(name, source);
        let refusal = Renderer::new(Some(folder.path())).unwrap_err();
        let Some(Undeliverable::Template { name: shown, message }) = refusal.of() else {
            panic!("{source:?}")
        };
        assert_eq!(*shown, folder.path().join(name).display().to_string(), "{message}");
        assert!(message.contains(line) && message.contains(words), "{source:?}: {message}");
    }
    let nowhere = Renderer::new(Some(Path::new("/nonexistent/templates")));
    assert!(matches!(nowhere, Err(Refusal::File { .. })));
}

#[test]
fn a_subject_is_one_line() {
    assert_eq!(one_line("  a\tb\u{2028}c  "), "a b c");
    assert_eq!(tidy("\r\n\r\nText \n\n\n\nmore"), "Text\n\nmore\n");
}

#[test]
fn a_list_of_thousands_names_the_newest_hundred_and_how_many_more() {
    let renderer = Renderer::new(None).unwrap();
    for (locale, all, more, one_more) in [
        (Locale::Fr, "les 9 300 factures", "et 9 200 factures plus anciennes", "et 1 facture plus"),
        (Locale::En, "the 9,300 invoices", "and 9,200 older invoices", "and 1 older invoice"),
    ] {
        let mut content = example(Template::Friendly, locale, &company());
        content.overdue =
            (1..=9_300).rev().map(|n| listed(&format!("INV-{n}"), n, 1, "XOF")).collect();
        let read = plain(&renderer, &content);
        for part in [&read.text, &read.html] {
            let part = part.replace(['\u{a0}', '\u{202f}'], " ");
            assert!(part.contains(all) && part.contains(more), "{part}");
            assert!(part.contains("INV-100") && !part.contains("INV-101"), "{part}");
            assert!(part.len() < 100_000, "{}", part.len());
        }
        assert!(read.subject.replace(['\u{a0}', '\u{202f}'], " ").contains(&all[4..9]));
        content.overdue.truncate(101);
        assert!(plain(&renderer, &content).text.contains(one_more));
    }
}

/// A test's thread has a quarter of the stack of a run.
#[test]
fn a_template_that_does_not_end_is_refused() {
    let deep = format!("{}x{}", "{% if true %}".repeat(140), "{% endif %}".repeat(140));
    for body in [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ tenant }}{% endfor %}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% include 'friendly.en.txt' %}",
        "{% macro a(n) %}{% if n %}{{ a(n) }}{{ a(n) }}{% endif %}{% endmacro %}{{ a(1) }}",
        "{% for x in [[[]]] recursive %}{{ loop([x]) }}{% endfor %}",
        "{{ tenant | left(9999999999) }}",
        "{{ 'x' * 9999999999 }}",
    ] {
        let templates = folder("friendly.en.txt", &format!("Subject: a\n\n{body}\n"));
        let refused = Renderer::new(Some(templates.path())).expect_err(body);
        let refused = format!("{refused:?}");
        assert!(refused.contains("friendly.en.txt") && refused.len() < 2_000, "{body}: {refused}");
    }
    // Deep, and with an end.
    let templates = folder("friendly.en.txt", &format!("Subject: a\n\n{deep}\n"));
    assert!(Renderer::new(Some(templates.path())).is_ok());
}

/// The text of an e-mail in one of its cases.
fn text(template: Template, locale: Locale, case: Option<Variant>) -> String {
    plain(&Renderer::new(None).unwrap(), &variant(template, locale, &company(), case)).text
}

#[test]
fn the_words_are_right_for_the_case() {
    use Template as T;
    for (template, case, fr, en) in [
        (T::Friendly, None, "Il s’agit sans doute d’un simple oubli", "have slipped your mind"),
        (T::Friendly, Some(Variant::Suspended), "votre accès reste suspendu", "remains suspended"),
        (T::Warning, None, "factures ci-dessous, échues, restent impayées", "below are overdue"),
        (
            T::Suspension,
            None,
            "à compter de ce jour, 15 mars 2026",
            "was suspended on 15 March 2026",
        ),
        (
            T::PaymentFailed,
            None,
            "motif : provision insuffisante. Aucun montant n’a été débité.\n\nNous réessaierons le \
             16 mars 2026.",
            "(insufficient funds). You have not been charged.\n\nWe will try again on 16 March 2026.",
        ),
        (T::PaymentFailed, Some(Variant::Declined), "motif : carte expirée", "(card expired)"),
        (
            T::Invoice,
            Some(Variant::Pending),
            "en cours de prélèvement (Wave) ; vous n’avez rien à faire.",
            "We are collecting this amount by Wave; you need not do anything.",
        ),
        (T::TrialEnding, Some(Variant::Converted), "se poursuit automatiquement", "continues auto"),
        (T::TrialEnded, Some(Variant::Converted), "se poursuit", "your subscription continues"),
        (T::TrialEnded, Some(Variant::Canceled), "a pris fin avec lui", "as you asked"),
        (T::PaymentReceived, None, "Moyen de paiement :   virement", "bank transfer"),
    ] {
        for (locale, words) in [(Locale::Fr, fr), (Locale::En, en)] {
            let read = text(template, locale, case);
            assert!(read.contains(words), "{words}\n{read}");
        }
    }
    for case in [Variant::Suspended, Variant::Declined] {
        for (locale, excuse) in [(Locale::Fr, "oubli"), (Locale::En, "slipped")] {
            assert!(!text(T::Friendly, locale, Some(case)).contains(excuse));
        }
    }
    for locale in Locale::ALL {
        let read = text(T::Invoice, *locale, Some(Variant::Pending));
        assert!(
            !read.contains("IBAN")
                && !read.contains("au plus tard")
                && !read.contains("be paid by")
        );
        assert!(!text(T::PaymentFailed, *locale, None).to_lowercase().contains("prélèvement"));
    }
    let mut content = example(T::Suspension, Locale::Fr, &company());
    content.suspended_on = Some(day(2026, 3, 14));
    let read = plain(&Renderer::new(None).unwrap(), &content);
    assert!(read.text.contains("est suspendu depuis le 14 mars 2026"), "{}", read.text);
}

#[test]
fn sums_numbers_and_countries_are_called_as_where_the_seller_is() {
    let renderer = Renderer::new(None).unwrap();
    let british = Company {
        country: Some("GB".into()),
        tax_id: Some("GB 123".into()),
        registration: Some("Registered in England No. 1".into()),
        ..company()
    };
    let read = plain(&renderer, &example(Template::Invoice, Locale::En, &british));
    for words in [
        "United Kingdom",
        "VAT no. GB 123",
        "\nRegistered in England",
        "Total excluding VAT",
        "VAT (18%)",
    ] {
        assert!(
            read.text.contains(words) && read.html.contains(words.trim()),
            "{words}\n{}",
            read.text
        );
    }
    let french =
        Company { country: Some("FR".into()), tax_id: Some("FR 32 1".into()), ..company() };
    let read = plain(&renderer, &example(Template::Invoice, Locale::Fr, &french));
    for words in
        ["France", "N° TVA intracommunautaire : FR 32 1", "Total HT", "TVA 18 %", "Total TTC"]
    {
        assert!(read.text.contains(words) && read.html.contains(words), "{words}\n{}", read.text);
    }
    assert!(!read.text.contains("Total HT net") && !read.text.contains("Identifiant"));
}

#[test]
fn a_period_is_told_once() {
    let read = text(Template::Invoice, Locale::Fr, None);
    assert_eq!(read.matches("du 15 mars au 13 avril 2026").count(), 1, "{read}");
}

/// A mail program breaks lines of plain text, of HTML and of subjects where there is a plain space.
#[test]
fn no_line_breaks_before_a_mark_or_within_an_amount() {
    let renderer = Renderer::new(None).unwrap();
    let cases = || Variant::ALL.iter().map(|case| Some(*case)).chain([None]);
    for ((template, locale), case) in every_email().flat_map(|e| cases().map(move |c| (e, c))) {
        // What the operator writes is the operator's.
        let company = Company { how_to_pay: None, ..company() };
        let mut content = variant(template, locale, &company, case);
        if let Some(invoice) = &mut content.invoice {
            invoice.lines[1].description = "Pro (au prorata : 17 jours sur 31)".into();
            invoice.discount = Money::from_minor(1, Currency::XOF);
        }
        let read = renderer.render(&content).unwrap();
        let body = read.html.split("</style>").nth(1).unwrap();
        let words = between_tags(body);
        for part in [&read.subject, &read.text, &words] {
            let part = part.replace("1 000 000 F CFA", "");
            for broken in ["0 F", "F CFA", "0 €", "0 %"] {
                assert!(!part.contains(broken), "{template} {locale}: {broken:?}\n{part}");
            }
            if locale == Locale::Fr {
                for mark in [" :", " ;", " ?", " !", "« ", " »"] {
                    assert!(!part.contains(mark), "{template}: {mark:?}\n{part}");
                }
            }
        }
    }
}

fn between_tags(html: &str) -> String {
    html.split('<').filter_map(|part| part.split_once('>')).map(|(_, words)| words).collect()
}

#[test]
fn a_template_can_tell_what_is_left_after_the_discount() {
    let source = "Subject: {{ invoice.net | amount }}\n\n{{ invoice.subtotal }}\n";
    let templates = folder("invoice.en.txt", source);
    let renderer = Renderer::new(Some(templates.path())).unwrap();
    let mut content = example(Template::Invoice, Locale::En, &company());
    let invoice = content.invoice.as_mut().unwrap();
    invoice.discount = Money::from_minor(5_000, Currency::XOF);
    invoice.total = Money::from_minor(40_000 + invoice.tax.minor(), Currency::XOF);
    assert_eq!(plain(&renderer, &content).subject, "40,000 F CFA");
}

#[test]
fn an_address_and_numbers_in_parts_are_told_as_one() {
    let renderer = Renderer::new(None).unwrap();
    let parts = Company {
        name: "Exemple SAS".into(),
        country: Some("FR".into()),
        street: Some("1 rue de la Paix".into()),
        postcode: Some("75002".into()),
        city: Some("Paris".into()),
        legal_id: Some("552100554".into()),
        vat_id: Some("FR96552100554".into()),
        iban: Some("FR7630006000011234567890189".into()),
        bic: Some("AGRIFRPP".into()),
        how_to_pay: Some(ByLanguage {
            fr: Some("Par virement".into()),
            en: Some("By transfer".into()),
        }),
        ..Company::default()
    };
    let read = plain(&renderer, &example(Template::Invoice, Locale::Fr, &parts));
    let address = "Exemple SAS\n1 rue de la Paix\n75002 Paris\nFrance\n\
                   SIREN : 552100554\nN° TVA intracommunautaire : FR96552100554\n";
    assert_eq!(read.text.matches(address).count(), 2, "{}", read.text);
    let account = "IBAN : FR76 3000 6000 0112 3456 7890 189\nBIC : AGRIFRPP\n";
    assert!(read.text.contains(account) && read.text.contains("Par virement"), "{}", read.text);
    assert!(read.html.contains("75002 Paris") && read.html.contains("BIC : AGRIFRPP"));
    // What the register's own text says already is not said again.
    let named = Company { registration: Some("RCS Paris 552 100 554".into()), ..parts.clone() };
    let read = plain(&renderer, &example(Template::Invoice, Locale::En, &named));
    assert!(read.text.contains("RCS Paris 552 100 554") && !read.text.contains("SIREN"));
    assert!(read.text.contains("By transfer") && read.text.contains("VAT no. FR96552100554"));
    let both = Company { registration: Some("SARL de presse".into()), ..parts };
    let read = plain(&renderer, &example(Template::Invoice, Locale::En, &both));
    assert!(read.text.contains("SARL de presse\nSIREN: 552100554\n"), "{}", read.text);
}

#[test]
fn an_invoice_without_tax_says_why() {
    let renderer = Renderer::new(None).unwrap();
    let french = Company { country: Some("FR".into()), ..company() };
    let mut content = example(Template::Invoice, Locale::Fr, &french);
    let tax =
        SellerTax { country: Some("FR"), category: TaxCategory::Exempt, ..SellerTax::default() };
    let treated = tax.treat(&OwnTax::default(), None, Locale::Fr);
    let invoice = content.invoice.as_mut().unwrap();
    (invoice.tax_rate, invoice.tax) = (treated.rate, Money::zero(Currency::XOF));
    (invoice.tax_category, invoice.tax_reason) = (Some(treated.category), treated.reason);
    let read = plain(&renderer, &content);
    for part in [&read.text, &read.html] {
        assert!(part.contains("TVA non applicable, art. 293 B du CGI"), "{part}");
        assert!(!part.contains("TVA 0") && !part.contains("Total HT"), "{part}");
    }
}

#[test]
fn a_french_invoice_to_a_business_tells_what_late_payment_costs() {
    let renderer = Renderer::new(None).unwrap();
    let french = Company { country: Some("FR".into()), ..company() };
    let told = |content: &Content| {
        let read = plain(&renderer, content);
        let told = read.text.contains("40 €");
        assert_eq!(read.html.contains("40 €"), told);
        told
    };
    let mut content = example(Template::Invoice, Locale::Fr, &french);
    assert!(told(&content));
    let text = plain(&renderer, &content).text;
    assert!(text.contains("majoré de 10 points.\n") && text.contains("\nPas d’escompte"), "{text}");
    content.legal_notes = Some(ByLanguage::same("Pénalités : 3 fois le taux légal."));
    assert!(!told(&content));
    assert!(plain(&renderer, &content).text.contains("\nPénalités : 3 fois le taux légal.\n"));
    content.legal_notes = Some(ByLanguage::same(""));
    assert!(!told(&content));
    content.legal_notes = None;
    content.buyer.kind = Some(CustomerKind::Consumer);
    assert!(!told(&content));
    assert!(!told(&example(Template::Invoice, Locale::Fr, &company())));
}

#[test]
fn an_invoice_with_tax_tells_what_is_in_it() {
    let renderer = Renderer::new(None).unwrap();
    for (locale, discount, told) in [
        (
            Locale::Fr,
            0,
            "Total HT                                        38 136 F CFA\n\
                         TVA 18 %                                         6 864 F CFA\n\
                         Total TTC                                       45 000 F CFA\n",
        ),
        (
            Locale::Fr,
            5_000,
            "Sous-total TTC                                  45 000 F CFA\n\
                             Remise                                          -5 000 F CFA\n\
                             Total HT                                        33 898 F CFA\n\
                             TVA 18 %                                         6 102 F CFA\n\
                             Total TTC                                       40 000 F CFA\n",
        ),
        (
            Locale::En,
            5_000,
            "Subtotal including VAT                          45,000 F CFA\n\
                             Discount                                        -5,000 F CFA\n\
                             Total excluding VAT                             33,898 F CFA\n\
                             VAT (18%)                                        6,102 F CFA\n\
                             Total                                           40,000 F CFA\n",
        ),
    ] {
        let senegalese = Company { country: Some("SN".into()), ..company() };
        let mut content = example(Template::Invoice, locale, &senegalese);
        let invoice = content.invoice.as_mut().unwrap();
        let total = Money::from_minor(45_000 - discount, Currency::XOF);
        let apart = TaxBasis::Inclusive.take_apart(total, 18.into()).unwrap();
        invoice.tax_basis = TaxBasis::Inclusive;
        (invoice.tax, invoice.total, invoice.due) = (apart.tax, total, total);
        invoice.discount = Money::from_minor(discount, Currency::XOF);
        let read = plain(&renderer, &content);
        assert!(read.text.contains(told), "{}", read.text);
        for label in told.lines().filter_map(|line| line.split("  ").next()) {
            assert!(read.html.contains(label), "{label}: {}", read.html);
        }
    }
}

#[test]
fn the_credit_that_pays_an_invoice_is_told() {
    let renderer = Renderer::new(None).unwrap();
    for (locale, label, left) in [
        (Locale::Fr, "Avoir imputé", "Il reste 43 100 F CFA à régler"),
        (Locale::En, "Credit applied", "43,100 F CFA is still to be paid"),
    ] {
        let mut content = example(Template::Invoice, locale, &company());
        assert!(!plain(&renderer, &content).text.contains(label));
        let invoice = content.invoice.as_mut().unwrap();
        invoice.credit_applied = Money::from_minor(10_000, Currency::XOF);
        invoice.due = invoice.total.minus(invoice.credit_applied).unwrap();
        let read = plain(&renderer, &content);
        assert!(read.text.contains(label) && read.text.contains(left), "{}", read.text);
        assert!(read.html.contains(label) && read.text.contains("-10"), "{}", read.html);
    }
}

/// Each e-mail that speaks of an invoice has the link to it, where there is a portal; where there is
/// none, nothing is said of it.
#[test]
fn what_speaks_of_an_invoice_links_to_it() {
    let (renderer, company) = (Renderer::new(None).unwrap(), Company::default());
    let link = "https://pay.example/in/EXAMPLE";
    for (template, locale) in
        Template::ALL.iter().flat_map(|t| Locale::ALL.iter().map(move |l| (*t, *l)))
    {
        // These are links themselves, and sent from a portal alone.
        if matches!(template, Template::PortalLink | Template::EmailConfirm) {
            continue;
        }
        let portal = ExamplePortal { base_url: "https://pay.example", pays: true };
        let content = at_portal(template, locale, &company, None, Some(portal));
        let speaks_of_one = content.template.stage().is_some()
            || matches!(
                template,
                Template::Invoice
                    | Template::CreditNote
                    | Template::PaymentFailed
                    | Template::PaymentReceived
            );
        let read = renderer.render(&content).unwrap();
        assert_eq!(read.text.contains(link), speaks_of_one, "{template} {locale}: {}", read.text);
        let button = format!("href=\"{}\"", link.replace('/', "&#x2f;"));
        assert_eq!(
            read.html.contains(&button),
            speaks_of_one,
            "{template} {locale}: {}",
            read.html
        );
        let without = renderer.render(&example(template, locale, &company)).unwrap();
        for said in [&without.text, &without.html] {
            assert!(!said.contains("/in/"), "{template}: {said}");
            assert!(!said.contains("Voir") && !said.contains("View"), "{template}: {said}");
        }
    }
}

/// A link says what can be done there.
#[test]
fn a_link_says_whether_the_invoice_can_be_paid_there() {
    let (renderer, company) = (Renderer::new(None).unwrap(), Company::default());
    let read = |template, pays, variant| {
        let portal = ExamplePortal { base_url: "https://pay.example", pays };
        let content = at_portal(template, Locale::En, &company, variant, Some(portal));
        renderer.render(&content).unwrap().text
    };
    for (template, pays, variant, says) in [
        (Template::Invoice, true, None, "View and pay the invoice:"),
        (Template::Invoice, false, None, "View the invoice:"),
        (Template::Invoice, true, Some(Variant::Pending), "View the invoice:"),
        (Template::PaymentReceived, true, None, "View the invoice:"),
        (Template::PaymentFailed, true, None, "View and pay the invoice:"),
        (Template::Warning, true, None, "View and pay:"),
        (Template::Warning, false, None, "View the invoices:"),
        (
            Template::Invoice,
            true,
            None,
            "To find out about other ways to pay, simply reply to this email.",
        ),
        (Template::Invoice, false, None, "To find out how to pay, simply reply to this email."),
    ] {
        let text = read(template, pays, variant);
        assert!(text.lines().any(|line| line == says), "{template}: {text}");
    }
}
