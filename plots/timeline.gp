# Who does what when. Blocks: one per kind of work (lane, from ms, to ms, low, high: shares of the lane's height), then names that fit into their boxes (lane, middle ms, text), then
# the lanes' names.
kinds = 10
set xlabel axis
set style fill solid 1.0 border rgb paper
set ytics scale 0
unset grid
set grid xtics linecolor rgb gridline linetype 1 linewidth 1
set bmargin 10
set autoscale xfix
set lmargin 30
set key bottom center at screen 0.5, screen 0.05 horizontal maxrows 2 reverse Left samplen 2 font ",11"
stats data index (kinds + 1) using 1 nooutput
set yrange [STATS_max + 0.6:-0.6]
# Kernels by pass, transfers, copies, idle time (report/timeline.c says which are dark); idle time is grey.
array kind_hue[kinds] = [part_hue[1], part_hue[6], part_hue[3], part_hue[2], part_hue[11], part_hue[5], part_hue[7], part_hue[4], bubble, idle]
ink(dark) = dark == 1 || (dark == 2 && theme eq 'dark') ? 0xFFFFFF : 0x222222
# Whole boxes have borders; columns, which show shares of narrow ones, have none.
whole(value) = column(4) == 0 && column(5) == 1 ? value : NaN
part(value) = column(4) == 0 && column(5) == 1 ? NaN : value
bottom(lane, share) = lane + 0.42 - 0.84 * share
plot for [i=0:kinds-1] data index i using 2:(part($1)):2:3:(bottom($1, $5)):(bottom($1, $4)) with boxxyerror linecolor rgb kind_hue[i + 1] \
       fillstyle solid 1.0 noborder notitle, \
     for [i=0:kinds-1] data index i using 2:(whole($1)):2:3:(bottom($1, $5)):(bottom($1, $4)) with boxxyerror linewidth 0.7 dashtype 1 \
       linecolor rgb kind_hue[i + 1] notitle, \
     for [i=0:kinds-1] data index i using 2:1:2:2:1:1 with boxxyerror linecolor rgb kind_hue[i + 1] fillstyle solid 1.0 noborder title columnheader(1), \
     data index kinds using 2:1:3:(ink($4)) every ::1 with labels textcolor rgb variable font ",9" notitle, \
     data index (kinds + 1) using (NaN):1:ytic(2) every ::1 notitle
