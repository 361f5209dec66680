#!/bin/sh
# moesim check and show over the files that are shipped.
. "$(dirname "$0")/lib.sh"

source=$data

# One process reads them all, and says what each is.
set -- "$data"/models/*.yaml "$data"/models/mai-base-1/v*.yaml "$data"/clusters/*.yaml "$data"/clusters/accelerators/*.yaml "$data"/stacks/*.yaml
try check "$@"
expect_status 0
expect_quiet
for file in "$@"; do
  expect_out "$file: "
done
# An architecture is as good as the run that stands on it, whichever of its neighbours comes first by name; a run that others extend is a run.
try check "$data/models/architectures/deepseek-v3.yaml"
expect_status 0
mkdir -p "$work/models" "$work/validation"
sed 's/zero: 3/zero: 1e308 furlong/' "$data/models/mai-base-1/v5.yaml" > "$work/models/v5.yaml"
cp "$data/models/mai-base-1/common.yaml" "$work/models"
printf 'extends: v5.yaml\nvariants: {only: {parallelism: {zero: 2}}}\n' > "$work/models/stands.yaml"
try check "$work/models/v5.yaml"
expect_status 2
expect_err 'v5.yaml:22:25: "1e308 furlong" is not a whole number'
# What a file publishes is of its last state, which no variant's name reaches.
sed '/^published:/s/{mfu:/{mfux:/' "$data/models/mai-base-1/v5.yaml" > "$work/models/v5.yaml"
try check "$work/models/v5.yaml"
expect_status 2
expect_err 'v5.yaml:16:13: unknown key "mfux" in published'
# A list that every state replaces, and what every variant of a software replaces, are read like the rest.
mkdir "$work/stacks"
sed '/^collectives:/,/^data_parallel:/s/sms: {collective: 16/sms: {collective: 017x/' "$data/stacks/yolo.yaml" > "$work/stacks/yolo.yaml"
refused 'yolo.yaml:26:21: "017x" is not a whole number' check "$work/stacks/yolo.yaml"
sed '/^fused:/s/norm/norn/; s/^  v1:$/  v1:\n    fused: [norm]/' "$data/stacks/yolo.yaml" > "$work/stacks/yolo.yaml"
refused 'yolo.yaml:15:9: "norn"' check "$work/stacks/yolo.yaml"
# One bad file among good ones: the others are still reported.
echo 'layers: 3' > "$work/bad.yaml"
try check "$data/models/deepseek-v3.yaml" "$work/bad.yaml"
expect_status 2
expect_out "deepseek-v3.yaml: run"
expect_err "bad.yaml:1:1"

try show "$data/models/mai-base-1/v5.yaml" --set training.micro_batch=1
check "show warns of stand-ins" grep -q '^warning: GEMM of cublaslt in bf16x9: priced as cublaslt in bf16; [0-9.]* % of kernel time$' "$work/out"
expect_status 0
check "no origin of layers" grep -qE '^architecture.layers +78 +.*v5.yaml:[0-9]+' "$work/out"
check "an inherited value names its own file" grep -qE '^architecture.vocabulary +200019 +.*common.yaml:[0-9]+' "$work/out"
check "an override says so" grep -qE '^training.micro_batch +1 +--set' "$work/out"
check "no assumed value" grep -q 'assumed ' "$work/out"
try show "$data/models/mai-base-1/v5.yaml" --only training.precision --wide
check "keys outside --only" sh -c "! grep -v '^key' '$work/out' | grep -qv '^training.precision'"
try show "$data/models/deepseek-v3.yaml" --format yaml
expect_out "# "
expect_out "layers: 61"
refused "no key 'architecture.leyers'" show "$data/models/deepseek-v3.yaml" --only architecture.leyers

# What ships can be named: each listed cluster and stack is found, each listed model loads; a wrong kind is answered with the nearest.
for kind in models architectures clusters stacks schedules kernels libraries plots; do
  try list $kind
  expect_status 0
  expect_quiet
  check "$kind: a heading and what it stands over" [ "$(wc -l < "$work/out")" -gt 3 ]
done
try list clusters --format json
for cluster in $(sed -n 's/.*"name" : "\(.*\)",/\1/p' "$work/out"); do
  check "$cluster is found" "$moesim" check "$data/clusters/$cluster.yaml"
done
# Stacks: each variant by its name, what stands on what as stacks/README.md draws it, and the names of before with one note.
try list stacks --format json
check "no variants" [ "$(grep -c '"name" : ".*:' "$work/out")" -gt 30 ]
check "a variant's month and what it stands on" jq -e '.[] | select(.name == "megatron-bridge:26.06")
  | .date == "2026-06" and .extends == "megatron-bridge:26.04"' "$work/out"
for folder in stacks clusters models; do
  "$source/tools/family.sh" "$moesim" $folder > "$work/family"
  sed -n '/^## What stands on what/,$p' "$source/$folder/README.md" | sed '1,/^```/d; /^```/d' > "$work/drawn"
  check "$folder/README.md is not what tools/family.sh prints" cmp -s "$work/family" "$work/drawn"
done
try compare "$data/models/mai-base-1/v4.yaml" "$data/models/mai-base-1/v5.yaml" --stack yolo-v4 --format json
expect_status 0
check "the old name is told more than once" [ "$(grep -c 'stack "yolo-v4" is called "yolo:v4" now' "$work/err")" -eq 1 ]
check "the stack goes by its new name" [ "$(grep -c '"stack" : "yolo:v4"' "$work/out")" -eq 2 ]
refused 'no variant "v8" of stack yolo, did you mean "v' run "$data/models/mai-base-1/v4.yaml" --stack yolo:v8
try show "$data/models/mai-base-1/v4.yaml" --only stack.moe --wide
check "a value's line in the file of its software" grep -qE '^stack.moe.expert_groups +4 +.*yolo.yaml:[0-9]+' "$work/out"
(cd "$work" && printf '%s\n' 'extends: yolo:v4' 'variants: {mine: {date: 2026-09, overlap: [everything]}}' > mine.yaml)
refused 'mine.yaml:2:44: "everything", expected one of' check "$work/mine.yaml"
said="completion of --stack"
check "$said" [ "$(PATH=$(dirname "$moesim"):$PATH bash -c ". '$source/tools/completion/moesim.bash'
  COMP_WORDS=(moesim run x.yaml --stack yolo : v4) COMP_CWORD=6; _moesim; echo \"\${COMPREPLY[*]}\"")" = "v4-fa4 v4" ]

try list plots
check "a plot of that kind" grep -q '^waterfall ' "$work/out"
refused "list: unknown word 'modls', did you mean 'models'?" list modls
try list keys --wide
check "a key with its words and its meaning" grep -qE '^parallelism.context_kind  *ulysses \| ring  +[a-z]' "$work/out"
check "no column of what keys may be given" grep -qE '^name  +values  +title$' "$work/out"
try list axes
check "a dimension with its key" grep -q '^micro_batch  *training.micro_batch$' "$work/out"
try list variants "$data/models/mai-base-1/v4.yaml"
check "variants in their order" [ "$(sed 1d "$work/out" | awk '{ printf "%s ", $1 }')" = "before fa4 less-cpu " ]
check "a variant with its title" grep -q '^before  *MAI-Base-1 v4 on the v3 stack$' "$work/out"
# What a word means stands beside it, in every format.
for kind in models architectures clusters stacks schedules kernels libraries plots keys axes; do
  for empty in 'table=^[^ ]+ *$' 'json="title" : (null|"")' 'csv=^[^,]*,([a-z_]*,)?(,|$)'; do
    [ "$kind ${empty%%=*}" != "keys csv" ] || continue # what they may be given stands behind, and may be any text
    try list $kind --format "${empty%%=*}" --wide
    check "a name without a title" [ "$(grep -cE "${empty#*=}" "$work/out")" -eq 0 ]
  done
done
try list kernels
check "a family with its class" grep -q '^flashmla  *attention  *FlashMLA' "$work/out"
try list libraries --format csv
check "a library" grep -q '^hybridep,HybridEP$' "$work/out"
refused "list variants: expected a file" list variants
refused "list keys: expected nothing behind it" list keys x

# What is left out has its default, and every key its range; a key that is given stands once.
try show "$data/models/mixtral-8x7b.yaml" --only parallelism --defaults --format csv
check "a default" grep -q '^parallelism.shard_group,0,default,0 to 1048576,$' "$work/out"
check "a range" grep -q '^parallelism.zero,1,.*,0 to 3,$' "$work/out"
check "a key twice" [ -z "$(cut -d, -f1 "$work/out" | sort | uniq -d)" ]
try show "$data/models/mixtral-8x7b.yaml" --only cluster.accelerator.draw --format csv
check "a range that is assumed, without its unit" grep -qE '^cluster.accelerator.draw.products,.*assumed [0-9.]+ W \.\. [0-9.]+ W' "$work/out"
try show "$data/models/mixtral-8x7b.yaml" --only parallelism
check "defaults that nobody asked for" [ "$(grep -c default "$work/out")" -eq 0 ]

# The shell completes keys, their values and variants.
mkdir "$work/bin"
ln -s "$moesim" "$work/bin/moesim"
completed() { # completed EXPECTED WORD...: the last word, behind "moesim"
  said="completion of $*"
  expected=$1
  shift
  PATH=$work/bin:$PATH bash -c '. "$0/tools/completion/moesim.bash"; COMP_WORDS=(moesim "$@"); COMP_CWORD=$#; _moesim
    echo "${COMPREPLY[*]}"' "$data" "$@" > "$work/out" 2> "$work/err"
  check "$(cat "$work/out")" [ "$(cat "$work/out")" = "$expected" ]
}
completed parallelism.schedule= sweep x.yaml --vary parallelism.sch
completed interleaved sweep x.yaml --vary parallelism.schedule = int
completed "ulysses ring" run x.yaml --set parallelism.context_kind =
completed virtual_stages= search x.yaml --limit vir
completed less-cpu run "$data/models/mai-base-1/v4.yaml" --variant l
completed less-cpu run "$data/models/mai-base-1/v4.yaml" : l
completed "before fa4 less-cpu" compare "$data/models/mai-base-1/v4.yaml" :
completed parallelism.schedule= explain x.yaml --with parallelism.sch
completed h200-hgx sweep x.yaml --vary cluster = h200

# A name that nobody has is answered with the nearest: by its spelling, by its beginning, with the ending that was left out.
refused 'no file clusters/h100.yaml, did you mean "h100-' run "$data/models/mixtral-8x7b.yaml" --cluster h100
refused "mixtral-8x7.yaml: No such file or directory, did you mean $data/models/mixtral-8x7b.yaml?" run "$data/models/mixtral-8x7.yaml"
refused "did you mean $data/models/mai-base-1/v5.yaml?" memory "$data/models/mai-base-1/v5"
refused "has no key 'paralelism', did you mean 'parallelism'?" show "$data/models/mixtral-8x7b.yaml" --only paralelism
refused "moesim list keys prints those it may have" show "$data/models/mixtral-8x7b.yaml" --only warp

finish
