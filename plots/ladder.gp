# Predicted beside published MFU. Rows: label, predicted %, published %, P10 %, P90 % of the prediction, fits.
set ylabel axis
set yrange [0:*]
set style fill solid 1.0 border rgb paper
set xtics rotate by -30 scale 0
set bmargin 12
set rmargin 12
set key top left reverse Left
set offsets 0, 0, graph 0.16, 0
set errorbars 0.6
stats data using 2 every ::1 nooutput
set xrange [-0.6:STATS_records - 0.4]
published_fill = theme eq 'print' ? "fillstyle pattern 5" : "fillstyle solid 1.0"
plot data using 0:2:($0 - 0.4):($0 - 0.01):(0):2:xtic(1) every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb part_hue[1] title "predicted", \
     data using 0:3:($0 + 0.01):($0 + 0.4):(0):3 every ::1 with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb part_hue[2] @published_fill title "published", \
     data using ($0 - 0.2):4:(0):($5 - $4) every ::1 with vectors heads size 0.04,90 linecolor rgb foreground linewidth 1.5 dashtype 1 notitle, \
     data using ($0 - 0.2):(0):(sprintf("%.1f", $2)) every ::1 with labels offset 0, 0.8 font ",10" textcolor rgb "#FFFFFF" notitle, \
     data using ($0 + 0.2):($3 * 0):(sprintf("%.1f", $3)) every ::1 with labels offset 0, 0.8 font ",10" textcolor rgb "#222222" notitle, \
     data using ($0 - 0.2):($6 == 0 ? $2 / 2 : NaN) every ::1 with points pointtype 2 pointsize 2.2 linewidth 2.5 linecolor rgb "#FFFFFF" notitle, \
     NaN with vectors heads size 0.04,90 linecolor rgb foreground linewidth 1.5 dashtype 1 title "P10 to P90", \
     NaN with points pointtype 2 pointsize 2 linewidth 2.5 linecolor rgb alarm title "does not fit memory"
