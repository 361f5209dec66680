# How step times are distributed. Rows, sorted: step s, share % of steps that take at most as long.
set xlabel axis
set ylabel "share of steps (%)"
set yrange [0:108]
set ytics 0, 20, 100
set grid xtics ytics linecolor rgb gridline linetype 1 linewidth 1
unset key
stats data using 1 every ::1 nooutput name "S"
stats data using ($2 >= 50 ? $1 : NaN) every ::1 nooutput name "P50"
stats data using ($2 >= 90 ? $1 : NaN) every ::1 nooutput name "P90"
set offsets graph 0.05, graph 0.05, 0, 0
array quantile[3] = [P50_min, P90_min, S_max]
array mark[3] = ["P50", "P90", "most"]
do for [i=1:3] {
  set arrow i from quantile[i], 0 to quantile[i], 100 nohead linecolor rgb muted linewidth 1.5 dashtype 2
  set label i sprintf("%s %.4g s", mark[i], quantile[i]) at quantile[i], 101 + (i == 2 ? 3.5 : 0) center textcolor rgb foreground font ",10"
}
plot data using 1:2 every ::1 with steps linecolor rgb hue[1] linewidth 2.5 notitle
