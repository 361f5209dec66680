#!/bin/bash
MODEL=(
    --num-layers 8
    --hidden-size 1024
    --num-attention-heads 8
    --warp-drive 9
)
torchrun --nproc_per_node 8 pretrain_gpt.py ${MODEL[@]} --vocab-size 32000
