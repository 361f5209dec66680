#!/bin/sh
# The world fails: full disk, folders that cannot be written, closed pipes, missing programs, interruptions. Each is said in one line, with
# exit status 2, and nothing half written stays behind.
#   robust.sh MOESIM [POINTS]    of the sweep that is interrupted: 100, a quarter under sanitizers, where each takes ten times as long
. "$(dirname "$0")/lib.sh"
points=${2:-100}
run=$data/models/mixtral-8x7b.yaml
config=$data/tests/interchange/hf/mixtral-8x7b.json

# The options of a step that is small enough to export in a moment.
set -- --gpus 32 --set training.global_batch=32 --set parallelism.pipeline=1 --set parallelism.virtual_stages=1 --set parallelism.schedule=none --set architecture.layers=2 --set training.sequence_length=1024

# no_leftover: the folder holds nothing that was begun and not finished.
no_leftover() { check "something half written is left" [ -z "$(ls -A "$work/target")" ]; }
mkdir "$work/target"

# ---- a full disk --------------------------------------------------------------------------------------------------------
refused "No space left on device" run "$run" --trace /dev/full
refused "No space left on device" export goal "$run" "$@" -o /dev/full
refused "No space left on device" report "$run" -o /dev/full
for command in "run $run" "show $run" "memory $run" "compare $run" "export --help" "sweep $run --vary parallelism.zero=0,1,2 --format csv"; do
  said="moesim $command > /dev/full"
  # shellcheck disable=SC2086 # words
  "$moesim" $command > /dev/full 2> "$work/err" < /dev/null
  status=$?
  expect_status 2
  expect_err "cannot write standard output: No space left on device"
done
said="moesim import hf > /dev/full"
"$moesim" import hf "$config" --gpus 64 --tensor 1 --expert 8 > /dev/full 2> "$work/err"
status=$?
expect_status 2
expect_err "cannot write standard output: No space left on device"

# A file system that takes 8 blocks of 512 bytes: the limit of a file's size fails as a full disk does, in the middle of the writing.
limited() {
  said="with files of 4 KiB at most: moesim $*"
  (ulimit -f 8; exec "$moesim" "$@") > "$work/out" 2> "$work/err.pipe" < /dev/null
  status=$?
  head -c 4000 "$work/err.pipe" > "$work/err"
}
limited export goal "$run" "$@" -o "$work/target/step.goal"
expect_status 2
expect_err "cannot write"
no_leftover
limited export chakra "$run" "$@" -o "$work/target/step.chakra"
expect_status 2
expect_err "cannot write"
no_leftover
limited run "$run" "$@" --trace "$work/target/trace.json"
expect_status 2
expect_err "cannot write"
no_leftover
limited report "$run" "$@" -o "$work/target/run.html"
expect_status 2
expect_err "cannot write"
no_leftover
limited sweep "$run" "$@" --vary parallelism.zero=1,2 --store "$work/target/points.sqlite"
expect_status 2
expect_err "points.sqlite: cannot write"
no_leftover
# The data of a figure is small and whole, the picture is not.
limited plot memory "$run" -o "$work/target/memory.png"
expect_status 2
expect_err "memory.png: "
check "a half picture is left" [ "$(ls -A "$work/target")" = memory.dat ]
rm "$work/target/memory.dat"

# What was there before stays as it was.
echo "older" > "$work/target/step.goal"
limited export goal "$run" "$@" -o "$work/target/step.goal"
expect_status 2
check "the older file is gone" [ "$(cat "$work/target/step.goal")" = older ]
rm "$work/target/step.goal"

