# Memory per GPU, stacked. Rows: label, GB of each part, capacity in GB.
set ylabel "memory per GPU (GB)"
set yrange [0:*]
set style fill solid 0.9 noborder
set xtics rotate by -30 scale 0
set bmargin 8
set key outside right top reverse Left
set offsets 0, 0, graph 0.05, 0
set errorbars 0
stats data using 2 every ::1 nooutput
set xrange [-0.6:STATS_records - 0.4]
below(part) = part == 2 ? 0 : (sum [p=2:part-1] column(p))
plot for [part=2:6] data using 0:(below(part)):($0 - 0.38):($0 + 0.38):(below(part)):(below(part) + column(part)):xtic(1) \
       with boxxyerror title columnheader(part), \
     data using 0:7:(0.45) every ::1 with xerrorbars pointtype 0 linecolor rgb "#000000" linewidth 2 dashtype 2 title "capacity"
