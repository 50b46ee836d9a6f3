//! The sentences of the portal: what was done, and what could not be.

use crate::domain::email::Locale;
use crate::portal::response::Status;

/// Whether what was done is what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
}

/// What a page says of what was done before it, by the word in its address.
pub fn done(code: &str, locale: Locale) -> Option<(&'static str, Tone)> {
    let known = DONE.iter().find(|(known, ..)| *known == code)?;
    let (_, tone, en, fr) = known;
    Some((if locale == Locale::Fr { fr } else { en }, *tone))
}

const DONE: &[(&str, Tone, &str, &str)] = &[
    ("paid", Tone::Good, "Paid. Thank you!", "Payé. Merci !"),
    (
        "back",
        Tone::Good,
        "Paid. Thank you! Your access is back.",
        "Payé. Merci ! Votre accès est rétabli.",
    ),
    (
        "on-its-way",
        Tone::Good,
        "Your payment is on its way. This page shows it once it has come in.",
        "Votre paiement est en cours. Cette page l’indiquera dès qu’il sera reçu.",
    ),
    (
        "not-paid",
        Tone::Bad,
        "Nothing was paid. You can try again.",
        "Rien n’a été payé. Vous pouvez réessayer.",
    ),
    ("changed", Tone::Good, "Changed.", "Modifié."),
    ("canceled", Tone::Good, "Canceled.", "Résilié."),
    ("resumed", Tone::Good, "The cancellation was taken back.", "La résiliation est annulée."),
    ("coupon", Tone::Good, "The code has been applied.", "Le code a été appliqué."),
    ("saved", Tone::Good, "Saved.", "Enregistré."),
    (
        "confirm",
        Tone::Good,
        "Saved. An e-mail is on its way to the new address: confirm it from there.",
        "Enregistré. Un e-mail est en route vers la nouvelle adresse : confirmez-la depuis celle-ci.",
    ),
    ("confirmed", Tone::Good, "The address is confirmed.", "L’adresse est confirmée."),
    ("method", Tone::Good, "The payment method was added.", "Le moyen de paiement est ajouté."),
    (
        "no-method",
        Tone::Bad,
        "No payment method was added.",
        "Aucun moyen de paiement n’a été ajouté.",
    ),
    (
        "disputed",
        Tone::Good,
        "We will look into it and write to you.",
        "Nous allons l’examiner et vous écrire.",
    ),
    ("out", Tone::Good, "You are signed out.", "Vous êtes déconnecté."),
];

/// The title and the sentence of what was refused: by its code where we have words for a customer,
/// else by its status.
pub fn trouble(status: Status, code: Option<&str>, locale: Locale) -> (&'static str, &'static str) {
    let of_code = TROUBLES.iter().find(|(known, ..)| Some(*known) == code);
    let of_status = || STATUSES.iter().find(|(known, ..)| *known == status);
    let (en, fr) = match of_code {
        Some((_, en, fr)) => (*en, *fr),
        None => of_status().map_or(OTHERWISE, |(_, en, fr)| (*en, *fr)),
    };
    let title = match status {
        Status::NotFound => ("There is no such page", "Cette page n’existe pas"),
        Status::ServiceUnavailable => ("One moment, please", "Un instant, s’il vous plaît"),
        _ => ("That was not done", "Cela n’a pas été fait"),
    };
    if locale == Locale::Fr { (title.1, fr) } else { (title.0, en) }
}

/// Whether a failure is the operator's to look into.
pub fn is_ours(code: &str) -> bool {
    const OURS: [&str; 12] = [
        "internal",
        "io",
        "file",
        "storage",
        "damaged_database",
        "not_a_database",
        "foreign_database",
        "no_database",
        "denied",
        "disk_full",
        "read_only",
        "bad_config",
    ];
    OURS.contains(&code)
}

const OTHERWISE: (&str, &str) =
    ("This cannot be done at the moment.", "Ce n’est pas possible en l’état.");

const STATUSES: &[(Status, &str, &str)] = &[
    (
        Status::NotFound,
        "There is nothing for you at this address.",
        "Il n’y a rien pour vous à cette adresse.",
    ),
    (
        Status::Forbidden,
        "The page may have been open for too long. Go back, load it again and try once more.",
        "La page est peut-être restée ouverte trop longtemps. Revenez en arrière, rechargez-la et réessayez.",
    ),
    (
        Status::ServiceUnavailable,
        "We are busy just now. Please try again in a few seconds.",
        "Le service est occupé en ce moment. Réessayez dans quelques secondes.",
    ),
    (
        Status::BadRequest,
        "One of the values is not valid. Please go back and check it.",
        "Une des valeurs saisies n’est pas valable. Revenez en arrière et vérifiez-la.",
    ),
    (
        Status::TooManyRequests,
        "Too many codes were tried. Try again in an hour.",
        "Trop de codes ont été essayés. Réessayez dans une heure.",
    ),
    (
        Status::InternalServerError,
        "Something went wrong on our side. Nothing was changed, and we will look into it.",
        "Un problème est survenu de notre côté. Rien n’a été modifié ; nous nous en occupons.",
    ),
];

