//! How the values of billing.toml are read: each is checked where it stands, so that the error names its line.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::accounting::is_account_number;
use crate::domain::email::ByLanguage;
use crate::domain::invoice::NumberFormat;
use crate::domain::money::Minimums;
use crate::domain::party;
use crate::domain::payment_method::PendingDays;
use crate::domain::tax::TaxCategory;
use crate::domain::template::Company;
use crate::domain::{Currency, Result, calendar, text};

/// A value that is written as its word.
pub(super) fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = String>>(
    d: D,
) -> std::result::Result<T, D::Error> {
    let word = String::deserialize(d)?;
    word.parse().map_err(|why| serde::de::Error::custom(format!("{word:?} is {why}")))
}

/// The same of one that may be left out.
pub(super) fn parsed_or_none<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = String>>(
    d: D,
) -> std::result::Result<Option<T>, D::Error> {
    parsed(d).map(Some)
}

/// `https://HOST[:PORT]`, or `http://` to a loopback address: a secret is sent there.
pub(super) fn base_url<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    let url = String::deserialize(d)?;
    let bad = |why: &str| serde::de::Error::custom(format!("{url:?} {why}"));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
    let place = rest.strip_suffix('/').unwrap_or(rest);
    let is_place = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if !["https", "http"].contains(&scheme) || place.is_empty() || !place.chars().all(is_place) {
        return Err(bad("is no address such as https://api.stripe.com"));
    }
    if scheme == "http" && !is_loopback(place) {
        return Err(bad("would send the secret key in the clear: https is needed"));
    }
    Ok(url)
}

/// Whether `HOST[:PORT]` names a loopback address.
pub(super) fn is_loopback(place: &str) -> bool {
    use std::net::{IpAddr, SocketAddr};
    let bare = place.trim_start_matches('[').trim_end_matches(']');
    let ip = place.parse::<SocketAddr>().map(|address| address.ip());
    ip.or_else(|_| bare.parse::<IpAddr>()).is_ok_and(|ip| ip.is_loopback())
}

/// A currency, as [`Currency::typed`] says.
pub(super) fn currency<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Currency, D::Error> {
    let code = String::deserialize(d)?;
    let refused = |why| serde::de::Error::custom(format!("{code:?} is {why}"));
    Currency::typed(&code).map_err(refused)
}

/// A decimal number, as TOML's own or as a string.
pub(super) fn decimal_or_none<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Decimal>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Toml(Decimal),
    }
    let bad = |text: &str| serde::de::Error::custom(format!("{text:?} is no number such as 12.5"));
    match Written::deserialize(d) {
        Ok(Written::Toml(number)) => Ok(Some(number)),
        Ok(Written::Text(text)) => text::decimal(&text).map(Some).ok_or_else(|| bad(&text)),
        Err(_) => Err(serde::de::Error::custom("a number is written 12 or \"12.5\"")),
    }
}

pub(super) fn timezone<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Tz, D::Error> {
    let name = String::deserialize(d)?;
    name.parse().map_err(|_| {
        serde::de::Error::custom(format!("{name:?} is no time zone such as Africa/Dakar or UTC"))
    })
}

/// 0 to 3650 days.
pub(super) fn days<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<i64, D::Error> {
    let days = i64::deserialize(d)?;
    match days {
        0..=3650 => Ok(days),
        _ => Err(serde::de::Error::custom(format!("{days} does not lie between 0 and 3650 days"))),
    }
}

/// 0 to 1440 minutes.
pub(super) fn early_minutes<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<i64, D::Error> {
    let minutes = i64::deserialize(d)?;
    match minutes {
        0..=1440 => Ok(minutes),
        _ => {
            let says = format!("{minutes} does not lie between 0 and 1440 minutes");
            Err(serde::de::Error::custom(says))
        }
    }
}

/// 0 to 240 hours: less than any interval has.
pub(super) fn grace_hours<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<i64, D::Error> {
    let hours = i64::deserialize(d)?;
    match hours {
        0..=240 => Ok(hours),
        _ => Err(serde::de::Error::custom(format!("{hours} does not lie between 0 and 240 hours"))),
    }
}

