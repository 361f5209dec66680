# Shared by all figures. Palette: Okabe & Ito, "Color Universal Design" (2008).
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set grid ytics linecolor rgb "#dddddd" linetype 1
set title title offset 0, 0.3
set label 1000 source at screen 0.012, screen 0.018 left textcolor rgb "#666666" font ",9"
set bmargin 5
set linetype 1 linecolor rgb "#0072B2" linewidth 2.5 pointtype 7 pointsize 1.1
set linetype 2 linecolor rgb "#D55E00" linewidth 2.5 pointtype 5 pointsize 1.1
set linetype 3 linecolor rgb "#009E73" linewidth 2.5 pointtype 9 pointsize 1.3
set linetype 4 linecolor rgb "#CC79A7" linewidth 2.5 pointtype 11 pointsize 1.3
set linetype 5 linecolor rgb "#E69F00" linewidth 2.5 pointtype 13 pointsize 1.3
set linetype 6 linecolor rgb "#56B4E9" linewidth 2.5 pointtype 15 pointsize 1.3
set linetype 7 linecolor rgb "#F0E442" linewidth 2.5 pointtype 4 pointsize 1.1
set linetype 8 linecolor rgb "#000000" linewidth 2.5 pointtype 6 pointsize 1.1
set linetype 9 linecolor rgb "#999999" linewidth 2.5 pointtype 8 pointsize 1.3
set linetype 10 linecolor rgb "#004B7A" linewidth 2.5 pointtype 10 pointsize 1.3
set linetype 11 linecolor rgb "#8A3D00" linewidth 2.5 pointtype 12 pointsize 1.3
set linetype 12 linecolor rgb "#6B4C9A" linewidth 2.5 pointtype 14 pointsize 1.3
