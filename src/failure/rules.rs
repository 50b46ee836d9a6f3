//! The words of what the rules refuse.

use std::fmt::Write as _;

use super::values::bad_value;
use super::{Failure, new, plain_io, rooms};
use crate::domain::Refusal;
use crate::domain::coupon::{self, Reason, Verdict};
use crate::domain::money::MoneyFault;
use crate::domain::recurrence::MOST_MISSED;
use crate::domain::refusal::{BadLine, NothingFollows};
use crate::domain::text::printable_value;

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Failure {
        use Refusal as R;
        match refusal {
            R::NotFound { noun, name, near } => {
                let list = format!("billing {} list shows them all", noun.to_lowercase().replace(' ', "-"));
                let name = printable_value(name);
                let failure = new("not_found", format!("there is no {noun} {name}"));
                match near {
                    Some(near) => failure.hint(format!("did you mean {near}? {list}")),
                    None => failure.hint(list),
                }
            }
            R::Exists { noun, name } => {
                let (the, how) = match *noun {
                    "invoice" => ("an", "its number is taken for good, also where it is void"),
                    "plan" => ("a", "a plan's price never changes: archive it, and make another"),
                    "meter" => ("a", "how a meter counts never changes: archive it, and make another"),
                    "API key" => ("an", "choose another name, or revoke the key that has it"),
                    "coupon" => ("a", "choose another code, or edit the coupon that is there"),
                    _ => ("a", "choose another name, or edit the one that is there"),
                };
                new("already_exists", format!("there is {the} {noun} {name} already")).hint(how)
            }
            R::Bad { field, value, why } => {
                let (code, message, hint) = bad_value(value, why);
                let failure = new(code, format!("{field}: {message}"));
                hint.into_iter().fold(failure, Failure::hint)
            }
            R::BadLines { of, bad } => bad_lines(*of, bad),
            R::ClearedAndSet { field } => {
                new("cleared_and_set", format!("{field} cannot be cleared and set at once"))
            }
            R::ApiKeyRevoked { key } => new("api_key_revoked", format!("{key} was revoked already")),
            R::IdempotencyKeyReused { key } => new(
                "idempotency_key_reused",
                format!("the key was used with another command or other arguments: {key}"),
            )
            .hint("a key stands for one thing to be made: use another one"),
            R::ExternalIdTaken { external_id, tenant } => new(
                "external_id_taken",
                format!("{tenant} has the external id {external_id}"),
            )
            .hint("each names one customer, as @EXTERNAL_ID"),
            R::VatIdMissing { tenant } => new(
                "vat_id_missing",
                format!("reverse_charge needs the VAT id of {tenant}, who accounts for the tax"),
            )
            .hint("--vat-id gives it; --tax-category or --clear tax_category says otherwise"),
            R::NothingToEdit { noun } => {
                new("nothing_to_edit", "nothing to change: name at least one field")
                    .hint(format!("billing {noun} edit --help lists what can be"))
            }
            R::MoneyFault(MoneyFault::MixedCurrencies { one, other }) => {
                new("currency_mismatch", format!("amounts in {one} and {other} cannot be added"))
            }
            R::MoneyFault(MoneyFault::Overflow { currency }) => {
                new("amount_too_large", format!("the sum is larger than can be billed in {currency}"))
            }
            R::DueBeforeIssue { issued_on, due_on } => {
                new("due_before_issue", format!("due on {due_on}, before it is issued on {issued_on}"))
            }
            R::CreditTooSmall { tenant, asked, left } if left.is_zero() => {
                new("no_credit", format!("{tenant} has no credit in {}", asked.currency()))
                    .hint("billing credit grant gives it some")
            }
            R::CreditTooSmall { tenant, asked, left } => {
                new("credit_too_small", format!("{tenant} has {left} in credit, not {asked}"))
            }
            R::AlreadyUnapplied { credit_use } => {
                new("already_unapplied", format!("{credit_use} was taken off its invoice already"))
            }
            R::AboveDue { invoice, given, due } => {
                new("above_due", format!("{given} is more than the {due} that are due on {invoice}"))
                    .hint("record what is due; --allow-overpayment keeps the surplus as the customer's credit")
            }
            R::AlreadyPaid { invoice } => new("already_paid", format!("nothing is due on {invoice}, it is paid"))
                .hint(format!("billing transaction list --invoice {invoice} shows by what")),
            R::NotPayable { invoice, status } => {
                new("not_payable", format!("{invoice} cannot be paid, it is {status}"))
            }
            R::PartlyPaid { invoice, paid } => {
                new("partly_paid", format!("{paid} were paid on {invoice}, so it cannot be voided"))
                    .hint("take the payments back with billing transaction reverse, or write the rest off")
            }
            R::NotOpen { invoice, status } => new("not_open", format!("{invoice} is not open, it is {status}")),
            R::AlreadyDisputed { invoice } => new("already_disputed", format!("{invoice} is disputed already")),
            R::NotDisputed { invoice } => new("not_disputed", format!("{invoice} is not disputed")),
            R::PromiseInThePast { until, .. } => {
                new("date_in_the_past", format!("the promise date {until} is in the past"))
            }
            R::PaidInTheFuture { paid_on, .. } => {
                new("date_in_the_future", format!("the payment date {paid_on} is in the future"))
                    .hint("leave it out to use today")
            }
            R::ReferenceTaken { of, reference, transaction } => {
                new("reference_taken", format!("{transaction} of {of} bears the reference {reference} already"))
                    .hint("where it is another payment, as of a standing order, say --allow-repeated-reference")
            }
            R::AlreadySuspended { tenant } => {
                new("already_suspended", format!("{tenant} is suspended by hand already"))
            }
            R::NotSuspended { tenant, subscription } => {
                let failure = new("not_suspended", format!("{tenant} is not suspended"));
                let hint = |id| format!("{id} is; billing subscription resume {id} brings it back");
                subscription.as_ref().map(hint).into_iter().fold(failure, Failure::hint)
            }
            R::AlreadySent { invoice, on } => {
                new("already_sent", format!("{invoice} is out since {on}: its e-mail has left, or its document was made"))
                    .hint(format!("billing credit-note create --invoice {invoice} --full --reason error takes it back by another document; --yes voids it all the same"))
            }
            R::NothingToCredit { invoice, left } if !left.is_zero() => {
                new("nothing_to_credit", format!("what is asked for of {invoice} comes to nothing once its discount is off; {left} are left"))
                    .hint("--amount credits what the customer gets")
            }
            R::NothingToCredit { invoice, .. } => {
                new("nothing_to_credit", format!("nothing of {invoice} is left to be credited"))
                    .hint(format!("billing credit-note list --invoice {invoice} shows what was"))
            }
            R::CreditNoteAboveInvoice { invoice, line, given, left } => {
                let of = line.map_or(invoice.clone(), |line| format!("line {line} of {invoice}"));
                new("credit_note_above_invoice", format!("{given} are above the {left} that are left of {of}"))
                    .hint("an amount of a line is before tax and discount, --amount is with tax")
            }
            R::NoSuchLine { invoice, line, lines } => {
                new("no_such_line", format!("{invoice} has no line {line}; its last is {lines}"))
                    .hint(format!("billing invoice show {invoice} lists them"))
            }
            R::CreditNoteSplit { paid, given } => {
                new("credit_note_split", format!("{paid} of the credit note were paid, and {given} are given to --credit, --refund and --outside"))
                    .hint("one of them without an amount takes what the others leave")
            }
            R::RefundAbovePaid { invoice, asked, most, by_gateway: true } => {
                new("refund_above_paid", format!("{asked} cannot go back by the gateway: it took {most} of {invoice} that have not gone back"))
                    .hint("what was paid by hand goes back by hand: --outside --reference R; or --credit keeps it")
            }
            R::RefundAbovePaid { invoice, most, by_gateway: false, .. } if most.is_zero() => {
                new("refund_above_paid", format!("nothing was paid on {invoice} that could go back"))
                    .hint("what credit paid is given as credit (--credit); transaction refund then gives back the payment that it came from")
            }
            R::RefundAbovePaid { invoice, asked, most, by_gateway: false } => {
                new("refund_above_paid", format!("{asked} cannot go back: {most} were paid on {invoice} that have not gone back"))
                    .hint("what credit paid is given as credit (--credit); transaction refund then gives back the payment that it came from")
            }
            R::NotCreditable { invoice, status } => {
                new("not_creditable", format!("{invoice} is {status}, and cannot be credited"))
            }
            R::CreditedBeforeIssue { invoice, issued_on, credited_on } => {
                new("credited_before_issue", format!("{credited_on} is before {issued_on}, when {invoice} was issued"))
            }
            R::CreditedInTheFuture { credited_on, .. } => {
                new("date_in_the_future", format!("the date {credited_on} of the credit note is in the future"))
                    .hint("leave it out to use today")
            }
            R::NotRefundable { transaction, status } => {
                new("not_refundable", format!("{transaction} is {status}: no money came that could go back"))
            }
            R::RefundByHand { transaction } => {
                new("refund_by_hand", format!("{transaction} was paid by hand, and no gateway can give it back"))
                    .hint("give it back by hand, then say so with --outside --reference R")
            }
            R::CreditInUse { transaction, invoice, left, by_hand, .. } if left.is_zero() => {
                let failure = new("credit_in_use", format!("nothing of {transaction} is credit that is not used"));
                invoice.as_ref().map(|invoice| billed_goes_back(invoice, *by_hand)).into_iter().fold(failure, Failure::hint)
            }
            R::CreditInUse { transaction, invoice, asked, left, by_hand } => {
                let failure = new("credit_in_use", format!("{asked} of {transaction} cannot go back: {left} of it are credit that is not used"));
                invoice.as_ref().map(|invoice| billed_goes_back(invoice, *by_hand)).into_iter().fold(failure, Failure::hint)
            }
            R::RefundedTooMuch { transaction, amount, left } => {
                new("refunded_too_much", format!("{amount} of {transaction} went back at the gateway, and {left} of it could"))
                    .hint("where it left credit that pays an invoice, billing credit unapply frees that, and the next run books the refund")
            }
            R::PdfToTerminal { number } => {
                new("out_is_a_terminal", "standard output is a terminal, and a PDF is no text")
                    .hint(format!("--out {number}.pdf writes a file"))
            }
            R::DocumentLost { number, what } => {
                new("document_lost", format!("{number}: {what}"))
                    .hint("a document is never made anew: take it from a backup; billing db check names all that are lost")
            }
            R::VoidHasNoDocument { invoice, form } => {
                let what = if *form == "pdf" { "PDF" } else { "e-invoice" };
                new("invoice_void", format!("{invoice} is void, and no {what} of it was made"))
                    .hint("a document is made while an invoice stands; invoice show tells of it")
            }
            R::HasCreditNotes { invoice } => {
                new("has_credit_notes", format!("{invoice} has credit notes, and cannot be void"))
                    .hint(format!("billing credit-note create --invoice {invoice} --full credits the rest of it"))
            }
            R::NoPeriod { invoice } => {
                new("no_period", format!("{invoice} bills no period of a subscription"))
                    .hint("--rebill opens the period of an invoice that does")
            }
            R::NotClosed { tenant, status } => {
                new("not_closed", format!("{tenant} is not closed, it is {status}"))
            }
            R::TenantClosed { tenant } => new("tenant_closed", format!("{tenant} is closed"))
                .hint(format!("billing tenant reopen {tenant} makes it active again, without its subscriptions")),
            R::TenantSuspended { tenant } => new("tenant_suspended", format!("{tenant} is suspended"))
                .hint(format!("billing tenant reactivate {tenant} brings it back")),
            R::PlanArchived { plan } => {
                new("plan_archived", format!("the plan is archived: {plan}"))
                    .hint("it keeps its subscribers and takes no new ones")
            }
            R::ModelNeeds { model, flag } => {
                new("missing_value", format!("--model {model} needs {flag}")).hint(match *flag {
                    "--tier" => "once for each tier, UP_TO:UNIT[:FLAT], as --tier 10:5.00 --tier inf:4.00",
                    "--package-size" => "how many units a package has, as --package-size 100",
                    "--percent" => "how much of the value, as --percent 2.9",
                    _ => "what it costs, as --price 49.90",
                })
            }
            R::ModelTakesNo { model, flag } => {
                new("not_allowed", format!("--model {model} takes no {flag}")).hint(match *flag {
                    "--tier" => "graduated and volume have tiers",
                    "--package-size" => "package has packages",
                    "--percent" => "percentage takes a part of a value",
                    "--price" if *model == "percentage" => "it takes a part of the value: --percent P",
                    "--included" => "it comes to the same for any quantity: leave it out",
                    _ => "its tiers say what it costs: --tier UP_TO:UNIT[:FLAT]",
                })
            }
            R::PriceExists { plan, meter, currency } => {
                let of = for_meter(meter);
                let flag = meter.as_ref().map_or(String::new(), |meter| format!(" --meter {meter}"));
                new("price_exists", format!("{plan} has a price{of} in {currency} already"))
                    .hint(format!("billing plan price archive {plan} --currency {currency}{flag} makes room for another; subscriptions that have it keep it"))
            }
            R::NoPrice { plan, meter, currency: Some(currency) } => {
                new("no_price", format!("{plan} has no live price{} in {currency}", for_meter(meter)))
                    .hint(format!("billing plan price list {plan} shows those it has"))
            }
            R::NoPrice { plan, meter, currency: None } => {
                new("no_price", format!("{plan} has no live price{}", for_meter(meter)))
                    .hint(format!("subscriptions keep the one they have; billing plan price add {plan} gives it another"))
            }
            R::SamePrice { plan, currency } => {
                new("same_price", format!("{plan} costs that already in {currency}"))
            }
            R::PercentageOf { meter: None } => {
                new("not_allowed", "--model percentage is for a price of a meter")
                    .hint("--meter says which: billing meter list shows them all")
            }
            R::PercentageOf { meter: Some(meter) } => {
                new("not_allowed", format!("--model percentage takes a part of a sum, and {meter} is none"))
                    .hint("the meter of a percentage has the aggregation sum: billing meter create --aggregation sum")
            }
            R::MeterArchived { meter } => {
                new("meter_archived", format!("the meter is archived: {meter}"))
                    .hint("prices that have it go on; no new one may")
            }
            R::Usage(reject) => Failure::from(reject),
            R::NoUsageEvent { id, day } => {
                new("not_found", format!("there is no event {} of {day}", printable_value(id)))
                    .hint("--at says on which day it was; billing usage list shows what there is")
            }
            R::UsageVoided { id } => {
                new("already_voided", format!("the event {} was voided already", printable_value(id)))
            }
            R::UsageTooLarge { subscription } => {
                new("amount_too_large", format!("{subscription} used more than can be counted"))
            }
            R::UsageRejected { rejected, .. } => {
                let lines = match rejected {
                    1 => "1 line is".to_owned(),
                    many => format!("{many} lines are"),
                };
                new("usage_rejected", format!("{lines} not taken, and so none was"))
                    .hint("without --atomic the other lines are taken")
            }
            R::WhichMetered { tenant, subscriptions } if subscriptions.is_empty() => {
                new("not_metered", format!("{tenant} has no subscription with a meter"))
                    .hint("billing plan price add PLAN --meter M gives its plan one")
            }
            R::WhichMetered { tenant, subscriptions } => new(
                "ambiguous_tenant",
                format!("{tenant} has several subscriptions with meters: {}", subscriptions.join(", ")),
            )
            .hint("--subscription says which"),
            R::NoUsagePeriod { subscription, asked } => new(
                "no_usage_period",
                format!("{subscription} has no period of usage: {asked}"),
            )
            .hint("--period current, last, or a day of the period"),
            R::WhichPrice { plan, currencies } => {
                let codes: Vec<_> = currencies.iter().map(|currency| currency.code()).collect();
                new("which_price", format!("{plan} has prices in {}", codes.join(", ")))
                    .hint("--currency says which")
            }
            R::PlanCurrency { plan, has, needs } => new(
                "currency_mismatch",
                format!("{plan} is billed in {has}, the subscription in {needs}"),
            )
            .hint("a subscription is billed in one currency: make another one on that plan"),
            R::IntervalMismatch { plan, has, needs } => new(
                "interval_mismatch",
                format!("{plan} is billed each {has}, the other items each {needs}"),
            )
            .hint("all items of a subscription are billed together: --item names each that changes"),
            R::BasisMismatch { plan } => new(
                "tax_basis_mismatch",
                format!("{plan} and the other items: some have prices with tax, some without"),
            )
            .hint("make a subscription of its own for it"),
            R::ItemExists { subscription: Some(subscription), plan } => {
                new("item_exists", format!("{subscription} has {plan} already, or will have"))
                    .hint(format!("billing subscription change {subscription} --item {plan} --quantity N changes how many"))
            }
            R::ItemExists { subscription: None, plan } => {
                new("item_exists", format!("{plan} is named twice"))
                    .hint(format!("--item {plan}:N says how many"))
            }
            R::LastItem { plan } => {
                new("last_item", format!("{plan} is the last item: a subscription has one at least"))
                    .hint("billing subscription cancel ends the subscription")
            }
            R::NoItem { subscription, plan } => {
                new("no_item", format!("{subscription} has no item of {plan}"))
                    .hint(format!("billing subscription show {subscription} lists its items"))
            }
            R::WhichItem { subscription, plans } => {
                new("which_item", format!("{subscription} has items of {}", plans.join(", ")))
                    .hint("--item PLAN says which")
            }
            R::SubscriptionCanceled { subscription } => {
                new("already_canceled", format!("{subscription} is canceled already"))
            }
            R::NotCanceled { subscription } => {
                new("not_canceled", format!("{subscription} is not canceled"))
            }
            R::NotOnTrial { subscription, status } => {
                new("not_on_trial", format!("{subscription} is not on trial, it is {status}"))
            }
            R::NoCoupon { subscription } => {
                new("no_coupon", format!("no coupon takes anything off what {subscription} is billed next"))
            }
            R::CollectedSo { subscription, collection } => {
                new("nothing_to_change", format!("{subscription} is collected in that way already: {collection}"))
            }
            R::NoNextPeriod { subscription, ends_on } => new(
                "no_next_period",
                format!("{subscription} is canceled and ends on {ends_on}: no period follows"),
            )
            .hint(format!("billing subscription resume {subscription} takes the cancellation back")),
            R::NothingFollows { subscription, why } => nothing_follows(subscription, why),
            R::NothingToChange { subscription } => new(
                "nothing_to_change",
                format!("{subscription} has that plan and quantity already, or will have"),
            ),
            R::OtherPortal { given, there } => {
                new("other_portal", format!("[portal] base_url is {there}, and not {given}"))
                    .hint("change it in billing.toml; links that were sent go on to lead where they did")
            }
            R::LinkOver { invoice, until } => {
                new("link_over", format!("the link of {invoice} held until {until}"))
                    .hint("billing portal link without --invoice makes one to all pages of the customer")
            }
            R::TooManyLinks { tenant } => {
                new("too_many_links", format!("{tenant} asked for three links within the hour"))
                    .hint("the last e-mail has one that holds")
            }
            R::EmailUnchanged { email } => {
                new("email_unchanged", format!("{email} is the customer's address already"))
            }
            R::ConfirmationOver => {
                new("confirmation_over", "this link does not confirm an address any more")
                    .hint("ask for the change again")
            }
            R::NotOfTenant { subscription, tenant } => {
                new("not_of_tenant", format!("{subscription} is not of {tenant}"))
                    .hint(format!("billing subscription list --tenant {tenant} shows those that are"))
            }
            R::SubscriptionCurrency { subscription, has, asked } => {
                new("currency_mismatch", format!("{subscription} is billed in {has}, not in {asked}"))
                    .hint("without --subscription, another invoice takes it")
            }
            R::NothingDiscountable { coupon } => {
                let coupon = printable_value(coupon);
                new("nothing_discountable", format!("{coupon} would take nothing off: no line is discountable"))
                    .hint("pending items are where pending-item create --discountable says so")
            }
            R::NothingPending { tenant, currency } => {
                new("nothing_pending", format!("nothing of {tenant} in {currency} waits for an invoice of its own"))
                    .hint(format!("billing pending-item list --tenant {tenant} --status pending shows what waits; a subscription bills what names it"))
            }
            R::NotPending { item, invoice: Some(invoice), .. } => {
                new("not_pending", format!("{item} is billed by {invoice}"))
                    .hint(format!("billing credit-note create --invoice {invoice} takes back what was billed"))
            }
            R::NotPending { item, status, invoice: None } => {
                new("not_pending", format!("{item} does not wait for an invoice, it is {status}"))
            }
            R::AbovePendingItem { item, asked, most } => {
                new("above_pending_item", format!("{asked} is more than the {most} that {item} comes to"))
            }
            R::PeriodNotBilled { subscription, count: 1, since } => new(
                "period_not_billed",
                format!("the period of {subscription} since {since} has begun and is not billed"),
            )
            .hint("billing tasks generate-recurring-invoices bills it"),
            R::PeriodNotBilled { subscription, count, since } => new(
                "period_not_billed",
                format!("{count} periods of {subscription} since {since} have begun and are not billed"),
            )
            .hint(match *count > MOST_MISSED {
                true => "billing tasks generate-recurring-invoices --allow-backlog bills them; \
                         billing subscription cancel --now leaves them unbilled",
                false => "billing tasks generate-recurring-invoices bills them",
            }),
            R::NotPausable { subscription, status } => {
                new("not_pausable", format!("{subscription} is {status}: there is nothing to pause"))
            }
            R::BilledElsewhere { subscription, until } => new(
                "billed_elsewhere",
                format!("{subscription} was billed elsewhere until {until}: nothing can be given back of that"),
            )
            .hint("without --now it changes then"),
            R::CouponRefused { coupon, verdicts } => coupon_refused(coupon, verdicts),
            R::CouponUsed { coupon, field } => new(
                "coupon_used",
                format!("{coupon} was used, so its {field} cannot change any more"),
            )
            .hint("name, description, end, limits and plans may; else deactivate it and make a new one"),
            R::CouponUndeletable { coupon } => {
                new("coupon_used", format!("{coupon} was used, so it cannot be deleted"))
                    .hint(format!("billing coupon deactivate {coupon} lets nobody use it any more"))
            }
            R::HasCoupon { subject, coupon } => {
                new("has_coupon", format!("{subject} has a coupon already: {coupon}"))
                    .hint("an invoice takes one coupon, a subscription one at a time")
            }
            R::ChargePending { invoice } => new(
                "charge_pending",
                format!("a charge of {invoice} has no outcome yet, the money may be on its way"),
            )
            .hint("billing tasks retry-failed-payments asks for it; then try again"),
            R::AmountChanged { invoice, shown, due } => {
                new("amount_changed", format!("{due} are due on {invoice}, and not {shown}"))
                    .hint("look at it again before it is paid")
            }
            R::TotalChanged { subscription, shown, now } => new(
                "total_changed",
                format!("the change of {subscription} comes to {now}, and not to {shown}"),
            )
            .hint("--dry-run says what it comes to"),
            R::NoPaymentMethod { tenant } => {
                new("no_payment_method", format!("{tenant} has no default payment method"))
                    .hint(format!("billing payment-method create --tenant {tenant} --default adds one"))
            }
            R::NotResolvable { transaction, status: "pending" } => new(
                "not_resolvable",
                format!("the page of {transaction} is there yet, and a customer may pay on it"),
            )
            .hint("billing tasks retry-failed-payments asks the gateway what became of it"),
            R::NotResolvable { transaction, status } => new(
                "not_resolvable",
                format!("{transaction} has an outcome, it is {status}"),
            )
            .hint("one that succeeded is taken back by billing transaction reverse"),
            R::NoRandomness { message } => {
                new("no_randomness", format!("the system gives no random bytes: {message}"))
            }
            R::PaymentMethodRemoved { payment_method } => {
                new("payment_method_removed", format!("{payment_method} was removed"))
            }
            R::NotConfirmed { what } => {
                new("not_confirmed", format!("not confirmed: {what}")).hint("--yes confirms it")
            }
            R::AlreadyReversed { transaction } => {
                new("already_reversed", format!("{transaction} was taken back already"))
            }
            R::NotReversible { transaction, status } => {
                let failure = new("not_reversible", format!("{transaction} cannot be taken back, it is {status}"));
                match *status {
                    "pending" | "unknown" => failure.hint("billing transaction resolve says what became of it"),
                    _ => failure,
                }
            }
            R::StillQueued { email } => {
                new("still_queued", format!("{email} is queued and will be sent by itself"))
                    .hint("billing tasks deliver-emails sends what is due now")
            }
            R::AlreadyResent { email } => {
                new("already_resent", format!("{email} was sent again already"))
                    .hint("billing email list shows the newer e-mail; send that one again")
            }
            R::NotEmpty { path } => {
                new("not_empty", format!("the folder is not empty: {}", path.display()))
                    .hint("name a new folder with --dir")
            }
            R::CurrencyNeedsRate { currency, needs, booked_on, invoice } => {
                let of = invoice.as_ref().map(|number| format!(" of {}", printable_value(number)));
                let what = format!("an entry{} is in {currency}", of.unwrap_or_default());
                let rate = format!("which has no rate in {needs}");
                new("currency_needs_rate", format!("{what}, {rate} ({booked_on})"))
                    .hint("export other days, or all currencies with --format hledger or csv")
            }
            R::WouldOverwrite { path } => {
                new("would_overwrite", format!("it is there already: {}", path.display()))
                    .hint("it is never overwritten; move it away, or work with it as it is")
            }
            R::BadNumberFormat { format } => {
                new("bad_number_format", format!("{format} is no format of invoice numbers"))
                    .hint("write it like INV-{year}-{seq:6}: {seq} once, and a sign between it and {year}")
            }
            R::Room(_) => rooms::of_room(refusal),
            R::File { path, doing, message } => {
                new("file", format!("cannot {doing} {}: {}", path.display(), plain_io(message)))
            }
        }
    }
}

