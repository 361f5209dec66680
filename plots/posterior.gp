# What was learned of each unknown, most on top: how full each part of its range is now (filled) and was before (line). Blocks: unknowns (key,
# bits, P10 to P90 of a range); boxes (row, from, to, height, height before, name of a value).
set xlabel axis
stats data index 0 using 2 every ::1 nooutput
rows = STATS_records
set xrange [0:1.44]
set yrange [-rows + 0.0:1.35]
set xtics 0, 0.25, 1
set grid noytics xtics
set ytics scale 0
set lmargin 44
set bmargin 6
unset key
now = theme eq 'print' ? '#8A8A8A' : hue[1]
set style fill solid 0.9 noborder
set label 1 "bits" at 1.43, 1.0 right textcolor rgb muted font ",10"
set label 2 "P10 to P90 now" at 1.03, 1.0 left textcolor rgb muted font ",10"
set label 3 "filled: now; line: before" at 0, 1.0 left textcolor rgb muted font ",10"
plot data index 1 using (($2 + $3) / 2):(-$1):($2 + 0.002):($3 - 0.002):(-$1):(-$1 + $4) every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb now, \
     data index 1 using 2:(-$1 + $5):($3 - $2):(0) every ::1 with vectors nohead linecolor rgb alarm linewidth 1.5 dashtype 1, \
     data index 1 using 2:(-$1):($3 - $2):(0) every ::1 with vectors nohead linecolor rgb gridline linewidth 1 dashtype 1, \
     data index 1 using (($2 + $3) / 2):(-$1 - 0.17):6 every ::1 with labels center textcolor rgb foreground font ",9", \
     data index 0 using (0):(-$0 + 0.25):ytic(1) every ::1 with points pointsize 0 notitle, \
     data index 0 using (1.03):(-$0 + 0.25):3 every ::1 with labels left textcolor rgb foreground font ",10", \
     data index 0 using (1.43):(-$0 + 0.25):2 every ::1 with labels right textcolor rgb foreground font ",10"
