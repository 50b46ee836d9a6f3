//! Why something was refused, as data: `failure` alone turns it into words and hints.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;

use super::ids::{CreditUseId, TransactionId};
use super::money::{BadAmount, BadCurrency, Currency, Money, MoneyFault};
use super::reject::Reject;
use super::verdict::Verdict;

/// What a lower room returns.
pub type Result<T> = std::result::Result<T, Refusal>;

/// What is wrong with a value that was typed or imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A name that would be taken for an id.
    LooksLikeId,
    Empty,
    /// Items that are not billed together: one twice, or another interval, currency or basis of tax.
    ItemsApart,
    /// Items whose first is not the plan of the row, or not as many of it.
    FirstItem,
    TooLong {
        max: usize,
    },
    ControlCharacter {
        code: u32,
    },
    NotASlug,
    NotAnEmailAddress,
    /// No `https://…` where a portal can be.
    NotAPortalUrl,
    NotACountry,
    NotADate,
    NotAPercentage,
    /// Above 0, at most 100 percent, at most 2 decimals.
    NotADiscount,
    NotACouponCode,
    /// A card number where a gateway's token is asked for.
    CardNumber,
    /// Neither a date nor an instant of RFC 3339.
    NotAnInstant,
    /// Not https, nor http to this machine.
    NotAPage,
    NotMetadata,
    /// Not `DESCRIPTION:QUANTITY:UNIT_PRICE`.
    NotALine,
    /// Not above 0, or with more decimals than a quantity may have.
    NotAQuantity,
    TooManyPriceDecimals {
        most: u32,
    },
    /// A whole number between these.
    NotACount {
        least: i64,
        most: i64,
    },
    /// Not an amount of its currency.
    Amount(BadAmount),
    Zero,
    /// Not `UP_TO:UNIT[:FLAT]`.
    NotATier,
    /// No decimal number that a meter can take.
    NotAValue,
    /// A tier that does not go above the one before it.
    TierOrder {
        before: String,
    },
    /// The last tier has a bound.
    TiersEnd,
    UnknownCurrency,
    /// A currency that another one took the place of.
    WithdrawnCurrency {
        instead: &'static str,
    },
    /// Not one of the words that the field takes.
    NotOneOf {
        words: String,
    },
    UnknownTenant,
    UnknownInvoice,
    UnknownPlan,
    /// A date that must not lie before another field's.
    Before {
        field: &'static str,
    },
    /// A moment that must lie after another field's.
    NotAfter {
        field: &'static str,
    },
    /// A limit that must not lie below what is used.
    BelowUsed {
        used: i64,
    },
    /// Uses of a coupon, of which an import makes none; `here` are those of one that is there.
    UsesElsewhere,
    /// A date that must not lie after today.
    AfterToday,
    /// A date that must not lie after this one.
    After {
        last: NaiveDate,
    },
    /// A moment that must not lie ahead.
    AfterNow,
    /// The row is there already, with other values.
    Differs {
        fields: String,
    },
    /// … and can never be taken, as issued documents are not rewritten.
    DiffersForGood {
        fields: String,
    },
    /// More than is left of an invoice to be credited.
    AboveInvoice {
        left: Money,
    },
    /// More than was paid on an invoice of what is credited, and has not gone back.
    AbovePaid {
        most: Money,
    },
    /// By what is due on the invoice, another part of a credit note goes there.
    OtherSplit {
        here: Money,
        due: Money,
    },
    NotCreditable {
        status: &'static str,
    },
    /// The value is missing where another field asks for it.
    NeededWith {
        field: &'static str,
    },
    NotAllowedWith {
        field: &'static str,
    },
    AboveDue {
        due: Money,
    },
    NotPayable {
        status: &'static str,
    },
    /// Another payment of the same `invoice` or `account` bears the reference.
    ReferenceTaken {
        transaction: TransactionId,
        of: &'static str,
    },
    /// So does an earlier row of the same file.
    ReferenceRepeated {
        of: &'static str,
    },
    CannotChange {
        what: &'static str,
    },
    /// Not as many fields as the header has, or not UTF-8: what the CSV reader says.
    BadCsv(String),
}

/// What is wrong with a line that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Which line it is, from 1.
    pub position: usize,
    /// Empty where the whole line is meant.
    pub field: &'static str,
    pub value: String,
    pub why: Why,
}

/// Why no invoice of a subscription follows as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NothingFollows {
    Canceled,
    /// It is canceled, and paid to its end.
    Ends {
        on: NaiveDate,
    },
    Suspended {
        since: NaiveDate,
        cause: &'static str,
    },
    /// It is paused, or will be, and nobody said until when.
    Paused,
    /// Its trial ends, and it is suspended then.
    TrialEnds {
        last_free_day: NaiveDate,
        /// The customer that lacks a payment method for it to go on.
        without_method: Option<String>,
    },
}