const TROUBLES: &[(&str, &str, &str)] = &[
    (
        "bad_link",
        "This link is no longer valid. Ask for a new one.",
        "Ce lien n’est plus valable. Demandez-en un nouveau.",
    ),
    (
        "amount_changed",
        "The amount due has changed in the meantime. Please check it before you go on.",
        "Le montant a changé entre-temps. Vérifiez-le avant de continuer.",
    ),
    (
        "total_changed",
        "The amount has changed in the meantime. Please check it before you go on.",
        "Le montant a changé entre-temps. Vérifiez-le avant de continuer.",
    ),
    (
        "not_payable",
        "This invoice no longer needs to be paid.",
        "Cette facture n’est plus à payer.",
    ),
    ("already_paid", "This invoice is paid.", "Cette facture est payée."),
    ("not_open", "This invoice no longer needs to be paid.", "Cette facture n’est plus à payer."),
    (
        "charge_pending",
        "A payment of this invoice is on its way already.",
        "Un paiement de cette facture est déjà en cours.",
    ),
    (
        "checkout_unsupported",
        "It cannot be paid here. The invoice says how to pay it.",
        "Le paiement en ligne n’est pas possible. La facture indique comment la régler.",
    ),
    (
        "tenant_suspended",
        "Your access is suspended: pay what is overdue first.",
        "Votre accès est suspendu : réglez d’abord ce qui est en retard.",
    ),
    ("tenant_closed", "This account is closed.", "Ce compte est clos."),
    ("nothing_to_change", "You already have exactly that.", "Vous avez déjà exactement cela."),
    ("already_canceled", "It is canceled already.", "L’abonnement est déjà résilié."),
    ("not_canceled", "It is not canceled.", "L’abonnement n’est pas résilié."),
    ("plan_archived", "This plan is not offered any more.", "Cette formule n’est plus proposée."),
    (
        "too_many_links",
        "Three e-mails were asked for within the hour; the last one has a link that holds.",
        "Trois e-mails ont été demandés dans l’heure ; le dernier contient un lien valable.",
    ),
    ("email_unchanged", "That is your address already.", "C’est déjà votre adresse."),
    (
        "not_allowed_here",
        "This cannot be done here. Please write to us.",
        "Cela ne peut pas se faire ici. Écrivez-nous.",
    ),
    (
        "gateway_silent",
        "The payment service does not answer. Nothing was paid; please try again in a minute.",
        "Le service de paiement ne répond pas. Rien n’a été payé ; réessayez dans une minute.",
    ),
    ("has_coupon", "A code has already been applied.", "Un code est déjà utilisé."),
    ("coupon_not_found", "There is no such code.", "Ce code n’existe pas."),
    ("inactive", "This code is not active.", "Ce code n’est pas actif."),
    ("not_yet_valid", "This code is not valid yet.", "Ce code n’est pas encore valable."),
    ("expired", "This code has expired.", "Ce code a expiré."),
    (
        "max_uses_reached",
        "This code was used as often as it may be.",
        "Ce code a été utilisé autant de fois que possible.",
    ),
    (
        "max_uses_per_customer_reached",
        "You have used this code as often as you may.",
        "Vous avez déjà utilisé ce code autant de fois que possible.",
    ),
    (
        "plan_not_applicable",
        "This code is for another plan.",
        "Ce code ne s’applique pas à cette formule.",
    ),
    (
        "not_new_customer",
        "This code is for new customers.",
        "Ce code est réservé aux nouveaux clients.",
    ),
    (
        "not_existing_customer",
        "This code is for customers who have paid before.",
        "Ce code est réservé aux clients ayant déjà payé.",
    ),
    (
        "below_minimum",
        "This code is for a larger amount.",
        "Ce code vaut pour un montant plus élevé.",
    ),
    (
        "not_first_payment",
        "This code is for a first payment.",
        "Ce code vaut pour un premier paiement.",
    ),
    (
        "currency_mismatch",
        "This code is in another currency.",
        "Ce code est dans une autre devise.",
    ),
];
