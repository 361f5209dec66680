#!/bin/sh
# Every call that can fail does, in every command that writes: status 0 never goes with a damaged or missing output, and a failure leaves
# what was there and nothing half written.
#   run.sh MOESIM LIBINJECT [MOST]    MOST: moments per function and command (default: 6 in the suite; 200 is the long trial)
. "$(dirname "$0")/../cli/lib.sh"
library=$(realpath "$2")
most=${3:-6}
run=$data/models/mixtral-8x7b.yaml
tried=0
short=0

small="--gpus 32 --set training.global_batch=32 --set parallelism.pipeline=1 --set parallelism.virtual_stages=1 --set parallelism.schedule=none --set architecture.layers=2 --set training.sequence_length=1024"
place=$work/place
reference=$work/reference

# command NAME: its arguments, with the output in $place.
command_line() {
  case $1 in
  trace) echo "run $run $small --trace $place/out" ;;
  packed) echo "run $run $small --trace $place/out.gz" ;;
  report) echo "report $run $small --samples 0 -o $place/out" ;;
  goal) echo "export goal $run $small -o $place/out" ;;
  chakra) echo "export chakra $run $small -o $place/out" ;;
  import) echo "import hf $data/tests/interchange/hf/mixtral-8x7b.json --gpus 64 --tensor 1 --expert 8 -o $place/out" ;;
  layout) echo "import hf $data/tests/bad/hf-llama.json --gpus 8 -o $place/out" ;;
  fabrics) echo "calibrate-network $data/validation/measured/p2p.yaml --shipped --write $place" ;;
  sweep) echo "sweep $run --vary parallelism.zero=0,1 --vary training.micro_batch=1,2 --jobs 1 --format csv --store $place/out.sqlite --resume" ;;
  run) echo "run $run --format csv" ;;
  esac
}

# Without what differs between two runs: SQLite's own counters.
content() {
  for file in $(cd "$place" && find . -type f ! -name '*.sqlite*' | sort); do
    echo "== $file"
    case $file in *.gz) gzip -dc "$place/$file" ;; *) cat "$place/$file" ;; esac
  done
}
printed() { grep -v '^simulated' "$work/out" | cut -d, -f1-20; } # the time on the wall differs

once() { # once NAME PLAN
  # shellcheck disable=SC2046 # words
  INJECT=$2 INJECT_COUNT=$work/counts LD_PRELOAD=$library "$moesim" $(command_line "$1") > "$work/out" 2> "$work/err" < /dev/null
  status=$?
}

prepare() {
  rm -rf "$place"
  mkdir "$place"
  case $1 in trace | report | goal | import | layout) echo older > "$place/out" ;; esac
}

fell_short() {
  short=$((short + 1))
  failures=$((failures + 1))
  echo "FAILED: $1: INJECT=$2: $3 (status $status)"
  head -n 3 "$work/err" | cut -c 1-200
}

# After a success: everything as without a failure. After a failure: what was there, nothing else, and a reason.
judge() {
  name=$1
  plan=$2
  tried=$((tried + 1))
  if [ "$status" -eq 0 ]; then
    content | cmp -s - "$reference" || fell_short "$name" "$plan" "success with another output"
    printed | cmp -s - "$reference.out" || fell_short "$name" "$plan" "success with another answer"
    [ "$name" != sweep ] || "$moesim" store check "$place/out.sqlite" 2> "$work/err" | grep -Eq "^points +4 of 4" ||
      fell_short "$name" "$plan" "success with a store that is not whole"
    return
  fi
  case $plan in malloc:*) ;; *) [ "$status" -eq 2 ] || fell_short "$name" "$plan" "neither done nor refused" ;; esac
  [ -s "$work/err" ] || fell_short "$name" "$plan" "no reason"
  left=$(find "$place" -mindepth 1 ! -name 'out.sqlite*' | wc -l)
  case $name in
  trace | report | goal | import | layout)
    [ "$(cat "$place/out")" = older ] || content | cmp -s - "$reference" || fell_short "$name" "$plan" "what was there is gone"
    [ "$left" -eq 1 ] || case $plan in malloc:*) ;; *) fell_short "$name" "$plan" "something half written is left" ;; esac
    ;;
  *)
    [ "$left" -eq 0 ] || content | cmp -s - "$reference" || case $plan in malloc:* | rename:*) ;; *) fell_short "$name" "$plan" "something half written is left" ;; esac
    ;;
  esac
}

error_of() {
  case $1 in open) echo EMFILE ;; read | close | fsync | rename | fclose) echo EIO ;; malloc) echo ENOMEM ;; *) echo ENOSPC ;; esac
}

# moments N: at most $most numbers from 1 to N, the first and the last among them.
moments() {
  awk -v n="$1" -v most="$most" 'BEGIN { if (n <= most) for (i = 1; i <= n; i++) print i
    else for (i = 0; i < most; i++) print 1 + int(i * (n - 1) / (most - 1)) }'
}

for name in trace packed report goal chakra import layout fabrics sweep run; do
  prepare "$name"
  : > "$work/counts"
  once "$name" ""
  [ "$status" -eq 0 ] || fell_short "$name" "" "does not work at all"
  content > "$reference"
  printed > "$reference.out"
  cp "$work/counts" "$work/calls"
  while read -r call n; do
    for at in $(moments "$n"); do
      for mode in "" :once; do
        plan=$call:$at:$(error_of "$call")$mode
        prepare "$name"
        once "$name" "$plan"
        judge "$name" "$plan"
      done
    done
  done < "$work/calls"
done

checks=$tried
echo "$tried failures tried, $short fell short"
finish
