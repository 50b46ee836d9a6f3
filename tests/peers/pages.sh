#!/bin/bash
# The pages of `billing report html` in a real browser: bash tests/peers/pages.sh BILLING AXE, with the
# script of axe-core. On a wide and a narrow screen no page may log an error, ask the network for
# anything, or come out unfinished; light and dark, axe-core may find nothing serious. A page that does
# wrong is opened first: it has to be found out.
set -euo pipefail
billing=$(realpath "$1")
axe=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# browse FILE WIDE OPTIONS…: the page as the browser sees it in the end.
browse() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run \
        --user-data-dir="$folder/profile" --host-resolver-rules="MAP * ~NOTFOUND" \
        --window-size="$2",900 "${@:3}" --dump-dom "file://$1"
}

# Says what a page does wrong. What the browser asks on its own account has "not an origin".
wrongs() {
    browse "$folder/pages/$1" "$2" --log-net-log="$folder/net" --enable-logging=stderr --v=0 \
        > "$folder/dom" 2> "$folder/log" || echo "exit status $?"
    grep -q '</footer>' "$folder/dom" || echo "unfinished"
    grep -E ':CONSOLE' "$folder/log" || true
    grep -oE '"initiator":"(null|file:).*"url":"(https?|wss?):[^"]*' "$folder/net" | grep -oE '[a-z]+:[^"]*$' || true
}

# barriers PAGE WIDE SCHEME: what keeps people from reading it, in a copy that lets scripts run. Scheme 0
# is dark, 1 light.
barriers() {
    {
        grep -v 'Content-Security-Policy' "$folder/pages/$1"
        echo "<script src=\"file://$axe\"></script><script>axe.run().then(found => {
            const grave = found.violations.filter(one => /serious|critical/.test(one.impact));
            const told = grave.map(one => 'BARRIER ' + one.id + ' ' + one.nodes[0].target);
            document.body.textContent = [...told, 'LOOKED AT', ''].join('\\n');
        });</script>"
    } > "$folder/copy.html"
    browse "$folder/copy.html" "$2" --virtual-time-budget=30000 --blink-settings="preferredColorScheme=$3" \
        > "$folder/dom" 2> /dev/null || echo "exit status $?"
    grep -q 'LOOKED AT' "$folder/dom" || echo "nothing was looked at"
    grep -o 'BARRIER .*' "$folder/dom" || true
}

"$billing" demo --dir "$folder/demo" --quiet > /dev/null
"$billing" report html --config "$folder/demo/billing.toml" --out "$folder/pages"
cat > "$folder/pages/bad.html" <<'BAD'
<html lang="en"><title>bad</title><style>:root { color-scheme: light dark }</style>
<img src="http://no.example/"><script>console.error("bad")</script>
<p style="background: white; color: #bbb">Hard to read.</p>
BAD
[ "$(wrongs bad.html 390 | wc -l)" = 3 ] || { echo "the browser finds nothing out"; exit 1; }
[ "$(barriers bad.html 390 1 | wc -l)" = 2 ] || { echo "axe-core finds nothing out"; exit 1; }

tenant=$(cd "$folder/pages" && ls tenants/*.html | head -n 1)
for page in index.html overdue.html transactions.html mrr.html coupons.html automation.html tenants.html "$tenant"; do
    for wide in 1280 390; do
        wrong=$(wrongs "$page" $wide)
        [ -z "$wrong" ] || { echo "$page, $wide wide: $wrong"; exit 1; }
    done
    for look in "1280 1" "390 0"; do
        # shellcheck disable=SC2086 # two arguments
        barrier=$(barriers "$page" $look)
        [ -z "$barrier" ] || { echo "$page, width and scheme $look: $barrier"; exit 1; }
    done
done
