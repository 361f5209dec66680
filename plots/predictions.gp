# Rows learned from and held out, predicted as per cent of published: P10 to P90 with P50, the best joint set as a marker; published is 100.
# Columns: row, P10, P50, P90, best set, held out (0 or 1).
set xlabel axis
set grid xtics noytics
stats data using 2:4 every ::1 nooutput
rows = STATS_records
least = STATS_min_x < 100 ? STATS_min_x : 100
most = STATS_max_y > 100 ? STATS_max_y : 100
set xrange [least - 0.1 * (most - least):most + 0.1 * (most - least)]
set yrange [-rows - 0.2:0.9]
set ytics scale 0
set lmargin 34
set bmargin 7
set key outside bottom center horizontal maxrows 1
learned = theme eq 'print' ? '#8A8A8A' : hue[1]
held = theme eq 'print' ? '#C9CDD3' : hue[2]
set style fill solid 0.9 noborder
set arrow 1 from 100, graph 0 to 100, graph 1 nohead linecolor rgb alarm linewidth 1.5
plot data using ($6 == 0 ? $3 : NaN):(-$0):2:4:(-$0 - 0.28):(-$0 + 0.28):ytic(1) every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb learned title "learned from, P10 to P90", \
     data using ($6 == 1 ? $3 : NaN):(-$0):2:4:(-$0 - 0.28):(-$0 + 0.28):ytic(1) every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb held title "held out, P10 to P90", \
     data using 3:(-$0 - 0.28):(0):(0.56) every ::1 with vectors nohead linecolor rgb paper linewidth 2.5 dashtype 1 notitle, \
     data using 5:(-$0) every ::1 with points pointtype 7 pointsize 1.1 linecolor rgb foreground title "best joint set"
