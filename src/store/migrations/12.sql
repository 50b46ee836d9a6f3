-- The moment of the last change that was made without --as-of, by which a machine's clock that jumped
-- is known; which attempts keep no more of a program than its first word; and a reference that was
-- given twice is found.

ALTER TABLE database_info ADD COLUMN system_at TEXT;
ALTER TABLE database_info ADD COLUMN earlier_attempts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX charge_attempts_reference ON charge_attempts (reference, gateway)
  WHERE reference IS NOT NULL;

-- Until now only runs said which clock they went by.
UPDATE database_info SET
  system_at = (SELECT as_of FROM runs WHERE clock = 'system' ORDER BY id DESC LIMIT 1),
  earlier_attempts = (SELECT coalesce(max(id), 0) FROM charge_attempts);
