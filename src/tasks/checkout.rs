//! Checkouts: asks the gateway for a page on which a customer pays one invoice, or adds a payment method;
//! and what became of it, when the customer comes back and in each run.
//!
//! As with charges, the key is committed, the gateway is called with no transaction open, and what it
//! answered is committed. No lock is held: several processes may ask about the same checkout, and the
//! database lets one of them end it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::{Given, ItemError, item_error, item_refused};
use crate::books::{Book, Ended};
use crate::domain::charge::Found;
use crate::domain::checkout::{
    Became, Checkout, CheckoutRequest, CheckoutStatus, LONGEST_URL, Opened, SandboxOutcome, Then,
    decide, is_page, origin,
};
use crate::domain::invoice::settle;
use crate::domain::payment_method::PaymentMethodKind;
use crate::domain::refusal::Why;
use crate::domain::tenant::TenantStatus;
use crate::domain::transaction::Overpayment;
use crate::domain::{
    Act, CheckoutId, InvoiceId, Money, Refusal, Result, RunId, TenantId, TransactionId,
};
use crate::gateway::{Began, Unavailable};
use crate::store::files::process_lives;
use crate::store::{Db, NewCheckout, Store};

/// What is to be paid on a page of the gateway's, and where the customer goes afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The invoice's number.
    pub invoice: &'a str,
    /// What whoever pays was shown as due; `None`: whatever is due.
    pub shown: Option<Money>,
    pub back: Back<'a>,
}

/// Where the customer goes from the gateway's page.
#[derive(Debug, Clone, Copy)]
pub struct Back<'a> {
    /// Paid or not.
    pub return_url: &'a str,
    /// Where the portal answers: the sandbox's page is `BASE/sandbox/REFERENCE`. The scheme and host of
    /// `return_url` where it is not given.
    pub base_url: Option<&'a str>,
}

/// What asking about checkouts came to.
#[derive(Debug, Clone, Default)]
pub struct CheckedOut {
    pub paid: u64,
    /// Payment methods that were added.
    pub set_up: u64,
    pub expired: u64,
    pub failed: u64,
    /// Without an outcome yet.
    pub open: u64,
    /// What customers are told of it: receipts, and that they come back.
    pub emails_queued: u64,
    pub errors: Vec<ItemError>,
}

impl CheckedOut {
    /// Whether anything was done that a person would want to read of.
    pub fn did_something(&self) -> bool {
        self.paid + self.set_up > 0 || !self.errors.is_empty()
    }

    fn count(&mut self, ended: Option<Ended>) {
        match ended {
            Some(Ended::Paid) => self.paid += 1,
            Some(Ended::SetUp) => self.set_up += 1,
            Some(Ended::Expired) => self.expired += 1,
            Some(Ended::Failed) => self.failed += 1,
            Some(Ended::Forgotten) => {}
            None => self.open += 1,
        }
    }
}

/// What follows before the gateway is called.
enum Step {
    /// The page is there.
    Ready(CheckoutId),
    /// Another process is asking for it just now.
    Wait(CheckoutId),
    Call(CheckoutId),
    /// Its page is of no use any more, and somebody may have paid there.
    Ask(CheckoutId),
}

/// What is asked for, looked up.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Payment(&'a Asked<'a>),
    Setup { tenant: &'a str },
}

/// How long another process that asks for the same page is waited for, before it is asked for with the same key:
/// a customer waits in front of both, and few web servers longer than ten seconds.
const OTHERS: Duration = Duration::from_millis(1500);
const A_LOOK: Duration = Duration::from_millis(50);

/// A call that took so much longer than the configured time is not under way any more.
const LATE: i64 = 5;

/// Whether customers may be sent to pages of the gateway's. A program may answer all the same that it has none.
pub fn may_begin(given: &Given) -> bool {
    given.gateway.charges() && given.config.payments.checkout
}

