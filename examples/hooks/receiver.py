#!/usr/bin/env python3
"""A receiver of billing's hooks, with nothing but the standard library.

    BILLING_HOOK_SECRET=whsec_... python3 receiver.py 8088 access.db

It listens on 127.0.0.1; the web server of the product stands before it and brings TLS. In billing.toml:

    [[hooks]]
    name = "app"
    url = "http://127.0.0.1:8088/"
    secret_file = "hook-secret"
    kinds = ["tenant_suspended", "tenant_reactivated", "tenant_closed"]

What it does with an event, and that it has done it, is one transaction of access.db: an event that comes
twice is done once. The product asks its table `access` whether a customer may come in:

    SELECT may_come_in FROM access WHERE tenant = 'acme';
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A message that is older or newer is somebody's who kept one, or our clock is wrong.
TOLERANCE = 5 * 60
LONGEST_BODY = 1024 * 1024


def keys(secrets):
    """The keys of secrets, one a line: two while one replaces the other."""
    return [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets.split()]


def is_ours(keys, headers, body, now):
    """Whether the message is billing's and of now."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = [
        b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys
    ]
    given = headers.get("webhook-signature", "").encode().split()
    # Compared in constant time: how far a guess was right is told by nothing.
    return any([hmac.compare_digest(one, other) for one in given for other in expected])


def open_database(path):
    database = sqlite3.connect(path, timeout=10, isolation_level=None)
    database.executescript(
        """
        CREATE TABLE IF NOT EXISTS done (id TEXT PRIMARY KEY);
        CREATE TABLE IF NOT EXISTS access (
          tenant TEXT PRIMARY KEY, may_come_in INTEGER NOT NULL, why TEXT
        );
        """
    )
    return database


def take(database, message_id, event):
    """Does an event, once."""
    database.execute("BEGIN IMMEDIATE")
    try:
        if not database.execute("INSERT OR IGNORE INTO done VALUES (?)", (message_id,)).rowcount:
            database.execute("ROLLBACK")
            return
        tenant = event["object"] if event["kind"].startswith("tenant_") else None
        if tenant:
            # As it stands now, whatever happened: right also where an event comes late.
            database.execute(
                "INSERT INTO access VALUES (?, ?, ?) ON CONFLICT (tenant) DO UPDATE"
                " SET may_come_in = excluded.may_come_in, why = excluded.why",
                (tenant["slug"], tenant["status"] == "active", event["reason"]),
            )
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


class Handler(BaseHTTPRequestHandler):
    # Events follow one another: the connection is kept for the next one.
    protocol_version = "HTTP/1.1"
    # A sender that says nothing more is not waited for.
    timeout = 30

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_ours(self.server.keys, self.headers, body, time.time()):
            return self.answer(401)
        database = open_database(self.server.database)
        try:
            take(database, self.headers["webhook-id"], json.loads(body))
        finally:
            database.close()
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def main():
    port, database = int(sys.argv[1]), sys.argv[2]
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.keys = keys(os.environ["BILLING_HOOK_SECRET"])
    server.database = database
    open_database(database).close()
    print(f"listening on 127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
