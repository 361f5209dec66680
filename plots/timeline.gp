# Who does what when. Blocks: one per kind of work (lane, from ms, to ms), the last one names the lanes.
kinds = 10
set xlabel "time in the step (ms)"
set style fill solid 1.0 noborder
set ytics scale 0
unset grid
set grid xtics linecolor rgb "#dddddd" linetype 1
set bmargin 11
set autoscale xfix
set lmargin 22
set key bottom center at screen 0.5, screen 0.045 horizontal maxrows 3 reverse Left
stats data index kinds using 1 nooutput
set yrange [STATS_max + 0.6:-0.6]
array colour[kinds] = [0x0072B2, 0x56B4E9, 0x004B7A, 0xE69F00, 0x6B4C9A, 0x009E73, 0xD55E00, 0xCC79A7, 0xDDDDDD, 0xF4F4F4]
plot for [i=0:kinds-1] data index i using 2:1:2:3:($1 - 0.42):($1 + 0.42) with boxxyerror linecolor rgb colour[i + 1] \
       title columnheader(1), \
     data index kinds using (NaN):1:ytic(2) every ::1 notitle
