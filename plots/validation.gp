# Predicted against published step time, log axes, a block per family: published s, predicted s. Dashed: 10 % off.
set logscale xy
set xlabel "published step time (s)"
set ylabel "predicted step time (s)"
set format xy "%g"
set grid xtics ytics linecolor rgb gridline linetype 1 linewidth 1
set key outside right top reverse Left font ",9" autotitle columnheader
stats data using 1:2 nooutput
blocks = STATS_blocks
low = STATS_min_x < STATS_min_y ? STATS_min_x : STATS_min_y
high = STATS_max_x > STATS_max_y ? STATS_max_x : STATS_max_y
set xrange [low / 1.4:high * 1.4]
set yrange [low / 1.4:high * 1.4]
plot x with lines linecolor rgb foreground linewidth 1 notitle, \
     1.1 * x with lines linecolor rgb muted linewidth 1 dashtype 2 title "10 % off", \
     x / 1.1 with lines linecolor rgb muted linewidth 1 dashtype 2 notitle, \
     for [i=0:blocks-1] data index i using 1:2 with points linetype (i % 12 + 1) pointsize 0.9 \
       linewidth 1.2 title columnheader(2)
