//! What the law of a seller's country wants on its invoices.

use super::email::{ByLanguage, Locale};
use super::party::CustomerKind;

/// The notes of a French invoice between businesses (Code de commerce, L441-9, L441-10 and D441-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegalNotes {
    /// Which penalties a late payment costs: what holds where the seller agreed nothing else.
    pub penalties: &'static str,
    /// What recovering it costs at least.
    pub indemnity: &'static str,
    /// Whether paying early costs less.
    pub discount: &'static str,
}

const FR: LegalNotes = LegalNotes {
    penalties: "En cas de retard de paiement, des pénalités sont exigibles dès le lendemain de \
                l’échéance, au taux directeur de la Banque centrale européenne majoré de 10 points.",
    indemnity: "Une indemnité forfaitaire de 40 € pour frais de recouvrement est due en outre.",
    discount: "Pas d’escompte pour paiement anticipé.",
};

/// To the State, towns and hospitals another rate holds (Code de la commande publique, R2192-31).
const FR_PUBLIC: &str = "En cas de retard de paiement, des intérêts moratoires courent dès le lendemain \
                         de l’échéance, au taux directeur de la Banque centrale européenne majoré de \
                         8 points.";

const EN_PUBLIC: &str = "Late payment: interest is due from the day after the due date, at the key \
                         interest rate of the European Central Bank plus 8 percentage points.";

const EN: LegalNotes = LegalNotes {
    penalties: "Late payment: penalties are due from the day after the due date, at the key interest \
                rate of the European Central Bank plus 10 percentage points.",
    indemnity: "A fixed compensation of €40 for recovery costs is due as well.",
    discount: "No discount for early payment.",
};

impl LegalNotes {
    /// What an invoice of a seller in that country says to such a buyer where the seller wrote nothing
    /// else; `None` where the law wants nothing. A buyer of whom nothing is known is no consumer.
    pub fn of(
        country: Option<&str>,
        buyer: Option<CustomerKind>,
        locale: Locale,
    ) -> Option<LegalNotes> {
        let wanted = country == Some("FR") && buyer != Some(CustomerKind::Consumer);
        let public = buyer == Some(CustomerKind::Public);
        wanted.then_some(match locale {
            Locale::Fr if public => LegalNotes { penalties: FR_PUBLIC, ..FR },
            Locale::Fr => FR,
            Locale::En if public => LegalNotes { penalties: EN_PUBLIC, ..EN },
            Locale::En => EN,
        })
    }

    /// What an invoice says of late and early payment: what the seller wrote of it (`own`; nothing, where
    /// that is empty in the language), else what the law of its country wants.
    pub fn on_invoice(
        own: Option<&ByLanguage>,
        country: Option<&str>,
        buyer: Option<CustomerKind>,
        locale: Locale,
    ) -> Notes {
        match own {
            Some(own) => own.get(locale).map_or(Notes::None, |text| Notes::Own(text.to_owned())),
            None => LegalNotes::of(country, buyer, locale).map_or(Notes::None, Notes::Law),
        }
    }

    /// The notes, a line each.
    pub fn lines(&self) -> String {
        [self.penalties, self.indemnity, self.discount].join("\n")
    }
}

/// What an invoice says of late and early payment.
#[derive(Debug, Clone)]
pub enum Notes {
    None,
    /// What the law of the seller's country wants.
    Law(LegalNotes),
    /// What the seller wrote in its place, in lines.
    Own(String),
}

impl Notes {
    /// The text, a line a note.
    pub fn lines(&self) -> Option<String> {
        match self {
            Notes::None => None,
            Notes::Law(notes) => Some(notes.lines()),
            Notes::Own(text) => Some(text.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_french_seller_tells_a_business_what_late_payment_costs() {
        use CustomerKind::{Business, Consumer, Public};
        for (country, buyer, told) in [
            (Some("FR"), Some(Business), true),
            (Some("FR"), Some(Public), true),
            (Some("FR"), None, true),
            (Some("FR"), Some(Consumer), false),
            (Some("SN"), Some(Business), false),
            (None, None, false),
        ] {
            for locale in Locale::ALL {
                assert_eq!(LegalNotes::of(country, buyer, *locale).is_some(), told);
            }
        }
        for (buyer, points) in [(None, "10 p"), (Some(Business), "10 p"), (Some(Public), "8 p")] {
            for (locale, indemnity) in [(Locale::Fr, "40 €"), (Locale::En, "€40")] {
                let lines = LegalNotes::of(Some("FR"), buyer, locale).unwrap().lines();
                assert!(lines.contains(points) && lines.contains(indemnity), "{lines}");
            }
        }
    }
}
