#!/bin/sh
# Prints what stands on what among the stacks, as stacks/README.md shows it: a tree, each line with its month and title.
# usage: tools/family.sh MOESIM
set -eu

"$1" list stacks --format json | jq -r '
  map(select(.name | contains(":"))) as $all
  | def last($name): if $name | contains(":") then $name else [$all[] | select(.name | startswith($name + ":"))] | last | .name end;
  def rows($base; $indent):
    $all[] | select(.extends as $e | if $base == null then $e == null else $e != null and last($e) == $base end)
    | [$indent + .name, .date, .title], rows(.name; $indent + "  ");
  rows(null; "") | @tsv' | awk -F '\t' '{ printf "%-38s %s  %s\n", $1, $2, $3 }'
