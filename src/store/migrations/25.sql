-- What links and sessions of the portal were made under: `portal revoke` raises it, and they end.
ALTER TABLE tenants ADD COLUMN portal_generation INTEGER NOT NULL DEFAULT 1
  CHECK (portal_generation >= 1);
-- An address that is the customer's once it was confirmed from there.
ALTER TABLE tenants ADD COLUMN pending_email TEXT CHECK (length(pending_email) BETWEEN 3 AND 254);
-- Who asks for a link says an address, whatever its case.
CREATE INDEX tenants_email ON tenants (email COLLATE NOCASE);

-- Written at each request for a link, whether any customer has the address or not: both take the same time.
ALTER TABLE database_info ADD COLUMN link_asked_at TEXT;

-- The e-mails with a link that customers asked for on the portal, by the machine's clock: so many an hour
-- a tenant. What is older goes with the next one.
CREATE TABLE portal_requests (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('sign_in', 'confirm')),
  asked_at TEXT NOT NULL
) STRICT;
CREATE INDEX portal_requests_tenant ON portal_requests (tenant_id, kind, asked_at);
