//! How amounts, dates and counts read in the language of an e-mail or a page.
//!
//! The spaces are plain ones, so that a text stays searchable and a column aligned; HTML keeps an
//! amount on one line by its style instead.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::calendar;
use super::email::Locale;
use super::money::{self, Currency, Money};
use super::plan::{Interval, IntervalUnit};
use super::price::{PartOf, Range};
use super::subscription::{Item, Terms};
use super::usage;

const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The amount as it is written in that language: `15 000 F CFA` and `49,90 €`, `15,000 F CFA` and
/// `€49.90`.
pub fn amount(money: Money, locale: Locale) -> String {
    written(&money.major(), money.currency(), locale)
}

/// The same of a number of major units that may have more decimals than the currency: `0,0004 €`.
pub fn exact_amount(exact: Decimal, currency: Currency, locale: Locale) -> String {
    written(&money::major(exact, currency), currency, locale)
}

fn written(major: &str, currency: Currency, locale: Locale) -> String {
    let (sign, digits) = match major.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", major),
    };
    let number = number(digits, locale);
    match (currency.code(), locale) {
        // Both francs are called so by those who pay in them.
        ("XOF" | "XAF", _) => format!("{sign}{number} F CFA"),
        ("EUR", Locale::Fr) => format!("{sign}{number} €"),
        ("EUR", Locale::En) => format!("{sign}€{number}"),
        ("USD", Locale::En) => format!("{sign}${number}"),
        ("GBP", Locale::En) => format!("{sign}£{number}"),
        (code, _) => format!("{sign}{number} {code}"),
    }
}

/// The number as it is written in that language, its thousands apart: of `-1234.5`, `-1 234,5` and
/// `-1,234.5`.
pub fn number(plain: &str, locale: Locale) -> String {
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain),
    };
    let (group, point) = match locale {
        Locale::Fr => (' ', ','),
        Locale::En => (',', '.'),
    };
    match digits.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}{point}{fraction}", grouped(whole, group)),
        None => format!("{sign}{}", grouped(digits, group)),
    }
}

/// A number as people write it in that language, with a point and without what sets its thousands
/// apart: of `2 395,20` in French and `2,395.20` in English, `2395.20`. What is written otherwise
/// stays as it is.
pub fn plain_number(text: &str, locale: Locale) -> Cow<'_, str> {
    let (is_group, point): (fn(char) -> bool, char) = match locale {
        // Plain, no-break and narrow no-break: which one was copied is not to be seen.
        Locale::Fr => (|c| matches!(c, ' ' | '\u{a0}' | '\u{202f}'), ','),
        Locale::En => (|c| c == ',', '.'),
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = match digits.split_once([point, '.']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let mut groups = whole.split(is_group);
    let first = groups.next().unwrap_or_default();
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    // `1,25` is no thousand: who types it in English may well mean 1.25.
    let in_threes = groups.clone().all(|group| group.len() == 3 && all_digits(group))
        && (whole.len() == first.len() || first.len() <= 3);
    if !all_digits(first) || !in_threes || !fraction.is_none_or(all_digits) {
        return Cow::Borrowed(text);
    }
    let whole: String = std::iter::once(first).chain(groups).collect();
    let fraction = fraction.map_or_else(String::new, |fraction| format!(".{fraction}"));
    Cow::Owned(format!("{sign}{whole}{fraction}"))
}

/// The digits in groups of three.
fn grouped(digits: &str, separator: char) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// The date in full: `1er mars 2026`, `1 March 2026`.
pub fn date(date: NaiveDate, locale: Locale) -> String {
    let (day, month, year) = (date.day(), date.month0() as usize, date.year());
    match locale {
        // French counts only the first of a month in ordinals.
        Locale::Fr if day == 1 => format!("1er {} {year}", MONTHS_FR[month]),
        Locale::Fr => format!("{day} {} {year}", MONTHS_FR[month]),
        Locale::En => format!("{day} {} {year}", MONTHS_EN[month]),
    }
}

/// A half-open period as its first and last day, without saying month or year twice: `du 1er au
/// 31 mars 2026`, `15 March to 14 April 2026`; one day alone as that day.
pub fn period((start, end): (NaiveDate, NaiveDate), locale: Locale) -> String {
    let last = end.pred_opt().unwrap_or(end).max(start);
    let (from, to) = (date(start, locale), date(last, locale));
    let same_year = start.year() == last.year();
    // Day, month and year, in both languages.
    let parts = match (same_year, same_year && start.month() == last.month()) {
        (_, true) => 1,
        (true, _) => 2,
        _ => 3,
    };
    let from_in_short = from.split(' ').take(parts).collect::<Vec<_>>().join(" ");
    match locale {
        _ if start == last => from,
        Locale::Fr => format!("du {from_in_short} au {to}"),
        Locale::En => format!("{from_in_short} to {to}"),
    }
}

/// A number of a bank in groups of four, as people copy it: `FR76 3000 6000`.
pub fn in_fours(number: &str) -> String {
    let mut grouped = String::with_capacity(number.len() + number.len() / 4);
    for (place, letter) in number.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            grouped.push(' ');
        }
        grouped.push(letter);
    }
    grouped
}