/// The code is the first reason's, and all of them are in `reasons`.
/// Why no invoice follows, and what would make one follow.
fn nothing_follows(subscription: &str, why: &NothingFollows) -> Failure {
    let resume =
        || format!("billing subscription resume {subscription} takes the cancellation back");
    let explain = || format!("billing subscription explain {subscription}");
    let (reason, words, hint) = match why {
        NothingFollows::Canceled => {
            ("canceled", "is canceled".to_owned(), format!("{} says what was billed", explain()))
        }
        NothingFollows::Ends { on } => ("ends", format!("is canceled and ends on {on}"), resume()),
        NothingFollows::Suspended { since, cause } => (
            "suspended",
            format!("is suspended since {since} ({cause})"),
            format!("{} says what it would be if it came back today", explain()),
        ),
        NothingFollows::Paused => (
            "paused",
            "is paused without an end".to_owned(),
            format!("billing subscription resume {subscription} lets it go on"),
        ),
        NothingFollows::TrialEnds { last_free_day, without_method: None } => (
            "trial_ends",
            format!("is on trial until {last_free_day}, and is suspended then"),
            "[trials] on_end = \"convert\" lets it go on, where its customer has a payment method"
                .to_owned(),
        ),
        NothingFollows::TrialEnds { last_free_day, without_method: Some(tenant) } => (
            "trial_ends",
            format!(
                "is on trial until {last_free_day}, and is suspended then, as {tenant} has no payment method"
            ),
            format!("billing payment-method create --tenant {tenant} --default lets it go on"),
        ),
    };
    let message = format!("no invoice follows: {subscription} {words}");
    let details = serde_json::json!({ "reason": reason });
    Failure { details, ..new("no_next_invoice", message) }.hint(hint)
}

