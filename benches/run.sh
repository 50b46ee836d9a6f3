#!/usr/bin/env bash
# Measures billing against bare loops that write the same rows, and prints a table; README.md
# beside this file says what each line means. Needs the Rust toolchain and the usual core tools.
#
#   benches/run.sh                              everything; half an hour and 6 GB of disk
#   SIZES="10000 100000" benches/run.sh         without the largest
#   WHAT="deliver-emails" benches/run.sh        only that
#   REPEAT=5 TMPDIR=/fast benches/run.sh        more often, on another disk
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

SIZES=${SIZES-"10000 100000 1000000"}  # open invoices, subscriptions due, or invoices imported
WHAT=${WHAT-"check-overdue recurring import coupons charges reports deliver-emails one-tenant db-check import-subscriptions lists runs journal credit credit-note documents usage hooks"}
REPEAT=${REPEAT-3}                     # runs of each, in turn; the median counts
COUPONS=${COUPONS-1000000}             # coupons in a database with as many uses
CODES=${CODES-100000}                  # codes made at once
CHARGES=${CHARGES-1000}                # invoices charged through a gateway that takes 50 ms each
INVOICES=${INVOICES-1000000}           # invoices reported on, with a tenth as many subscriptions
PAGES=${PAGES-1000}                    # tenants in the folder of pages
EMAILS=${EMAILS-400}                   # e-mails sent through the relay
DELAY=${DELAY-45}                      # milliseconds that the relay takes to answer an e-mail
OVERDUE=${OVERDUE-"500 1000 2000 5000"}            # overdue invoices of one tenant
SUBSCRIPTIONS=${SUBSCRIPTIONS-"500 2000 8000"}     # subscriptions in a database that is checked
MONTHS=${MONTHS-24}                                # that each of them was billed
ROWS=${ROWS-"8000 16000 32000"}                    # subscriptions imported
LISTED=${LISTED-100000}                            # tenants, and as many invoices, that are listed
DAYS=${DAYS-3650}                                  # of runs: each task's, as crontab.example has them
EVENTS=${EVENTS-1000000}                # events of usage imported
METERED=${METERED-1000}                 # subscriptions that they are of
TOLD=${TOLD-"1000 20000"}              # events that a hook is told of
DOCUMENTS=${DOCUMENTS-1000}             # invoices whose documents are made
SOLD=${SOLD-530000}                                # invoices in a ledger that is exported: 1,000,000 entries
AS_OF=2026-03-31

wants() { [[ " $WHAT " == *" $1 "* ]]; }
say() { printf '%s\n' "$*" >&2; }

say "building"
cargo build --release --quiet --bin billing
cargo build --release --quiet --bench yardstick
target=${CARGO_TARGET_DIR-target}
billing=$(realpath "$target/release/billing")
# The newest: an older build may lie beside it under another hash.
yardstick=$(realpath "$(find "$target/release/deps" -name 'yardstick-*' -perm -u+x -type f -printf '%T@ %p\n' |
  sort -n | tail -1 | cut -d' ' -f2-)")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Every database here is called billing.db in a folder of its own, made by the tool itself.
