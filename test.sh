#!/bin/sh
# Continuous integration: builds twice and a part with warnings as errors and runs every test.
#
#   build-test      gcc, release, with MPI: every test; clang-tidy over what changed
#   build-sanitize  clang, AddressSanitizer + UndefinedBehaviorSanitizer, with MPI: the tests again, and each parser fuzzed for some seconds;
#                   prints the same bytes as build-test. Made for speed: the fuzzer sees which branches are taken and not what they
#                   compare (tests/fuzz/meson.build has both), a fault ends the program where it is found, nothing is relocated.
#   build-threads   gcc, ThreadSanitizer, without MPI: the library asked by many threads at once, nothing else
#
# The last line is "N passed, N failed"; the exit status tells the same.
set -u
cd "$(dirname "$0")" || exit 1

readonly FUZZ_S=5       # per target
readonly REQUESTS=100   # to the library under ThreadSanitizer; 1000 found nothing, either, in 100 s
passed=0
failed=0

# Adds the counts of a meson test log.
count() {
  ok=$(sed -n 's/^\(Ok\|Expected Fail\): *\([0-9]*\) *$/\2/p' "$1" | awk '{n += $1} END {print n + 0}')
  bad=$(sed -n 's/^\(Fail\|Unexpected Pass\|Timeout\): *\([0-9]*\) *$/\2/p' "$1" | awk '{n += $1} END {print n + 0}')
  passed=$((passed + ok))
  failed=$((failed + bad))
}

# How long each part took, for the end.
part() {
  now=$(date +%s)
  [ -z "${part_name:-}" ] || times="${times:-}$(printf '%5d s  %s' $((now - part_start)) "$part_name")
"
  part_name=$1
  part_start=$now
  echo "== $1"
}

# build DIRECTORY COMPILER MESON_OPTION...: a build that breaks counts as one failed test.
build() {
  directory=$1
  compiler=$2
  shift 2
  # It links, too: one family, one runtime of sanitizers. The hundreds of sanitized programs take lld half the time.
  case $compiler in clang) cxx=clang++ linker=lld ;; *) cxx=g++ linker=bfd ;; esac
  part "$directory: build"
  CC=$compiler CXX=$cxx CC_LD=$linker CXX_LD=$linker ./tools/build.sh "$directory" -Dtests=true -Dbenchmarks=false -Dwerror=true "$@" && return
  failed=$((failed + 1))
  return 1
}

# run_suite DIRECTORY [MESON_TEST_OPTION...]
run_suite() {
  directory=$1
  shift
  part "$directory: tests"
  tools/progress.sh "$directory" "$directory/test.log" meson test -C "$directory" --no-rebuild --print-errorlogs "$@"
  status=$?
  before=$failed
  count "$directory/test.log"
  # Meson may fail without a failing test, for instance when there is none.
  if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
    failed=$((failed + 1))
  fi
}

# count_fuzzed FINDINGS TARGETS
count_fuzzed() {
  passed=$((passed + $2 - $1))
  failed=$((failed + $1))
}

# one NAME COMMAND...: counts as one test.
one() {
  part "$1"
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

if ! ./tools/install.sh build gnuplot test; then
  echo "0 passed, 1 failed"
  exit 1
fi

MOESIM_DATA=$PWD
export MOESIM_DATA
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1:quarantine_size_mb=32 # per process; 256 cost a fourth more
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

if build build-test gcc --buildtype=release -Dmpi=enabled; then
  run_suite build-test
  one "clang-tidy" tools/progress.sh "clang-tidy" build-test/tidy.log tools/tidy.sh build-test
fi
# The suite "plain" makes sense once: its tests are long and run what others test, too.
readonly SANITIZE='-fsanitize-coverage=inline-8bit-counters -fno-sanitize-recover=undefined -g1'
if build build-sanitize clang --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Db_pch=true -Dmpi=enabled \
  -Dfuzz=true "-Dc_args=$SANITIZE" "-Dcpp_args=$SANITIZE" -Dc_link_args=-no-pie -Dcpp_link_args=-no-pie; then
  run_suite build-sanitize --no-suite plain
  one "the same bytes from both" tools/progress.sh "the same bytes" build-sanitize/same.log \
    tests/cli/same.sh build-test/src/cli/moesim build-sanitize/src/cli/moesim
  part "fuzz"
  tests/fuzz/run.sh build-sanitize "$FUZZ_S" | tee build-sanitize/fuzzed.log
  found=$(sed -n 's/ targets with findings$//p' build-sanitize/fuzzed.log)
  count_fuzzed "${found:-1}" "$(tests/fuzz/run.sh --targets | wc -w)"
fi

mkdir -p build-threads
one "threads at the door" tools/progress.sh "build-threads" build-threads/test.log tests/door/tsan.sh build-threads "$REQUESTS"

part "all"
printf '%s' "$times"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