# Of fabrics that belong together none is left when the last finds no room.
limited calibrate-network "$data"/validation/measured/*.yaml --shipped --write "$work/target"
if [ "$status" -ne 0 ]; then no_leftover; fi
rm -f "$work"/target/*

# ---- names ----------------------------------------------------------------------------------------------------------------
name=$(printf 'a \047b" `touch pwned` $(x)\n; c')
for name in "$name" "$(printf '%0251d' 0)"; do
  try plot memory "$run" -o "$work/target/$name.svg"
  expect_status 0
  check "not the picture and its data" [ "$(find "$work/target" -type f | tr '\n' ' ' | grep -o '\.[a-z]* ' | sort | tr -d '\n')" = ".dat .svg " ]
  try report "$run" "$@" -o "$work/target/$name.svg"
  expect_status 0
  rm -f "$work"/target/*
done

# A store has files beside it, for whose names its own leaves room.
try sweep "$run" "$@" --vary parallelism.zero=1,2 --store "$work/target/$(printf '%0249d' 0)"
expect_status 2
expect_err "expected at most 247"
no_leftover

# A name that stands for a descriptor, as /dev/stdout does, stays one, whoever we are; what was written before stays, too.
said="moesim report -o stdout > file"
ln -s /proc/self/fd/1 "$work/target/stdout"
{ echo first; "$moesim" report "$run" "$@" -o "$work/target/stdout"; } > "$work/target/page" 2> "$work/err"
check "the link is gone" [ -L "$work/target/stdout" ]
check "the page is not in the file" grep -q '</html>' "$work/target/page"
check "what was there is gone" [ "$(head -n 1 "$work/target/page")" = first ]
rm -f "$work"/target/*

# ---- folders that cannot be written -----------------------------------------------------------------------------------------
# /proc takes no files, whoever asks; a folder without permission refuses everyone but root.
folders=/proc
mkdir -m 555 "$work/closed"
[ "$(id -u)" -eq 0 ] || folders="$folders $work/closed"
for folder in $folders "$work/absent"; do
  refused "cannot write" export goal "$run" "$@" -o "$folder/step.goal"
  refused "cannot write" export chakra "$run" "$@" -o "$folder/step.chakra"
  refused "cannot write" run "$run" "$@" --trace "$folder/trace.json"
  try import hf "$config" --gpus 64 --tensor 1 --expert 8 -o "$folder/run.yaml"
  expect_status 2
  expect_err "cannot write"
  refused "cannot write" report "$run" -o "$folder/run.html"
  refused "cannot write" calibrate-network "$data/validation/measured/p2p.yaml" --shipped --write "$folder"
  try sweep "$run" "$@" --vary parallelism.zero=1,2 --store "$folder/points.sqlite"
  expect_status 2
  expect_no_out
done

# ---- a closed pipe --------------------------------------------------------------------------------------------------------------
said="moesim export goal -o /dev/stdout | head -c 100"
{ "$moesim" export goal "$run" "$@" -o /dev/stdout 2> "$work/err"; echo $? > "$work/status"; } | head -c 100 > "$work/out"
status=$(cat "$work/status")
expect_status 2
expect_err "Broken pipe"

said="moesim run, standard output closed"
"$moesim" run "$run" >&- 2> "$work/err"
status=$?
expect_status 2
expect_err "cannot write standard output: Bad file descriptor"

# ---- no gnuplot --------------------------------------------------------------------------------------------------------------------
said="moesim plot without gnuplot"
(PATH=$work; export PATH; exec "$moesim" plot memory "$run" -o "$work/target/memory.png") > "$work/out" 2> "$work/err"
status=$?
expect_status 2
expect_err "gnuplot is not installed"
no_leftover

# ---- a gnuplot that says a lot, all of it in vain
printf '#!/bin/sh\nyes x | head -c 300000 >&2\nexit 1\n' > "$work/gnuplot"
chmod +x "$work/gnuplot"
said="moesim plot with a talkative gnuplot"
(PATH=$work:$PATH; export PATH; exec "$moesim" plot memory "$run" -o "$work/target/memory.png") > "$work/out" 2> "$work/err"
status=$?
expect_status 2
check "more is repeated than anybody reads" [ "$(wc -c < "$work/err")" -lt 1000 ]
check "a half picture is left" [ "$(ls -A "$work/target")" = memory.dat ]
rm "$work/target/memory.dat"

# ---- interrupted -----------------------------------------------------------------------------------------------------------------------
# interrupt SIGNAL SIGN ARGUMENT...: the program alone gets the signal, as soon as a file of the pattern SIGN is there; without SIGN in a
# moment. It says so and ends by the signal. Background jobs of a shell ignore SIGINT, unless env gives it back.
interrupt() {
  signal=$1
  sign=$2
  shift 2
  said="moesim $*, SIG$signal"
  env --default-signal="$signal" "$moesim" "$@" > "$work/out" 2> "$work/err" < /dev/null &
  child=$!
  for _ in $(seq 1000); do
    # shellcheck disable=SC2086 # a pattern
    [ -n "$sign" ] && ls $sign > "$work/seen" 2>&1 && break
    [ -z "$sign" ] && sleep 0.3 && break
    sleep 0.01
  done
  kill -s "$signal" "$child" 2> "$work/killed"
  wait "$child" 2> "$work/killed"
  status=$?
  if [ "$signal" = INT ]; then expect_status 130; else expect_status 143; fi
  expect_one_line
  expect_err "moesim: interrupted by SIG$signal"
}

# A search that is interrupted prints what it has, and then ends by the signal. In the largest space nothing is simulated yet.
for space in usual all; do
  said="moesim search --space $space, SIGINT"
  timeout --foreground -s INT 3 env --default-signal=INT "$moesim" search "$data/models/mai-base-1/v5.yaml" --space "$space" --format csv \
    > "$work/out" 2> "$work/err" < /dev/null
  expect_err "interrupted by SIGINT"
  expect_err "were not looked at"
  check "no layout" [ "$(wc -l < "$work/out")" -gt 1 ]
  check "not the run's own" grep -q '^8192,' "$work/out"
done
# A budget that is over before there is a layout: the run's own is the answer, and nothing else is claimed.
try search "$data/models/mai-base-1/v5.yaml" --budget "1 us"
expect_status 0
expect_out "No layout but the run's own was looked at"
said="moesim search --budget"
before=$(date +%s)
"$moesim" search "$data/models/mai-base-1/v5.yaml" --space calculon --budget 2s --format csv > "$work/out" 2> "$work/err" < /dev/null
status=$?
after=$(date +%s)
expect_status 0
expect_err "out of time: "
check "no layout" [ "$(wc -l < "$work/out")" -gt 1 ]
# Without the budget this takes minutes: two looks lie apart by one simulation, whatever the machine's speed.
check "the budget is not kept" [ $((after - before)) -lt 60 ]

# A gnuplot that has begun a picture and takes its time.
mkdir "$work/slow"
cat > "$work/slow/gnuplot" << 'END'
#!/bin/sh
echo half > "$(echo "$2" | sed "s/.*picture = \"\([^\"]*\)\".*/\1/")"
sleep 0.5
END
chmod +x "$work/slow/gnuplot"

