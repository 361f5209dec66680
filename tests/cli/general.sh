#!/bin/sh
# What every command shares: help, version, wrong words, output that cannot be written.
. "$(dirname "$0")/lib.sh"

try --version
expect_status 0
expect_out "moesim "
expect_quiet

try --help
expect_status 0
expect_out "Commands:"
expect_out "Examples:"
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' "$work/out")
check "commands are not sorted" [ "$(echo "$commands" | sort)" = "$commands" ]
check "fewer than seven commands" [ "$(echo "$commands" | wc -l)" -ge 7 ]

for command in $commands; do
  try "$command" --help
  expect_status 0
  expect_quiet
  expect_out "Examples:"
  expect_out "moesim $command"
  refused "unknown option '--halp', did you mean '--help'?" "$command" --halp
done

# Wrong uses of every command: whatever is said begins with the program's name or a place.
run=$data/models/mixtral-8x7b.yaml
: > "$work/all"
for command in $commands; do
  for words in "--gpus many" "--cluster nowhere" no-such-file.yaml "$run:nowhere" "$run --set training.micro_batch=-1" "$run --vary gpus" "$data" \
    "deepspeed one.json" "chakra $run" "gemm --shape m=1" "all_reduce --cluster h100-hgx --sizes 9:8" "-o /nowhere/x.png $run"; do
    # shellcheck disable=SC2086 # words
    [ "$command" = serve ] || try "$command" $words
    cat "$work/err" >> "$work/all"
  done
done
said="wrong uses"
check "fewer lines than commands" [ "$(wc -l < "$work/all")" -gt 100 ]
check "a line with neither the program's name nor a place" sh -c "! grep -vE '$origin' '$work/all' >&2"

refused "no command given"
refused "unknown command 'compere', did you mean 'compare'?" compere
refused "unknown command 'zzzzzz'" zzzzzz
refused "expected RUN.yaml" run
refused "too many arguments" memory a.yaml b.yaml
refused "--format: unknown word 'jsn', did you mean 'json'?" run --format jsn "$data/models/deepseek-v3.yaml"
refused "--seed: negative" run --seed=-1 "$data/models/deepseek-v3.yaml"
refused "no-such-file.yaml" run no-such-file.yaml
refused "nowhere" run "$data/models/deepseek-v3.yaml" --variant nowhere

# Every command starts without the libraries that only a server needs: with encryption they take a third of that time.
check "libraries of a server" sh -c "! ldd '$moesim' | grep -q microhttpd"

# A terminal is needed for bold; a file never gets escape sequences.
try mfu --params 1e9 --tokens-per-step 1e6 --step-time 1 --gpus 8 --peak 1e15
check "escape sequences in a file" sh -c "! grep -q '$(printf '\033')' '$work/out'"

# A full disk is said, not swallowed.
said="moesim --help > /dev/full"
"$moesim" --help > /dev/full 2> "$work/err"
status=$?
expect_status 2
expect_err "cannot write standard output: No space left on device"
# A reader that has seen enough is no fault.
said="moesim schema | head -c 1"
{ "$moesim" schema 2> "$work/err"; echo $? > "$work/status"; } | head -c 1 > "$work/out"
status=$(cat "$work/status")
expect_status 0
check "complained" [ ! -s "$work/err" ]
# A pipe that never had one is.
mkfifo "$work/unread"
exec 8<> "$work/unread" 9> "$work/unread" 8>&-
for command in --help schema "run $MOESIM_DATA/models/mixtral-8x7b.yaml"; do
  said="moesim $command into a pipe that nobody reads"
  # shellcheck disable=SC2086 # words
  "$moesim" $command >&9 2> "$work/err"
  status=$?
  expect_status 2
  expect_err "cannot write standard output: Broken pipe"
done
exec 9>&-

# What stands on announcements says so, in words and in data.
try run "$MOESIM_DATA/models/llama3-70b.yaml" --cluster vr200-nvl72-announced
expect_status 0
expect_out "[announced]"
try run "$MOESIM_DATA/models/llama3-70b.yaml" --cluster vr200-nvl72-announced --format json
expect_out '"announced" : true'
try run "$MOESIM_DATA/models/llama3-70b.yaml" --format json
expect_out '"announced" : false'

finish
