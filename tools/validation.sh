#!/bin/sh
# Writes docs/validation.md anew: tools/validation.sh MOESIM > docs/validation.md. Takes a few minutes (the leave-one-out part).
set -eu
moesim=${1:-build/src/cli/moesim}

block() {
  echo
  echo '```'
  NO_COLOR=1 COLUMNS=140 "$moesim" "$@" 2>/dev/null
  echo '```'
}

cat <<'TEXT'
# Validation: predicted beside published

Made by `tools/validation.sh`; do not edit. Every usable row of the published measurements that were gathered (A100 to GB300, 1 to 16,384
GPUs) is a case under `validation/`; rows that cannot be simulated stand with their reason in `validation/excluded.yaml`. The error of a
case is predicted / published step time - 1; other metrics are turned into a step time by their own FLOP convention and peak. `moesim plot
validation -o FILE.png` draws it, `moesim validate --worst` lists every row.

## What was fitted on published runs

One number per accelerator: `training_rate`, the share of the kernel benchmarks' math rate that holds in a training step (temperature,
weeks instead of seconds; power, where nobody knows what kernels draw: A100, GB300), at most 1. It is fitted on one deterministic half
of the dense rows of that accelerator. Nothing
else is fitted on published runs: how MAI-Base-1's FP32 vocabulary GEMM runs, once chosen because it agreed with v2, is the middle of the
three ways by cost, and the other two are its range among the assumptions. Everything else comes from kernel, collective and launch
measurements (`docs/model-kernels.md`, `docs/model-network.md`).

## By family
TEXT
block validate --summary
echo
echo '## By accelerator'
block validate --summary --group-by gpu
echo
echo '## The shared fit, and each family left out of it'
block validate --leave-one-out
cat <<'TEXT'

## Memory

Every case above ran; those of `validation/memory/` add published peaks and runs that were stopped by lack of memory. A peak is compared as
it was counted: tensors (*allocated*), what the allocator held for them (*reserved*) or all that the device had in use (*device*). What
decides is in [model-memory.md](model-memory.md).
TEXT
block validate --memory
cat <<'TEXT'

## Where we are wrong, and why

- **FP8 mixtures on H100** (Grok-1, Qwen3-30B, Mixtral in FP8) are predicted 15 to 50 % too fast. The measured FP8 expert GEMMs are
  DeepGEMM's; TransformerEngine's loop of per-expert casts and GEMMs was never published by shape, and the rows of Qwen3-30B are limited by
  their host, of which only the launches are modelled.
- **NVIDIA's first DeepSeek-V3 on GB200** (DGX Cloud 25.05) ran 2.6 times slower than predicted; a year later the same machine is predicted
  within 20 %. What that release did wrong is not published.
- **GPT-OSS** (windows of 128, heads of 64) comes out 18 to 50 % too fast: attention of such shapes is priced by the curves of wider heads,
  and its host, which runs many small calls, is modelled by its launches alone.
- **Llama-3.1-8B in MLPerf on 512 GPUs** comes out slower than published where collectives of a few megabytes decide: the small-message
  constants between racks are extrapolated.
- **BLOOM's layouts** differ by little; heads of 108 or 224 wide ran 20 to 25 % slower than predicted, because batched GEMMs of such shapes
  on A100 were never published. The rank correlation within the family is therefore low.
- **Megatron 2022's two largest models** and **Llama-3 405B at Meta** come out 10 to 17 % too slow with the rate that fits the other rows of
  their accelerator: machines and power states differ, and one number per accelerator cannot say so.
- **MAI-Base-1** comes out up to 3 points of MFU too low for v2 and up to 2.4 too high for v3 to v5; `docs/mfu-study.md` says what is
  unpublished there. Whether its software groups ranks in one or two levels is the largest of these assumptions.

## All rows
TEXT
block validate --pairs
