#!/bin/sh
# clang-tidy over the lines of src/ that differ from a commit: tidy.sh [BUILD] [COMMIT]
# BUILD has compile_commands.json (default build-test). Without COMMIT it is where the branch left origin/main; when nothing of src/ differs from
# there - on origin/main itself, in a clean clone - it is the commit before the latest that changed C files, as many as history has up to
# LATEST. Without any earlier commit, and without git, all lines count.
# The last line says how many lines of how many files were looked at; none is an error.
# Files are looked at most recently changed first, until MAX_S are over: those left out are named.
set -eu
cd "$(dirname "$0")/.."

readonly MAX_S=90 # s, to begin a file: the last ones take some seconds more
readonly LATEST=15 # commits: those before were looked at when they were the latest
readonly NONE=none # in place of a commit: no history, all lines count
build=${1:-build-test}

# What to compare with.
usual_base() {
  fork=$(git merge-base HEAD origin/main 2> /dev/null || true)
  if [ -n "$fork" ] && ! git diff --quiet "$fork" -- 'src/*.c'; then
    echo "$fork"
    return
  fi
  oldest=$(git log -n "$LATEST" --format=%H -- 'src/*.c' 2> /dev/null | tail -n 1)
  git rev-parse --verify --quiet "$oldest^" 2> /dev/null || echo "$NONE"
}

# Changed files that the build compiles, most recently changed first.
changed_files() {
  if [ "$base" = "$NONE" ]; then
    find src -name '*.c' | sort
  else
    git diff --name-only HEAD -- 'src/*.c'
    git log --format= --name-only "$base"..HEAD -- 'src/*.c'
  fi | awk '!seen[$0]++' | while read -r file; do
    if [ -f "$file" ] && grep -q "$file\"" "$build/compile_commands.json"; then echo "$file"; fi
  done
}

# "FIRST LAST" for each run of lines that were added or changed in a file.
changed_lines() {
  if [ "$base" = "$NONE" ]; then
    echo "1 $(wc -l < "$1")"
    return
  fi
  git diff -U0 "$base" -- "$1" | awk '
    /^@@ / {
      match($0, /\+[0-9]+(,[0-9]+)?/); n = split(substr($0, RSTART + 1, RLENGTH - 1), part, ",")
      last = part[1] + (n == 2 ? part[2] : 1) - 1
      if (last >= part[1]) print part[1], last
    }'
}

# What the house already rules by other means (style, naming), and what is written so on purpose (whole numbers divided, pointers
# counted, sizes doubled) is left out. So are leaks, for clang-tidy does not know the cleanup attribute and LeakSanitizer finds them, and
# values it takes for uninitialized because it tries loops without a round that always have one.
checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions'
checks=$checks,-bugprone-implicit-widening-of-multiplication-result,-bugprone-assignment-in-if-condition,-bugprone-reserved-identifier
checks=$checks,-bugprone-branch-clone,-bugprone-macro-parentheses,-bugprone-multi-level-implicit-pointer-conversion
checks=$checks,-bugprone-integer-division,-bugprone-sizeof-expression,-clang-analyzer-security.FloatLoopCounter
checks=$checks,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-optin.performance.Padding
checks="$checks,-clang-analyzer-unix.Malloc,-clang-analyzer-core.uninitialized.*,-clang-analyzer-core.UndefinedBinaryOperatorResult,-clang-analyzer-core.CallAndMessage"

# tidy_file FILE: what it is blamed for; notes its lines in $work/lines, a blame in $work/bad, that time was over in $work/left.
# A build with gcc has options that clang knows of and does without.
tidy_file() {
  if [ "$(date +%s)" -ge "$end" ]; then
    echo "$1" >> "$work/left"
    return
  fi
  lines=$(changed_lines "$1")
  [ -n "$lines" ] || return 0
  filter=$(echo "$lines" | awk -v name="$1" '{ all = all (all ? "," : "") "[" $1 "," $2 "]" }
    END { printf "[{\"name\":\"%s\",\"lines\":[%s]}]", name, all }')
  echo "$lines" | awk '{ n += $2 - $1 + 1 } END { print n }' >> "$work/lines"
  clang-tidy --quiet -p "$build" --extra-arg=-Wno-ignored-optimization-argument --warnings-as-errors='*' --checks="$checks" \
    --line-filter="$filter" "$1" 2> "$work/err.$2" || { cat "$work/err.$2"; echo "$1" >> "$work/bad"; }
}

# Every JOBS-th file from the N-th on.
tidy_share() {
  awk -v n="$1" -v jobs="$jobs" 'NR % jobs == n' "$work/files" | while read -r file; do tidy_file "$file" "$1"; done
}

base=${2:-$(usual_base)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
end=$(($(date +%s) + MAX_S))
jobs=$(nproc)
touch "$work/lines" "$work/bad" "$work/left"
changed_files > "$work/files"
echo "changed since $base: $(wc -l < "$work/files") files"
n=0
while [ "$n" -lt "$jobs" ]; do
  tidy_share "$n" &
  n=$((n + 1))
done
wait
[ ! -s "$work/left" ] || echo "left out after $MAX_S s: $(tr '\n' ' ' < "$work/left")"
[ ! -s "$work/bad" ] || echo "to mend: $(tr '\n' ' ' < "$work/bad")"
echo "$(awk '{ n += $1 } END { print n + 0 }' "$work/lines") lines of $(wc -l < "$work/lines") files looked at"
[ -s "$work/lines" ] && [ ! -s "$work/bad" ]
