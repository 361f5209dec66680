#!/bin/sh
# Runs moesim over folders of bad input; see README.
# usage: run.sh [--commands] MOESIM FOLDER...     with --commands only the cases that have arguments
set -u

readonly LIMIT_S=30 # a refusal takes milliseconds, under sanitizers on a busy machine a hundred times that; more is a hang

only=
if [ "$1" = --commands ]; then
  only=.args
  shift
fi
moesim=$(realpath "$1") || exit 1
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Arguments of a case, one per line.
arguments() {
  if [ -f "$1.args" ]; then
    cat "$1.args"
  else
    printf 'check\n%s.yaml\n' "$1"
  fi
}

# run_case NAME: 0 when refused as it should be.
run_case() {
  arguments "$1" > "$work/args"
  set -f
  old_ifs=$IFS
  IFS='
'
  # shellcheck disable=SC2046 # one argument per line
  timeout "$LIMIT_S" "$moesim" $(cat "$work/args") > "$work/stdout" 2> "$work/stderr" < /dev/null
  status=$?
  IFS=$old_ifs
  set +f
  [ "$status" -eq 2 ] && [ ! -s "$work/stdout" ] && cmp -s "$1.stderr" "$work/stderr" &&
    grep -qE '^moesim: |^[^:]+:[0-9]+(:[0-9]+)?: ' "$work/stderr" # who says it, or where to look
}

show_difference() {
  echo "$1/$2: exit status $status, expected 2"
  [ -s "$work/stdout" ] && echo "  $(wc -c < "$work/stdout") bytes on stdout, expected none"
  diff -u --label expected --label stderr "$2.stderr" "$work/stderr" | sed 's/^/  /'
}

cases=0
failures=0
for folder in "$@"; do
  start=$PWD
  cd "$folder" || exit 1
  for expected in *.stderr; do
    [ -e "$expected" ] || continue
    name=${expected%.stderr}
    [ -z "$only" ] || [ -e "$name$only" ] || continue
    cases=$((cases + 1))
    if ! run_case "$name"; then
      failures=$((failures + 1))
      show_difference "$folder" "$name"
    fi
  done
  cd "$start" || exit 1
done
echo "$cases cases, $failures failures"
[ "$cases" -gt 0 ] && [ "$failures" -eq 0 ]
