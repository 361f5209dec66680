#!/bin/sh
# moesim check and show over the files that are shipped.
. "$(dirname "$0")/lib.sh"

source=$data

for file in "$data"/models/*.yaml "$data"/models/mai-base-1/v*.yaml "$data"/clusters/*.yaml "$data"/clusters/accelerators/*.yaml \
  "$data"/stacks/*.yaml; do
  try check "$file"
  expect_status 0
  expect_quiet
done
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
for kind in models clusters stacks schedules kernels libraries plots; do
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

finish
