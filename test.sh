#!/bin/sh
# Builds with warnings as errors and runs every test, plain and under AddressSanitizer + UndefinedBehaviorSanitizer.
# The last line is "N passed, N failed"; the exit status tells the same.
set -u
cd "$(dirname "$0")" || exit 1

passed=0
failed=0

# Adds the counts of a meson test log.
count() {
  ok=$(sed -n 's/^\(Ok\|Expected Fail\): *\([0-9]*\) *$/\2/p' "$1" | awk '{n += $1} END {print n + 0}')
  bad=$(sed -n 's/^\(Fail\|Unexpected Pass\|Timeout\): *\([0-9]*\) *$/\2/p' "$1" | awk '{n += $1} END {print n + 0}')
  passed=$((passed + ok))
  failed=$((failed + bad))
}

# run_suite DIRECTORY MESON_OPTION...: a build that breaks counts as one failed test.
run_suite() {
  directory=$1
  shift
  echo "== $directory"
  if ! ./tools/build.sh "$directory" -Dtests=true -Dwerror=true "$@"; then
    failed=$((failed + 1))
    return
  fi
  meson test -C "$directory" --no-rebuild --print-errorlogs > "$directory/test.log" 2>&1
  status=$?
  before=$failed
  cat "$directory/test.log"
  count "$directory/test.log"
  # Meson may fail without a failing test, for instance when there is none.
  if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
    failed=$((failed + 1))
  fi
}

if ! ./tools/install.sh build gnuplot test; then
  echo "0 passed, 1 failed"
  exit 1
fi

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
run_suite build-test --buildtype=release
run_suite build-sanitize --buildtype=debugoptimized -Db_sanitize=address,undefined

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
