#!/bin/bash
# Random lives of a business, lived by the last program of schema version 4, lifted, and told by the
# program of today: bash tests/soak.sh [SEED...]. Thirty lives take half an hour, so that CI runs none.
#
# BASE is the commit that the lives are lived by, JOBS how many of them at once. Where something
# differs, it is printed and the folder of that life is kept: its log has every command.
#
# `bash tests/soak.sh money [LIVES [SEED]]` lives through tests/money_chance.rs instead: 500 lives of
# money take some ten minutes where temporary files are kept in memory (TMPDIR=/dev/shm).
#
# `bash tests/soak.sh usage [EVENTS]` sends a file of 1,000,000 events twice, by two processes at once, killed
# and sent again.
#
# `bash tests/soak.sh changes [LIVES [SEED]]` lives through tests/change_chance.rs: 100 lives of subscriptions
# that change and rest take some seven minutes.
#
# `bash tests/soak.sh portal [INPUTS]` sends 1,000,000 torn requests to the parser of the portal, and every fiftieth of so
# many to all of it.
#
# `PYTHON=python bash tests/soak.sh documents` has the official rules read e-invoices of every kind and some that
# chance draws up; PYTHON has the packages that .ci/run installs.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = documents ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    BILLING_EINVOICES=$out cargo test --quiet --lib documents -- --ignored
    "${PYTHON:-python3}" tests/peers/documents.py check --strict "$out"
    exit
fi

if [ "${1:-}" = money ]; then
    export BILLING_MONEY_LIVES=${2:-500} BILLING_REPLAY_SEED=${3:-$RANDOM}
    exec cargo test --quiet --test money_chance
fi

if [ "${1:-}" = usage ]; then
    export BILLING_USAGE_EVENTS=${2:-1000000}
    exec cargo test --release --quiet --test usage a_file_is_taken_once
fi

if [ "${1:-}" = changes ]; then
    export BILLING_CHANGE_LIVES=${2:-100} BILLING_REPLAY_SEED=${3:-$RANDOM}
    exec cargo test --quiet --test change_chance
fi

if [ "${1:-}" = portal ]; then
    export BILLING_PORTAL_INPUTS=${2:-1000000}
    exec cargo test --release --quiet --test portal_fuzz
fi

base=${BASE:-5a3ff41}
target=$(cargo metadata --format-version 1 --no-deps |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
old=$target/soak/$base
if [ ! -x "$old/billing" ]; then
    mkdir -p "$old/source"
    git archive "$base" | tar -x -C "$old/source"
    (cd "$old/source" && CARGO_TARGET_DIR="$target/soak/target" cargo build --quiet)
    cp "$target/soak/target/debug/billing" "$old/billing"
fi
cargo build --quiet
if [ $# = 0 ]; then
    set -- $(seq 30)
fi
exec python3 tests/peers/lives.py "$old/billing" "$target/debug/billing" "$@"
