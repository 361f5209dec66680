# From 100 % of peak down to the MFU. Rows: cause, upper %, lower %.
set ylabel "share of the step (%)"
set yrange [0:108]
set style fill solid 0.9 noborder
set xtics rotate by -30 scale 0
set bmargin 10
set rmargin 10
unset key
stats data using 2 every ::1 nooutput
last = STATS_records - 1
set xrange [-0.6:last + 0.6]
colour(row) = row == 0 ? 0x999999 : (row == last ? 0x009E73 : 0xD55E00)
plot data using 0:2:($0 - 0.4):($0 + 0.4):3:2:(colour($0)):xtic(1) every ::1 with boxxyerror linecolor rgb variable, \
     data using 0:2:(sprintf("%.1f", $2 - $3)) every ::1 with labels offset 0, 0.7
