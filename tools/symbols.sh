#!/bin/sh
# Version script of libmoesim: what the public headers declare is exported, everything else stays inside.
# usage: symbols.sh VERSION HEADER...
set -eu

version=$1
shift
echo "MOESIM_$version {"
echo "  global:"
# Names in front of a parenthesis or of the brackets of an extern table; comments and static functions have none that count.
sed -e 's|/\*.*\*/||' -e '/^ *\*/d' -e '/^ *\/\*/d' -e '/^static /d' "$@" |
  grep -oE '(^|[ *])moe_[a-z0-9_]+ *(\(|\[\];|\[[A-Z0-9_ +]*\];)' | grep -oE 'moe_[a-z0-9_]+' | sort -u | sed 's/.*/    &;/'
echo "  local: *;"
echo "};"
