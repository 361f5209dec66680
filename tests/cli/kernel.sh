#!/bin/sh
# moesim kernel: times that sum, shares of the peak by hand, where the constants come from, and what it refuses.
. "$(dirname "$0")/lib.sh"

machine="--cluster h100-hgx --stack megatron-core:0.13"

# The reasons, a row each until the constants are told, sum to the time printed first, in UNIT_US microseconds (four digits).
sums_to() { # sums_to UNIT_US
  check "reasons do not sum to the time" awk -v unit="$1" '
    NR == 1 { total = $1 * unit }
    /^constants:/ { exit }
    NR > 2 { sum += $2; share += $3 }
    END { exit !(sum > total * 0.998 && sum < total * 1.002 && share > 99.5 && share < 100.5) }' "$work/out"
}

# shellcheck disable=SC2086 # words
try kernel gemm --shape m=4096,n=4096,k=4096 $machine
expect_status 0
expect_quiet
# 2 x 4096^3 FLOP at 989.4 TFLOP/s.
check "math at the quoted peak" grep -qE '^math +138\.9 ' "$work/out"
expect_out "of the quoted peak"
expect_out "constants: family cublaslt, bf16, from the accelerator; residual median"
sums_to 1
all_sms=$(sed -n '1s/ us.*//p' "$work/out")
# shellcheck disable=SC2086
try kernel gemm --shape m=4096,n=4096,k=4096 --sms 66 $machine
check "half of the SMs, but not about twice the time" awk -v all="$all_sms" \
  'NR == 1 { exit !($1 > 1.8 * all && $1 < 2.2 * all) }' "$work/out"

# shellcheck disable=SC2086
try kernel bandwidth --kind norm --shape read=58.7e6,write=58.7e6 $machine
expect_status 0
sums_to 1
check "bytes over time is not the rate" awk 'NR == 1 { exit !($3 * $1 * 1e6 > 0.998 * 117.4e6 && $3 * $1 * 1e6 < 1.002 * 117.4e6) }' "$work/out"
expect_out "constants: family te, bf16, from the accelerator; residual median"

# Causal: 2 x 128 heads x 4096 x 4097 / 2 pairs x (192 + 128) FLOP; without a mask 4096^2 pairs.
# shellcheck disable=SC2086
try kernel attention --shape batch=1,heads=128,len=4096,dim_qk=192,dim_v=128 $machine
check "math of causal attention" grep -qE '^math +694\.7 ' "$work/out"
sums_to 1000
# shellcheck disable=SC2086
try kernel attention --full --shape batch=1,heads=128,len=4096,dim_qk=192,dim_v=128 $machine
check "math of full attention" grep -qE '^math +1\.3891 ' "$work/out"

# Rows are divided evenly: 8 groups of 1024.
try kernel grouped_gemm --shape groups=8,rows=8192,n=4096,k=7168 --cluster h800-hgx --stack hai-llm:2024
expect_status 0
check "math of 8192 rows" grep -qE '^math +486\.2 ' "$work/out"
expect_out "(stands in for deepgemm, bf16)"
sums_to 1

# shellcheck disable=SC2086
{
  refused '--shape: "m", expected KEY=NUMBER,KEY=NUMBER' kernel gemm --shape m $machine
  refused '--shape: "x" is no number, expected one of at least 0 for m' kernel gemm --shape m=x $machine
  refused '--shape: "-1" is no number, expected one of at least 0 for m' kernel gemm --shape m=-1 $machine
  refused '--shape: unknown key "mm" of a gemm kernel, expected one of m, n, k, groups' kernel gemm --shape mm=1 $machine
  refused 'unknown key "heads" of a gemm kernel' kernel gemm --shape m=1,n=1,k=1,heads=8 $machine
  refused 'not all of the class given, expected m, n, k' kernel gemm --shape m=1,n=1 $machine
  refused 'not all of the class given, expected heads, len, dim_qk' kernel attention --shape heads=1 $machine
  refused 'not all of the class given, expected read, write in bytes' kernel bandwidth $machine
  refused 'not all of the class given, expected groups, rows, n, k' kernel grouped_gemm --shape groups=2 $machine
  refused "--precision: unknown word 'bf61', did you mean 'bf16'?" kernel gemm --precision bf61 --shape m=1,n=1,k=1 $machine
  refused "no machine or software, expected --cluster NAME and --stack NAME" kernel gemm --shape m=1,n=1,k=1
}

# Which rows a price rests on, and how far outside them a kernel is.
try kernel gemm --shape m=4096,n=200704,k=4096 --cluster h100-hgx --stack megatron-bridge:26.04
expect_status 0
expect_out "rows: "
expect_out "n is 12.2 times outside them"
try kernel gemm --shape m=4096,n=4096,k=4096 --cluster h100-hgx --stack megatron-bridge:26.04
expect_out "this kernel is among them"
try kernel gemm --shape m=4096,n=4096,k=4096 --cluster h100-hgx --stack megatron-bridge-26.04 --json
expect_status 0
check "the time is not the sum of its reasons" awk '/"time_s"/ { sub(/,/, ""); if (!total) total = $3; else sum += $3 }
  END { exit !(total > 0 && sum > total * 0.999999 && sum < total * 1.000001) }' "$work/out"

# What has not shipped says so in every answer.
try run "$data/models/llama3-70b.yaml" --cluster vr200-nvl72-announced
expect_status 0
expect_out "on vr200-nvl72-announced"
try run "$data/models/llama3-70b.yaml" --cluster mi455x-announced --format json
expect_out "mi455x-announced"

finish
