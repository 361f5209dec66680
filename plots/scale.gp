# One measure against the number of GPUs. Blocks: one per line (GPUs, causal %, full %, fits, y, y at P10, y at P90), the last one holds
# published points (GPUs, y, number of the line).
set xlabel "GPUs"
set ylabel axis
set logscale x 2
set format x "%.0f"
set yrange [0:*]
stats data using 1 nooutput
lines = STATS_blocks - 1
# A legend of more lines than fit below the axis stands beside the picture.
if (lines <= 4) {
  set bmargin 9
  set key bottom center at screen 0.5, screen 0.055 horizontal maxcols 2 reverse Left
} else {
  set key outside right top vertical reverse Left samplen 3 font ",11"
}
set offsets graph 0.03, graph 0.03, graph 0.05, 0
plot for [i=0:lines-1] data index i using 1:6:7 with filledcurves linecolor rgb hue[i % 12 + 1] fillstyle transparent solid 0.16 noborder notitle, \
     for [i=0:lines-1] data index i using 1:5 with linespoints linetype (i + 1) title columnheader(1), \
     for [i=0:lines-1] data index i using 1:($4 == 0 ? $5 : NaN) with points pointtype 2 pointsize 2.2 linewidth 2.2 linecolor rgb alarm notitle, \
     data index lines using 1:2:3 with points pointtype 3 pointsize 2 linewidth 2 linecolor variable notitle, \
     NaN with points pointtype 3 pointsize 2 linewidth 2 linecolor rgb muted title "published", \
     NaN with points pointtype 2 pointsize 2 linewidth 2 linecolor rgb alarm title "does not fit memory"
