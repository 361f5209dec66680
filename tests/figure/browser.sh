#!/bin/sh
# Opens a report in headless Chromium: the text is there, the console is silent. Skipped (77) where no Chromium is installed.
# usage: browser.sh MOESIM
set -u

readonly SKIP=77 LIMIT_S=120
moesim=$(realpath "$1") || exit 1
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "skipped: no Chromium (Debian: apt-get install chromium)"
  exit $SKIP
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

# open_page FILE: the document as the browser understands it in $work/dom, what it said in $work/log.
open_page() {
  timeout $LIMIT_S "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --enable-logging=stderr \
    --dump-dom "file://$1" > "$work/dom" 2> "$work/log"
}

complain() {
  echo "$1"
  failures=$((failures + 1))
}

expect() {
  grep -qF -- "$1" "$work/dom" || complain "the page does not say: $1"
}

# The test can fail: this page complains on the console.
echo '<html><body><script>console.error("noticed"); missing();</script></body></html>' > "$work/bad.html"
open_page "$work/bad.html"
if [ ! -s "$work/dom" ]; then
  echo "skipped: $browser does not start here"
  exit $SKIP
fi
grep -q 'CONSOLE' "$work/log" || complain "console messages are not noticed"

"$moesim" report "$MOESIM_DATA/models/deepseek-v3.yaml" --samples 4 -o "$work/page.html" || exit 1
open_page "$work/page.html"
if grep 'CONSOLE' "$work/log"; then
  complain "the console is not silent"
fi
for text in 'deepseek-v3 on h800-hgx' 'Where the step goes' 'pipeline bubble' 'Memory' 'Assumptions' 'Sensitivity' 'Sources' '<svg' 'P50'; do
  expect "$text"
done
[ "$failures" -eq 0 ] && echo "the page opens, its console is silent"
[ "$failures" -eq 0 ]
