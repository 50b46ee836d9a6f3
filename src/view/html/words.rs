//! Short dates, and the words of statuses, as pages show them.

use chrono::{Datelike, NaiveDate};

use crate::domain::calendar;
use crate::domain::email::Locale;
use crate::domain::wording;

const MONTHS_FR: [&str; 12] = [
    "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
    "déc.",
];
const MONTHS_EN: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month_name(date: NaiveDate, locale: Locale) -> &'static str {
    let month = date.month0() as usize;
    match locale {
        Locale::Fr => MONTHS_FR[month],
        Locale::En => MONTHS_EN[month],
    }
}

/// `23 nov.`, and as French counts the first of a month: `1er nov.`
fn day_of_month(date: NaiveDate, locale: Locale) -> String {
    let first = if locale == Locale::Fr && date.day() == 1 { "er" } else { "" };
    format!("{}{first}", date.day())
}

/// `23 nov. 2026`, `23 Nov 2026`.
pub fn day(date: NaiveDate, locale: Locale) -> String {
    format!("{} {}", day_of_month(date, locale), month(date, locale))
}

/// `nov. 2026`, `Nov 2026`.
pub fn month(date: NaiveDate, locale: Locale) -> String {
    format!("{} {}", month_name(date, locale), date.year())
}

/// The label of a chart: of a month `2026-11` its name, with the year where one begins; of a day
/// its day and month; anything else as it is.
pub fn short(text: &str, locale: Locale) -> String {
    if let Ok(date) = calendar::parse_date(text) {
        return format!("{} {}", day_of_month(date, locale), month_name(date, locale));
    }
    match calendar::parse_date(&format!("{text}-01")) {
        Ok(date) if date.month() == 1 => {
            format!("{} ’{:02}", month_name(date, locale), date.year().rem_euclid(100))
        }
        Ok(date) => month_name(date, locale).to_owned(),
        Err(_) => text.to_owned(),
    }
}

/// A word of the interface in words for people.
pub fn word(word: &str, locale: Locale) -> String {
    let known = WORDS.iter().find(|(known, _, _)| *known == word);
    match (known, locale) {
        (Some((_, en, _)), Locale::En) => (*en).to_owned(),
        (Some((_, _, fr)), Locale::Fr) => (*fr).to_owned(),
        (None, _) => match wording::decline(word, locale) {
            Some(words) => words.to_owned(),
            None => word.replace('_', " "),
        },
    }
}

/// The word, in English, in French.
const WORDS: &[(&str, &str, &str)] = &[
    ("active", "active", "actif"),
    ("suspended", "suspended", "suspendu"),
    ("closed", "closed", "clos"),
    ("trialing", "on trial", "à l’essai"),
    ("past_due", "past due", "en retard"),
    ("canceled", "canceled", "résilié"),
    ("draft", "draft", "brouillon"),
    ("open", "open", "ouverte"),
    ("overdue", "overdue", "en retard"),
    ("paid", "paid", "payée"),
    ("void", "void", "annulée"),
    ("uncollectible", "written off", "irrécouvrable"),
    ("pending", "pending", "en attente"),
    ("succeeded", "succeeded", "réussi"),
    ("failed", "failed", "échoué"),
    ("unknown", "unknown", "inconnu"),
    ("running", "running", "en cours"),
    ("ok", "ok", "ok"),
    ("partial", "partial", "partiel"),
    ("interrupted", "interrupted", "interrompu"),
    ("never run", "never run", "jamais lancé"),
    ("friendly", "friendly reminder", "rappel amical"),
    ("urgent", "urgent reminder", "rappel urgent"),
    ("warning", "notice of suspension", "avertissement"),
    ("suspension", "suspension", "suspension"),
    ("reactivation", "reactivation", "réactivation"),
    ("invoice", "invoice", "facture"),
    ("payment_failed", "payment failed", "échec de paiement"),
    ("payment_received", "payment received", "paiement reçu"),
    ("trial_ending", "trial ending", "fin d’essai proche"),
    ("trial_ended", "trial ended", "essai terminé"),
    ("price_change", "price change", "changement de prix"),
    ("portal_link", "link to the portal", "lien vers l’espace client"),
    ("email_confirm", "new address to be confirmed", "nouvelle adresse à confirmer"),
    ("email_changed", "address changed", "adresse modifiée"),
    ("payment", "payment", "paiement"),
    ("charge", "charge", "paiement automatique"),
    ("refund", "refund", "remboursement"),
    ("outside", "by hand", "à la main"),
    ("credited", "credited", "créditée"),
    ("credit_note", "credit note", "avoir"),
    ("duplicate", "duplicate", "doublon"),
    ("error", "error", "erreur"),
    ("cancellation", "cancellation", "annulation"),
    ("change", "change", "modification"),
    ("goodwill", "goodwill", "geste commercial"),
    ("correction", "correction", "correction"),
    ("manual", "by hand", "à la main"),
    ("trial", "trial", "essai"),
    ("month", "month", "mois"),
    ("year", "year", "an"),
    ("automatic", "automatic", "automatique"),
    ("card", "card", "carte"),
    ("mobile_money", "mobile money", "mobile money"),
    ("bank_transfer", "bank transfer", "virement"),
    ("other", "other", "autre"),
    ("cash", "cash", "espèces"),
    ("transfer", "transfer", "virement"),
    ("disputed", "disputed", "contesté"),
    ("promised", "payment promised", "paiement promis"),
    ("charge_pending", "charge without an outcome", "paiement sans issue connue"),
    ("before_start", "due before dunning starts", "échu avant le début des relances"),
    ("not_sent", "not sent to the gateway", "non transmis à la passerelle"),
    ("reversed", "taken back", "annulé"),
    ("overdue_rate_count", "overdue, of open invoices", "en retard, part des factures ouvertes"),
    ("overdue_rate_amount", "overdue, of the amount open", "en retard, part du montant ouvert"),
    ("days_to_collect", "days from issue to payment", "jours de l’émission au paiement"),
    ("recovery_rate", "recovered", "recouvré"),
    ("coupon_share", "checkouts with a coupon", "achats avec un code"),
    ("acquisition_cost", "cost of a new customer", "coût d’un nouveau client"),
    ("task_success_rate", "task runs that ended ok", "tâches menées à bien"),
    ("emails_sent", "e-mails sent", "e-mails envoyés"),
    ("emails_failed", "e-mails failed", "e-mails échoués"),
];