new_shop() {
  mkdir "$1"
  (cd "$1" && "$billing" init --currency EUR --locale en "${@:2}" > /dev/null)
}
tool() { printf '%s\n' "$billing" --config "$1/billing.toml" --as-of "$AS_OF"; }
fresh() { rm -rf "$2" && cp -r "$1" "$2" && sync; }
median() { sort -g | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
most() { sort -g | tail -1; }
column() { cut -d' ' -f"$1" "$2"; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
table=$work/table
row() { printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$@" >> "$table"; }

# compare WHAT N FOLDER TOOL-ARGS… -- LOOP-ARGS…: both in turn, each on a fresh copy of FOLDER.
compare() {
  local what=$1 n=$2 folder=$3 tool_args=() i
  shift 3
  while [ "$1" != -- ]; do tool_args+=("$1"); shift; done
  shift
  : > tool.log; : > loop.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh "$folder" tool
    mapfile -t command < <(tool tool)
    "$yardstick" measure 1 tool/billing.db "${command[@]}" "${tool_args[@]}" >> tool.log
    fresh "$folder" loop
    "$yardstick" measure 1 loop/billing.db "$yardstick" "$1" loop/billing.db "${@:2}" >> loop.log
  done
  "$yardstick" same tool/billing.db loop/billing.db
  compared "$what" "$n"
}

# compared WHAT N: the row of what stands in tool.log and loop.log.
compared() {
  local what=$1 n=$2 t l
  t=$(column 1 tool.log | median)
  l=$(column 1 loop.log | median)
  row "$what" "$n" "$(calc %.2f "$t") s" "$(calc %.2f "$l") s" "$(calc %.2f "$t/$l")" \
    "$(column 2 tool.log | most)" "$(column 3 tool.log | most)"
  took=$t
}

# exponent NAME N SECONDS: growth between the smallest size and this one.
declare -A first_n first_s
exponent() {
  if [ -z "${first_n[$1]-}" ]; then first_n[$1]=$2; first_s[$1]=$3; return; fi
  growth+="$1, ${first_n[$1]} to $2: exponent $(calc %.3f "log($3/${first_s[$1]})/log($2/${first_n[$1]})")"$'\n'
}
growth=

# nothing_due N TASK: that task on the folder `quiet`, where it finds nothing to do.
declare -A quiet_first
nothing_due() {
  local n=$1 task=$2 i start idle
  say "$task with nothing due, $n"
  mapfile -t command < <(tool quiet)
  : > start.log; : > quiet.log
  for ((i = 0; i < REPEAT; i++)); do
    "$yardstick" measure 41 none "$billing" --version >> start.log
    "$yardstick" measure 41 quiet/billing.db "${command[@]}" tasks "$task" --no-deliver --quiet >> quiet.log
  done
  start=$(column 1 start.log | median)
  idle=$(column 1 quiet.log | median)
  quiet_first[$task]=${quiet_first[$task]-$idle}
  row "$task, nothing due, against --version" "$n" "$(calc %.1f "$idle*1000") ms" "$(calc %.1f "$start*1000") ms" \
    "+$(calc %.1f "($idle-$start)*1000") ms; $(calc %.2f "$idle/${quiet_first[$task]}") × first size" \
    "$(column 2 quiet.log | most)" "$(column 3 quiet.log | most)"
}

# against_loop WHAT N LOOP MAKER TASK ARGS…: MAKER of the yardstick fills a database on which TASK
# has N rows' worth to do; LOOP writes the same. The folder `quiet` has nothing due afterwards.
against_loop() {
  local what=$1 n=$2 loop=$3 maker=$4 due=(tasks "${@:5}" --no-deliver --quiet)
  say "$what, $n"
  new_shop stock --tax-rate 20
  "$yardstick" "$maker" stock/billing.db "$n" "$AS_OF"
  # One run whose rows become the list of what the loop writes, and whose database has nothing
  # due any more.
  fresh stock quiet
  mapfile -t command < <(tool quiet)
  "${command[@]}" "${due[@]}"
  "$yardstick" list "$loop" quiet/billing.db list.csv
  compare "$what" "$n" stock "${due[@]}" -- "$loop" "$PWD/list.csv" "$AS_OF"
  exponent "$what" "$n" "$took"
  rm -rf stock tool loop
}

# measure_task N LOOP MAKER TASK ARGS…: that, and the task with nothing due.
measure_task() {
  against_loop "$4" "$@"
  nothing_due "$1" "$4"
  rm -rf quiet
}

# With the caps, as cron runs it: what they ask for is counted first.
measure_one_tenant() {
  against_loop "check-overdue, one tenant" "$1" check-overdue owe-all check-overdue
  rm -rf quiet
}

measure_import() {
  local n=$1
  say "import, $n invoices"
  new_shop empty
  "$yardstick" csv tenants.csv invoices.csv "$n" "$AS_OF"
  mapfile -t command < <(tool empty)
  "${command[@]}" import tenants tenants.csv > /dev/null
  compare "import invoices" "$n" empty import invoices "$PWD/invoices.csv" -- import "$PWD/invoices.csv" "$AS_OF"
  exponent import "$n" "$took"
  rm -rf empty tool loop
}

measure_subscriptions() {
  local n=$1 i
  say "import, $n subscriptions"
  new_shop empty
  "$yardstick" csv-subscriptions tenants.csv subscriptions.csv "$n" "$AS_OF"
  printf 'code,name,price,interval\nsmall,Small,19.00,month\nteam,Team,49.00,month\nlarge,Large,99.00,month\n' > plans.csv
  mapfile -t command < <(tool empty)
  "${command[@]}" import tenants tenants.csv > /dev/null
  "${command[@]}" import plans plans.csv > /dev/null
  mapfile -t command < <(tool tool)
  : > tool.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh empty tool
    "$yardstick" measure 1 tool/billing.db "${command[@]}" import subscriptions subscriptions.csv >> tool.log
  done
  took=$(column 1 tool.log | median)
  row "import subscriptions" "$n" "$(calc %.2f "$took") s" "" "" "$(column 2 tool.log | most)" "$(column 3 tool.log | most)"
  exponent "import subscriptions" "$n" "$took"
  rm -rf empty tool
}

# The check against what SQLite says of the same file by itself.
measure_check() {
  local n=$1 i
  say "db check, $n subscriptions of $MONTHS months"
  new_shop shop
  "$yardstick" bill shop/billing.db "$n" "$MONTHS" "$AS_OF"
  mapfile -t command < <(tool shop)
  : > tool.log; : > loop.log
  for ((i = 0; i < REPEAT; i++)); do
    "$yardstick" measure 1 shop/billing.db "${command[@]}" db check >> tool.log
    "$yardstick" measure 1 shop/billing.db "$yardstick" sound shop/billing.db >> loop.log
  done
  compared "db check, $MONTHS invoices a subscription" "$n"
  exponent "db check" "$n" "$took"
  rm -rf shop
}

# Tables for people against JSON, which is printed row by row: the ratio is that of their memory.
measure_lists() {
  local noun i table_mb json_mb
  say "making $LISTED tenants to list"
  new_shop shop
  "$yardstick" owe shop/billing.db "$LISTED" "$AS_OF"
  mapfile -t command < <(tool shop)
  for noun in tenant invoice; do
    say "$noun list"
    : > table.log; : > json.log
    for ((i = 0; i < REPEAT; i++)); do
      "$yardstick" measure 1 shop/billing.db "${command[@]}" "$noun" list --format table >> table.log
      "$yardstick" measure 1 shop/billing.db "${command[@]}" "$noun" list --json >> json.log
    done
    table_mb=$(column 2 table.log | most)
    json_mb=$(column 2 json.log | most)
    row "$noun list as a table, against --json" "$LISTED" "$(calc %.2f "$(column 1 table.log | median)") s" \
      "$(calc %.2f "$(column 1 json.log | median)") s" "$(calc %.1f "$table_mb/$json_mb") × $json_mb MB" "$table_mb" \
      "$(column 3 table.log | most)"
  done
  rm -rf shop
}

# What looks back on earlier runs: with years of them against with none.
measure_runs() {
  local what shop i young old
  say "making $DAYS days of runs"
  new_shop young
  new_shop old
  "$yardstick" run-daily old/billing.db "$DAYS" "$AS_OF"
  for what in "status" "deliver-emails --quiet"; do
    say "tasks $what"
    : > young.log; : > old.log
    for ((i = 0; i < REPEAT; i++)); do
      for shop in young old; do
        mapfile -t command < <(tool "$shop")
        # shellcheck disable=SC2086 # the words of a command
        "$yardstick" measure 41 "$shop/billing.db" "${command[@]}" tasks $what >> "$shop.log"
      done
    done
    young=$(column 1 young.log | median)
    old=$(column 1 old.log | median)
    row "tasks ${what%% *}, after N days of runs, against none" "$DAYS" "$(calc %.1f "$old*1000") ms" \
      "$(calc %.1f "$young*1000") ms" "$(calc %.2f "$old/$young")" "$(column 2 old.log | most)" "$(column 3 old.log | most)"
  done
  rm -rf young old
}

# A coupon is checked, applied and summed up in a database that holds many of them. The first check
# of a customer, coupon and day writes a row, so that each run of it is of another customer.
measure_coupons() {
  local n=$COUPONS single=$1 check="--amount 50 --tenant t{}" i j verb times label args start took
  local cases=(
    "measure|41|coupon validate, single-use code, first check of the day|validate $single $check"
    "measure|41|coupon validate, single-use code, checked before|validate $single $check"
    "measure|41|coupon validate, code used $((n / 10)) times, first check of the day|validate WELCOME1 $check"
    "measure|41|coupon validate, code used $((n / 10)) times, checked before|validate WELCOME1 $check"
    "refused|41|coupon validate, unknown code|validate NOT-A-CODE $check"
    "measure|41|coupon apply --invoice, code used $((n / 10)) times|apply WELCOME1 --invoice B-{}"
    "measure|3|coupon stats, code used $((n / 10)) times|stats WELCOME1"
    "measure|1|coupon stats, all|stats"
  )
  mapfile -t command < <(tool shop)
  rm -f start*.log case*.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh coupons shop
    for j in "${!cases[@]}"; do
      IFS='|' read -r verb times label args <<< "${cases[j]}"
      say "$label"
      "$yardstick" measure 41 none "$billing" --version >> "start$j.log"
      # shellcheck disable=SC2086 # the words of a command
      "$yardstick" "$verb" "$times" shop/billing.db "${command[@]}" coupon $args >> "case$j.log"
    done
  done
  for j in "${!cases[@]}"; do
    IFS='|' read -r verb times label args <<< "${cases[j]}"
    start=$(column 1 "start$j.log" | median)
    took=$(column 1 "case$j.log" | median)
    row "$label, against --version" "$n" "$(calc %.1f "$took*1000") ms" "$(calc %.1f "$start*1000") ms" \
      "+$(calc %.1f "($took-$start)*1000") ms" "$(column 2 "case$j.log" | most)" "$(column 3 "case$j.log" | most)"
  done
  rm -rf shop
}

# The codes of each run are others, so that the loop writes those of the run before it.
measure_generate() {
  local n=$CODES i
  local made=(coupon generate --count "$n" --prefix SPRING --percent 20 --until 2026-12-31 --format csv)
  say "coupon generate, $n"
  new_shop stock
  mapfile -t command < <(tool tool)
  : > tool.log; : > loop.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh stock tool
    # shellcheck disable=SC2016 # the inner shell's own words
    "$yardstick" measure 1 tool/billing.db sh -c 'exec "$@" > codes.csv' sh "${command[@]}" "${made[@]}" >> tool.log
    "$yardstick" list generate tool/billing.db list.csv
    fresh stock loop
    "$yardstick" measure 1 loop/billing.db "$yardstick" generate loop/billing.db "$PWD/list.csv" "$AS_OF" >> loop.log
    "$yardstick" same tool/billing.db loop/billing.db
    [ "$(wc -l < codes.csv)" = $((n + 1)) ] || { say "codes.csv does not hold $n codes"; exit 1; }
  done
  compared "coupon generate" "$n"
  rm -rf stock tool loop
}

# Charges against the other side's own time: so many calls, eight at once.
measure_charges() {
  local n=$CHARGES i ideal
  say "charges, $n"
  new_shop owed
  "$yardstick" owe owed/billing.db "$n" "$AS_OF"
  printf '\n[payments]\ngateway = "command"\nparallel = 8\ncommand = ["%s", "gateway", "50"]\n' "$yardstick" >> owed/billing.toml
  mapfile -t command < <(tool tool)
  : > tool.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh owed tool
    "$yardstick" measure 1 tool/billing.db "${command[@]}" tasks retry-failed-payments --no-deliver --quiet >> tool.log
    paid=$("${command[@]}" invoice list --status paid --format csv | tail -n +2 | wc -l)
    [ "$paid" = "$n" ] || { say "$paid of $n invoices are paid"; exit 1; }
  done
  ideal=$(calc %.2f "$n*0.05/8")
  took=$(column 1 tool.log | median)
  row "retry-failed-payments, 50 ms a charge, 8 at once, against these calls alone" "$n" "$(calc %.2f "$took") s" \
    "$ideal s" "$(calc %.2f "$took/$ideal") ×" "$(column 2 tool.log | most)" "$(column 3 tool.log | most)"
  rm -rf owed tool
}

# Reports on the system's clock, as one asks for them in the morning: the days end today.
measure_reports() {
  local n=$INVOICES i name today
  say "making $n invoices to report on"
  today=$(date -u +%F)
  new_shop shop
  "$yardstick" trade shop/billing.db "$n" "$today"
  for name in overdue transactions mrr coupons automation kpi; do
    say "report $name"
    : > tool.log; : > loop.log
    for ((i = 0; i < REPEAT; i++)); do
      "$yardstick" measure 1 shop/billing.db "$billing" --config shop/billing.toml report "$name" --json >> tool.log
      "$yardstick" measure 1 shop/billing.db "$yardstick" report "$name" shop/billing.db "$today" >> loop.log
    done
    compared "report $name" "$n"
  done
  rm -rf shop
  say "report html, $PAGES tenants"
  new_shop pages
  "$yardstick" trade pages/billing.db $((PAGES * 10)) "$today"
  : > tool.log
  for ((i = 0; i < REPEAT; i++)); do
    "$yardstick" measure 1 pages/billing.db "$billing" --config pages/billing.toml report html --out "pages/html$i" >> tool.log
  done
  took=$(column 1 tool.log | median)
  row "report html, ten invoices a tenant" "$PAGES" "$(calc %.2f "$took") s" "" "" \
    "$(column 2 tool.log | most)" "$(column 3 tool.log | most)"
  rm -rf pages
}

# The ledger of a business against a bare SELECT of the same rows.
measure_journal() {
  local i form n days=(2025-01-01 "$AS_OF")
  say "making $SOLD invoices to export"
  new_shop shop
  "$yardstick" trade shop/billing.db "$SOLD" "$AS_OF"
  mapfile -t command < <(tool shop)
  n=$("$yardstick" journal shop/billing.db "${days[@]}" | wc -l)
  for form in hledger fec csv; do
    say "export journal, $form"
    : > tool.log; : > loop.log
    for ((i = 0; i < REPEAT; i++)); do
      "$yardstick" measure 1 shop/billing.db "${command[@]}" export journal --since "${days[0]}" --until "${days[1]}" \
        --format "$form" --journals sales,bank,other >> tool.log
      "$yardstick" measure 1 shop/billing.db "$yardstick" journal shop/billing.db "${days[@]}" >> loop.log
    done
    compared "export journal, $form" "$n"
  done
  rm -rf shop
}

# A file of events is taken in, against a bare loop into the same tables; and the same file once more, of which
# nothing is new.
measure_usage() {
  local i plan
  say "making $EVENTS events of $METERED subscriptions"
  new_shop full
  "$yardstick" subscribe full/billing.db "$METERED" "$AS_OF"
  mapfile -t command < <(tool full)
  "${command[@]}" meter create calls --name Calls --aggregation sum > /dev/null
  for plan in small team large; do
    "${command[@]}" plan price add "$plan" --meter calls --model per_unit --price 0.01 > /dev/null
  done
  "$yardstick" usage-events events.jsonl "$EVENTS" "$METERED" "$AS_OF"
  : > tool.log; : > loop.log; : > again.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh full one; fresh full two
    mapfile -t command < <(tool one)
    "$yardstick" measure 1 one/billing.db "${command[@]}" usage import events.jsonl >> tool.log
    "$yardstick" measure 1 two/billing.db "$yardstick" usage two/billing.db events.jsonl >> loop.log
    "$yardstick" measure 1 one/billing.db "${command[@]}" usage import events.jsonl >> again.log
  done
  compared "usage import" "$EVENTS"
  mv again.log tool.log
  compared "usage import, nothing new" "$EVENTS"
  rm -rf full one two events.jsonl
}

# Documents are made and written into a folder, against the same folder filled again from what is kept; and
# e-mails leave with one that is made for them, against the same e-mails without.
measure_documents() {
  local n=$DOCUMENTS i made kept with without
  say "documents, $n"
  new_shop stock --tax-rate 20 --company Bench --country DE --email billing@bench.example
  sed -i 's/^\[company\]$/[company]\nvat_id = "DE136695976"\niban = "DE89370400440532013000"/' stock/billing.toml
  "$yardstick" subscribe stock/billing.db "$n" "$AS_OF"
  mapfile -t command < <(tool stock)
  "${command[@]}" tenant list --format csv |
    awk -F, 'NR == 1 { print "slug,name,email,country"; next } { print $1 "," $1 "," $1 "@bench.example,AT" }' > tenants.csv
  "${command[@]}" import tenants tenants.csv --update > /dev/null
  "${command[@]}" tasks generate-recurring-invoices --no-deliver --quiet
  : > tool.log; : > loop.log; : > with.log; : > without.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh stock shop
    mapfile -t command < <(tool shop)
    for log in tool loop; do
      "$yardstick" measure 1 shop/billing.db "${command[@]}" export documents --format facturx --out "shop/$log" --quiet >> "$log.log"
      [ "$(wc -l < "shop/$log/manifest.csv")" -gt "$n" ] || { say "documents are missing"; exit 1; }
    done
    for log in with without; do
      fresh stock shop
      printf '\n[documents]\nattach = "%s"\n' "$([ $log = with ] && echo facturx || echo none)" >> shop/billing.toml
      "$yardstick" measure 1 shop/billing.db "${command[@]}" tasks deliver-emails --quiet >> "$log.log"
    done
  done
  made=$(column 1 tool.log | median)
  kept=$(column 1 loop.log | median)
  row "export documents, Factur-X made, against kept: $(calc %.1f "$made*1000/$n") ms each" "$n" "$(calc %.2f "$made") s" \
    "$(calc %.2f "$kept") s" "$(calc %.2f "$made/$kept")" "$(column 2 tool.log | most)" "$(column 3 tool.log | most)"
  with=$(column 1 with.log | median)
  without=$(column 1 without.log | median)
  row "deliver-emails, with a document each, against without" "$n" "$(calc %.2f "$with") s" "$(calc %.2f "$without") s" \
    "+$(calc %.1f "($with-$without)*1000/$n") ms each" "$(column 2 with.log | most)" "$(column 3 with.log | most)"
  rm -rf stock shop
}

measure_delivery() {
  say "delivery, $EMAILS e-mails"
  new_shop outbox --company Bench
  "$yardstick" queue outbox/billing.db "$EMAILS" "$AS_OF"
  sed -i '/^transport/d' outbox/billing.toml
  printf 'from = "billing@bench.example"\ntransport = "smtp"\nhost = "127.0.0.1"\nport = PORT\ntls = "none"\n' >> outbox/billing.toml
  : > one.log; : > eight.log
  for ((i = 0; i < REPEAT; i++)); do
    for connections in 1 8; do
      fresh outbox post
      printf 'connections = %s\n' "$connections" >> post/billing.toml
      mapfile -t command < <(tool post)
      log=one.log; [ "$connections" = 8 ] && log=eight.log
      "$yardstick" deliver "$DELAY" "$EMAILS" post/billing.toml "${command[@]}" tasks deliver-emails --quiet >> "$log"
    done
  done
  one=$(median < one.log)
  eight=$(median < eight.log)
  row "deliver-emails, 8 connections against 1" "$EMAILS" "$(calc %.2f "$eight") s" "$(calc %.2f "$one") s" \
    "$(calc %.2f "$one/$eight") × as fast" "" ""
}

# generate-recurring-invoices where each tenant has credit that pays a part of its invoice, against the
# same without.
measure_credit() {
  local n=$1 i with without
  say "generate-recurring-invoices with credit, $n"
  new_shop stock --tax-rate 20
  "$yardstick" subscribe stock/billing.db "$n" "$AS_OF"
  fresh stock rich
  mapfile -t command < <(tool rich)
  "${command[@]}" tenant list --format csv |
    awk -F, -v day="$AS_OF" 'NR == 1 { print "tenant,amount,paid_on"; next } { print $1 ",5," day }' > credit.csv
  "${command[@]}" import payments credit.csv > /dev/null
  : > with.log; : > without.log
  for ((i = 0; i < REPEAT; i++)); do
    fresh rich shop
    mapfile -t command < <(tool shop)
    "$yardstick" measure 1 shop/billing.db "${command[@]}" tasks generate-recurring-invoices --no-deliver --quiet >> with.log
    fresh stock shop
    "$yardstick" measure 1 shop/billing.db "${command[@]}" tasks generate-recurring-invoices --no-deliver --quiet >> without.log
  done
  with=$(column 1 with.log | median)
  without=$(column 1 without.log | median)
  row "generate-recurring-invoices, credit for all against none" "$n" "$(calc %.2f "$with") s" "$(calc %.2f "$without") s" \
    "$(calc %.2f "$with/$without")" "$(column 2 with.log | most)" "$(column 3 with.log | most)"
  rm -rf stock rich shop
}

# credit-note create as a process, beside a bare start.
measure_note() {
  local n=$1 i number start note
  say "credit-note create, $n invoices"
  new_shop shop --tax-rate 20
  "$yardstick" stock shop/billing.db "$n" "$AS_OF"
  mapfile -t command < <(tool shop)
  number=$("${command[@]}" invoice list --format csv --limit 1 | tail -1 | cut -d, -f1)
  : > start.log; : > note.log
  for ((i = 0; i < REPEAT; i++)); do
    "$yardstick" measure 41 none "$billing" --version >> start.log
    "$yardstick" measure 41 shop/billing.db "${command[@]}" credit-note create --invoice "$number" --amount 0.01 --reason error --quiet >> note.log
  done
  start=$(column 1 start.log | median)
  note=$(column 1 note.log | median)
  row "credit-note create, against --version" "$n" "$(calc %.1f "$note*1000") ms" "$(calc %.1f "$start*1000") ms" \
    "+$(calc %.1f "($note-$start)*1000") ms" "$(column 2 note.log | most)" "$(column 3 note.log | most)"
  rm -rf shop
}

for n in $SIZES; do
  if wants check-overdue; then
    measure_task "$n" check-overdue stock check-overdue --allow-mass-suspension --allow-mass-email
  fi
  if wants recurring; then measure_task "$n" recurring subscribe generate-recurring-invoices; fi
  if wants import; then measure_import "$n"; fi
  if wants credit; then measure_credit "$n"; fi
done
if wants coupons; then
  say "making $COUPONS coupons"
  new_shop coupons
  single=$("$yardstick" promote coupons/billing.db "$COUPONS" "$AS_OF")
  measure_coupons "$single"
  rm -rf coupons
  measure_generate
fi
if wants charges; then measure_charges; fi
if wants reports; then measure_reports; fi
# A hook is told of each event and takes it at once: what each costs, and that memory does not grow.
measure_hooks() {
  local n i took
  for n in $TOLD; do
    say "hooks, $n events"
    new_shop told
    (umask 077; echo "whsec_$(head -c 24 /dev/urandom | base64)" > told/hook-secret)
    printf '\n[[hooks]]\nname = "app"\nurl = "http://127.0.0.1:PORT/"\nsecret_file = "hook-secret"\n' >> told/billing.toml
    awk -v n="$n" 'BEGIN { print "slug,name,email"; for (i = 1; i <= n; i++) printf "t%d,T%d,t%d@clients.example\n", i, i, i }' > told.csv
    "$billing" --config told/billing.toml import tenants told.csv > /dev/null
    : > told.log
    for ((i = 0; i < REPEAT; i++)); do
      fresh told tool
      "$yardstick" tell "$n" tool/billing.toml "$billing" --config tool/billing.toml tasks deliver-events --quiet >> told.log
    done
    took=$(column 1 told.log | median)
    row "deliver-events: $(calc %.0f "$n/$took") a second" "$n" "$(calc %.2f "$took") s" "" "" "$(column 2 told.log | most)" ""
    rm -rf told tool
  done
}

if wants deliver-emails; then measure_delivery; fi
if wants hooks; then measure_hooks; fi
if wants one-tenant; then for n in $OVERDUE; do measure_one_tenant "$n"; done; fi
if wants db-check; then for n in $SUBSCRIPTIONS; do measure_check "$n"; done; fi
if wants import-subscriptions; then for n in $ROWS; do measure_subscriptions "$n"; done; fi
if wants lists; then measure_lists; fi
if wants runs; then measure_runs; fi
if wants journal; then measure_journal; fi
if wants credit-note; then measure_note "$INVOICES"; fi
if wants documents; then measure_documents; fi
if wants usage; then measure_usage; fi

printf '| what | N | billing | yardstick | ratio | peak RSS MB | largest WAL MB |\n'
printf '| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n'
cat "$table"
printf '\n%s' "$growth"
