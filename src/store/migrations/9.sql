-- One transfer pays several invoices, and the payments of a standing order bear the same reference.
-- What the same payment is, is decided where it is recorded.
DROP INDEX transactions_reference;
