#!/bin/bash
# Runs a command and tells in a few lines a minute how far it is: progress.sh [--quiet] [--every SECONDS] NAME LOG COMMAND...
#
# LOG gets everything the command prints. Of lines that count - ninja's "[12/340] ..." and meson test's " 12/340 ..." - one for every
# finished tenth is shown, those of tests that fail as they are, and all other lines in full; with --quiet none of them, but all of LOG if
# the command fails. After SECONDS (default 50) in which nothing was shown, a line says that the command still runs. The exit status is the command's.
set -u

quiet=
every=50
while :; do
  case ${1:-} in
  --quiet) quiet=1; shift ;;
  --every) every=$2; shift 2 ;;
  *) break ;;
  esac
done
[ $# -ge 3 ] || { echo "usage: progress.sh [--quiet] [--every SECONDS] NAME LOG COMMAND..." >&2; exit 2; }
name=$1
log=$2
shift 2

readonly COUNTED='^(\[|[[:space:]]*)([0-9]+)/([0-9]+)(\]|[[:space:]])'
readonly GOOD='[[:space:]](OK|SKIP|EXPECTEDFAIL)[[:space:]]'

# Prints, and notes when.
say() {
  echo "$1"
  said_at=$SECONDS
}

# One line of the command's; sets done_count, all_count and tenth.
show_line() {
  if [[ $1 =~ $COUNTED ]]; then
    bracket=${BASH_REMATCH[1]}
    done_count=${BASH_REMATCH[2]}
    all_count=${BASH_REMATCH[3]}
    if [ "$bracket" != '[' ] && ! [[ $1 =~ $GOOD ]]; then say "$1"; fi
    [ "$all_count" -gt 0 ] || return
    if [ $((done_count * 10 / all_count)) -gt "$tenth" ]; then
      tenth=$((done_count * 10 / all_count))
      say "   $name: $done_count of $all_count, $SECONDS s"
    fi
  elif [ -z "$quiet" ] && [[ $1 != ninja:\ [En]* ]]; then
    say "$1"
  fi
}

show() {
  said_at=0
  done_count=
  all_count=
  tenth=0
  while :; do
    line=
    left=$((every - (SECONDS - said_at)))
    IFS= read -r -t "$((left > 0 ? left : 1))" line
    state=$?
    if [ "$state" -eq 0 ] || [ -n "$line" ]; then show_line "$line"; fi
    if [ $((SECONDS - said_at)) -ge "$every" ]; then
      say "   $name: ${done_count:+$done_count of $all_count, }$SECONDS s, goes on"
    fi
    [ "$state" -eq 0 ] || [ "$state" -gt 128 ] || break
  done
}

"$@" 2>&1 < /dev/null | tee "$log" | show
status=${PIPESTATUS[0]}
if [ "$status" -ne 0 ] && [ -n "$quiet" ]; then cat "$log"; fi
exit "$status"