/// All that is wrong with lines that were typed, each with its remedy and the code that it alone would be
/// refused with.
fn bad_lines(of: usize, bad: &[BadLine]) -> Failure {
    let mut positions: Vec<usize> = bad.iter().map(|bad| bad.position).collect();
    positions.dedup();
    let mut message = match (positions.len(), of) {
        (_, 1) => "the line cannot be billed".to_owned(),
        (count, of) => format!("{count} of {of} lines cannot be billed"),
    };
    let mut details = Vec::new();
    for BadLine { position, field, value, why } in bad {
        let (code, words, remedy) = bad_value(value, why);
        let of_field = if field.is_empty() { String::new() } else { format!("{field}: ") };
        let how = remedy.as_ref().map_or_else(String::new, |remedy| format!(" ({remedy})"));
        let _ = write!(message, "\n  line {position}: {of_field}{words}{how}");
        let field = Some(field).filter(|field| !field.is_empty());
        details.push(serde_json::json!({
            "line": position, "field": field, "code": code, "reason": words, "remedy": remedy,
        }));
    }
    let failure = new("bad_lines", message)
        .hint("each is DESCRIPTION:QUANTITY:UNIT_PRICE; what comes off is a --coupon, or later a credit note");
    Failure { details: serde_json::json!({ "lines": details }), ..failure }
}

