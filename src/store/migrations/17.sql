-- What a customer's credit paid of an invoice at its issue: its document says so for ever.
ALTER TABLE invoices ADD COLUMN credit_at_issue_minor INTEGER NOT NULL DEFAULT 0
    CHECK (credit_at_issue_minor >= 0);
UPDATE invoices SET credit_at_issue_minor = issue.credit
  FROM (SELECT l.invoice_id, -sum(l.receivable_minor) AS credit FROM ledger l
        JOIN invoices i ON i.id = l.invoice_id
        WHERE l.kind = 'credit_applied' AND l.recorded_at = i.created_at
          AND i.credit_applied_minor > 0 GROUP BY l.invoice_id) AS issue
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
  -- An imported invoice may be given to the customer whose it is.
  FOREIGN KEY (invoice_id, tenant_id) REFERENCES invoices (id, tenant_id) ON UPDATE CASCADE,
  FOREIGN KEY (credit_note_id, tenant_id) REFERENCES credit_notes (id, tenant_id) ON UPDATE CASCADE
) STRICT;
CREATE INDEX documents_tenant ON documents (tenant_id);
CREATE TRIGGER documents_immutable BEFORE UPDATE OF
  id, invoice_id, credit_note_id, form, sha256, size, made_at ON documents
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