/// A number of days for every kind of payment method, or a table of them by kind.
pub(super) fn days_by_kind<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<PendingDays, D::Error> {
    struct Written;

    impl<'de> Visitor<'de> for Written {
        type Value = PendingDays;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("days, or a table of them such as { card = 5, bank_transfer = 14 }")
        }

        fn visit_i64<E: serde::de::Error>(
            self,
            number: i64,
        ) -> std::result::Result<PendingDays, E> {
            days(number.into_deserializer()).map(PendingDays::all)
        }

        fn visit_map<M: MapAccess<'de>>(
            self,
            map: M,
        ) -> std::result::Result<PendingDays, M::Error> {
            #[derive(Deserialize)]
            #[serde(default, deny_unknown_fields)]
            struct ByKind {
                #[serde(deserialize_with = "days")]
                card: i64,
                #[serde(deserialize_with = "days")]
                mobile_money: i64,
                #[serde(deserialize_with = "days")]
                bank_transfer: i64,
                #[serde(deserialize_with = "days")]
                other: i64,
            }

            impl Default for ByKind {
                fn default() -> Self {
                    let PendingDays { card, mobile_money, bank_transfer, other } =
                        PendingDays::default();
                    ByKind { card, mobile_money, bank_transfer, other }
                }
            }

            let by_kind = ByKind::deserialize(MapAccessDeserializer::new(map))?;
            let ByKind { card, mobile_money, bank_transfer, other } = by_kind;
            Ok(PendingDays { card, mobile_money, bank_transfer, other })
        }
    }

    d.deserialize_any(Written)
}

/// A percentage, written as a string (`"18"`, `"5.5"`) or a whole number.
pub(super) fn percent<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Decimal, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Whole(i64),
    }
    let text = match Written::deserialize(d) {
        Ok(Written::Text(text)) => text,
        Ok(Written::Whole(number)) => number.to_string(),
        Err(_) => {
            return Err(serde::de::Error::custom("a percentage is written \"18\" or \"5.5\""));
        }
    };
    text::parse_percent(&text)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is no percentage from 0 to 100")))
}

/// The number of an account, written as a string or a whole number.
pub(super) fn account<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Whole(u64),
    }
    let text = match Written::deserialize(d) {
        Ok(Written::Text(text)) => text,
        Ok(Written::Whole(number)) => number.to_string(),
        Err(_) => return Err(serde::de::Error::custom("an account is written \"411\"")),
    };
    if is_account_number(&text) {
        return Ok(text);
    }
    let why = "is no account: three digits, and then letters and digits, 20 at most";
    Err(serde::de::Error::custom(format!("{text:?} {why}")))
}

/// What an account is called.
pub(super) fn account_name<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<String, D::Error> {
    let name = String::deserialize(d)?;
    text::line("name", &name, 100).map_err(|_| {
        serde::de::Error::custom(format!(
            "{name:?} is no name of an account: one line, 100 at most"
        ))
    })
}

pub(super) fn minimums<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Minimums, D::Error> {
    let amounts = std::collections::BTreeMap::<String, String>::deserialize(d)?;
    let pairs = amounts.iter().map(|(code, amount)| (code.as_str(), amount.as_str()));
    Minimums::parse(pairs).map_err(serde::de::Error::custom)
}

pub(super) fn number_format<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<NumberFormat, D::Error> {
    let format = String::deserialize(d)?;
    NumberFormat::parse(&format).map_err(|_| {
        serde::de::Error::custom(format!(
            "{format:?} is no number format such as {}",
            NumberFormat::DEFAULT
        ))
    })
}

/// A date as TOML's own or as a string.
pub(super) fn date_or_none<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<NaiveDate>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Toml(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(d) {
        Ok(Written::Toml(date)) => date.to_string(),
        Ok(Written::Text(text)) => text,
        Err(_) => return Err(serde::de::Error::custom("a date is written \"2026-03-01\"")),
    };
    let date = calendar::parse_date(&text)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is no date such as 2026-03-01")))?;
    Ok(Some(date))
}