/// Begins the payment of an invoice on a page of the gateway's: [`Checkout::page`] is where the customer is
/// to be sent. Whoever asks again while that page is there gets the same one, however many ask at once.
///
/// Where the gateway gave no answer that can be relied on, the checkout is `unknown` and has no page; the next
/// one who asks sends the same key again.
///
/// # Errors
/// The invoice is paid or closed, another amount is due than was shown, a charge of it has no outcome yet;
/// the gateway makes no checkouts, or refused this one.
pub fn begin(store: &mut Store, given: &Given, act: &Act, asked: &Asked) -> Result<Checkout> {
    Checker { given, act, run: None }.begin(store, Wanted::Payment(asked), &asked.back)
}

/// Begins a page of the gateway's on which a customer adds a payment method, as [`begin`] does.
///
/// # Errors
/// The tenant is closed; the gateway makes no checkouts, or refused this one.
pub fn begin_setup(
    store: &mut Store,
    given: &Given,
    act: &Act,
    tenant: &str,
    back: &Back,
) -> Result<Checkout> {
    Checker { given, act, run: None }.begin(store, Wanted::Setup { tenant }, back)
}

/// Asks what became of a checkout, and books it; returns it as it stands then. One call of the gateway, or two
/// where the checkout is to be ended.
///
/// # Errors
/// There is none, or a fault of the file.
pub fn ask(store: &mut Store, given: &Given, act: &Act, id: CheckoutId) -> Result<Checkout> {
    Checker { given, act, run: None }.look_at(store, id, &mut CheckedOut::default())?;
    store.read(|db| db.checkout(id))
}

/// Asks what became of the open checkouts of an invoice: for when a customer comes back from the gateway.
///
/// # Errors
/// A fault of the file.
pub fn ask_about_invoice(
    store: &mut Store,
    given: &Given,
    act: &Act,
    invoice: InvoiceId,
) -> Result<CheckedOut> {
    let ids = store.read(|db| db.open_checkouts_of(invoice))?;
    Checker { given, act, run: None }.each(store, &ids)
}

/// Asks what became of all open checkouts of a tenant, of invoices and of payment methods.
///
/// # Errors
/// A fault of the file.
pub fn ask_about_tenant(
    store: &mut Store,
    given: &Given,
    act: &Act,
    tenant: TenantId,
) -> Result<CheckedOut> {
    let ids = store.read(|db| db.open_checkouts_of_tenant(tenant))?;
    Checker { given, act, run: None }.each(store, &ids)
}

/// Ends the checkouts of an invoice that is about to be charged, paid, credited or closed: the gateway is told,
/// and what was paid by then is booked. One that the gateway cannot end, or that cannot be reached, keeps
/// nobody from what is to be done: it is asked about by each run, and what comes in by it is the customer's
/// credit.
///
/// # Errors
/// A fault of the file. That there is no such invoice is for the caller to say.
pub fn expire_first(
    store: &mut Store,
    given: &Given,
    act: &Act,
    number: &str,
) -> Result<CheckedOut> {
    let open = store.read(|db| match db.invoice(number) {
        Ok(invoice) => db.open_checkouts_of(invoice.id),
        Err(Refusal::NotFound { .. }) => Ok(Vec::new()),
        Err(refusal) => Err(refusal),
    })?;
    Checker { given, act, run: None }.end(store, &open)
}

/// Ends the checkouts of a tenant that were superseded by what is committed already, as [`expire_first`] does.
///
/// # Errors
/// A fault of the file.
pub fn expire_superseded(
    store: &mut Store,
    given: &Given,
    act: &Act,
    tenant: TenantId,
) -> Result<CheckedOut> {
    let ids = store.read(|db| db.superseded_checkouts_of_tenant(tenant))?;
    Checker { given, act, run: None }.each(store, &ids)
}

/// The same of those checkouts, in a run.
pub(super) fn expire(
    store: &mut Store,
    given: &Given,
    act: &Act,
    run: Option<RunId>,
    checkouts: &[CheckoutId],
) -> Result<CheckedOut> {
    Checker { given, act, run }.end(store, checkouts)
}

