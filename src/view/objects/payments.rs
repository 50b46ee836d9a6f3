//! Payments on account as objects.

use serde_json::{Value, json};

use crate::domain::Money;
use crate::domain::invoice::Invoice;
use crate::domain::on_account::OnAccount;
use crate::domain::transaction::NewPayment;

/// A payment on account, and what it paid.
pub fn payment_on_account(tenant: &str, payment: &NewPayment, booked: &OnAccount) -> Value {
    json!({
        "tenant": tenant,
        "amount": payment.amount.major(),
        "currency": payment.amount.currency().code(),
        "paid_on": payment.paid_on,
        "method": payment.method,
        "reference": payment.reference,
        "transactions": booked.transactions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "invoices": booked.paid.iter().map(paid).collect::<Vec<_>>(),
        "to_credit": booked.to_credit.major(),
    })
}

fn paid((invoice, amount): &(Invoice, Money)) -> Value {
    json!({
        "number": invoice.number,
        "amount": amount.major(),
        "amount_due": invoice.due.major(),
        "currency": amount.currency().code(),
        "status": invoice.status.word(),
    })
}
