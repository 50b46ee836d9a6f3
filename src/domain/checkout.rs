//! Checkouts: a page of the gateway's on which a customer pays one invoice, or adds a payment method.
//! What a gateway is asked and answers, and what is done about a checkout that is open.
//!
//! A checkout rests nothing and blocks nothing: the invoice is chased and paid as if there were none. Its
//! rows are in `store/checkouts.rs`, its verbs in `books/checkout.rs`; `tasks/checkout.rs` asks the gateway.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::charge::Token;
use super::payment_method::PaymentMethodKind;
use super::{
    CheckoutId, Currency, InvoiceId, Money, PaymentMethodId, TenantId, TransactionId, words,
};

words! {
    /// How a checkout stands.
    CheckoutStatus {
        /// Its key is on disk; whether the gateway was called is not known.
        Prepared = "prepared",
        /// The gateway was called, and its answer never came or said nothing.
        Unknown = "unknown",
        /// The page is there, and nobody has paid yet.
        Pending = "pending",
        Succeeded = "succeeded",
        /// Nothing comes of it any more, and nobody is to blame: it is no decline.
        Expired = "expired",
        /// The gateway refused it, or what was paid on its page did not go through.
        Failed = "failed",
    }
}

words! {
    /// What somebody chose on the sandbox's own page.
    SandboxOutcome {
        Succeeded = "succeeded",
        Declined = "declined",
        /// Paid, and the money is on its way.
        Pending = "pending",
    }
}

/// Longest address that a gateway, or who begins a checkout, may give.
pub const LONGEST_URL: usize = 4000;

/// Whether a text is an address to which a customer may be sent: https, or http to this very machine, of
/// characters that stand in one.
pub fn is_page(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let printed = url.len() <= LONGEST_URL && url.bytes().all(|b| b.is_ascii_graphic());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let is_host = host.contains(char::is_alphanumeric) && host.chars().all(plain);
    printed && is_host && (scheme == "https" || scheme == "http" && is_loopback(host))
}

fn is_loopback(place: &str) -> bool {
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Where the pages of an address are: its scheme and host.
pub fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find(['/', '?', '#']).map_or(url, |end| &url[..host + end])
}

/// How long a page is there of which the gateway does not say until when.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How long after its end a checkout is asked about of which the gateway does not say what became: money
/// may be on its way, or the gateway out of reach.
pub const ASKED_FOR: TimeDelta = TimeDelta::days(30);

/// The longest time for which a page is taken to be there, whatever a gateway says.
const LONGEST: TimeDelta = TimeDelta::days(30);

/// After so long no call with its key can reach the gateway any more.
const ON_ITS_WAY: TimeDelta = TimeDelta::hours(2);

/// The failure code of a transaction whose checkout expired.
pub const EXPIRED: &str = "expired";

/// A checkout as it stands.
#[derive(Debug, Clone)]
pub struct Checkout {
    pub id: CheckoutId,
    pub tenant_id: TenantId,
    pub tenant: String,
    /// What is paid; none where a payment method is added.
    pub invoice_id: Option<InvoiceId>,
    pub invoice: Option<String>,
    /// There since the gateway has answered.
    pub transaction: Option<TransactionId>,
    pub amount: Option<Money>,
    pub currency: Currency,
    /// The name of the gateway that was asked.
    pub gateway: String,
    pub status: CheckoutStatus,
    /// What it was begun for is not so any more: the gateway is told to end it.
    pub superseded: bool,
    /// A customer has paid, the gateway says, and the money is not there yet.
    pub on_its_way: bool,
    pub reference: Option<String>,
    /// Where the customer pays.
    pub url: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub return_url: String,
    pub code: Option<String>,
    pub message: Option<String>,
    /// The payment method that was added.
    pub payment_method: Option<PaymentMethodId>,
    /// When it was begun: as the command was told, and by the machine's clock.
    pub created_at: DateTime<Utc>,
    pub prepared_at: DateTime<Utc>,
    /// The process that called the gateway last.
    pub process_id: i64,
}

impl Checkout {
    /// Whether something may come of it yet.
    pub fn is_open(&self) -> bool {
        use CheckoutStatus::{Pending, Prepared, Unknown};
        matches!(self.status, Prepared | Unknown | Pending)
    }

    /// The page, where a customer can be sent there at that moment.
    pub fn page(&self, now: DateTime<Utc>) -> Option<&str> {
        let usable =
            self.status == CheckoutStatus::Pending && !self.superseded && now < self.ends_at();
        self.url.as_deref().filter(|_| usable)
    }

