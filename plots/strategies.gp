# Where the step of each run goes, stacked to 100 %. Rows: label, percent of each cause; the lowest part is the MFU.
set ylabel "share of the step (%)"
set yrange [0:100]
set style fill solid 0.9 noborder
set xtics rotate by -30 scale 0
set bmargin 12
set key outside right top reverse Left
stats data using 2 every ::1 nooutput
set xrange [-0.6:STATS_records - 0.4]
below(cause) = cause == 2 ? 0 : (sum [c=2:cause-1] column(c))
plot for [cause=2:13] data using 0:(below(cause)):($0 - 0.38):($0 + 0.38):(below(cause)):(below(cause) + column(cause)):xtic(1) \
       with boxxyerror title columnheader(cause), \
     data using 0:2:(sprintf("%.1f", $2)) every ::1 with labels offset 0, -0.8 textcolor rgb "#ffffff" notitle