impl From<BadCurrency> for Why {
    fn from(why: BadCurrency) -> Why {
        match why {
            BadCurrency::Unknown => Why::UnknownCurrency,
            BadCurrency::Withdrawn { instead } => Why::WithdrawnCurrency { instead },
        }
    }
}

impl From<BadAmount> for Why {
    fn from(amiss: BadAmount) -> Why {
        Why::Amount(amiss)
    }
}

impl From<MoneyFault> for Refusal {
    fn from(unreckonable: MoneyFault) -> Refusal {
        Refusal::MoneyFault(unreckonable)
    }
}

/// A rule, a missing thing or a fault that kept a command from doing what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `near` is the closest name that does exist.
    NotFound {
        noun: &'static str,
        name: String,
        near: Option<String>,
    },
    Exists {
        noun: &'static str,
        name: String,
    },
    Bad {
        field: &'static str,
        value: String,
        why: Why,
    },
    /// Of so many lines of an invoice that were typed, all that is wrong with any.
    BadLines {
        of: usize,
        bad: Vec<BadLine>,
    },
    NothingToEdit {
        noun: &'static str,
    },
    /// A field that is to be cleared and to be something.
    ClearedAndSet {
        field: &'static str,
    },
    /// A key of the API that was revoked before.
    ApiKeyRevoked {
        key: String,
    },
    /// A key under which something else was made.
    IdempotencyKeyReused {
        key: String,
    },
    /// What another customer is called by already.
    ExternalIdTaken {
        external_id: String,
        tenant: String,
    },
    /// A buyer who is to account for the tax has no number for VAT.
    VatIdMissing {
        tenant: String,
    },
    /// Amounts that cannot be reckoned together.
    MoneyFault(MoneyFault),
    DueBeforeIssue {
        issued_on: NaiveDate,
        due_on: NaiveDate,
    },
    /// More credit was asked for than there is.
    CreditTooSmall {
        tenant: String,
        asked: Money,
        left: Money,
    },
    AlreadyUnapplied {
        credit_use: CreditUseId,
    },
    AboveDue {
        invoice: String,
        given: Money,
        due: Money,
    },
    AlreadyPaid {
        invoice: String,
    },
    NotPayable {
        invoice: String,
        status: &'static str,
    },
    PartlyPaid {
        invoice: String,
        paid: Money,
    },
    NotOpen {
        invoice: String,
        status: &'static str,
    },
    AlreadyDisputed {
        invoice: String,
    },
    NotDisputed {
        invoice: String,
    },
    PromiseInThePast {
        until: NaiveDate,
        today: NaiveDate,
    },
    PaidInTheFuture {
        paid_on: NaiveDate,
        today: NaiveDate,
    },
    ReferenceTaken {
        /// The invoice, or the customer on whose account it is.
        of: String,
        reference: String,
        transaction: TransactionId,
    },
    AlreadySuspended {
        tenant: String,
    },
    /// Its e-mail has left, on that day.
    AlreadySent {
        invoice: String,
        on: NaiveDate,
    },
    /// All of it is credited, or, where something is left, what is asked for comes to nothing.
    NothingToCredit {
        invoice: String,
        left: Money,
    },
    CreditNoteAboveInvoice {
        invoice: String,
        /// The position of the line, where a line is credited.
        line: Option<usize>,
        given: Money,
        left: Money,
    },
    NoSuchLine {
        invoice: String,
        line: usize,
        lines: usize,
    },
    /// Where the part of a credit note that was paid is to go does not add up to it.
    CreditNoteSplit {
        paid: Money,
        given: Money,
    },
    /// More is to go back than was paid so.
    RefundAbovePaid {
        invoice: String,
        asked: Money,
        most: Money,
        /// By the gateway, which gives back what it took.
        by_gateway: bool,
    },
    NotCreditable {
        invoice: String,
        status: &'static str,
    },
    CreditedBeforeIssue {
        invoice: String,
        issued_on: NaiveDate,
        credited_on: NaiveDate,
    },
    CreditedInTheFuture {
        credited_on: NaiveDate,
        today: NaiveDate,
    },
    /// Nothing of it may go back.
    NotRefundable {
        transaction: String,
        status: &'static str,
    },
    /// Money that came by hand goes back by hand.
    RefundByHand {
        transaction: String,
    },
    /// What of a payment is not unused credit cannot go back as such.
    CreditInUse {
        transaction: String,
        invoice: Option<String>,
        asked: Money,
        left: Money,
        /// Whether it came by hand, and so goes back by hand.
        by_hand: bool,
    },
    /// More went back at the gateway than a charge brought.
    RefundedTooMuch {
        transaction: String,
        amount: Money,
        left: Money,
    },
    /// A PDF on standard output, which is a terminal.
    PdfToTerminal {
        number: String,
    },
    /// Bytes of a document that are gone, or are others.
    DocumentLost {
        number: String,
        what: String,
    },
    /// A void invoice of which no document was made in that form while it stood.
    VoidHasNoDocument {
        invoice: String,
        /// The word of the form.
        form: &'static str,
    },
    /// It cannot be void any more.
    HasCreditNotes {
        invoice: String,
    },
    /// It bills no period of a subscription.
    NoPeriod {
        invoice: String,
    },
    NotClosed {
        tenant: String,
        status: &'static str,
    },
    NotSuspended {
        tenant: String,
        /// One of its subscriptions that is suspended for itself, because its trial ended.
        subscription: Option<String>,
    },
    TenantClosed {
        tenant: String,
    },
    TenantSuspended {
        tenant: String,
    },
    PlanArchived {
        plan: String,
    },
    /// A flag that a model of prices needs.
    ModelNeeds {
        model: &'static str,
        flag: &'static str,
    },
    /// One that it cannot have.
    ModelTakesNo {
        model: &'static str,
        flag: &'static str,
    },
    /// A plan has a live price in that currency already, for that meter or none.
    PriceExists {
        plan: String,
        meter: Option<String>,
        currency: Currency,
    },
    /// It has none that is live, in that currency or at all, for that meter or none.
    NoPrice {
        plan: String,
        meter: Option<String>,
        currency: Option<Currency>,
    },
    /// A price that would take its own place.
    SamePrice {
        plan: String,
        currency: Currency,
    },
    /// A percentage is of a value that a meter sums up.
    PercentageOf {
        meter: Option<String>,
    },
    MeterArchived {
        meter: String,
    },
    /// An event of usage that is not taken.
    Usage(Reject),
    NoUsageEvent {
        id: String,
        day: NaiveDate,
    },
    UsageVoided {
        id: String,
    },
    /// What was used on a day, or in a period, is more than can be counted.
    UsageTooLarge {
        subscription: String,
    },
    /// Some of several events are not taken, and so none is.
    UsageRejected {
        lines: u64,
        rejected: u64,
    },
    /// A customer has no subscription with a meter, or several.
    WhichMetered {
        tenant: String,
        subscriptions: Vec<String>,
    },
    /// A subscription has no period of usage there.
    NoUsagePeriod {
        subscription: String,
        asked: String,
    },
    /// It has several, and none was named.
    WhichPrice {
        plan: String,
        currencies: Vec<Currency>,
    },
    PlanCurrency {
        plan: String,
        has: Currency,
        needs: Currency,
    },
    /// All items of a subscription have one interval.
    IntervalMismatch {
        plan: String,
        has: String,
        needs: String,
    },
    /// … and one basis of tax.
    BasisMismatch {
        plan: String,
    },
    /// A plan is in a subscription once; `None`: one that is to begin.
    ItemExists {
        subscription: Option<String>,
        plan: String,
    },
    /// A subscription has an item at least.
    LastItem {
        plan: String,
    },
    NoItem {
        subscription: String,
        plan: String,
    },
    /// It has several, and none was named.
    WhichItem {
        subscription: String,
        plans: Vec<String>,
    },
    SubscriptionCanceled {
        subscription: String,
    },
    NotCanceled {
        subscription: String,
    },
    NotOnTrial {
        subscription: String,
        status: &'static str,
    },
    /// No coupon takes anything off its invoices to come.
    NoCoupon {
        subscription: String,
    },
    /// Its invoices are collected in that way already.
    CollectedSo {
        subscription: String,
        collection: &'static str,
    },
    /// It runs out at the end of its period.
    NoNextPeriod {
        subscription: String,
        ends_on: NaiveDate,
    },
    NothingFollows {
        subscription: String,
        why: NothingFollows,
    },
    NothingToChange {
        subscription: String,
    },
    /// Another address of the portal is configured than was given.
    OtherPortal {
        given: String,
        there: String,
    },
    /// The link of an invoice held until then.
    LinkOver {
        invoice: String,
        until: NaiveDate,
    },
    /// As many links as may be sent within an hour were asked for.
    TooManyLinks {
        tenant: String,
    },
    /// The address is the customer's own already.
    EmailUnchanged {
        email: String,
    },
    /// A link that was to confirm an address does not any more.
    ConfirmationOver,
    /// Of another customer than was named.
    NotOfTenant {
        subscription: String,
        tenant: String,
    },
    /// A subscription is billed in one currency, and not in the one that was asked for.
    SubscriptionCurrency {
        subscription: String,
        has: Currency,
        asked: Currency,
    },
    /// No line of the invoice is one that a coupon may take something off.
    NothingDiscountable {
        coupon: String,
    },
    /// Nothing waits of a customer that is of no subscription.
    NothingPending {
        tenant: String,
        currency: Currency,
    },
    /// An invoice has taken it, or it was removed.
    NotPending {
        item: String,
        status: &'static str,
        invoice: Option<String>,
    },
    /// More is taken off it than it comes to.
    AbovePendingItem {
        item: String,
        asked: Money,
        most: Money,
    },
    /// More periods have begun than may be billed unasked, so that nothing of it can change.
    PeriodNotBilled {
        subscription: String,
        count: usize,
        since: NaiveDate,
    },
    /// Only what is billed can be paused.
    NotPausable {
        subscription: String,
        status: &'static str,
    },
    /// What would end its period now was billed by another program.
    BilledElsewhere {
        subscription: String,
        until: NaiveDate,
    },
    /// The coupon's rules say no; the reasons in their order, at least one.
    CouponRefused {
        coupon: String,
        verdicts: Vec<Verdict>,
    },
    /// A field that its users agreed to.
    CouponUsed {
        coupon: String,
        field: &'static str,
    },
    CouponUndeletable {
        coupon: String,
    },
    /// An invoice or subscription that has a coupon already.
    HasCoupon {
        subject: String,
        coupon: String,
    },
    ChargePending {
        invoice: String,
    },
    /// What is due is not what whoever pays was shown.
    AmountChanged {
        invoice: String,
        shown: Money,
        due: Money,
    },
    /// A change comes to another total than whoever asks for it was shown.
    TotalChanged {
        subscription: String,
        shown: Money,
        now: Money,
    },
    /// A tenant without a default payment method.
    NoPaymentMethod {
        tenant: String,
    },
    /// A transaction that has an outcome.
    NotResolvable {
        transaction: String,
        status: &'static str,
    },
    /// The system has no secure source of random bytes.
    NoRandomness {
        message: String,
    },
    PaymentMethodRemoved {
        payment_method: String,
    },
    NotConfirmed {
        what: String,
    },
    AlreadyReversed {
        transaction: String,
    },
    NotReversible {
        transaction: String,
        status: &'static str,
    },
    StillQueued {
        email: String,
    },
    AlreadyResent {
        email: String,
    },
    /// A folder that is to be filled is not empty.
    NotEmpty {
        path: PathBuf,
    },
    /// A file that would be overwritten.
    WouldOverwrite {
        path: PathBuf,
    },
    BadNumberFormat {
        format: String,
    },
    /// Something in a currency that a form of export has no rate for.
    CurrencyNeedsRate {
        currency: Currency,
        needs: Currency,
        booked_on: NaiveDate,
        invoice: Option<String>,
    },
    /// What another room refuses for reasons of its own.
    Room(OfRoom),
    File {
        path: PathBuf,
        doing: &'static str,
        message: String,
    },
}

