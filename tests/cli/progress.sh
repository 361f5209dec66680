#!/bin/sh
# usage: progress.sh TOOL: tools/progress.sh shows few lines of many, every failure, that a silent command goes on, and keeps status and log.
set -u

tool=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# expect NAME STATUS COUNT PATTERN: of the last output.
expect() {
  seen=$(grep -cE "$4" "$folder/shown")
  if [ "$status" -ne "$2" ] || [ "$seen" -ne "$3" ]; then
    echo "$1: exit status $status and $seen lines of '$4', expected $2 and $3"
    cat "$folder/shown"
    failed=1
  fi
}

run() {
  "$tool" "$@" > "$folder/shown" 2>&1
  status=$?
}

cat > "$folder/tests" << 'END'
i=0
while [ $((i += 1)) -le 200 ]; do
  case $i in
  77) echo " 77/200 moesim:base / clock  FAIL   0.10s  exit status 1"; echo "clock.c:12: what broke" ;;
  *) printf '%3d/200 moesim:base / test %d  OK   0.10s\n' $i $i ;;
  esac
done
printf 'Ok:                 199 \nFail:               1   \n'
exit 1
END
run suite "$folder/log" sh "$folder/tests"
expect "tenths" 1 10 'suite: [0-9]+ of 200'
expect "the failing test" 1 2 'moesim:base / clock|what broke'
expect "in all" 1 14 ''
[ "$(grep -c . "$folder/log")" -eq 203 ] || { echo "the log is not whole"; failed=1; }

run build "$folder/log" sh -c 'for i in 1 2 3; do echo "[$i/3] Compiling $i"; done; echo "a.c:1: error"; exit 3'
expect "a build" 3 3 'build: [123] of 3'
expect "an error of the compiler" 3 1 'a.c:1: error'

run --quiet packages "$folder/log" sh -c 'seq 900'
expect "quiet" 0 0 ''
run --quiet packages "$folder/log" sh -c 'echo no such package; exit 100'
expect "quiet, failed" 100 1 'no such package'

run --quiet --every 1 wait "$folder/log" sleep 4
[ "$(grep -c 'wait: .* s, goes on' "$folder/shown")" -ge 1 ] || { echo "a silent command is not reported"; failed=1; }
run --every 1 slow "$folder/log" sh -c 'for i in 1 2 3 4 5 6 7 8; do echo "[$i/900] Compiling $i"; sleep 0.5; done'
[ "$(grep -c 'slow: [1-8] of 900, .* s, goes on' "$folder/shown")" -ge 1 ] || { echo "a slow command is not reported"; failed=1; }
exit "$failed"
