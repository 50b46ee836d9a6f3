//! The table of the API: every address, who may ask for it, and the command that does the same.

use super::fields::Verb;
use super::{Ask, Outcome, Problem, customer, product};
use crate::commands::asked::Noun;
use crate::config::PortalAction;
use crate::domain::api_key::Scope;
use crate::failure::api;
use crate::portal::request::Method;
use crate::portal::response::Status;

/// Whose key an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// No key is needed.
    Anyone,
    /// A customer's.
    Customer,
    /// The product's own.
    Product,
    Both,
}

/// An address, and what it does.
#[derive(Debug)]
pub(super) struct Route {
    pub method: Method,
    /// Segments of the path; `{number}` is any.
    pub path: &'static str,
    pub holder: Holder,
    /// Any of them is enough, and `write` always.
    pub scopes: &'static [Scope],
    /// What `[portal] allow` lists it by.
    pub action: Option<PortalAction>,
    pub verb: Option<Verb>,
    /// The parameters of a query, or fields, that the verb does not have.
    pub also: &'static [(&'static str, &'static str)],
    pub answers: Status,
    pub says: &'static str,
    pub does: fn(&Ask) -> Outcome,
}

impl Route {
    /// Whether its answer opens something to whoever reads it, and so is never kept.
    pub fn answers_secret(&self) -> bool {
        self.verb.is_some_and(|verb| verb.noun == Noun::Portal)
    }
}

const fn get(path: &'static str, holder: Holder, says: &'static str) -> Route {
    Route {
        method: Method::Get,
        path,
        holder,
        scopes: &[Scope::Read],
        action: None,
        verb: None,
        also: &[],
        answers: Status::Ok,
        says,
        does: product::verb,
    }
}

const fn post(path: &'static str, holder: Holder, says: &'static str) -> Route {
    Route { method: Method::Post, scopes: &[], ..get(path, holder, says) }
}

const fn verb(
    noun: Noun,
    verb: &'static str,
    takes: &'static [&'static str],
    needs: &'static [&'static str],
) -> Option<Verb> {
    Some(Verb { noun, verb, takes, needs })
}

/// What a customer may change of itself.
pub(super) const DETAILS: &[&str] = &[
    "name",
    "email",
    "cc",
    "no_cc",
    "locale",
    "address",
    "street",
    "postcode",
    "city",
    "country",
    "tax_id",
    "vat_id",
    "legal_id",
    "electronic_address",
    "clear",
];

/// What a coupon may be made with; its code stands in the address where it is changed.
const OFFER: &[&str] = &[
    "code",
    "name",
    "description",
    "percent",
    "amount",
    "currency",
    "from",
    "until",
    "max_uses",
    "max_uses_per_customer",
    "plan",
    "eligibility",
    "minimum",
    "first_payment_only",
    "duration",
    "inactive",
];

/// What may be changed of one.
const EDIT: &[&str] = &[
    "name",
    "description",
    "percent",
    "amount",
    "currency",
    "any_currency",
    "from",
    "until",
    "max_uses",
    "max_uses_per_customer",
    "plan",
    "all_plans",
    "eligibility",
    "minimum",
    "first_payment_only",
    "duration",
];

const PAGE: &[(&str, &str)] = &[
    ("status", "Only those of this status"),
    ("after", "Those behind this number, the last one that was seen"),
    ("limit", "At most so many: 50 where it is not given, never more than 100"),
];

