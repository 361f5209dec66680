#!/bin/sh
# Prints what stands on what, as the README.md of each folder shows it: a tree, each line indented under what it extends.
# usage: tools/family.sh MOESIM stacks|clusters|models
set -eu
export LC_ALL=C

moesim=$(realpath "$1")
folder=$2
cd "$(dirname "$0")/.."

# Rows of name, name of what it extends, month, title; between tabs.
stacks() {
  "$moesim" list stacks --format json | jq -r '
    map(select(.name | contains(":"))) as $all
    | def last_of($name): if $name | contains(":") then $name else [$all[] | select(.name | startswith($name + ":"))] | last | .name end;
    $all[] | [.name, (.extends | if . then last_of(.) else "" end), .date, .title] | @tsv'
}

files() { # PATH...: YAML files of the folder
  for file in "$@"; do
    base=$(sed -n 's/^extends: *\([^ #]*\).*/\1/p' "$file")
    [ -z "$base" ] || base=$(realpath -m --relative-to="$folder" "$(dirname "$file")/${base%.yaml}")
    name=${file#"$folder"/}
    printf '%s\t%s\t\t%s\n' "${name%.yaml}" "$base" "$(sed -n 's/^title: *//p' "$file" | sed 's/^"\(.*\)"$/\1/')"
  done
}

case $folder in
stacks) stacks ;;
clusters) files clusters/*.yaml clusters/accelerators/*.yaml ;;
models) # runs, and the architectures that they extend
  files models/*.yaml models/mai-base-1/*.yaml models/what-if/*.yaml > "${TMPDIR:-/tmp}/family.$$"
  trap 'rm -f "${TMPDIR:-/tmp}/family.$$"' EXIT
  cut -f 2 "${TMPDIR:-/tmp}/family.$$" | grep '^architectures/' | sort -u | while read -r used; do files "models/$used.yaml"; done
  cat "${TMPDIR:-/tmp}/family.$$"
  ;;
esac | awk -F '\t' '
  { name[NR] = $1; base[NR] = $2; text[NR] = $3 ($3 ? "  " : "") $4; known[$1] = 1 }
  function tree(above, indent, i) {
    for (i = 1; i <= NR; i++)
      if (base[i] == above || (above == "" && !(base[i] in known))) {
        printf "%-38s %s\n", indent name[i], text[i]
        tree(name[i], indent "  ")
      }
  }
  END { tree("", "") }' | sed 's/ *$//'
