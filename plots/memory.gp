# Memory per GPU, stacked. Rows: label, GB of each part, capacity in GB.
set ylabel axis
set yrange [0:*]
set style fill solid 1.0 border rgb paper
set xtics rotate by -30 scale 0
set bmargin 8
set rmargin 24
set key outside right top reverse invert Left samplen 2
set offsets 0, 0, graph 0.08, 0
set errorbars 0
stats data using 2 every ::1 nooutput
last = STATS_columns - 1 # of the parts; the capacity follows
set xrange [-0.6:STATS_records - 0.4]
below(part) = part == 2 ? 0 : (sum [p=2:part-1] column(p))
plot for [part=2:last] data using 0:(below(part)):($0 - 0.38):($0 + 0.38):(below(part)):(below(part) + column(part)):xtic(1) \
       with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb part_hue[part - 1] @part_fill title columnheader(part), \
     data using 0:(below(last + 1)):(sprintf("%.0f", below(last + 1))) every ::1 with labels offset 0, 0.7 font ",10" textcolor rgb foreground notitle, \
     data using 0:(column(last + 1)):(0.45) every ::1 with xerrorbars pointtype 0 linecolor rgb alarm linewidth 2.5 dashtype 2 title "capacity"
