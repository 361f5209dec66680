# Where the GPUs' time goes, by run: as much of it as a million tokens take, so that a lower stack is a faster run. Rows: label,
# GPU-seconds of each cause, MFU %, tokens/s per GPU, fits.
set ylabel axis
set yrange [0:*]
set style fill solid 1.0 border rgb paper
set xtics rotate by -20 scale 0
set bmargin 9
set rmargin 34
set key outside right top reverse invert Left samplen 2
set offsets 0, 0, graph 0.14, 0
stats data using 2 every ::1 nooutput
set xrange [-0.6:STATS_records - 0.4]
below(part) = part == 2 ? 0 : (sum [c=2:part-1] column(c))
misfit(y) = column(16) == 0 ? y : NaN
# Shares are written into their parts where there is room.
stats data using (sum [c=2:13] column(c)) every ::1 nooutput name "TOTAL"
share(part) = column(part) / below(14)
plot for [part=2:13] data using 0:(below(part)):($0 - 0.38):($0 + 0.38):(below(part)):(below(part) + column(part)):xtic(1) \
       with boxxyerror linewidth 0.7 dashtype 1 linecolor rgb part_hue[part - 1] @part_fill title columnheader(part), \
     for [part=2:13] data using 0:(column(part) < 0.04 * TOTAL_max ? NaN : below(part) + column(part) / 2):(sprintf("%.0f %%", 100 * share(part))):(part_text(part - 1)) \
       every ::1 with labels textcolor rgb variable font ",10" notitle, \
     data using 0:(below(14)):(sprintf("MFU %.1f %%", $14)) every ::1 with labels offset 0, 1.7 textcolor rgb foreground notitle, \
     data using 0:(below(14)):(sprintf("%.0f tokens/s per GPU", $15)) every ::1 with labels offset 0, 0.7 font ",10" textcolor rgb muted notitle, \
     data using 0:(misfit(below(14) * 0.07)) every ::1 with points pointtype 2 pointsize 4 linewidth 4 linecolor rgb "#FFFFFF" notitle, \
     NaN with points pointtype 2 pointsize 2 linewidth 2.5 linecolor rgb alarm title "does not fit memory"