    /// Until when its page is there.
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.expires_at.unwrap_or(self.created_at + LIFETIME)
    }

    /// Until when a page is taken to be there of which the gateway says that: a month at most.
    pub fn until(&self, said: DateTime<Utc>) -> DateTime<Utc> {
        let (first, last) =
            (self.created_at.min(self.prepared_at), self.created_at.max(self.prepared_at));
        said.clamp(first, last + LONGEST)
    }

    /// Whether its page is certainly there no more, so long after its end: a command that is given a day of the
    /// future ends no page on which a customer may pay today.
    pub fn is_over(
        &self,
        after: TimeDelta,
        now: DateTime<Utc>,
        machine_now: DateTime<Utc>,
    ) -> bool {
        let by_machine = self.expires_at.unwrap_or(self.prepared_at + LIFETIME);
        now >= self.ends_at() + after && machine_now >= by_machine + after
    }
}

/// What a checkout is for, as a gateway is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Payment {
        amount: Money,
        /// The invoice's number.
        invoice: String,
    },
    /// Adds a payment method, which is to take that currency.
    Setup { currency: Currency },
}

/// What a gateway is asked. Everything in it but the last is on disk before it is called, and never
/// changes: the same key always goes with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRequest {
    pub idempotency_key: String,
    pub purpose: Purpose,
    /// The tenant's slug.
    pub tenant: String,
    /// Where the gateway sends the customer afterwards.
    pub return_url: String,
    /// Where the portal answers; the sandbox's page is there.
    pub base_url: String,
    /// The token of a payment method by which the gateway knows the customer, if there is one.
    pub customer: Option<Token>,
    pub created_at: DateTime<Utc>,
    pub prepared_at: DateTime<Utc>,
    /// What was chosen on the sandbox's page.
    pub outcome: Option<SandboxOutcome>,
}

/// What a gateway answers to a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    Redirect(Page),
    /// It will not: nothing was begun.
    Refused {
        code: String,
        message: Option<String>,
    },
    /// It makes no checkouts.
    Unsupported,
    /// The request certainly never reached it.
    NotSent {
        message: String,
    },
    /// Nothing that can be relied on.
    Unknown {
        message: String,
    },
}

/// The page to which a customer is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub url: String,
    /// The gateway's name of the checkout.
    pub reference: String,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a gateway says has become of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// Nobody has paid yet.
    Open {
        reference: Option<String>,
    },
    /// Somebody has paid, and the money is on its way, or comes to nothing: it is not to be asked for twice.
    OnItsWay {
        reference: Option<String>,
    },
    Paid {
        /// The gateway's name of the payment, which a refund gives back; the checkout's where none is given.
        reference: Option<String>,
        method: PaymentMethodKind,
    },
    SetUp(NewMethod),
    /// It is over, and nobody has paid.
    Expired,
    /// What was paid on its page did not go through, and it is over.
    Failed {
        code: String,
        message: Option<String>,
    },
    /// The gateway never saw the key.
    NotFound,
    /// Nothing that can be relied on.
    Unknown {
        message: String,
    },
}

impl Became {
    /// Whether money is on its way, where it says that.
    pub fn is_on_its_way(&self) -> Option<bool> {
        match self {
            Became::Open { .. } => Some(false),
            Became::OnItsWay { .. } => Some(true),
            _ => None,
        }
    }
}

/// A payment method that a customer added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMethod {
    pub kind: PaymentMethodKind,
    pub token: Token,
    pub label: Option<String>,
}

/// What is done about a checkout that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// What the answer says is booked.
    Book,
    /// It is asked about again.
    Keep,
    /// Nothing comes of it any more.
    Expire,
    /// Nobody has ever been told of it, and nobody will be.
    Forget,
}

