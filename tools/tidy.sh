#!/bin/sh
# clang-tidy over the C files that differ from a commit: tidy.sh [BUILD] [COMMIT]
# BUILD has compile_commands.json (default build-test), COMMIT is origin/main, else the one before.
set -eu
cd "$(dirname "$0")/.."

build=${1:-build-test}
base=${2:-$(git rev-parse --verify --quiet origin/main || git rev-parse HEAD~1)}
files=$(git diff --name-only --diff-filter=d "$base" -- 'src/*.c')
[ -n "$files" ] || { echo "no C file changed since $base"; exit 0; }
# What the house already rules by other means (style, naming) is left out; what finds mistakes stays.
# shellcheck disable=SC2086 # a list of files
clang-tidy --quiet -p "$build" --warnings-as-errors='*' \
  --checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-bugprone-assignment-in-if-condition,-bugprone-reserved-identifier,-bugprone-branch-clone,-bugprone-macro-parentheses,-bugprone-multi-level-implicit-pointer-conversion,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-optin.performance.Padding' \
  $files
