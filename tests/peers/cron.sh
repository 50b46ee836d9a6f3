#!/bin/bash
# Debian's cron runs a line of crontab.example, once.
#
#     bash tests/peers/cron.sh PATH_TO_BILLING
#
# It has to be root, for cron's own folder. While it runs there is a file of its own in /etc/cron.d and,
# where the machine has no sendmail, one in its place that keeps what it is given; both go at the end. Where no cron can be run
# it says so and ends well.
set -euo pipefail

unset BILLING_CONFIG BILLING_DB BILLING_AS_OF
billing=$(realpath "$1")
example=$(realpath "$(dirname "$0")/../../crontab.example")
lines=/etc/cron.d/billing-peer-test
sendmail=/usr/sbin/sendmail
folder=$(mktemp -d)
cron_pid=
mail=

clean_up() {
    rm -f "$lines"
    if [ -n "$cron_pid" ]; then kill "$cron_pid" 2>/dev/null || true; fi
    if [ -n "$mail" ]; then rm -f "$sendmail"; fi
    rm -rf "$folder"
}
trap clean_up EXIT

skip() {
    echo "cron: SKIPPED, $1"
    exit 0
}

fail() {
    echo "cron: FAILED, $1" >&2
    tail -n +1 "$folder"/*.log "$folder"/cron-mail 2>/dev/null >&2 || true
    exit 1
}

[ "$(id -u)" = 0 ] || skip "it takes root"
cron=$(command -v cron || true)
[ -n "$cron" ] || skip "no cron is installed"
[ -d /etc/cron.d ] || skip "there is no /etc/cron.d"

# A business with one invoice that a run today has to chase.
export HOME="$folder"
cd "$folder"
run() { "$billing" "$@"; }
run init --currency EUR --locale en --company "Example Services" >/dev/null
run tenant create acme --name Acme --email accounts@acme.example >/dev/null
run invoice create --tenant acme --amount 100 \
    --issued-on "$(date -d '-20 days' +%F)" --due-on "$(date -d '-5 days' +%F)" >/dev/null

if [ ! -e "$sendmail" ]; then
    mail="$folder/cron-mail"
    printf '#!/bin/sh\n{ echo "arguments: $*"; cat; } >>%s\n' "$mail" >"$folder/sendmail"
    install -m 755 "$folder/sendmail" "$sendmail"
fi

# The example as it stands but for its paths, the line of check-overdue at every minute, and the user
# that a file in cron.d names.
task=$(grep -E '^[^#]*tasks check-overdue' "$example") || fail "no line of check-overdue"
command=${task#* * * * * }
[ "$command" != "$task" ] || fail "not five time fields: $task"
[[ "$command" == /usr/local/bin/billing\ * ]] || fail "no absolute path: $command"
command="$billing${command#/usr/local/bin/billing}"
[ -n "$mail" ] || command="$command >$folder/output.log 2>&1"
mailto=$(sed -n 's/^MAILTO=//p' "$example")
[ -n "$mailto" ] || fail "no MAILTO"
grep -q '^BILLING_CONFIG=/' "$example" || fail "no BILLING_CONFIG"
# Fourteen hours ahead of UTC, no machine shares its hour but one that stands there.
zone=Pacific/Kiritimati
there=$(TZ=$zone date +%-H)
{
    grep -E '^[A-Z_]+=' "$example" | sed "s|^BILLING_CONFIG=.*|BILLING_CONFIG=$folder/billing.toml|"
    echo "* * * * * root $command"
    echo "CRON_TZ=$zone"
    echo "* $there,$(((there + 1) % 24)) * * * root touch $folder/zone"
    echo "* * * * * root touch $folder/minute"
} >"$lines"
chmod 644 "$lines"

# Where one runs already, ours ends at once and that one reads the file.
"$cron" -f >"$folder/cron.log" 2>&1 &
cron_pid=$!
sleep 1
if ! kill -0 "$cron_pid" 2>/dev/null; then
    cron_pid=
    pgrep -x cron >/dev/null || skip "cron does not start: $(cat "$folder/cron.log")"
fi

for _ in $(seq 130); do
    runs=$(run tasks runs --task check-overdue --json | tr -d ' \n')
    case $runs in *'"status":"ok"'*) break ;; esac
    sleep 1
done
case $runs in *'"status":"ok"'*) ;; *) fail "no run within 130 s: $runs" ;; esac
case $runs in *'"friendly":1'*) ;; *) fail "the run did not chase the invoice: $runs" ;; esac

said="recorded 1 friendly; e-mails: 1 queued, 1 sent"
where=${mail:-$folder/output.log}
for _ in $(seq 10); do
    if grep -q "$said" "$where" 2>/dev/null && [ -e "$folder/minute" ]; then break; fi
    sleep 1
done
grep -q "^check-overdue .*: $said" "$where" || fail "its line is not in $where"
if [ -n "$mail" ]; then
    grep -q "^To: $mailto" "$mail" || fail "its line was not mailed to $mailto"
fi
rm -f "$lines"

# What crontab.example says of CRON_TZ.
[ -e "$folder/minute" ] || fail "only the first line ran"
if [ "$(date +%-H)" = "$there" ]; then
    honoured="not tried, this machine keeps that time"
elif [ -e "$folder/zone" ]; then
    honoured="honoured"
    . /etc/os-release
    [ "$ID ${VERSION_ID:-}" != "debian 12" ] || fail "CRON_TZ is honoured: correct crontab.example"
else
    honoured="not honoured, as crontab.example says"
fi
if [ -n "$mail" ]; then told="mailed to $mailto"; else told="printed"; fi
echo "cron: passed; the run is recorded and its line $told; CRON_TZ: $honoured"
