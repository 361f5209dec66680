#!/bin/sh
# Prints a Markdown file with the output of its commands made anew: in every block fenced as ```console, each line that starts with
# "$ " (and goes on behind a backslash) is run in the source root, and what it prints replaces what stood there.
# usage: tools/cookbook.sh MOESIM FILE.md > NEW.md
#        tools/cookbook.sh --check MOESIM FILE.md     runs the commands; fails when one of them does
set -u

check=no
if [ "$1" = --check ]; then
  check=yes
  shift
fi
bin=$(mktemp -d) || exit 1
trap 'rm -rf "$bin"' EXIT
ln -s "$(realpath "$1")" "$bin/moesim" || exit 1
PATH=$bin:$PATH
file=$(realpath "$2")
cd "$(dirname "$0")/.." || exit 1
failures=0
inside=no

# The status of the last command of a pipe counts; a refusal prints nothing on stdout, which is noticed too.
run_command() {
  output=$(sh -c "$1" 2> "$bin/stderr" < /dev/null)
  status=$?
  if [ "$status" -gt 1 ] || [ -z "$output$(echo "$1" | grep -e ' -o ')" ]; then
    echo "failed ($status): $1: $(cat "$bin/stderr")" >&2
    failures=$((failures + 1))
  fi
  [ "$check" = yes ] || [ -z "$output" ] || printf '%s\n' "$output"
}

show() {
  [ "$check" = yes ] || printf '%s\n' "$1"
}

while IFS= read -r line || [ -n "$line" ]; do
  case $inside,$line in
  no,'```console') inside=yes && show "$line" ;;
  no,*) show "$line" ;;
  yes,'```') inside=no && show "$line" ;;
  yes,'$ '*)
    show "$line"
    command=${line#'$ '}
    while [ "${command%\\}" != "$command" ] && IFS= read -r line; do
      show "$line"
      command=${command%\\}$line
    done
    run_command "$command"
    ;;
  esac
done < "$file"
[ "$failures" -eq 0 ]
