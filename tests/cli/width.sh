#!/bin/sh
# What every command prints for its own examples fits 100 columns with its numbers whole, and the help does too.
#   width.sh MOESIM            everything
#   width.sh MOESIM COMMAND    of one command, where everything was made ready
. "$(dirname "$0")/lib.sh"

LC_ALL=C.UTF-8 # characters, not bytes
export LC_ALL
script=$(realpath "$0")
if [ $# -eq 1 ]; then
  mkdir "$work/bin" "$work/here"
  ln -s "$moesim" "$work/bin/moesim"
  PATH=$work/bin:$PATH
  cd "$work/here" || exit 1
  cp -r "$data/clusters" "$data/validation" . # examples write into them
  ln -s "$data/models" "$data/stacks" "$data/plots" .
fi

# Of every family of published runs the first and the one with the longest name, of the measurements some of one accelerator: each kind of
# row, a tenth of the time. tools/outputs.py width asks about everything.
few_cases() {
  awk '
    /^cases:/ { inside = 1 }
    inside && /^  - / { n++ }
    { line[NR] = $0; of[NR] = n + 0 }
    match($0, /id: [^,}]*/) && RLENGTH > longest { longest = RLENGTH; chosen = n }
    END { for (i = 1; i <= NR; i++) if (of[i] <= 1 || of[i] == chosen) print line[i] }' "$1"
}
few_rows() {
  awk '
    function end() { if (ends++ < 2 || of == "a100-80") printf "%s", block; block = of = "" } # the head, the first series, one accelerator
    /^  - source/ { end(); n = 0 }
    /^    fragment:/ { of = $2 }
    !/^ *- \[/ || ++n <= 4 { block = block $0 "\n" }
    END { end() }' "$1"
}
if [ $# -eq 1 ]; then
  for file in validation/*.yaml validation/memory/*.yaml; do few_cases "$file" > "$work/sample" && cp "$work/sample" "$file"; done
  for file in validation/measured/[abg]*.yaml; do few_rows "$file" > "$work/sample" && cp "$work/sample" "$file"; done
  MOESIM_DATA=$work/here
  export MOESIM_DATA PATH
fi

widest() { wc -L < "$1"; }
fits() { check "$(widest "$1") columns, expected at most 100" [ "$(widest "$1")" -le 100 ]; }

# show COMMAND LINE...: runs it as a shell has it; what it refuses (a file that is not here) is one line and no table.
show() {
  said="$*"
  COLUMNS=100 bash -c "$*" > "$work/out" 2> "$work/err" < /dev/null
  status=$?
  case "$status $*" in
  [12]\ *calibrate\ validation/*) check "exit status $status, expected a fit" false ;;
  esac
  case $status in
  0 | 1) fits "$work/out" && shown=$((shown + 1)) ;;
  2) check "refused, and said more than a line" [ "$(wc -l < "$work/err")" -eq 1 ] ;;
  *) check "exit status $status" false ;;
  esac
}

# The examples of a command, one per line; long ones get less to do, and what prints the table of another one is left out.
examples() {
  moesim "$1" --wide --help | sed -n '/^Examples:/,/^$/p' | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' |
    grep -E '^ *moesim' | grep -v -e '--format \(csv\|json\|yaml\)' -e '--write' -e '--save-' -e '--baseline' -e '--worst' |
    awk '!/moesim (infer|plot|report)/ || !drawn++' |
    sed -e 's/--budget 60s//' -e 's/moesim \(search\|plan\) .*/& --budget 1s/' -e 's/--samples [0-9]*//' -e 's/--orders [0-9]*//' \
      -e 's/moesim \(run\|sensitivity\|compare\|goodput\|report\|plan\) .*/& --samples 1/' -e 's/\(--from-chakra .*\) --samples 1/\1/' \
      -e 's/moesim \(goodput\|report\|plan\) .*/& --seeds 8/' \
      -e 's/moesim fabric .*/& --gpus 1024/' -e 's/\(moesim plan .*--gpus [0-9]*\)[0-9,]*/\1/' \
      -e 's/moesim explain .*/& --orders 1/' -e 's/moesim infer .*/& --simulations 16 --particles 100/' -e 's/ | .*//'
}

# A command and what its examples print.
ask() {
  command=$1
  shown=0
  said="moesim $command --help"
  COLUMNS=100 moesim "$command" --help > "$work/out"
  fits "$work/out"
  COLUMNS=60 moesim "$command" --help > "$work/out"
  check "over 60 columns" [ "$(widest "$work/out")" -le 60 ]
  [ "$command" != serve ] || return 0 # answers until it is stopped
  examples "$command" > "$work/examples"
  said="moesim $command"
  check "no examples" [ -s "$work/examples" ]
  while read -r line; do show "$line"; done < "$work/examples"
  case $command in
  diff | import | store) ;; # their examples name files of the user's
  *)
    said="moesim $command"
    check "none of its examples ran" [ "$shown" -gt 0 ]
    ;;
  esac
}

