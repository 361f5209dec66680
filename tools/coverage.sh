#!/bin/sh
# Line coverage of src/ by the tests, per module and in all: coverage.sh [BUILD]
# Needs gcov, which comes with gcc. Generated code does not count.
set -eu
cd "$(dirname "$0")/.."

build=${1:-build-coverage}
./tools/build.sh "$build" --buildtype=debug -Db_coverage=true
find "$build" -name '*.gcda' -delete
meson test -C "$build" --no-rebuild > "$build/coverage.log" 2>&1 || echo "tests failed: $build/coverage.log"

# gcov -n prints "File '../src/MODULE/FILE.c'" and "Lines executed:P% of N" for every source.
find "$build/src" "$build" -maxdepth 4 -path '*/src/*' -name '*.gcda' | sort -u | while read -r data; do
  gcov -n -o "$(dirname "$data")" "$data" 2> /dev/null
done | awk '
  /^File/ { split($0, quoted, "\047"); file = quoted[2] }
  /^Lines executed/ && file ~ /(^|\/)src\/[a-z]+\/[a-z0-9_]+\.c$/ {
    match($0, /executed:[0-9.]+/); share = substr($0, RSTART + 9, RLENGTH - 9)
    match($0, /of [0-9]+/); lines = substr($0, RSTART + 3, RLENGTH - 3)
    n = split(file, part, "/"); module = part[n - 1]
    executed[module] += lines * share / 100; all[module] += lines
    sum += lines * share / 100; total += lines
    file = ""
  }
  END {
    for (module in all)
      printf "%-12s %6d lines, %5.1f %%\n", module, all[module], 100 * executed[module] / all[module] | "sort"
    close("sort")
    printf "%-12s %6d lines, %5.1f %%\n", "src", total, total ? 100 * sum / total : 0
  }'
