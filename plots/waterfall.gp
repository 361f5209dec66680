# From 100 % of peak down to the MFU. Rows: cause, upper %, lower %.
set ylabel axis
set yrange [0:108]
set style fill solid 1.0 noborder
set xtics rotate by -30 scale 0
set bmargin 10
set rmargin 10
unset key
stats data using 2 every ::1 nooutput
last = STATS_records - 1
set xrange [-0.6:last + 0.6]
colour(row) = row == 0 ? "#8A9099" : (row == last ? part_hue[3] : part_hue[7])
hex(text) = int("0x" . text[2:7])
plot data using 0:2:($0 - 0.4):($0 + 0.4):3:2:(hex(colour($0))):xtic(1) every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb variable, \
     data using 0:2:(sprintf("%.1f", $2 - $3)) every ::1 with labels offset 0, 0.7 textcolor rgb foreground, \
     data using ($0 + 0.4):3:(0.2):(0) every ::1 with vectors nohead linecolor rgb muted linewidth 1
