#!/bin/sh
# moesim collective: an nccl-tests-like table, and what it refuses.
. "$(dirname "$0")/lib.sh"

try collective all_reduce --cluster h100-hgx --gpus 8 --sizes 8:16G
expect_status 0
expect_quiet
expect_out "busbw (GB/s)"
check "32 sizes from 8 B to 16 GiB and a header" [ "$(wc -l < "$work/out")" -eq 33 ]
check "times do not fall with size" sh -c "awk 'NR > 1 { if (\$2 < last) exit 1; last = \$2 }' '$work/out'"
# NVIDIA's slide: 480 GB/s with the switch reducing, 370 without (GTC 2025, S72583); 5 % around.
check "peak with the switch reducing" sh -c "awk 'END { exit !(\$4 > 456 && \$4 < 504) }' '$work/out'"
try collective all_reduce --cluster h100-hgx --gpus 8 --sizes 16G:16G --algorithm ring
check "peak of the ring" sh -c "awk 'END { exit !(\$4 > 351 && \$4 < 389) }' '$work/out'"

try collective all-gather --cluster gb200-nvl72 --gpus 128 --stride 64 --sizes 1M:4M --format csv
expect_status 0
check "four lines of CSV" [ "$(wc -l < "$work/out")" -eq 4 ]
try collective sendrecv --cluster gb300-nvl72 --gpus 2 --stride 64 --sizes 8:8
expect_status 0
expect_out "network"

# A library with another way of sending changes what a broadcast takes; the figure has the same numbers as the table.
try collective broadcast --cluster h100-hgx --gpus 8 --sizes 1M:1G --format csv
cp "$work/out" "$work/table"
try collective broadcast --cluster h100-hgx --gpus 8 --sizes 1M:1G --format csv --stack megatron-core:2024
expect_status 0
check "a table of another length" [ "$(wc -l < "$work/out")" -eq "$(wc -l < "$work/table")" ]
try collective all_reduce --cluster h100-hgx --gpus 8 --sizes 1M:1G --plot "$work/figure.svg"
expect_status 0
check "title of the figure" grep -q 'all_reduce, 8 GPUs of h100-hgx' "$work/figure.svg"
check "the table's sizes in the figure" [ "$(awk '$1 ~ /^[0-9]+$/ && $1 >= 1048576' "$work/figure.dat" | wc -l)" -eq 11 ]
refused "--stride 0, expected at least 1 and a last GPU below a million" collective all_reduce --cluster h100-hgx --stride 0
refused "--stride 9223372036854775807, expected at least 1" collective all_reduce --cluster h100-hgx --stride 9223372036854775807
# A picture that cannot be comes before the table: nothing is half answered.
refused "unknown kind of picture" collective all_reduce --cluster h100-hgx --plot figure.xyz
refused "did you mean" collective all_reduce --cluster h100-hgx --stack megatron-core-2042

refused "unknown word 'all_recude', did you mean 'all_reduce'?" collective all_recude --cluster h100-hgx
refused "no cluster, expected --cluster NAME" collective all_reduce
refused "did you mean" collective all_reduce --cluster h100-hgxx
refused "--gpus 1, expected at least 2" collective all_reduce --cluster h100-hgx --gpus 1
refused "expected 2 for sendrecv" collective sendrecv --cluster h100-hgx --gpus 4
refused "is no range" collective all_reduce --cluster h100-hgx --sizes 16G:8
refused "is no range" collective all_reduce --cluster h100-hgx --sizes 8:16X
refused "cannot serve all_reduce on this group" collective all_reduce --cluster h100-hgx --gpus 8 --algorithm tree

finish
