-- Sessions of the portal that were ended before their time, by the hash of their cookie.
CREATE TABLE ended_sessions (
  session TEXT PRIMARY KEY CHECK (length(session) = 64),
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_sessions_expiry ON ended_sessions (expires_at);
