#!/bin/sh
# moesim plot: every kind on real runs, and what happens without gnuplot or without a place to write.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml

draw() { # draw FILE ARGUMENT...
  file=$1
  shift
  try plot "$@" -o "$work/$file"
  expect_status 0
  # Under a scale stands what the answer rests on, nothing under the others.
  if [ "$1" = scale ]; then
    check "assumptions and nothing else" sh -c "! grep -vqE '^(assumptions|  )' '$work/out'"
  else
    expect_no_out
  fi
  check "no picture $file" [ -s "$work/$file" ]
  check "no data beside $file" [ -s "$work/${file%.*}.dat" ]
}

draw waterfall.svg waterfall "$run"
check "no words in the picture" grep -q 'kernels below peak' "$work/waterfall.svg"
check "no unit on the axis" grep -q 'share of the step (%)' "$work/waterfall.svg"
check "the attribution is not named" grep -q 'accounted by instant' "$work/waterfall.svg"
draw shapley.svg waterfall "$data/models/deepseek-v3.yaml" --attribution shapley
check "the attribution is not named" grep -q 'Shapley' "$work/shapley.svg"
check "a cause stands twice" [ "$(cut -f 1 "$work/shapley.dat" | sort | uniq -d | wc -l)" -eq 0 ]
draw memory.svg memory "$run"
draw ladder.svg ladder "$run" "$data/models/llama3-70b.yaml"
draw scale.svg scale "$run" --clusters h100-hgx,h800-hgx --gpus 64,128
check "no legend" grep -q 'h800-hgx' "$work/scale.svg"
draw strategies.svg strategies "$run" --vary parallelism.zero=1,2,3
check "three stacks" [ "$(wc -l < "$work/strategies.dat")" -eq 4 ]
check "GPU time as its measure" grep -q 'GPU-seconds per million tokens' "$work/strategies.svg"
draw pairs.svg strategies "$run" --vary parallelism.zero=1,2 --vary training.micro_batch=1,2
check "four stacks of two keys" [ "$(wc -l < "$work/pairs.dat")" -eq 5 ]
draw heat.svg heatmap "$run" --vary parallelism.zero=1,2,3 --vary training.micro_batch=1,2
check "six fields" [ "$(wc -l < "$work/heat.dat")" -eq 7 ]
check "both keys" sh -c "grep -q parallelism.zero '$work/heat.svg' && grep -q training.micro_batch '$work/heat.svg'"
refused "expected --vary twice" plot heatmap "$run" --vary parallelism.zero=1,2 -o "$work/none.svg"
draw pareto.svg pareto "$run" --vary parallelism.zero=1,2,3 --y memory
check "somebody on the front" awk -F '\t' '$5 == 1 { found = 1 } END { exit !found }' "$work/pareto.dat"
draw steps.svg steps "$run" --steps 5
check "five steps" [ "$(wc -l < "$work/steps.dat")" -eq 6 ]
draw days.svg scale "$run" --gpus 64,128 --y days --tokens 2e12
check "no tokens in the title of the axis" grep -q 'days for 2 T tokens' "$work/days.svg"
draw strong.svg scale "$run" --gpus 64,128 --scaling strong
check "strong scaling is called weak" grep -q 'Strong scaling' "$work/strong.svg"
draw best.svg scale "$run" --gpus 64,128 --best
check "not said to be the best" grep -q 'the best layout of each size' "$work/best.svg"
check "two sizes" [ "$(grep -cE '^(64|128)	' "$work/best.dat")" -ge 2 ]
draw dark.svg ladder "$run" --theme dark --size 900x600
check "size" grep -q 'width="900" height="600"' "$work/dark.svg"
check "no dark paper" grep -qi '#16181c' "$work/dark.svg"
check "the picture is called Gnuplot" sh -c "! grep -q '<title>Gnuplot' '$work/dark.svg'"
# Where it goes, and what draws it, is looked at before anything is predicted: no word of the run that there is not.
for kind in ladder waterfall memory scale strategies heatmap pareto steps timeline sensitivity posterior validation predictions; do
  refused "$work/nowhere/none.svg: cannot write: No such file" plot $kind "$work/no-run.yaml" -o "$work/nowhere/none.svg"
  refused "none.gif" plot $kind "$work/no-run.yaml" -o "$work/none.gif"
