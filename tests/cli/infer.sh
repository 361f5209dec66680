#!/bin/sh
# moesim infer that is killed while it simulates, and resumed from its store, writes the posterior of an undisturbed one, byte for byte.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml
cat > "$work/cases.yaml" << END
cases:
  - {id: small, extends: $run, training: {global_batch: 128}, published: {step_time_s: 2.5}}
  - {id: large, extends: $run, training: {global_batch: 256}, published: {step_time_s: 5.1}}
  - {id: held, extends: $run, training: {global_batch: 512}, published: {}}
END
set -- infer "$work/cases.yaml" --hold-out "$work/cases.yaml:held" --simulations 24 --particles 100 --jobs 2

try "$@" -o "$work/undisturbed.yaml"
expect_status 0
check "no posterior" grep -q '^posterior:' "$work/undisturbed.yaml"

# Size of the store, with what waits to be moved into it.
kept() { cat "$work"/a.sqlite* 2> "$work/none" | wc -c; }

# Killed as soon as it has kept a few simulations, and again when it has kept more.
interrupted=0
for more in 1 2; do
  before=$(kept)
  "$moesim" "$@" --store "$work/a.sqlite" -o "$work/killed.yaml" > "$work/out" 2> "$work/err" &
  child=$!
  while [ "$(kept)" -le $((before + 20000)) ] && kill -0 "$child" 2> "$work/none"; do sleep 0.005; done
  kill -9 "$child" 2> "$work/none" && interrupted=$((interrupted + 1))
  wait "$child" 2> "$work/none"
done

try "$@" --store "$work/a.sqlite" -o "$work/resumed.yaml"
said="moesim infer --store ($interrupted of 2 killed)"
expect_status 0
check "nothing was interrupted" [ "$interrupted" -gt 0 ]
check "nothing was kept" sh -c "grep -qE '[0-9]+ simulations, [1-9][0-9]* of them from the store' '$work/out'"
check "the resumed posterior differs" cmp -s "$work/undisturbed.yaml" "$work/resumed.yaml"

finish