/// The text without a place where a line could be broken: a mail program breaks lines of plain text
/// and of subjects too, and an amount has to stay beside its currency.
pub fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// What the one line of an invoice says whose lines are not known.
pub fn whole_invoice(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "Montant total, sans détail",
        Locale::En => "Whole amount, without details",
    }
}

/// So many days: `1 jour`, `2 jours`, `1 day`, `0 days`.
pub fn days(count: i64, locale: Locale) -> String {
    let word = match locale {
        // In French the plural begins at two: 0 jour.
        Locale::Fr if count.abs() < 2 => "jour",
        Locale::Fr => "jours",
        Locale::En if count.abs() == 1 => "day",
        Locale::En => "days",
    };
    format!("{count} {word}")
}

/// How often a price is due: `par mois`, `tous les 2 ans`, `per month`, `every 2 years`.
pub fn interval(interval: Interval, locale: Locale) -> String {
    let Interval { unit, count } = interval;
    match (locale, unit) {
        (Locale::Fr, IntervalUnit::Month) if count == 1 => "par mois".into(),
        (Locale::Fr, IntervalUnit::Month) => format!("tous les {count} mois"),
        (Locale::Fr, IntervalUnit::Year) if count == 1 => "par an".into(),
        (Locale::Fr, IntervalUnit::Year) => format!("tous les {count} ans"),
        (Locale::En, IntervalUnit::Month) if count == 1 => "per month".into(),
        (Locale::En, IntervalUnit::Month) => format!("every {count} months"),
        (Locale::En, IntervalUnit::Year) if count == 1 => "per year".into(),
        (Locale::En, IntervalUnit::Year) => format!("every {count} years"),
    }
}

/// What an invoice line says of a plan that is billed for so many days of a longer period:
/// `Pro (au prorata : 17 jours sur 31)`, `Pro (prorated: 17 of 31 days)`.
///
/// A plan's name has at most 200 characters, so that the text stays well within the 500 of a line.
pub fn prorated(plan: &str, count: i64, of: i64, locale: Locale) -> String {
    match locale {
        Locale::Fr => format!("{plan} (au prorata : {} sur {of})", days(count, locale)),
        Locale::En => format!("{plan} (prorated: {count} of {})", days(of, locale)),
    }
}

/// What an invoice line says of a part of what a plan comes to: `Pro, de 1 à 10`, `Pro, 1 to 10`. The
/// texts are short, as that of [`prorated`].
pub fn part(plan: &str, of: PartOf, locale: Locale) -> String {
    let is_french = locale == Locale::Fr;
    let says = match of {
        PartOf::Whole => return plan.to_owned(),
        PartOf::Included if is_french => "inclus".to_owned(),
        PartOf::Included => "included".to_owned(),
        PartOf::Units(range) => units(range, locale),
        PartOf::Packages { size } => {
            let size = number(&size.to_string(), locale);
            if is_french { format!("lots de {size}") } else { format!("packages of {size}") }
        }
        PartOf::FlatFee(range) => {
            let fee = if is_french { "forfait" } else { "flat fee" };
            range.map_or_else(|| fee.to_owned(), |range| format!("{fee} {}", units(range, locale)))
        }
        PartOf::Percent(rate) => percent(&rate.normalize().to_string(), locale),
        PartOf::Minimum if is_french => "complément au minimum".to_owned(),
        PartOf::Minimum => "up to the minimum".to_owned(),
    };
    format!("{plan}, {says}")
}

