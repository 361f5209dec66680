# Bus bandwidth against message size: one block of (bytes, GB/s).
set xlabel "message (B)"
set ylabel "bus bandwidth (GB/s)"
set logscale x 2
set format x "%.0b %BB"
set yrange [0:*]
set key off
plot data using 1:2 with linespoints linetype 1
