#!/bin/sh
# Line coverage of src/ by the tests, per module and in all, and the files below 80 %:
#
#   coverage.sh [BUILD [MESON_OPTION...]]   builds with counters, runs every test, reports
#   coverage.sh --report BUILD              reports only, from a build with -Db_coverage=true whose tests have run
#
# The last line is "src LINES lines, SHARE %". A file that no test ran counts with 0 %; headers and generated code do not count.
# What a process ends by a signal had run is not seen (src/cli/interrupt.c). -Doptimization=1 takes a third of the time and counts
# a few per cent fewer lines, with shares half a point apart. Needs gcov, which comes with gcc.
set -eu
cd "$(dirname "$0")/.."

readonly POOR=80 # %: below it a file is named

# "MODULE/FILE.c EXECUTED LINES" for every source: gcov -n prints "File 'SOURCE'" and "Lines executed:SHARE% of LINES", headers too.
# One object per source, so the counters of all programs that link it are summed there; without counters nothing ran.
count_lines() {
  find "$1/src" -name '*.c.gcno' | sort | while read -r notes; do
    directory=$(dirname "$notes")
    source=$(basename "$(dirname "$directory")")/$(basename "$notes" .gcno)
    [ -f "src/$source" ] || continue # generated, or no longer there
    gcov -n -o "$directory" "$notes" 2> /dev/null | awk -v source="$source" '
      /^File/ { split($0, quoted, "\047"); file = "/" quoted[2]; wanted = "/src/" source
                mine = substr(file, length(file) - length(wanted) + 1) == wanted }
      /^Lines executed/ && mine { split($0, part, /[:% ]+/); print source, int(part[5] * part[3] / 100 + 0.5), part[5]; mine = 0 }'
  done
}

report() {
  count_lines "$1" | awk -v poor="$POOR" '
    { split($1, part, "/"); module = part[1]
      executed[module] += $2; lines[module] += $3; all_executed += $2; all += $3
      if (100 * $2 < poor * $3) { missed[$1] = $3 - $2; files[++n] = $1; of[$1] = $3 } }
    END {
      if (all == 0) { print "no counters: not a build with -Db_coverage=true" > "/dev/stderr"; exit 1 }
      for (module in lines)
        printf "%-12s %6d lines, %5.1f %%\n", module, lines[module], 100 * executed[module] / lines[module] | "sort"
      close("sort")
      for (i = 1; i <= n; i++)
        printf "below %d %%: src/%s, %d of %d lines not executed\n", poor, files[i], missed[files[i]], of[files[i]]
      printf "%-12s %6d lines, %5.1f %%\n", "src", all, 100 * all_executed / all
    }'
}

if [ "${1:-}" = --report ]; then
  report "${2:?expected --report BUILD}"
  exit
fi
build=${1:-build-coverage}
[ $# -eq 0 ] || shift
./tools/build.sh "$build" --buildtype=debug -Db_coverage=true "$@"
find "$build" -name '*.gcda' -delete
meson test -C "$build" --no-rebuild > "$build/coverage.log" 2>&1 || echo "tests failed: $build/coverage.log" >&2
report "$build"