/// What an invoice line says of usage: as [`part`], and of what came after the rest had been billed.
pub fn usage(meter: &str, of: usage::Of, locale: Locale) -> String {
    match (of, locale) {
        (usage::Of::Part(of), _) => part(meter, of, locale),
        (usage::Of::Late, Locale::Fr) => format!("{meter}, complément de consommation"),
        (usage::Of::Late, Locale::En) => format!("{meter}, additional usage"),
    }
}

/// Which units: `de 1 à 10`, `à partir de 11`, `1 to 10`, `from 11`.
fn units(Range { first, last }: Range, locale: Locale) -> String {
    let first = number(&first.to_string(), locale);
    let last = last.map(|last| number(&last.to_string(), locale));
    match (last, locale) {
        (Some(last), Locale::Fr) => format!("de {first} à {last}"),
        (Some(last), Locale::En) => format!("{first} to {last}"),
        (None, Locale::Fr) => format!("à partir de {first}"),
        (None, Locale::En) => format!("from {first}"),
    }
}

/// What an invoice line says of terms that changed in the middle of a period: `Pro au lieu de Basic`,
/// `Pro instead of Basic`, `5 × Pro instead of 2`. The rest of the period is said, too.
pub fn changed(old: &Terms, new: &Terms, rest: (NaiveDate, NaiveDate), locale: Locale) -> String {
    let mut says: Vec<String> = Vec::new();
    for item in new.items.iter() {
        says.extend(match old.items.same(item) {
            None => Some(match locale {
                Locale::Fr => format!("{} en plus", several(item)),
                Locale::En => format!("{} added", several(item)),
            }),
            Some(before) => instead(before, item, locale),
        });
    }
    for gone in old.items.iter().filter(|item| new.items.same(item).is_none()) {
        says.push(match locale {
            Locale::Fr => format!("sans {}", several(gone)),
            Locale::En => format!("without {}", several(gone)),
        });
    }
    let rest = period(rest, locale);
    // Of many items that changed at once, and of names of 200 characters, a line has no room.
    let all = says.join(", ");
    match all.chars().count() {
        ..=LONGEST_CHANGE => format!("{all}, {rest}"),
        _ => match locale {
            Locale::Fr => format!("changement d’abonnement, {rest}"),
            Locale::En => format!("change of subscription, {rest}"),
        },
    }
}

/// What a credit note says of the rest of a period that is paused.
pub fn paused(rest: (NaiveDate, NaiveDate), locale: Locale) -> String {
    let rest = period(rest, locale);
    match locale {
        Locale::Fr => format!("abonnement en pause, {rest}"),
        Locale::En => format!("subscription paused, {rest}"),
    }
}

/// What a credit note says of the rest of a period whose subscription ended.
pub fn canceled(rest: (NaiveDate, NaiveDate), locale: Locale) -> String {
    let rest = period(rest, locale);
    match locale {
        Locale::Fr => format!("abonnement résilié, {rest}"),
        Locale::En => format!("subscription canceled, {rest}"),
    }
}

/// A line has 500 characters, of which the period takes some.
const LONGEST_CHANGE: usize = 440;

/// What an item is now, instead of what it was; `None` where it is what it was.
fn instead(before: &Item, now: &Item, locale: Locale) -> Option<String> {
    let of = match locale {
        Locale::Fr => "au lieu de",
        Locale::En => "instead of",
    };
    let same_plan = before.plan_id == now.plan_id;
    match (same_plan, before.quantity == now.quantity) {
        (true, true) => None,
        (true, false) => {
            Some(format!("{} × {} {of} {}", now.quantity, now.plan_name, before.quantity))
        }
        (false, _) => Some(format!("{} {of} {}", several(now), several(before))),
    }
}

/// So many of a plan: `3 × Pro`; one of it by its name alone.
fn several(item: &Item) -> String {
    match item.quantity {
        1 => item.plan_name.clone(),
        several => format!("{several} × {}", item.plan_name),
    }
}

/// What an invoice line is called where nobody said what it is for.
pub fn services(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "Prestations",
        Locale::En => "Services",
    }
}