/// Asks what became of every open checkout.
///
/// # Errors
/// A fault of the file; what fails of one checkout is in the errors of the result instead.
pub fn everything(store: &mut Store, given: &Given, act: &Act, run: RunId) -> Result<CheckedOut> {
    let checker = Checker { given, act, run: Some(run) };
    let most = given.config.payments.parallel.max(1) as usize;
    let (mut sum, mut after) = (CheckedOut::default(), CheckoutId(0));
    loop {
        let page = store.read(|db| db.open_checkouts(after, most))?;
        let Some(last) = page.last() else { return Ok(sum) };
        after = *last;
        checker.page(store, &page, &mut sum)?;
    }
}

/// Writes down what was chosen on the sandbox's page, and returns the checkout; asking about it books it.
///
/// # Errors
/// There is no such checkout of the sandbox.
pub fn sandbox_outcome(
    store: &mut Store,
    reference: &str,
    outcome: SandboxOutcome,
) -> Result<Checkout> {
    store.write(|db| {
        let checkout = db.sandbox_checkout(reference)?;
        db.set_sandbox_outcome(checkout.id, outcome)?;
        Ok(checkout)
    })
}

/// Writes down what a person found out of a checkout without an outcome.
///
/// # Errors
/// It has an outcome, or its page is there yet.
pub fn resolve(
    store: &mut Store,
    given: &Given,
    act: &Act,
    id: TransactionId,
    (found, note): (Found, &str),
) -> Result<()> {
    store.write(|db| {
        let status = db.transaction(id)?.status.word();
        let resolved = Refusal::NotResolvable { transaction: id.to_string(), status };
        let Some(checkout) = db.checkout_of(id)?.filter(Checkout::is_open) else {
            return Err(resolved);
        };
        // The gateway knows of it, and a customer may pay there while a person says that nobody did.
        let is_over = checkout.is_over(TimeDelta::zero(), act.now, given.clock.machine_now());
        if checkout.status == CheckoutStatus::Pending && !is_over {
            return Err(resolved);
        }
        let became = match found {
            Found::Succeeded => Became::Paid { reference: None, method: PaymentMethodKind::Other },
            Found::Failed => Became::Failed {
                code: "resolved_failed".to_owned(),
                message: Some(note.to_owned()),
            },
        };
        let book = Book::new(db, act, given.config);
        book.checkout_resolved(&checkout, id, found, note)?;
        book.checkout_became(checkout.id, &became, None).map(drop)
    })
}

struct Checker<'a> {
    given: &'a Given<'a>,
    act: &'a Act,
    run: Option<RunId>,
}

