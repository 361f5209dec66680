#!/bin/sh
# clang-tidy over the lines of src/ that differ from a commit: tidy.sh [BUILD] [COMMIT]
# BUILD has compile_commands.json (default build-test). Without COMMIT it is where the branch left origin/main; on origin/main itself, or
# without one, the tenth commit before, or the oldest that a shallow clone has. With nothing to compare, nothing is wrong.
set -eu
cd "$(dirname "$0")/.."

readonly MAX_FILES=40 # most recently changed first: about two minutes on one core
build=${1:-build-test}

# What to compare with; nothing when there is no history.
usual_base() {
  fork=$(git merge-base HEAD origin/main 2> /dev/null || true)
  if [ -n "$fork" ] && [ "$fork" != "$(git rev-parse HEAD)" ]; then
    echo "$fork"
    return
  fi
  for back in 10 9 8 7 6 5 4 3 2 1; do
    git rev-parse --verify --quiet "HEAD~$back" 2> /dev/null && return
  done
  return 0
}

# Changed files that the build compiles, most recently changed first.
changed_files() {
  {
    git diff --name-only HEAD -- 'src/*.c'
    git log --format= --name-only "$base"..HEAD -- 'src/*.c'
  } | awk '!seen[$0]++' | while read -r file; do
    if [ -f "$file" ] && grep -q "$file\"" "$build/compile_commands.json"; then echo "$file"; fi
  done
}

# [{"name":"src/base/time.c","lines":[[3,7]]},...] of what was added or changed.
changed_lines() {
  git diff -U0 "$base" -- 'src/*.c' | awk '
    /^\+\+\+ / { name = substr($2, 3); next }
    /^@@ / {
      match($0, /\+[0-9]+(,[0-9]+)?/); n = split(substr($0, RSTART + 1, RLENGTH - 1), part, ",")
      last = part[1] + (n == 2 ? part[2] : 1) - 1
      if (last >= part[1]) lines[name] = lines[name] (lines[name] ? "," : "") "[" part[1] "," last "]"
    }
    END {
      for (name in lines) { printf "%s{\"name\":\"%s\",\"lines\":[%s]}", comma, name, lines[name]; comma = "," }
    }'
}

base=${2:-$(usual_base)}
[ -n "$base" ] || { echo "no earlier commit to compare with: nothing to tidy"; exit 0; }
files=$(changed_files)
[ -n "$files" ] || { echo "no C file changed since $base"; exit 0; }
all=$(echo "$files" | wc -l)
[ "$all" -le "$MAX_FILES" ] || echo "left out: $(echo "$files" | tail -n +$((MAX_FILES + 1)) | tr '\n' ' ')"
echo "changed since $base: $all files, at most $MAX_FILES looked at"

# What the house already rules by other means (style, naming), and what is written so on purpose (whole numbers divided, pointers
# counted, sizes doubled) is left out. So are leaks, for clang-tidy does not know the cleanup attribute and LeakSanitizer finds them, and
# values it takes for uninitialized because it tries loops without a round that always have one.
checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions'
checks=$checks,-bugprone-implicit-widening-of-multiplication-result,-bugprone-assignment-in-if-condition,-bugprone-reserved-identifier
checks=$checks,-bugprone-branch-clone,-bugprone-macro-parentheses,-bugprone-multi-level-implicit-pointer-conversion
checks=$checks,-bugprone-integer-division,-bugprone-sizeof-expression,-clang-analyzer-security.FloatLoopCounter
checks=$checks,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-optin.performance.Padding
checks=$checks,-clang-analyzer-unix.Malloc,-clang-analyzer-core.uninitialized.*,-clang-analyzer-core.UndefinedBinaryOperatorResult,-clang-analyzer-core.CallAndMessage
# A build with gcc has options that clang knows of and does without.
echo "$files" | head -n "$MAX_FILES" |
  xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" --extra-arg=-Wno-ignored-optimization-argument --warnings-as-errors='*' \
    --checks="$checks" --line-filter="[$(changed_lines)]"
