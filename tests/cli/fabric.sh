#!/bin/sh
# moesim fabric: loads of links, with and without faults, and the drawing.
. "$(dirname "$0")/lib.sh"

run=$data/models/mixtral-8x7b.yaml

try fabric "$run" --format csv --svg "$work/fabric.svg"
expect_status 0
expect_quiet
cp "$work/out" "$work/alone"
check "four tiers" [ "$(grep -c '^tier,' "$work/alone")" -eq 4 ]
check "ten links, most used first" awk -F, '/^link,/ { n++; if (n > 1 && $6 > last) exit 1; last = $6 } END { exit n != 10 }' "$work/alone"
check "no tier is used more than the whole step" awk -F, '/^tier,/ && ($6 > $7 + 1e-12 || $7 > 1) { exit 1 }' "$work/alone"
check "what groups send over the network is what NICs carry out and in, protocol apart" awk -F, '
  /^tier,NIC/ { carried = $4 } /^group,/ { sent += $5 } END { exit !(carried >= 2 * sent && carried < 2.6 * sent) }' "$work/alone"
check "the drawing has every leaf, domain and its NICs" [ "$(grep -c '<rect' "$work/fabric.svg")" -ge 3 ]
check "what domains send each other is what groups send over the network" awk -F, '
  /^traffic,/ { between += $5; n++ } /^group,/ { sent += $5 }
  END { exit !(n == 64 && between > 0.999999 * sent && between < 1.000001 * sent) }' "$work/alone"
check "no domain sends to itself over the network" awk -F, '/^traffic,/ { split($2, w, " "); if (w[2] == w[4] && $5 > 0) exit 1 }' "$work/alone"
check "the drawing has a cell for each pair of domains" [ "$(grep -c '<title>[0-9]* to [0-9]*: ' "$work/fabric.svg")" -eq 64 ]
check "the drawing is XML" grep -q '^</svg>$' "$work/fabric.svg"

# a link at half its rate is the busiest of all, at about twice the share
try fabric "$run" --format csv --set 'cluster.network.faults=[{what: nic, index: 5, factor: 0.5}]'
expect_status 0
check "GPU 5's NIC is the busiest link" grep -q '^link,GPU 5 NIC' "$work/out"
refused "fault at GPU 5000, expected an index below" fabric "$run" --set 'cluster.network.faults=[{what: gpu, index: 5000, factor: 0.5}]'
refused "the only plane has failed" fabric "$run" --set 'cluster.network.faults=[{what: plane, index: 0, factor: 0}]'
try fabric "$run" --format json
expect_status 0
check "JSON says what CSV says" awk -v json="$(sed -n 's/.*"most_used" : //p' "$work/out" | head -1)" \
  -v csv="$(awk -F, '/^tier,NVLink/ { print $7 }' "$work/alone")" 'BEGIN { exit !(csv > 0 && json / csv - 1 < 1e-5 && 1 - json / csv < 1e-5) }'

# Another job below the same leaves: nothing where they do not limit, more where they do, by where in its step it is.
small='--set cluster.network.topology.leaf_gpus=4 --set cluster.network.topology.oversubscription'
for over in 1 4; do
  for phase in 0 0.5; do
    try fabric "$run" --format json --beside "$data/models/llama3-70b.yaml" --phase $phase $small=$over
    expect_status 0
    step=$(sed -n 's/.*"step_time_s" : \(.*\),/\1/p' "$work/out")
    alone=$(sed -n 's/.*"step_time_alone_s" : \(.*\),/\1/p' "$work/out")
    check "oversubscription $over, phase $phase: $step s beside it, $alone alone" \
      awk "BEGIN { slower = $step / $alone - 1; exit !(slower >= -1e-9 && ($over == 1 ? slower < 1e-6 : slower > 1e-4 && slower < 0.1)) }"
  done
done
try run "$run" --beside "$data/models/llama3-70b.yaml" $small=4
expect_out "beside $data/models/llama3-70b.yaml"
refused "cannot be folded: another job takes its part of some links" run "$run" --beside "$data/models/llama3-70b.yaml" --fidelity folded
refused "phase 2, expected a share" fabric "$run" --beside "$data/models/llama3-70b.yaml" --phase 2
# Domains of two tiers and tori: their own tiers, drawn too; folded and in full they are the same.
llama="$data/models/llama3-70b.yaml --set parallelism.virtual_stages=1 --set parallelism.schedule=1f1b"
try fabric $llama --cluster tpu-v5p --gpus 64 --format csv --svg "$work/torus.svg" --set cluster.domain.gpus=64 \
  --set cluster.domain.topology.x=4 --set cluster.domain.topology.y=4 --set cluster.domain.topology.z=4
expect_status 0
check "links of a torus: three dimensions of 64 chips" grep -q '^tier,torus,192,' "$work/out"
check "a cell for every chip" [ "$(grep -c '% of the step' "$work/torus.svg")" -ge 64 ]
check "a busiest link along a dimension" grep -q '^link,GPU [0-9]* links along [xyz],' "$work/out"
two='--cluster cloudmatrix384 --gpus 64'
try fabric $llama $two --format csv --svg "$work/tiers.svg"
expect_status 0
check "links of eight islands, up and down" grep -q '^tier,second tier,16,' "$work/out"
check "islands are drawn" grep -q 'links to the second tier' "$work/tiers.svg"
check "a machine of one tier has neither" sh -c "! grep -q '^tier,torus\|^tier,second' '$work/alone'"
for machine in "$two" '--cluster tpu-v5p --gpus 64'; do
  for fidelity in folded full; do
    try run $llama $machine --fidelity $fidelity --format json
    expect_status 0
    sed -n 's/.*"step_time_s" : //p' "$work/out" | head -1 >> "$work/steps"
  done
done
check "folded is full" [ "$(sort -u "$work/steps" | wc -l)" -eq 2 ]
step_of() { try run $llama $two --format json "$@"; sed -n 's/.*"step_time_s" : \([0-9.]*\).*/\1/p' "$work/out" | head -1; }
whole=$(step_of) thin=$(step_of --set cluster.domain.topology.oversubscription=8)
slow=$(step_of --set 'cluster.network.faults=[{what: island, index: 1, factor: 0.02}]')
check "a thin second tier costs, a slow island costs more: $whole, $thin, $slow s" awk "BEGIN { exit !($whole < $thin && $thin < $slow) }"
refused "fault at island 8, expected an index below 8" run $llama $two --set 'cluster.network.faults=[{what: island, index: 8, factor: 0.5}]'
refused "factor 0 cuts a GPU off" run $llama $two --set 'cluster.network.faults=[{what: island, index: 1, factor: 0}]'

refused "nosuch.yaml: No such file" run "$run" --beside nosuch.yaml
refused "$work/nowhere/fabric.svg: cannot write" fabric "$work/no-run.yaml" --svg "$work/nowhere/fabric.svg"

finish