/// Decides what is done after an answer; `None`: nobody could be asked. `machine_now` is what the machine's
/// clock says: a call arrives by it, whatever day the command is given.
pub fn decide(
    checkout: &Checkout,
    answer: Option<&Became>,
    now: DateTime<Utc>,
    machine_now: DateTime<Utc>,
) -> Then {
    // Nobody was ever sent to a page of which the gateway told nothing.
    let asked_for = if checkout.reference.is_some() { ASKED_FOR } else { TimeDelta::zero() };
    let is_over = |after| checkout.is_over(after, now, machine_now);
    match answer {
        Some(Became::Paid { .. } | Became::SetUp(_) | Became::Expired | Became::Failed { .. }) => {
            Then::Book
        }
        // A gateway that gave it a name has seen it: what it does not find now is over once its time is.
        Some(Became::NotFound) if checkout.reference.is_some() => {
            if is_over(TimeDelta::zero()) {
                Then::Expire
            } else {
                Then::Keep
            }
        }
        Some(Became::NotFound) => {
            let over = machine_now - checkout.prepared_at > ON_ITS_WAY;
            if over { Then::Forget } else { Then::Keep }
        }
        Some(Became::Open { .. } | Became::OnItsWay { .. } | Became::Unknown { .. }) | None => {
            if is_over(asked_for) {
                Then::Expire
            } else {
                Then::Keep
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn checkout(reference: Option<&str>) -> Checkout {
        Checkout {
            id: CheckoutId(1),
            tenant_id: TenantId(1),
            tenant: "acme".into(),
            invoice_id: Some(InvoiceId(1)),
            invoice: Some("INV-1".into()),
            transaction: None,
            amount: Some(Money::from_minor(15_000, Currency::XOF)),
            currency: Currency::XOF,
            gateway: "sandbox".into(),
            status: match reference {
                Some(_) => CheckoutStatus::Pending,
                None => CheckoutStatus::Prepared,
            },
            superseded: false,
            on_its_way: false,
            reference: reference.map(str::to_owned),
            url: reference.map(|_| "https://pay.example/1".to_owned()),
            expires_at: reference.map(|_| at(24)),
            return_url: "https://shop.example/".into(),
            code: None,
            message: None,
            payment_method: None,
            created_at: at(0),
            prepared_at: at(0),
            process_id: 1,
        }
    }

    #[test]
    fn a_customer_is_sent_to_https_or_to_this_machine() {
        for good in [
            "https://checkout.stripe.com/c/pay/cs_1#fid",
            "https://pay.example:8443",
            "http://127.0.0.1:4242/x?y=1",
            "http://localhost/",
            "http://[::1]:80/",
        ] {
            assert!(is_page(good), "{good}");
        }
        let long = format!("https://pay.example/{}", "x".repeat(LONGEST_URL));
        for bad in [
            "http://pay.example/",
            "http://localhost.example/",
            "http://127.0.0.1@pay.example/",
            "https://a@pay.example/",
            "https:///x",
            "https://",
            "javascript:alert(1)",
            "https://pay.example/a b",
            "https://pay.example/\u{e9}",
            "pay.example",
            long.as_str(),
        ] {
            assert!(!is_page(bad), "{bad}");
        }
        assert_eq!(origin("https://a.example:1/in/x?y#z"), "https://a.example:1");
        assert_eq!(origin("https://a.example"), "https://a.example");
    }

    #[test]
    fn what_the_gateway_says_for_good_is_booked() {
        let paid = Became::Paid { reference: None, method: PaymentMethodKind::Card };
        let failed = Became::Failed { code: "declined".into(), message: None };
        for answer in [paid, failed, Became::Expired] {
            for superseded in [false, true] {
                let open = Checkout { superseded, ..checkout(Some("cs_1")) };
                let then = decide(&open, Some(&answer), at(10_000), at(10_000));
                assert_eq!(then, Then::Book, "{answer:?}");
            }
        }
    }

    #[test]
    fn one_without_an_outcome_is_asked_about_for_a_month_after_its_end() {
        let unknown = Became::Unknown { message: "down".into() };
        let open = Became::Open { reference: None };
        let month = 30 * 24;
        for answer in [None, Some(&unknown), Some(&open)] {
            for (reference, longest) in [(None, 24), (Some("cs_1"), 24 + month)] {
                let checkout = checkout(reference);
                let then = |hour, machine| decide(&checkout, answer, at(hour), at(machine));
                assert_eq!(then(longest - 1, longest), Then::Keep, "{answer:?}");
                // By both clocks: a command may be given any day.
                assert_eq!(then(longest, longest - 1), Then::Keep, "{answer:?}");
                assert_eq!(then(longest, longest), Then::Expire, "{answer:?}");
            }
        }
    }

    #[test]
    fn one_that_the_gateway_never_saw_is_forgotten_once_no_call_can_arrive() {
        let checkout = checkout(None);
        let then = |hour| decide(&checkout, Some(&Became::NotFound), at(9_999), at(hour));
        assert_eq!((then(0), then(2), then(3)), (Then::Keep, Then::Keep, Then::Forget));
    }

    #[test]
    fn one_that_it_does_not_find_any_more_is_over_with_its_time() {
        let checkout = checkout(Some("cs_1"));
        let then =
            |hour, machine| decide(&checkout, Some(&Became::NotFound), at(hour), at(machine));
        assert_eq!(
            (then(1, 24), then(24, 1), then(24, 24)),
            (Then::Keep, Then::Keep, Then::Expire)
        );
    }

    #[test]
    fn no_page_is_there_for_ever() {
        let checkout = Checkout { prepared_at: at(5), ..checkout(None) };
        let month = 30 * 24;
        for (said, until) in [
            (at(24), at(24)),
            (DateTime::<Utc>::MAX_UTC, at(5 + month)),
            (DateTime::<Utc>::MIN_UTC, at(0)),
        ] {
            assert_eq!(checkout.until(said), until);
        }
    }

    #[test]
    fn a_page_is_there_until_it_expires_or_is_not_wanted_any_more() {
        let open = checkout(Some("cs_1"));
        assert_eq!(open.page(at(23)), Some("https://pay.example/1"));
        assert_eq!(open.page(at(24)), None);
        assert_eq!(Checkout { superseded: true, ..open.clone() }.page(at(1)), None);
        assert_eq!(Checkout { status: CheckoutStatus::Expired, ..open }.page(at(1)), None);
    }
}
