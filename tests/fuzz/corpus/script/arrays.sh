#!/bin/bash
N=4
A=(
  --num-layers $N # layers
  --hidden-size $((N * 256))
)
if [ -z "$X" ]; then A+=(--bf16); else exit 1; fi
case $N in 4|5) B="--swiglu";; *) ;; esac
torchrun t.py ${A[@]} $B --vocab-size ${V:-32000} --num-attention-heads 8 \
  --seq-length 1024
