# GPU time against what it takes. Rows: label, cost, GPU-seconds per million tokens, fits, on the front.
set xlabel axis
set ylabel "GPU-seconds per million tokens"
set grid xtics ytics linecolor rgb gridline linetype 1 linewidth 1
set key inside right top reverse Left
set offsets graph 0.08, graph 0.2, graph 0.08, graph 0.08
front(y) = column(5) == 1 ? y : NaN
beaten(y) = column(5) == 0 && column(4) == 1 ? y : NaN
misfit(y) = column(4) == 0 ? y : NaN
plot data using (front($2)):3 every ::1 smooth unique with lines linecolor rgb hue[1] linewidth 2 title "front", \
     data using 2:(front($3)) every ::1 with points pointtype 7 pointsize 1.6 linecolor rgb hue[1] notitle, \
     data using 2:(front($3)):1 every ::1 with labels left offset 1, 0.4 font ",10" textcolor rgb foreground notitle, \
     data using 2:(beaten($3)) every ::1 with points pointtype 7 pointsize 1.0 linecolor rgb muted title "beaten", \
     data using 2:(misfit($3)) every ::1 with points pointtype 2 pointsize 1.8 linewidth 2.2 linecolor rgb alarm title "does not fit memory"