fn coupon_refused(coupon: &str, verdicts: &[Verdict]) -> Failure {
    let reasons = coupon::reasons(verdicts);
    let code = reasons.first().map_or("refused", |reason| reason.word());
    let coupon = printable_value(coupon);
    let refusing = verdicts.iter().filter_map(|v| v.reason.map(|reason| (v, reason)));
    let said: Vec<String> = refusing.map(|(v, reason)| reason_words(v, reason)).collect();
    let failure = match reasons.first() {
        Some(Reason::NotFound) => new(code, format!("there is no coupon {coupon}"))
            .hint("billing coupon list shows them all"),
        _ => new(code, format!("{coupon} cannot be used: {}", said.join("; ")))
            .hint("billing coupon validate shows each rule and what it found"),
    };
    let words: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
    Failure { details: serde_json::json!({ "reasons": words }), ..failure }
}

/// Why a rule of a coupon says no, as a clause.
fn reason_words(verdict: &Verdict, reason: Reason) -> String {
    let Verdict { asks, found, .. } = verdict;
    match reason {
        Reason::NotFound => "there is none".to_owned(),
        Reason::Inactive => "it is not active".to_owned(),
        Reason::NotYetValid => format!("it is valid from {asks} on"),
        Reason::Expired => format!("it was valid until {asks}"),
        Reason::MaxUsesReached if found == "1" => "its only use is taken".to_owned(),
        Reason::MaxUsesReached => format!("all its {found} uses are taken"),
        Reason::MaxUsesPerCustomerReached => {
            let times = if found == "1" { "once".to_owned() } else { format!("{found} times") };
            format!("the customer has used it {times}, and it may not be used more often")
        }
        Reason::PlanNotApplicable => {
            let plans = if asks.contains(", ") { "plans" } else { "plan" };
            match found.as_str() {
                "none" => format!("it is for the {plans} {asks}, and no plan is bought here"),
                found => format!("it is for the {plans} {asks}, not for {found}"),
            }
        }
        Reason::NotNewCustomer => {
            "it is for new customers, and this one has paid before".to_owned()
        }
        Reason::NotExistingCustomer => {
            "it is for existing customers, and this one has paid nothing yet".to_owned()
        }
        Reason::BelowMinimum => format!("the amount has to be {asks}, and is {found}"),
        Reason::NotFirstPayment => {
            "it is for a first payment, and the customer has made one before".to_owned()
        }
        Reason::CurrencyMismatch => format!("it is in {asks}, not in {found}"),
    }
}

fn billed_goes_back(invoice: &str, by_hand: bool) -> String {
    let way = if by_hand { "--outside" } else { "--refund" };
    format!("what was billed goes back by billing credit-note create --invoice {invoice} {way}")
}

/// For which meter a price is, where it is for one.
fn for_meter(meter: &Option<String>) -> String {
    meter.as_ref().map_or_else(String::new, |meter| format!(" for the meter {meter}"))
}
