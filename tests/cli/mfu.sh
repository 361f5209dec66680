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

refused "--step-time is missing" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15
refused "--params, --flops-per-token or --run is missing" mfu --tokens-per-step 1 --gpus 1 --peak 1e15 --step-time 1
refused "--gpus" mfu --params 1e9 --tokens-per-step 1 --gpus 0 --peak 1e15 --step-time 1
refused "--peak" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15foo --step-time 1
refused "--step-time" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15 --step-time=-3
refused "--step-time" mfu --params 1e9 --tokens-per-step 1 --gpus 1 --peak 1e15 --step-time nan

finish