done
check "something was left" [ -z "$(find "$work" -name 'none*' -o -name '.none*')" ]
refused "--size: '900', expected WIDTHxHEIGHT, each from 200 to 10000" plot ladder "$run" --size 900 -o "$work/none.svg"
refused "--scale: 99, expected 0.25 to 8" plot ladder "$run" --scale 99 -o "$work/none.png"
refused "--theme" plot ladder "$run" --theme mauve -o "$work/none.svg"
# What a kind does not read is refused, and so is what its other words leave without effect.
for wrong in 'ladder --y=days' 'sensitivity --vary=training.micro_batch=1,2' 'memory --samples=4' 'memory --posterior=x.yaml' 'waterfall --steps=3' \
  'waterfall --variants' 'timeline --attribution=shapley' 'steps --ranks=0' 'sensitivity --gpus=8' 'scale --window=0:1' 'scale --variants' \
  'strategies --best' 'pareto --clusters=h100-hgx' 'heatmap --samples=4' 'validation --stack=yolo' 'validation --seed=3' \
  'posterior --set=training.micro_batch=2' 'predictions --variant=x'; do
  option=${wrong#* }
  refused "plot ${wrong%% *}: ${option%%=*} does not apply, expected --output, " plot "${wrong%% *}" "$run" "$option" -o "$work/none.svg"
done
refused "--tokens does not apply to mfu" plot scale "$run" --tokens 1T -o "$work/none.svg"
refused "--variants does not apply beside --vary" plot memory "$run" --variants --vary training.micro_batch=1,2 -o "$work/none.svg"
refused "--samples and --posterior do not apply beside --vary" plot ladder "$run" --samples 4 --vary training.micro_batch=1,2 -o "$work/none.svg"
refused "--scale does not apply" plot ladder "$run" --scale 3 -o "$work/none.svg"
draw varied.svg ladder "$run" --vary training.micro_batch=1,2
check "no bar of a value" grep -q 'micro_batch=2' "$work/varied.dat"
draw timeline.svg timeline "$data/models/deepseek-v3.yaml" --ranks 0,128 --window '1 s:1.1 s'
check "no lane of the second stage" grep -q 'rank 128 compute' "$work/timeline.svg"
draw sensitivity.svg sensitivity "$run"
check "no interval of the combinations" grep -qE "^with the model's error(	[0-9.]+){3}\$" "$work/sensitivity.dat"
# What moesim infer -o wrote: most learned on top, a list's values by name, a range's P10 to P90; a row without a result is left out.
posterior=$data/tests/figure/posterior.yaml
draw posterior.svg posterior "$posterior"
check "most is not on top" [ "$(sed -n 2p "$work/posterior.dat")" = "training.precision.lm_head	0.90	" ]
check "no range" grep -q '^cluster.network.efficiency	0.41	0.6 to 0.72$' "$work/posterior.dat"
check "no name of a value" grep -q 'bf16x9' "$work/posterior.svg"
draw predictions.svg predictions "$posterior"
check "three rows with a result" [ "$(wc -l < "$work/predictions.dat")" -eq 4 ]
check "a row in % of what was published" grep -q '^64-gpus, mfu	92.500	98.750	105.000	100.250	0$' "$work/predictions.dat"
refused "expected what moesim infer -o writes" plot posterior "$run" -o "$work/none.svg"
refused "expected what moesim infer -o writes" plot predictions "$run" -o "$work/none.svg"
sed 's/published: 0.4,/published: none,/' "$posterior" > "$work/wrong.yaml"
refused "wrong.yaml:14:" plot predictions "$work/wrong.yaml" -o "$work/none.svg"
for key in name metric held_out published predicted best; do
  printf 'posterior: {rows: [{name: a, metric: mfu, held_out: false, published: 1, predicted: [1, 1, 1], best: 1}]}\n' |
    sed "s/ $key: / other: /; s/{$key: /{other: /" > "$work/without.yaml"
  refused "expected" plot predictions "$work/without.yaml" -o "$work/none.svg"
done
sed -e '/^    - {key: /d' -e 's/^  unknowns:$/  unknowns: []/' -e 's/^\(    - \[[^,]*, [^,]*, [^,]*\), .*\]$/\1]/' "$posterior" > "$work/settled.yaml"
refused "settled.yaml:4:13: no unknown" plot posterior "$work/settled.yaml" -o "$work/none.svg"
draw sizes.svg scale "$data/models/gpt3-175b.yaml"
check "the run's own size, and smaller and larger ones" awk '$1 == 64 { own = 1 } $1 > 64 { more = 1 } END { exit !(own && more) }' "$work/sizes.dat"
refused "--gpus: 'many', expected a whole number" plot scale "$run" --gpus 8,many -o "$work/none.svg"

# Two families of published runs in one figure: a block each, published and predicted beside one another.
mkdir "$work/cases"
printf 'cases:\n  - {id: a, extends: %s, published: {step_time_s: 3}}\n' "$run" > "$work/cases/one.yaml"
printf 'cases:\n  - {id: b, extends: %s, published: {step_time_s: 4}}\n' "$run" > "$work/cases/two.yaml"
draw validation.svg validation "$work/cases"
check "two blocks of one case" [ "$(grep -cE '^[34]	[23]\.[0-9]+$' "$work/validation.dat")" -eq 2 ]
check "names of the families" [ "$(grep -c '^published	\(one\|two\)$' "$work/validation.dat")" -eq 2 ]
check "number of cases in the title" grep -q '2 published runs' "$work/validation.svg"
refused "absent: cannot be read, expected a folder of case files" plot validation absent -o "$work/none.svg"

draw step.svg timeline "$run"
check "without a window the whole step" grep -q 'rank 0 compute' "$work/step.svg"
draw waterfall.png waterfall "$run"
draw waterfall.pdf waterfall "$run"

refused "--window: '5', expected FROM:TO" plot timeline "$run" --window 5 -o "$work/none.svg"
refused "ends before it begins" plot timeline "$run" --window '2 s:1 s' -o "$work/none.svg"
refused "--ranks: '64' is no rank" plot timeline "$run" --ranks 64 -o "$work/none.svg"
refused "$work/absent/figure.png: cannot write" plot validation absent -o "$work/absent/figure.png" # before a case is read
refused "cannot write" plot waterfall "$run" -o "$work/absent/figure.png"
check "half a file is left" sh -c "! ls '$work'/*.part 2> /dev/null"

# A machine without gnuplot: said at once, before anything is computed.
mkdir "$work/empty"
said="moesim plot without gnuplot"
PATH=$work/empty "$moesim" plot waterfall "$run" -o "$work/none.png" > "$work/out" 2> "$work/err"
status=$?
expect_status 2
expect_err "gnuplot is not installed"
check "a picture without gnuplot" [ ! -e "$work/none.png" ]

finish
