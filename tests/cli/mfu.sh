#!/bin/sh
# moesim mfu: the published examples, and refusals.
. "$(dirname "$0")/lib.sh"

# 6 x 405e9 x 1024 / (30 x 8 x 1.3e15) = 0.797 %; without the weight-gradient pass two thirds of it.
try mfu --params 405e9 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15
expect_status 0
expect_out "0.80 %"
try mfu --params 405e9 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15 --lora
expect_out "0.53 %"
# The same with units.
try mfu --params 405e9 --tokens-per-step 1024 --step-time '30 s' --gpus 8 --peak '1.3 PFLOP/s'
expect_out "0.80 %"
# Given FLOPs per token win over counting: 2 x 2.43e12 is twice the MFU.
try mfu --flops-per-token 4.86e12 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15
expect_out "1.60 %"
# Active parameters of a mixture of experts: 6 x 37e9 x 62914560 / (19.926 x 2048 x 989e12) = 34.6 %.
try mfu --active 37e9 --tokens-per-step 62914560 --step-time 19.926 --gpus 2048 --peak 989e12
expect_out "34.6 %"

# Of a run at the step time that it is predicted to have, the MFU is the predicted one; half the time is twice the MFU.
run=$data/models/mixtral-8x7b.yaml
predicted=$("$moesim" run "$run" --format json | tr -d ' \n')
step=$(echo "$predicted" | grep -oE '"step_time_s":[0-9.]+' | head -n 1 | sed 's/.*://')
mfu=$(echo "$predicted" | grep -oE '"mfu":\{"causal":[0-9.]+' | sed 's/.*://')
try mfu --run "$run" --step-time "$step" --json
expect_status 0
check "MFU of the prediction, $mfu" awk -v mfu="$mfu" '/"causal"/ { causal = $3 + 0 } /"full"/ { full = $3 + 0 }
  END { exit !(causal > mfu * 0.999999 && causal < mfu * 1.000001 && full > causal) }' "$work/out"
try mfu --run "$run" --step-time "$(awk -v step="$step" 'BEGIN { print step / 2 }')"
check "half the step time" awk -v mfu="$mfu" '/^MFU, causal attention/ { seen = $4 > 199 * mfu && $4 < 201 * mfu } END { exit !seen }' "$work/out"
expect_out "MFU, full attention"
# Milliseconds for seconds are noticed.
expect_quiet
try mfu --run "$run" --step-time 5ms
expect_status 0
expect_err "an MFU above 100 %"
refused "no-such-file.yaml" mfu --run no-such-file.yaml --step-time 1

refused "--step-time is missing" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15
refused "--params, --flops-per-token or --run is missing" mfu --tokens-per-step 1 --gpus 1 --peak 1e15 --step-time 1
refused "--gpus" mfu --params 1e9 --tokens-per-step 1 --gpus 0 --peak 1e15 --step-time 1
refused "--peak" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15foo --step-time 1
refused "--step-time" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15 --step-time=-3
refused "--step-time" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15 --step-time nan

finish
