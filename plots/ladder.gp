# Predicted beside published MFU. Rows: label, predicted %, published %.
set ylabel "MFU (%)"
set yrange [0:*]
set style fill solid 0.9 noborder
set xtics rotate by -30 scale 0
set bmargin 12
set rmargin 12
set key top left reverse Left
set offsets 0, 0, graph 0.08, 0
stats data using 2 every ::1 nooutput
set xrange [-0.6:STATS_records - 0.4]
plot data using 0:2:($0 - 0.4):($0 - 0.01):(0):2:xtic(1) every ::1 with boxxyerror linetype 1 title "predicted", \
     data using 0:3:($0 + 0.01):($0 + 0.4):(0):3 every ::1 with boxxyerror linetype 5 title "published", \
     data using ($0 - 0.2):2:(sprintf("%.1f", $2)) every ::1 with labels offset 0, 0.7 font ",10" notitle, \
     data using ($0 + 0.2):3:(sprintf("%.1f", $3)) every ::1 with labels offset 0, 0.7 font ",10" notitle