nics="cluster.network.nic=101:$((100 + points)):1 Gbit/s"
for signal in TERM INT; do
  interrupt "$signal" "" export goal "$data/models/qwen3-30b-a3b.yaml" --gpus 64 -o "$work/target/step.goal"
  no_leftover
  interrupt "$signal" "$work/target/*.part" export chakra "$data/models/qwen3-30b-a3b.yaml" --gpus 16 -o "$work/target/step.chakra"
  no_leftover

  usual=$PATH
  PATH=$work/slow:$PATH
  interrupt "$signal" "$work/target/*.part" plot memory "$run" -o "$work/target/memory.png"
  PATH=$usual
  check "a half picture is left" sh -c "! ls '$work'/target/*.part > '$work/seen' 2>&1"
  rm -f "$work"/target/*

  store=$work/$signal.sqlite
  interrupt "$signal" "$store" sweep "$data/models/deepseek-v3.yaml" --vary "$nics" --store "$store" --format csv
  expect_err "--resume carries on"
  check "a half table" [ ! -s "$work/out" ]
  try sweep "$data/models/deepseek-v3.yaml" --vary "$nics" --store "$store" --resume --format csv
  expect_status 0
  check "not every point" [ "$(wc -l < "$work/out")" -eq $((points + 1)) ]
done

finish
