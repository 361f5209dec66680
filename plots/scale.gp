# MFU against the number of GPUs. Blocks: one per line (GPUs, causal %, full %, fits), the last one holds published points
# (GPUs, %, number of the line).
set xlabel "GPUs"
set ylabel "MFU, causal attention (%)"
set logscale x 2
set format x "%.0f"
set yrange [0:*]
set bmargin 8
set key bottom center at screen 0.5, screen 0.05 horizontal maxcols 2 reverse Left
set offsets graph 0.03, graph 0.03, graph 0.05, 0
stats data using 1 nooutput
lines = STATS_blocks - 1
# Hollow points do not fit the accelerator's memory.
plot for [i=0:lines-1] data index i using 1:2 with lines linetype (i + 1) title columnheader(1), \
     for [i=0:lines-1] data index i using 1:($4 == 1 ? $2 : NaN) with points linetype (i + 1) notitle, \
     for [i=0:lines-1] data index i using 1:($4 == 0 ? $2 : NaN) with points linetype (i + 1) pointtype 6 notitle, \
     data index lines using 1:2:3 with points pointtype 3 pointsize 2 linewidth 2 linecolor variable notitle, \
     NaN with points pointtype 3 pointsize 2 linewidth 2 linecolor rgb "#666666" title "published", \
     NaN with points pointtype 6 linecolor rgb "#666666" title "does not fit memory"
