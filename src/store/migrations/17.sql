-- What a customer's credit paid of an invoice at its issue: its document says so for ever.
ALTER TABLE invoices ADD COLUMN credit_at_issue_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_at_issue_minor >= 0);
-- It was booked behind the invoice itself, in one transaction and with nothing in between.
UPDATE invoices SET credit_at_issue_minor = issue.credit
  FROM (SELECT l.invoice_id, -sum(l.receivable_minor) AS credit
        FROM ledger l JOIN ledger i ON i.invoice_id = l.invoice_id AND i.kind = 'invoice'
        WHERE l.kind = 'credit_applied' AND l.recorded_at = i.recorded_at
          AND NOT EXISTS (SELECT 1 FROM ledger b WHERE b.id > i.id AND b.id < l.id
            AND (b.invoice_id IS NOT l.invoice_id OR b.kind <> 'credit_applied'))
        GROUP BY l.invoice_id) AS issue
  WHERE issue.invoice_id = invoices.id;

-- The documents of invoices and credit notes, each made once in each form, and never again: what was
-- handed out is what is handed out. `sha256` is that of its bytes.
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  invoice_id INTEGER,
  credit_note_id INTEGER,
  form TEXT NOT NULL CHECK (form IN ('pdf', 'facturx', 'cii', 'ubl')),
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  size INTEGER NOT NULL CHECK (size > 0),
  made_at TEXT NOT NULL,
  UNIQUE (invoice_id, form),
  UNIQUE (credit_note_id, form),
  CHECK ((invoice_id IS NULL) <> (credit_note_id IS NULL)),
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id),
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id)
) STRICT;
CREATE INDEX documents_tenant ON documents (tenant_id);
CREATE TRIGGER documents_immutable BEFORE UPDATE OF
  id, tenant_id, invoice_id, credit_note_id, form, sha256, size, made_at ON documents
BEGIN
  SELECT RAISE(ABORT, 'a document cannot be changed');
END;
CREATE TRIGGER documents_no_delete BEFORE DELETE ON documents
BEGIN
  SELECT RAISE(ABORT, 'a document cannot be deleted');
END;

-- The bytes of documents by their SHA-256, but for those that lie in `[documents] directory`.
CREATE TABLE document_files (
  sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
  bytes BLOB NOT NULL
) STRICT;

-- The document that goes with an e-mail: its bytes are not stored again with the message.
ALTER TABLE emails ADD COLUMN document_id INTEGER REFERENCES documents (id);
