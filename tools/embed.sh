#!/bin/sh
# Writes the parts of the page as a C table: embed.sh FILE... > assets.c
set -eu
export LC_ALL=C

type_of() {
  case $1 in
  *.html) echo 'text/html; charset=utf-8' ;;
  *.js) echo 'text/javascript; charset=utf-8' ;;
  *.css) echo 'text/css; charset=utf-8' ;;
  *.svg) echo 'image/svg+xml' ;;
  *) echo "embed.sh: no type for $1" >&2; exit 2 ;;
  esac
}

echo '#include "route.h"'
n=0
for file in "$@"; do
  printf '\nstatic const unsigned char part_%d[] = {\n' "$n"
  od -An -v -tu1 "$file" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
  echo '};'
  n=$((n + 1))
done
printf '\nconst ServeAsset moe_serve_assets[] = {\n'
n=0
for file in "$@"; do
  type=$(type_of "$file")
  printf '  {"/%s", "%s", part_%d, sizeof part_%d},\n' "$(basename "$file")" "$type" "$n" "$n"
  n=$((n + 1))
done
echo '  {0},'
echo '};'