/// Every address.
pub(super) const ROUTES: &[Route] = &[
    get("api/v1/openapi.json", Holder::Anyone, "This description"),
    // Of a customer.
    Route {
        verb: verb(Noun::Tenant, "show", &[], &[]),
        does: customer::me,
        ..get("api/v1/me", Holder::Customer, "The customer whose key it is")
    },
    Route {
        also: PAGE,
        does: customer::invoices,
        ..get("api/v1/invoices", Holder::Customer, "Its invoices, in the order of their issue")
    },
    Route {
        verb: verb(Noun::Invoice, "show", &[], &[]),
        does: customer::invoice,
        ..get("api/v1/invoices/{number}", Holder::Customer, "An invoice")
    },
    Route {
        verb: verb(Noun::Invoice, "pdf", &[], &[]),
        does: customer::pdf,
        ..get("api/v1/invoices/{number}.pdf", Holder::Customer, "Its PDF")
    },
    Route {
        action: Some(PortalAction::Pay),
        verb: verb(Noun::Invoice, "checkout", &["return_url"], &[]),
        also: &[("amount", "What is due, as it was shown: where it has changed, nothing is begun")],
        answers: Status::Created,
        does: customer::pay,
        ..post(
            "api/v1/invoices/{number}/pay",
            Holder::Customer,
            "Begins a page of the gateway's on which it is paid",
        )
    },
    Route {
        action: Some(PortalAction::Change),
        verb: verb(Noun::Subscription, "change", &["item", "plan", "quantity", "now"], &[]),
        also: &[("preview", "true: what it would come to from today on; nothing is written")],
        does: customer::change,
        ..post("api/v1/subscriptions/{id}/change", Holder::Customer, "Changes plan or quantity")
    },
    Route {
        action: Some(PortalAction::Cancel),
        verb: verb(Noun::Subscription, "cancel", &["now", "reason"], &[]),
        does: customer::subscription,
        ..post(
            "api/v1/subscriptions/{id}/cancel",
            Holder::Customer,
            "Ends it with its period, or now",
        )
    },
    Route {
        action: Some(PortalAction::Cancel),
        verb: verb(Noun::Subscription, "resume", &[], &[]),
        does: customer::subscription,
        ..post("api/v1/subscriptions/{id}/resume", Holder::Customer, "Takes a cancellation back")
    },
    Route {
        verb: verb(Noun::PaymentMethod, "list", &["limit"], &[]),
        does: customer::methods,
        ..get("api/v1/payment-methods", Holder::Customer, "Its payment methods")
    },
    Route {
        action: Some(PortalAction::Methods),
        verb: verb(Noun::PaymentMethod, "setup", &["return_url"], &[]),
        answers: Status::Created,
        does: customer::setup,
        ..post(
            "api/v1/payment-methods",
            Holder::Customer,
            "Begins a page of the gateway's on which one is added",
        )
    },
    Route {
        action: Some(PortalAction::Methods),
        verb: verb(Noun::PaymentMethod, "set-default", &[], &[]),
        does: customer::method,
        ..post("api/v1/payment-methods/{id}/default", Holder::Customer, "Makes it the default one")
    },
    Route {
        method: Method::Delete,
        action: Some(PortalAction::Methods),
        verb: verb(Noun::PaymentMethod, "remove", &[], &[]),
        does: customer::method,
        ..post("api/v1/payment-methods/{id}", Holder::Customer, "Removes it")
    },
    Route {
        verb: verb(Noun::Tenant, "show", &[], &[]),
        does: customer::me,
        ..get("api/v1/details", Holder::Customer, "What is known of the customer")
    },
    Route {
        method: Method::Patch,
        action: Some(PortalAction::Details),
        verb: verb(Noun::Tenant, "edit", DETAILS, &[]),
        does: customer::details,
        ..post(
            "api/v1/details",
            Holder::Customer,
            "Changes it; a new e-mail address holds once it was confirmed from there",
        )
    },
    // Of the brief: a customer for itself, the product for anybody.
    Route {
        scopes: &[Scope::Coupons],
        action: Some(PortalAction::Coupon),
        verb: verb(
            Noun::Coupon,
            "validate",
            &["code", "tenant", "amount", "plan", "currency"],
            &["code", "tenant", "amount"],
        ),
        does: customer::validate,
        ..post(
            "api/v1/coupons/validate",
            Holder::Both,
            "Says whether a customer can use a coupon; valid is false where not",
        )
    },
    Route {
        scopes: &[Scope::Coupons],
        action: Some(PortalAction::Coupon),
        verb: verb(
            Noun::Coupon,
            "apply",
            &["code", "invoice", "subscription", "metadata"],
            &["code"],
        ),
        also: &[("tenant", "The customer, where it is to be checked that it is whose they are")],
        does: customer::apply,
        ..post(
            "api/v1/coupons/apply",
            Holder::Both,
            "Uses a coupon for an open invoice, or for a subscription's coming ones",
        )
    },
    // Of the product.
    Route {
        scopes: &[Scope::Read, Scope::Coupons],
        verb: verb(Noun::Coupon, "list", &["active", "limit"], &[]),
        ..get("api/v1/admin/coupons", Holder::Product, "All coupons")
    },
    Route {
        scopes: &[Scope::Coupons],
        verb: verb(Noun::Coupon, "create", OFFER, &["code", "name", "until"]),
        answers: Status::Created,
        ..post("api/v1/admin/coupons", Holder::Product, "Makes a coupon")
    },
    Route {
        scopes: &[Scope::Read, Scope::Coupons],
        verb: verb(Noun::Coupon, "show", &[], &[]),
        ..get("api/v1/admin/coupons/{code}", Holder::Product, "A coupon")
    },
    Route {
        method: Method::Patch,
        scopes: &[Scope::Coupons],
        verb: verb(Noun::Coupon, "edit", EDIT, &[]),
        also: &[
            ("is_active", "Whether it can be used; it stands alone"),
            ("inactive", "The opposite"),
        ],
        does: product::edit_coupon,
        ..post("api/v1/admin/coupons/{code}", Holder::Product, "Changes a coupon")
    },
    Route {
        method: Method::Delete,
        scopes: &[Scope::Coupons],
        verb: verb(Noun::Coupon, "delete", &[], &[]),
        ..post(
            "api/v1/admin/coupons/{code}",
            Holder::Product,
            "Deletes a coupon that was never used",
        )
    },
    Route {
        scopes: &[Scope::Usage],
        verb: verb(
            Noun::Usage,
            "add",
            &["meter", "tenant", "subscription", "value", "at", "id", "properties"],
            &["meter"],
        ),
        also: &[("events", "In place of one event: a list of them, each with its id and at")],
        answers: Status::Created,
        does: product::usage,
        ..post("api/v1/admin/usage", Holder::Product, "Takes an event of usage, or several")
    },
    Route {
        verb: verb(Noun::Tenant, "show", &[], &[]),
        ..get(
            "api/v1/admin/tenants/{slug}",
            Holder::Product,
            "A customer, by its slug or as @EXTERNAL_ID",
        )
    },
    Route {
        verb: verb(Noun::Portal, "link", &["invoice"], &[]),
        answers: Status::Created,
        ..post(
            "api/v1/admin/tenants/{tenant}/link",
            Holder::Product,
            "Makes a link to the customer's pages, or to an invoice",
        )
    },
    Route {
        verb: verb(
            Noun::PaymentMethod,
            "create",
            &["kind", "token", "label", "default"],
            &["kind", "token"],
        ),
        answers: Status::Created,
        ..post(
            "api/v1/admin/tenants/{tenant}/payment-methods",
            Holder::Product,
            "Adds a payment method by the gateway's token",
        )
    },
];

