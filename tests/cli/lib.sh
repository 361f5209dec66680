# Shared by the black-box tests of the command line. A test sources this file with the program's path in $1 and ends with `finish`.
set -u

moesim=$(realpath "$1") || exit 1
data=${MOESIM_DATA:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

# try ARGUMENT...: runs moesim; then $status, $work/out and $work/err tell.
try() {
  said="moesim $*"
  "$moesim" "$@" > "$work/out" 2> "$work/err" < /dev/null
  status=$?
}

check() { # check DESCRIPTION COMMAND...
  description=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failures=$((failures + 1))
    echo "FAILED: $said: $description"
    sed 's/^/  out: /' "$work/out" | head -n 20
    sed 's/^/  err: /' "$work/err" | head -n 20
  fi
}

expect_status() { check "exit status $status, expected $1" [ "$status" -eq "$1" ]; }
expect_out() { check "stdout lacks '$1'" grep -qF -e "$1" "$work/out"; }
expect_err() { check "stderr lacks '$1'" grep -qF -e "$1" "$work/err"; }
expect_no_out() { check "stdout is not empty" [ ! -s "$work/out" ]; }
expect_quiet() { check "stderr is not empty" [ ! -s "$work/err" ]; }
expect_one_line() { check "stderr is not one line" [ "$(wc -l < "$work/err")" -eq 1 ]; }

# Who says it, or where to look: every refusal begins with the program's name or with FILE:LINE[:COLUMN].
origin='^moesim: |^[^:]+:[0-9]+(:[0-9]+)?: '
expect_origin() { check "neither the program's name nor a place" grep -qE "$origin" "$work/err"; }

# refused MESSAGE ARGUMENT...: exit status 2, nothing on stdout, that one line on stderr.
refused() {
  message=$1
  shift
  try "$@"
  expect_status 2
  expect_no_out
  expect_one_line
  expect_origin
  expect_err "$message"
}

finish() {
  echo "$checks checks, $failures failures"
  [ "$checks" -gt 0 ] && [ "$failures" -eq 0 ]
}
