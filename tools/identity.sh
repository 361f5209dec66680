#!/bin/sh
# Header with the identity of a build: version and digest of the sources, whatever the compiler, folder or time.
# usage: identity.sh VERSION SOURCE HEADER DEPFILE
set -eu

version=$1
output=$(realpath -m "$3")
depfile=$(realpath -m "$4")
cd "$2"
files=$(find src include -name '*.[ch]' | LC_ALL=C sort)
# shellcheck disable=SC2086 # the names of our files have no spaces
digest=$(sha256sum $files | sha256sum | cut -c 1-12)
printf '/* The build that predicts. */\n#define MOESIM_BUILD "%s-%s"\n' "$version" "$digest" > "$output"
{
  printf '%s:' "$3"
  for file in $files; do printf ' %s/%s' "$PWD" "$file"; done
  echo
} > "$depfile"
