# What each assumption does to the MFU, widest on top. Blocks: assumptions (key, low %, high %, stated %, value at low, value at high);
# then the interval of combinations (P10, P50, P90 in %).
set xlabel "MFU, causal attention (%)"
set grid xtics noytics
stats data index 0 using 2:3 every ::1 nooutput
rows = STATS_records
least = STATS_min_x
most = STATS_max_y
stats data index 1 using 2:4 every ::1 nooutput
if (STATS_records > 0) { least = STATS_min_x < least ? STATS_min_x : least; most = STATS_max_y > most ? STATS_max_y : most }
span = most > least ? most - least : 1
set xrange [least - 0.28 * span:most + 0.28 * span]
set yrange [-rows - 0.7:1.4]
set ytics scale 0
set lmargin 42
set bmargin 7
unset key
set style fill solid 0.9 noborder
plot data index 0 using 2:(-$0 - 1):2:3:(-$0 - 1.34):(-$0 - 0.66):ytic(1) every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb hue[1], \
     data index 0 using 4:(-$0 - 1.5):(0):(1) every ::1 with vectors nohead linecolor rgb alarm linewidth 1.5, \
     data index 0 using 2:(-$0 - 1):5 every ::1 with labels textcolor rgb foreground right offset -0.6, 0 font ",10", \
     data index 0 using 3:(-$0 - 1):6 every ::1 with labels textcolor rgb foreground left offset 0.6, 0 font ",10", \
     data index 1 using 3:(0.3):2:4:(0.05):(0.55):ytic("P10 to P90, all together") every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb hue[2], \
     data index 1 using 3:(-0.05):(0):(0.7) every ::1 with vectors nohead linecolor rgb alarm linewidth 2.5, \
     data index 1 using 2:(0.3):(sprintf("%.1f", $2)) every ::1 with labels textcolor rgb foreground right offset -0.6, 0 font ",10", \
     data index 1 using 4:(0.3):(sprintf("%.1f", $4)) every ::1 with labels textcolor rgb foreground left offset 0.6, 0 font ",10"