/// A text of ours in French, with its spaces before `:`, `;`, `?`, `!` and inside the quotes kept.
pub fn typographic(text: &str, locale: Locale) -> String {
    if locale != Locale::Fr {
        return text.to_owned();
    }
    let mut kept = text.replace("« ", "«\u{a0}");
    for mark in [':', ';', '?', '!', '»', '%'] {
        kept = kept.replace(&format!(" {mark}"), &format!("\u{a0}{mark}"));
    }
    kept
}

/// A percentage that is written with a decimal point, in that language: `5,5 %`, `5.5%`.
pub fn percent(number: &str, locale: Locale) -> String {
    match locale {
        Locale::Fr => format!("{} %", number.replace('.', ",")),
        Locale::En => format!("{number}%"),
    }
}

/// The kind of a payment method in words; `None` where it says nothing.
pub fn method(kind: &str, locale: Locale) -> Option<String> {
    let words = match (kind, locale) {
        ("card", Locale::Fr) => "carte bancaire",
        ("card", Locale::En) => "card",
        ("mobile_money", Locale::Fr) => "mobile money",
        ("mobile_money", Locale::En) => "mobile money",
        ("bank_transfer", Locale::Fr) => "prélèvement bancaire",
        ("bank_transfer", Locale::En) => "bank account",
        _ => return None,
    };
    Some(words.to_owned())
}

/// Why a customer is suspended, in words: the reasons that this program gives, in that language; what
/// a person wrote stays.
pub fn suspension(reason: &str, locale: Locale) -> String {
    if locale == Locale::En {
        return reason.to_owned();
    }
    let overdue = reason.strip_prefix("invoice ").and_then(|rest| {
        let (number, rest) = rest.rsplit_once(" is ")?;
        let count: i64 = rest.strip_suffix(" days overdue")?.parse().ok()?;
        Some(format!("facture {number} échue depuis {}", days(count, locale)))
    });
    let trial = reason.strip_prefix("the trial of ").and_then(|rest| {
        let (plan, day) = rest.rsplit_once(" ended on ")?;
        let ended = date(calendar::parse_date(day).ok()?, locale);
        Some(format!("essai de l’offre « {plan} » terminé le {ended}"))
    });
    match (overdue.or(trial), reason) {
        (Some(words), _) => typographic(&words, locale),
        (None, "imported as suspended") => "importé comme suspendu".to_owned(),
        (None, reason) => reason.to_owned(),
    }
}

/// How a payment was made, in words, where it is one of those that are met most.
pub fn paid_by(method: &str, locale: Locale) -> Option<&'static str> {
    let (fr, en) = match method {
        "transfer" | "bank_transfer" => ("virement", "bank transfer"),
        "card" => ("carte bancaire", "card"),
        "mobile_money" => ("mobile money", "mobile money"),
        "cash" => ("espèces", "cash"),
        "cheque" | "check" => ("chèque", "cheque"),
        _ => return None,
    };
    Some(match locale {
        Locale::Fr => fr,
        Locale::En => en,
    })
}

/// Why a charge was declined, in words; `None` for a code that is not known.
pub fn decline(code: &str, locale: Locale) -> Option<&'static str> {
    let (_, en, fr) = DECLINES.iter().find(|(known, _, _)| *known == code)?;
    Some(match locale {
        Locale::Fr => fr,
        Locale::En => en,
    })
}

