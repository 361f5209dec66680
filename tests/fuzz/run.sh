#!/bin/sh
# Fuzzes targets, as many at a time as there are processors, SECONDS each; what they find new joins the corpus in the source tree.
# usage: run.sh BUILD SECONDS [TARGET...], or run.sh --targets for the names of all targets.
# BUILD was configured with clang as meson.build says. Exit status 1 when a target found something: crash-* in BUILD.
set -u

here=$(realpath "$(dirname "$0")")
targets=$(sed -n "s|.*'\([a-z_]*\)': files('fuzz_.*|\1|p" "$here/meson.build")
if [ "${1:-}" = --targets ]; then
  echo "$targets"
  exit 0
fi
build=$(realpath "$1") || exit 1
seconds=$2
shift 2
MOESIM_DATA=${MOESIM_DATA:-$(realpath "$here/../..")}
export MOESIM_DATA
# Undefined behaviour is a finding, not a line in a log.
UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
export UBSAN_OPTIONS
readonly MAX_BYTES=65536 # of one input: parsers have no new behaviour beyond

# fuzz TARGET: one line of what became of it, and what it found.
fuzz() {
  work=$(mktemp -d) || return
  cp "$here/corpus/$1"/* "$work" 2> /dev/null
  [ "$1" = hf ] && cp "$here"/../interchange/hf/*.json "$work"
  (cd "$build" && "tests/fuzz/fuzz_$1" -max_total_time="$seconds" -max_len="$MAX_BYTES" -rss_limit_mb=4096 -timeout=10 \
    -print_final_stats=1 "$work") > "$build/fuzz_$1.log" 2>&1
  status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz_$1.log")
  echo "$1: ${runs:-?} inputs in $seconds s, exit status $status"
  [ "$status" -eq 0 ] || grep -E 'ERROR|SUMMARY|assertion|Test unit written' "$build/fuzz_$1.log"
  [ -n "${KEEP_CORPUS:-}" ] && "$build/tests/fuzz/fuzz_$1" -merge=1 "$here/corpus/$1" "$work" > /dev/null 2>&1
  rm -rf "$work"
}

# shellcheck disable=SC2086 # a list of names
[ $# -gt 0 ] || set -- $targets
# shellcheck disable=SC2046 # likewise
ninja -C "$build" $(printf 'tests/fuzz/fuzz_%s ' "$@") > "$build/fuzz.log" 2>&1 || { cat "$build/fuzz.log"; exit 1; }
said=$(mktemp) || exit 1
running=0
for target in "$@"; do
  fuzz "$target" >> "$said" &
  running=$((running + 1))
  [ $((running % $(nproc))) -ne 0 ] || wait
done
wait
cat "$said"
findings=$(($# - $(grep -c ', exit status 0$' "$said")))
rm -f "$said"
echo "$findings targets with findings"
[ "$findings" -eq 0 ]
