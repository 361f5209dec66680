# One measure over two varied keys. Rows: column, row, their labels, value, fits.
unset grid
unset border
set xlabel x_axis
set ylabel y_axis
set cblabel axis textcolor rgb foreground
set cbtics textcolor rgb foreground
set key outside top right horizontal
# Light to dark in one direction, so that it reads in grey: viridis (van der Walt & Smith 2015), reversed.
set palette defined (0 "#FDE725", 0.25 "#5DC863", 0.5 "#21908C", 0.75 "#3B528B", 1 "#440154")
if (theme eq 'print') { set palette defined (0 "#F4F4F4", 1 "#303030") }
stats data using 5 every ::1 nooutput name "V"
stats data using 1:2 every ::1 nooutput name "P"
set xrange [-0.5:P_max_x + 0.5]
set yrange [-0.5:P_max_y + 0.5]
set xtics scale 0
set ytics scale 0
set lmargin 16
set rmargin 16
middle = (V_min + V_max) / 2
ink(value) = value > middle ? 0xFFFFFF : 0x111111
plot data using 1:2:($1 - 0.48):($1 + 0.48):($2 - 0.48):($2 + 0.48):5:xtic(3):ytic(4) every ::1 \
       with boxxyerror linecolor palette fillstyle solid 1.0 noborder notitle, \
     data using 1:2:(sprintf("%.4g", $5)):(ink($5)) every ::1 with labels textcolor rgb variable notitle, \
     data using 1:($6 == 0 && $5 == $5 ? $2 - 0.26 : NaN):(ink($5)) every ::1 with points pointtype 2 pointsize 1.6 linewidth 2.5 linecolor rgb variable notitle, \
     data using 1:($5 == $5 ? NaN : $2):("cannot be") every ::1 with labels font ",10" textcolor rgb muted notitle, \
     NaN with points pointtype 2 pointsize 1.6 linewidth 2.5 linecolor rgb foreground title "does not fit memory"