if [ $# -gt 1 ]; then # one of the commands below
  ask "$2"
  finish
  exit
fi
# Two at a time beside what follows, in their order: one reads what another wrote.
moesim --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\)  .*/\1/p' > "$work/commands"
said="moesim --help"
check "commands" [ "$(wc -l < "$work/commands")" -gt 20 ]
xargs -P 2 -n 1 sh "$script" "$moesim" < "$work/commands" > "$work/each" 2>&1 &
each=$!
COLUMNS=100 moesim --help > "$work/out"
fits "$work/out"

# Numbers of a narrow table are those of the wide one; what it leaves out it names.
numbers() { grep -v simulated "$1" | grep -oE '(^|[ (])[-+]?[0-9]+(\.[0-9]+)?([ )%]|$)' | tr -d ' ()%' | sort -u; }
whole() {
  COLUMNS=100 moesim "$@" > "$work/out" 2> "$work/err"
  moesim "$@" --wide > "$work/wide" 2> "$work/err"
  numbers "$work/out" > "$work/narrow"
  numbers "$work/wide" > "$work/all"
  said="moesim $*"
  check "no numbers" [ -s "$work/narrow" ]
  check "numbers that the wide table has not: $(comm -23 "$work/narrow" "$work/all" | tr '\n' ' ')" \
    [ -z "$(comm -23 "$work/narrow" "$work/all")" ]
}
whole compare models/mai-base-1/v5.yaml models/deepseek-v3.yaml
expect_out "no room for: "
expect_out "--wide shows all columns"
check "nothing more in the wide table" [ "$(wc -l < "$work/all")" -gt "$(wc -l < "$work/narrow")" ]
check "--wide leaves columns out" sh -c "! grep -q 'no room' '$work/wide'"
# A command that it prints can be pasted, wherever it was broken.
COLUMNS=60 moesim plan models/mixtral-8x7b.yaml --tokens 2T --clusters h100-hgx --gpus 256 --budget 2s > "$work/out"
sed -n '/^Rows as runs/,$p' "$work/out" | sed -n '/^ *moesim run/,/[^\\]$/p' > "$work/command"
said="moesim plan at 60 columns"
check "no command over several lines" [ "$(wc -l < "$work/command")" -gt 1 ]
check "a command that cannot be run" sh "$work/command" > /dev/null
check "over 60 columns" [ "$(widest "$work/out")" -le 60 ]

whole memory models/deepseek-v3.yaml
whole goodput models/mai-base-1/v5.yaml --samples 4 --seeds 8
whole explain models/mai-base-1/v5.yaml --with 'cluster.network.nic=800 Gbit/s' --orders 1

# Without a terminal and without COLUMNS there are 100; another number is another width; no colour in a pipe.
(unset COLUMNS && moesim compare models/deepseek-v3.yaml > "$work/unset")
COLUMNS=100 moesim compare models/deepseek-v3.yaml > "$work/hundred"
COLUMNS=140 moesim compare models/deepseek-v3.yaml > "$work/more"
said="moesim compare"
check "another width than 100 in a pipe" cmp -s "$work/unset" "$work/hundred"
check "no more at 140 columns" [ "$(widest "$work/more")" -gt 100 ]
check "more than 140 columns" [ "$(widest "$work/more")" -le 140 ]
check "colour in a pipe" sh -c "! grep -q '$(printf '\033')' '$work/unset'"

wait "$each"
status=$?
said="every command"
grep -v ' 0 failures$' "$work/each"
check "a command, as said above" [ "$status" -eq 0 ]
finish