impl Refusal {
    /// A value of a field that is refused.
    pub fn bad(field: &'static str, value: &str, why: impl Into<Why>) -> Self {
        Refusal::Bad { field, value: value.to_owned(), why: why.into() }
    }

    /// A file that could not be read or written.
    pub fn file(
        path: &std::path::Path,
        doing: &'static str,
        error: &dyn std::fmt::Display,
    ) -> Self {
        Refusal::File { path: path.to_owned(), doing, message: error.to_string() }
    }

    /// The reasons of that room, where they are why.
    pub fn of<T: Reasons>(&self) -> Option<&T> {
        match self {
            Refusal::Room(OfRoom(reasons)) => {
                let reasons: &dyn std::any::Any = reasons.as_ref();
                reasons.downcast_ref()
            }
            _ => None,
        }
    }

    /// Whether the same work may go on with the next item.
    pub fn is_of_the_item(&self) -> bool {
        match self {
            Refusal::Room(OfRoom(reasons)) => reasons.are_of_the_item(),
            _ => true,
        }
    }
}

/// Why a room above this one refuses something: the room owns the type, and `failure` has its words.
pub trait Reasons: std::any::Any + std::fmt::Debug + Send + Sync {
    /// Whether they lie with the item that was worked on, so that the next one may be tried.
    fn are_of_the_item(&self) -> bool {
        true
    }
}

/// The reasons of some room.
#[derive(Debug, Clone)]
pub struct OfRoom(Arc<dyn Reasons>);

impl PartialEq for OfRoom {
    fn eq(&self, other: &OfRoom) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

impl Eq for OfRoom {}

impl<T: Reasons> From<T> for Refusal {
    fn from(reasons: T) -> Refusal {
        Refusal::Room(OfRoom(Arc::new(reasons)))
    }
}

impl std::fmt::Display for Refusal {
    /// The words stand in `failure`; this is what a log of last resort shows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Refusal {}