/// What the path of a route names, in its order: `number` of `api/v1/invoices/{number}.pdf`.
pub(super) fn names(path: &str) -> Vec<&str> {
    let inside = |segment: &str| segment.find('{').zip(segment.find('}'));
    path.split('/').filter_map(|s| inside(s).map(|(from, to)| &s[from + 1..to])).collect()
}

/// The route of a request, and what its address names.
///
/// # Errors
/// There is none: nothing at all, or nothing by that method.
pub(super) fn find<'a>(
    method: Method,
    segments: &[&'a str],
) -> Result<(&'static Route, Vec<&'a str>), Problem> {
    // `INV-1.pdf` is a number, too, by its letters: what says more comes first.
    let mut there: Vec<(&Route, Vec<&str>)> =
        ROUTES.iter().filter_map(|route| Some((route, named(route.path, segments)?))).collect();
    there.sort_by_key(|(route, _)| std::cmp::Reverse(fixed_letters(route.path)));
    let most = there.first().map(|(route, _)| fixed_letters(route.path));
    there.retain(|(route, _)| Some(fixed_letters(route.path)) == most);
    if there.is_empty() {
        return Err(api::no_such_address().into());
    }
    let mut allowed: Vec<&str> = there.iter().map(|(route, _)| route.method.word()).collect();
    if let Some(found) = there.into_iter().find(|(route, _)| route.method == method) {
        return Ok(found);
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed = allowed.join(", ");
    Err(Problem::from(api::method_not_allowed(&allowed)).with("Allow", allowed))
}

fn fixed_letters(path: &str) -> usize {
    let names: usize = names(path).iter().map(|name| name.len() + 2).sum();
    path.len() - names
}

/// What a path names, where it is that of the route.
fn named<'a>(path: &str, segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let parts: Vec<&str> = path.split('/').collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut named = Vec::new();
    for (part, segment) in parts.iter().zip(segments) {
        match part.split_once('{') {
            None if part == segment => {}
            None => return None,
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                let value = segment.strip_prefix(before)?.strip_suffix(after)?;
                named.push(Some(value).filter(|value| !value.is_empty())?);
            }
        }
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::api::fields::{self, Form};

    #[test]
    fn an_address_is_found_with_what_it_names() {
        let find = |method, path: &str| {
            let segments: Vec<&str> = path.split('/').collect();
            find(method, &segments).map(|(route, named)| (route.path, named.join("|")))
        };
        let found = |method, path| find(method, path).unwrap();
        assert_eq!(
            found(Method::Get, "api/v1/invoices/INV-1.pdf"),
            ("api/v1/invoices/{number}.pdf", "INV-1".to_owned())
        );
        assert_eq!(
            found(Method::Get, "api/v1/invoices/INV-1"),
            ("api/v1/invoices/{number}", "INV-1".to_owned())
        );
        assert_eq!(found(Method::Delete, "api/v1/payment-methods/pm_3").1, "pm_3");
        for (method, path, status) in [
            (Method::Get, "api/v1", Status::NotFound),
            (Method::Get, "api/v2/me", Status::NotFound),
            (Method::Post, "api/v1/me", Status::MethodNotAllowed),
            (Method::Get, "api/v1/coupons/apply", Status::MethodNotAllowed),
            (Method::Post, "api/v1/invoices/INV-1.pdf", Status::MethodNotAllowed),
        ] {
            assert_eq!(find(method, path).unwrap_err().status, status, "{path}");
        }
    }

    /// A field that is listed and that clap does not know would be refused with the words of nobody.
    #[test]
    fn each_field_of_a_route_is_one_of_its_verb() {
        for route in ROUTES {
            let Some(verb) = route.verb else { continue };
            let tree = verb.noun.tree();
            let command = tree.find_subcommand(verb.verb).expect(route.path);
            let known: Vec<String> = command.get_arguments().map(fields::name_of).collect();
            let missing = |name: &&&str| !known.contains(&(**name).to_owned());
            let unknown: Vec<_> = verb.takes.iter().filter(missing).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", route.path);
            assert!(verb.needs.iter().all(|name| verb.takes.contains(name)), "{}", route.path);
            for name in names(route.path) {
                assert!(
                    known.iter().any(|known| known == name || name == "slug"),
                    "{}",
                    route.path
                );
            }
            let never =
                ["idempotency_key", "out", "yes", "file", "rejects", "format", "credit", "refund"];
            let fields = Form::of(verb);
            let fields = fields.fields();
            assert!(
                fields.iter().all(|field| !never.contains(&field.name.as_str())),
                "{}",
                route.path
            );
        }
    }
}
