-- Who gets a copy of a tenant's e-mails, and of each e-mail as it was drawn up: an address a line.

ALTER TABLE tenants ADD COLUMN cc TEXT;
ALTER TABLE emails ADD COLUMN cc TEXT;