/// The seller's own category of tax, which none is in which the buyer accounts for it.
pub(super) fn seller_category<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<TaxCategory, D::Error> {
    match parsed(d)? {
        TaxCategory::ReverseCharge => Err(serde::de::Error::custom(
            "\"reverse_charge\" is of customers with a VAT id: billing tenant edit --tax-category",
        )),
        category => Ok(category),
    }
}

/// A text, or a table of it by language: `{ fr = "…", en = "…" }`. One that says nothing is there, and
/// empty.
pub(super) fn by_language<'de, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<ByLanguage>, D::Error> {
    struct Written;

    impl<'de> Visitor<'de> for Written {
        type Value = ByLanguage;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("a text, or a table of it such as { fr = \"…\", en = \"…\" }")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<ByLanguage, E> {
            Ok(ByLanguage::same(text.trim()))
        }

        fn visit_map<M: MapAccess<'de>>(self, map: M) -> std::result::Result<ByLanguage, M::Error> {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Table {
                fr: Option<String>,
                en: Option<String>,
            }

            let table = Table::deserialize(MapAccessDeserializer::new(map))?;
            let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
            Ok(ByLanguage { fr: trimmed(table.fr), en: trimmed(table.en) })
        }
    }

    d.deserialize_any(Written).map(Some)
}

pub(super) fn company<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Company, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Written {
        name: String,
        email: Option<String>,
        address: Option<String>,
        country: Option<String>,
        tax_id: Option<String>,
        registration: Option<String>,
        bank: Option<String>,
        #[serde(deserialize_with = "by_language")]
        how_to_pay: Option<ByLanguage>,
        #[serde(deserialize_with = "by_language")]
        legal_text: Option<ByLanguage>,
        street: Option<String>,
        postcode: Option<String>,
        city: Option<String>,
        legal_id: Option<String>,
        vat_id: Option<String>,
        electronic_address: Option<String>,
        iban: Option<String>,
        bic: Option<String>,
    }
    let w = Written::deserialize(d)?;
    let bad = |field: &str, what: &str| serde::de::Error::custom(format!("company {field} {what}"));
    if !w.name.is_empty() {
        text::line("name", &w.name, 200)
            .map_err(|_| bad("name", "has characters that cannot stand in a mail"))?;
    }
    if let Some(email) = &w.email {
        text::email("email", email).map_err(|_| bad("email", "is no e-mail address"))?;
    }
    if let Some(country) = &w.country {
        text::country("country", country)
            .map_err(|_| bad("country", "is no country as two capital letters, such as SN"))?;
    }
    let trimmed =
        |value: Option<String>| value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    let checked = |field: &str, value: Option<String>, check: fn(&str) -> Result<String>| {
        let value = trimmed(value);
        value
            .map(|value| {
                check(&value).map_err(|_| bad(field, "is too long, or has more than a line"))
            })
            .transpose()
    };
    let iban = trimmed(w.iban);
    let iban = iban.map(|iban| {
        party::iban(&iban)
            .ok_or_else(|| bad("iban", "is no IBAN: a digit of it is wrong or missing"))
    });
    let bic = trimmed(w.bic);
    let bic = bic
        .map(|bic| party::bic(&bic).ok_or_else(|| bad("bic", "is no BIC of 8 or 11 characters")));
    let (iban, bic) = (iban.transpose()?, bic.transpose()?);
    Ok(Company {
        name: w.name.trim().to_owned(),
        email: w.email,
        address: trimmed(w.address),
        country: w.country,
        tax_id: trimmed(w.tax_id),
        registration: trimmed(w.registration),
        bank: trimmed(w.bank),
        how_to_pay: w.how_to_pay,
        legal_text: w.legal_text,
        street: checked("street", w.street, party::street)?,
        postcode: checked("postcode", w.postcode, party::postcode)?,
        city: checked("city", w.city, party::city)?,
        legal_id: checked("legal_id", w.legal_id, party::legal_id)?,
        vat_id: checked("vat_id", w.vat_id, party::vat_id)?,
        electronic_address: checked(
            "electronic_address",
            w.electronic_address,
            party::electronic_address,
        )?,
        iban,
        bic,
    })
}