/// This program's own codes, and those of Stripe that are met most: in English, in French.
const DECLINES: &[(&str, &str, &str)] = &[
    ("declined", "declined", "refusé"),
    ("generic_decline", "declined, no reason given", "refusé sans motif"),
    ("card_declined", "card declined", "carte refusée"),
    ("do_not_honor", "declined by the bank", "refusé par la banque"),
    ("insufficient_funds", "insufficient funds", "provision insuffisante"),
    ("expired_card", "card expired", "carte expirée"),
    ("lost_card", "card reported lost", "carte déclarée perdue"),
    ("stolen_card", "card reported stolen", "carte déclarée volée"),
    ("restricted_card", "card restricted", "carte restreinte"),
    ("card_not_supported", "card not supported", "carte non acceptée"),
    ("incorrect_number", "wrong card number", "numéro de carte erroné"),
    ("incorrect_cvc", "wrong security code", "cryptogramme erroné"),
    ("fraudulent", "suspected fraud", "soupçon de fraude"),
    ("authentication_required", "authentication required", "authentification requise"),
    ("account_closed", "account closed", "compte clos"),
    ("no_account", "no such account", "compte inexistant"),
    ("processing_error", "processing error", "erreur de traitement"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::from_minor(minor, code.parse().unwrap())
    }

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn a_part_of_a_price_says_what_it_is_for() {
        let (low, high) = (Range { first: 1, last: Some(1000) }, Range { first: 1001, last: None });
        for (of, french, english) in [
            (PartOf::Whole, "Pro", "Pro"),
            (PartOf::Included, "Pro, inclus", "Pro, included"),
            (PartOf::Units(low), "Pro, de 1 à 1 000", "Pro, 1 to 1,000"),
            (PartOf::Units(high), "Pro, à partir de 1 001", "Pro, from 1,001"),
            (PartOf::Packages { size: 10 }, "Pro, lots de 10", "Pro, packages of 10"),
            (PartOf::FlatFee(None), "Pro, forfait", "Pro, flat fee"),
            (PartOf::FlatFee(Some(low)), "Pro, forfait de 1 à 1 000", "Pro, flat fee 1 to 1,000"),
            (PartOf::Minimum, "Pro, complément au minimum", "Pro, up to the minimum"),
        ] {
            assert_eq!(part("Pro", of, Locale::Fr), french);
            assert_eq!(part("Pro", of, Locale::En), english);
        }
    }

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for plain in ["0", "7.50", "999", "1000", "2395.20", "1234567.89", "-1234.5"] {
            for locale in [Locale::Fr, Locale::En] {
                assert_eq!(plain_number(&number(plain, locale), locale), plain, "{locale:?}");
                assert_eq!(plain_number(plain, locale), plain, "{locale:?}");
            }
        }
        for (typed, fr, en) in [
            ("2\u{a0}395,20", "2395.20", "2\u{a0}395,20"),
            ("2\u{202f}395", "2395", "2\u{202f}395"),
            ("12,5", "12.5", "12,5"),
            ("1,250", "1.250", "1250"),
            ("1,250.5", "1,250.5", "1250.5"),
            ("1.250", "1.250", "1.250"),
            ("12 34", "12 34", "12 34"),
            ("1234 567", "1234 567", "1234 567"),
            (" 5", " 5", " 5"),
            ("5,", "5,", "5,"),
            ("abc", "abc", "abc"),
            ("", "", ""),
        ] {
            assert_eq!(plain_number(typed, Locale::Fr), fr, "{typed}");
            assert_eq!(plain_number(typed, Locale::En), en, "{typed}");
        }
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        for (minor, code, fr, en) in [
            (15_000, "XOF", "15 000 F CFA", "15,000 F CFA"),
            (999, "XAF", "999 F CFA", "999 F CFA"),
            (1_234_567, "XOF", "1 234 567 F CFA", "1,234,567 F CFA"),
            (0, "XOF", "0 F CFA", "0 F CFA"),
            (4_990, "EUR", "49,90 €", "€49.90"),
            (5, "EUR", "0,05 €", "€0.05"),
            (123_450, "EUR", "1 234,50 €", "€1,234.50"),
            (-4_990, "EUR", "-49,90 €", "-€49.90"),
            (-15_000, "XOF", "-15 000 F CFA", "-15,000 F CFA"),
            (123_450, "USD", "1 234,50 USD", "$1,234.50"),
            (123_450, "GBP", "1 234,50 GBP", "£1,234.50"),
            (123_450, "CAD", "1 234,50 CAD", "1,234.50 CAD"),
            (1_234_500, "KWD", "1 234,500 KWD", "1,234.500 KWD"),
            (123_456, "JPY", "123 456 JPY", "123,456 JPY"),
        ] {
            assert_eq!(amount(money(minor, code), Locale::Fr), fr);
            assert_eq!(amount(money(minor, code), Locale::En), en);
        }
        // A price may have more decimals than its currency, and never has fewer.
        let eur = "EUR".parse().unwrap();
        for (exact, fr) in [("0.0004", "0,0004 €"), ("1234.5", "1 234,50 €")] {
            assert_eq!(exact_amount(exact.parse().unwrap(), eur, Locale::Fr), fr);
        }
    }

    #[test]
    fn dates_read_as_people_write_them() {
        for (of, fr, en) in [
            (day(2026, 3, 1), "1er mars 2026", "1 March 2026"),
            (day(2026, 3, 15), "15 mars 2026", "15 March 2026"),
            (day(2028, 2, 29), "29 février 2028", "29 February 2028"),
            (day(2026, 8, 31), "31 août 2026", "31 August 2026"),
        ] {
            assert_eq!(date(of, Locale::Fr), fr);
            assert_eq!(date(of, Locale::En), en);
        }
    }

    #[test]
    fn a_period_is_told_by_its_first_and_last_day() {
        let march = (day(2026, 3, 1), day(2026, 4, 1));
        assert_eq!(period(march, Locale::Fr), "du 1er au 31 mars 2026");
        assert_eq!(period(march, Locale::En), "1 to 31 March 2026");
        let across = (day(2026, 3, 15), day(2026, 4, 15));
        assert_eq!(period(across, Locale::Fr), "du 15 mars au 14 avril 2026");
        let year = (day(2026, 12, 15), day(2027, 1, 15));
        assert_eq!(period(year, Locale::En), "15 December 2026 to 14 January 2027");
        let one_day = (day(2026, 3, 1), day(2026, 3, 2));
        assert_eq!(period(one_day, Locale::Fr), "1er mars 2026");
    }

    #[test]
    fn counts_agree_with_their_noun() {
        for (count, fr, en) in
            [(0, "0 jour", "0 days"), (1, "1 jour", "1 day"), (2, "2 jours", "2 days")]
        {
            assert_eq!(days(count, Locale::Fr), fr);
            assert_eq!(days(count, Locale::En), en);
        }
        assert_eq!(percent("5.5", Locale::Fr), "5,5 %");
        assert_eq!(percent("18", Locale::En), "18%");
    }

    #[test]
    fn an_interval_reads_as_a_price_is_told() {
        use IntervalUnit::{Month, Year};
        for (unit, count, fr, en) in [
            (Month, 1, "par mois", "per month"),
            (Month, 3, "tous les 3 mois", "every 3 months"),
            (Month, 12, "tous les 12 mois", "every 12 months"),
            (Year, 1, "par an", "per year"),
            (Year, 2, "tous les 2 ans", "every 2 years"),
        ] {
            assert_eq!(interval(Interval { unit, count }, Locale::Fr), fr);
            assert_eq!(interval(Interval { unit, count }, Locale::En), en);
        }
    }

    #[test]
    fn a_reason_of_suspension_is_told_in_the_language_of_the_page() {
        for (reason, fr) in [
            ("invoice INV-1 is 30 days overdue", "facture INV-1 échue depuis 30 jours"),
            (
                "the trial of Pro ended on 2026-03-01",
                "essai de l’offre «\u{a0}Pro\u{a0}» terminé le 1er mars 2026",
            ),
            ("imported as suspended", "importé comme suspendu"),
            ("invoice is wrong", "invoice is wrong"),
        ] {
            assert_eq!(suspension(reason, Locale::Fr), fr);
            assert_eq!(suspension(reason, Locale::En), reason);
        }
    }

    #[test]
    fn a_part_of_a_period_is_told_in_days() {
        for (count, of, fr, en) in [
            (17, 31, "Pro (au prorata : 17 jours sur 31)", "Pro (prorated: 17 of 31 days)"),
            (1, 31, "Pro (au prorata : 1 jour sur 31)", "Pro (prorated: 1 of 31 days)"),
            (364, 365, "Pro (au prorata : 364 jours sur 365)", "Pro (prorated: 364 of 365 days)"),
        ] {
            assert_eq!(prorated("Pro", count, of, Locale::Fr), fr);
            assert_eq!(prorated("Pro", count, of, Locale::En), en);
        }
        let longest = "é".repeat(200);
        for locale in Locale::ALL {
            let line = prorated(&longest, i64::MAX, i64::MAX, *locale);
            assert!(line.chars().count() <= 500, "{line}");
        }
    }
}