impl Checker<'_> {
    fn books<'a>(&'a self, db: &'a Db) -> Book<'a> {
        Book::new(db, self.act, self.given.config)
    }

    fn begin(&self, store: &mut Store, wanted: Wanted, back: &Back) -> Result<Checkout> {
        let gateway = self.given.gateway;
        if !may_begin(self.given) {
            return Err(Unavailable::Checkouts { gateway: gateway.name() }.into());
        }
        gateway.check()?;
        let base_url = back.base_url.unwrap_or(origin(back.return_url));
        check_page("return_url", back.return_url)?;
        check_page("base_url", base_url)?;
        let back = Back { base_url: Some(base_url), ..*back };
        let (since, mut asked) = (Instant::now(), None);
        loop {
            match store.write(|db| self.step(db, wanted, &back, asked))? {
                Step::Ask(id) => {
                    self.look_at(store, id, &mut CheckedOut::default())?;
                    asked = Some(id);
                }
                Step::Ready(id) => return store.read(|db| db.checkout(id)),
                Step::Call(id) => return self.call(store, id),
                Step::Wait(id) if since.elapsed() >= OTHERS => {
                    store.write(|db| db.call_too(id))?;
                    return self.call(store, id);
                }
                Step::Wait(_) => std::thread::sleep(A_LOOK),
            }
        }
    }

    /// What is to be done for a page: nothing where there is one, and its key is written down where there is
    /// none. `asked` is one that the gateway was asked about just now.
    fn step(
        &self,
        db: &Db,
        wanted: Wanted,
        back: &Back,
        asked: Option<CheckoutId>,
    ) -> Result<Step> {
        let (tenant, pays, currency, open) = match wanted {
            Wanted::Payment(pays) => {
                let invoice = db.invoice(pays.invoice)?;
                let due = invoice.due;
                settle(&invoice, due, Overpayment::Refuse)?;
                if let Some(shown) = pays.shown.filter(|shown| *shown != due) {
                    return Err(Refusal::AmountChanged { invoice: invoice.number, shown, due });
                }
                if db.live_charge(invoice.id)?.is_some() || db.is_on_its_way(invoice.id)? {
                    return Err(Refusal::ChargePending { invoice: invoice.number });
                }
                let open = db.wanted_checkout(invoice.id)?;
                (invoice.tenant_id, Some((invoice.id, due)), due.currency(), open)
            }
            Wanted::Setup { tenant } => {
                let tenant = db.tenant(tenant)?;
                if tenant.status == TenantStatus::Closed {
                    return Err(Refusal::TenantClosed { tenant: tenant.slug });
                }
                (tenant.id, None, tenant.currency, db.wanted_setup(tenant.id)?)
            }
        };
        if let Some(open) = open {
            match self.again(&open) {
                Some(Step::Call(id)) => {
                    db.call_for_checkout(id)?;
                    return Ok(Step::Call(id));
                }
                Some(step) => return Ok(step),
                None if asked != Some(open.id) => return Ok(Step::Ask(open.id)),
                // Of no use any more: it is asked about until it has ended, and another takes its place.
                None => db.supersede_checkout(open.id)?,
            }
        }
        let new = NewCheckout {
            tenant,
            pays,
            currency,
            gateway: &self.given.gateway.name(),
            idempotency_key: &key(db, tenant, pays, back)?,
            return_url: back.return_url,
            base_url: back.base_url.unwrap_or_default(),
        };
        let machine_now = self.given.clock.machine_now();
        Ok(Step::Call(db.insert_checkout(self.act, &new, machine_now)?))
    }

    /// What of a checkout that is open serves whoever asks once more; `None` where it is of no use.
    fn again(&self, open: &Checkout) -> Option<Step> {
        let gateway = self.given.gateway;
        if gateway.began_checkout(open) != Began::Here {
            return None;
        }
        if open.status == CheckoutStatus::Pending {
            return open.page(self.act.now).map(|_| Step::Ready(open.id));
        }
        let machine_now = self.given.clock.machine_now();
        let timeout = i64::from(self.given.config.payments.timeout_seconds) + LATE;
        let at_work = open.status == CheckoutStatus::Prepared
            && (machine_now - open.prepared_at).num_seconds() <= timeout
            && process_lives(open.process_id);
        if at_work {
            return Some(Step::Wait(open.id));
        }
        let remembers = gateway.remembers_checkout(open, self.act.now, machine_now);
        remembers.then_some(Step::Call(open.id))
    }

    /// Asks the gateway for the page, and writes down what it answered.
    fn call(&self, store: &mut Store, id: CheckoutId) -> Result<Checkout> {
        let request = store.read(|db| db.checkout_request(id))?;
        let answer = self.given.gateway.checkout(&request);
        let checkout = store.write(|db| {
            self.books(db).checkout_answered(&db.checkout(id)?, &answer)?;
            db.checkout(id)
        })?;
        if checkout.superseded && checkout.is_open() {
            return Err(self.changed_meanwhile(store, &checkout)?);
        }
        if checkout.url.is_some() {
            return Ok(checkout);
        }
        match answer {
            Opened::Refused { code, message } => {
                Err(Unavailable::Checkout { code, message }.into())
            }
            Opened::Unsupported => Err(Unavailable::Checkouts { gateway: checkout.gateway }.into()),
            Opened::NotSent { message } => {
                let code = "not_sent".to_owned();
                Err(Unavailable::Checkout { code, message: Some(message) }.into())
            }
            Opened::Redirect(_) | Opened::Unknown { .. } => Ok(checkout),
        }
    }

    /// The invoice was paid otherwise while the gateway made a page for it: nobody is sent there.
    fn changed_meanwhile(&self, store: &mut Store, checkout: &Checkout) -> Result<Refusal> {
        self.look_at(store, checkout.id, &mut CheckedOut::default())?;
        let (Some(invoice), Some(shown)) = (checkout.invoice_id, checkout.amount) else {
            return Ok(Unavailable::None.into());
        };
        let invoice = store.read(|db| db.invoice_by_id(invoice))?;
        Ok(Refusal::AmountChanged { invoice: invoice.number, shown, due: invoice.due })
    }

    /// Ends those checkouts, as far as the gateway can.
    fn end(&self, store: &mut Store, ids: &[CheckoutId]) -> Result<CheckedOut> {
        if !ids.is_empty() {
            store.write(|db| ids.iter().try_for_each(|id| db.supersede_checkout(*id)))?;
        }
        self.each(store, ids)
    }

    fn each(&self, store: &mut Store, ids: &[CheckoutId]) -> Result<CheckedOut> {
        let mut sum = CheckedOut::default();
        self.page(store, ids, &mut sum)?;
        Ok(sum)
    }

    fn look_at(&self, store: &mut Store, id: CheckoutId, sum: &mut CheckedOut) -> Result<()> {
        self.page(store, &[id], sum)
    }

    /// Asks about those checkouts, all at once, and books what became of each.
    fn page(&self, store: &mut Store, ids: &[CheckoutId], sum: &mut CheckedOut) -> Result<()> {
        let asked = store.read(|db| {
            let open = ids.iter().map(|id| Ok((db.checkout(*id)?, db.checkout_request(*id)?)));
            open.collect::<Result<Vec<_>>>()
        })?;
        let answers: Vec<_> = std::thread::scope(|scope| {
            let calls: Vec<_> = asked
                .iter()
                .map(|(checkout, request)| scope.spawn(|| self.became(checkout, request)))
                .collect();
            let broke_off = || Became::Unknown { message: "the call broke off".to_owned() };
            calls
                .into_iter()
                .map(|call| call.join().unwrap_or_else(|_| Some(broke_off())))
                .collect()
        });
        for ((checkout, _), answer) in asked.iter().zip(answers) {
            match self.book(store, checkout, answer.as_ref(), sum) {
                Err(refusal) if refusal.is_of_the_item() => {
                    sum.errors.push(item_refused(&name(checkout), &refusal));
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// What the gateway says of a checkout, which is told to end it where it is not wanted any more; `None`
    /// where nobody can be asked.
    fn became(&self, checkout: &Checkout, request: &CheckoutRequest) -> Option<Became> {
        let gateway = self.given.gateway;
        let is_here = gateway.began_checkout(checkout) != Began::Elsewhere;
        if !checkout.is_open() || !is_here || gateway.check().is_err() {
            return None;
        }
        let reference = checkout.reference.as_deref();
        let now = self.act.now;
        if let Some(reference) = reference.filter(|_| checkout.superseded) {
            let ended = gateway.expire_checkout(request, reference, now);
            // Whatever is not the end says nothing.
            use Became::{Expired, Failed, Paid, SetUp};
            if matches!(ended, Expired | Failed { .. } | Paid { .. } | SetUp(_)) {
                return Some(ended);
            }
        }
        Some(gateway.checkout_status(request, reference, now))
    }

    fn book(
        &self,
        store: &mut Store,
        checkout: &Checkout,
        answer: Option<&Became>,
        sum: &mut CheckedOut,
    ) -> Result<()> {
        if !checkout.is_open() {
            return Ok(());
        }
        let machine_now = self.given.clock.machine_now();
        let then = decide(checkout, answer, self.act.now, machine_now);
        // Asked about again and again: what is known already is not written again.
        let on_its_way = answer.and_then(Became::is_on_its_way);
        let is_named = checkout.reference.is_none()
            && matches!(
                answer,
                Some(Became::Open { reference: Some(_) } | Became::OnItsWay { reference: Some(_) })
            );
        let is_news = is_named || on_its_way.is_some_and(|is| is != checkout.on_its_way);
        if then == Then::Keep && !is_news {
            sum.open += 1;
            return Ok(());
        }
        let (ended, queued) = store.write(|db| {
            let before = db.newest_email()?;
            let books = self.books(db);
            let ended = match (then, answer) {
                (Then::Book | Then::Keep, Some(answer)) => {
                    books.checkout_became(checkout.id, answer, self.run)?
                }
                (Then::Expire, _) => books.expire_checkout(checkout)?,
                (Then::Forget, _) => books.forget_checkout(checkout)?,
                (Then::Book | Then::Keep, None) => None,
            };
            Ok((ended, db.newest_email()? - before))
        })?;
        sum.count(ended);
        sum.emails_queued += queued;
        match ended {
            Some(Ended::Paid) => name_surplus(store, checkout.id, sum),
            _ => Ok(()),
        }
    }
}

fn check_page(field: &'static str, url: &str) -> Result<()> {
    match is_page(url) {
        true => Ok(()),
        false if url.len() > LONGEST_URL => {
            Err(Refusal::bad(field, "", Why::TooLong { max: LONGEST_URL }))
        }
        false => Err(Refusal::bad(field, url, Why::NotAPage)),
    }
}

/// Names a checkout that was paid although the invoice had been settled otherwise: the money is the customer's
/// credit, and somebody may want to give it back.
fn name_surplus(store: &mut Store, id: CheckoutId, sum: &mut CheckedOut) -> Result<()> {
    let checkout = store.read(|db| db.checkout(id))?;
    let Some(transaction) = checkout.transaction else { return Ok(()) };
    let paid = store.read(|db| db.transaction(transaction))?;
    let surplus = paid.amount.minus(paid.applied)?;
    if !surplus.is_zero() {
        let words = format!(
            "{} was settled before the customer paid it on the gateway's page: {surplus} are the customer's \
             credit, and billing transaction refund {transaction} gives back what is left of it",
            checkout.invoice.as_deref().unwrap_or_default()
        );
        sum.errors.push(item_error(&transaction.to_string(), "paid_twice", words));
    }
    Ok(())
}

fn name(checkout: &Checkout) -> String {
    checkout.transaction.map_or_else(|| checkout.id.to_string(), |id| id.to_string())
}

/// The key of a checkout. It follows from all that the gateway is asked: where a backup was brought back and
/// forgot a checkout, the same one comes with the same key again, by which the gateway knows it.
fn key(db: &Db, tenant: TenantId, pays: Option<(InvoiceId, Money)>, back: &Back) -> Result<String> {
    let file = uuid::Uuid::try_parse(&db.database_uuid()?).unwrap_or_default();
    let number = db.count_checkouts(tenant, pays.map(|(invoice, _)| invoice))? + 1;
    let what = match pays {
        Some((id, amount)) => format!("{}/{}", db.invoice_by_id(id)?.number, amount.minor()),
        None => String::new(),
    };
    let slug = db.tenant_by_id(tenant)?.slug;
    let text = format!("checkout/{slug}/{what}/{number}/{}", back.return_url);
    Ok(format!("{}-{number}", uuid::Uuid::new_v5(&file, text.as_bytes())))
}
