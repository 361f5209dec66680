# Shared by all figures: fonts, grid, themes, palettes. Variables from moesim: data, title, source, axis, theme (light, dark, print).
#
# Lines follow Okabe & Ito, "Color Universal Design" (2008); each has a marker and a dash of its own besides, so that it is told from the
# others in grey and with any colour vision. Markers are filled: a hollow one would say nothing. A cross over a marker, and nothing
# else, says "does not fit memory".
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"

foreground = theme eq 'dark' ? '#E8E8E8' : '#222222'
muted      = theme eq 'dark' ? '#A8A8A8' : '#666666'
gridline   = theme eq 'dark' ? '#444444' : '#DDDDDD'
paper      = theme eq 'dark' ? '#16181C' : '#FFFFFF'
alarm      = theme eq 'dark' ? '#FFFFFF' : '#000000'
idle       = theme eq 'dark' ? '#454A52' : '#C9CDD3'
bubble     = theme eq 'dark' ? '#70757E' : '#9AA0A9'

array hue[12]
if (theme eq 'light') {
  hue[1] = '#0072B2'; hue[2] = '#D55E00'; hue[3] = '#009E73'; hue[4] = '#CC79A7'; hue[5] = '#56B4E9'; hue[6] = '#3D3D3D'
  hue[7] = '#8C6D00'; hue[8] = '#8A3D00'; hue[9] = '#00583F'; hue[10] = '#6B4C9A'; hue[11] = '#E69F00'; hue[12] = '#8A8A8A'
}
if (theme eq 'dark') {
  hue[1] = '#56B4E9'; hue[2] = '#FF8A3C'; hue[3] = '#35C79E'; hue[4] = '#E8A6CB'; hue[5] = '#F0E442'; hue[6] = '#E0E0E0'
  hue[7] = '#8FD0F5'; hue[8] = '#C96A2B'; hue[9] = '#7FE0C4'; hue[10] = '#B79BE0'; hue[11] = '#E69F00'; hue[12] = '#9A9A9A'
}
if (theme eq 'print') {
  hue[1] = '#000000'; hue[2] = '#5A5A5A'; hue[3] = '#000000'; hue[4] = '#5A5A5A'; hue[5] = '#000000'; hue[6] = '#5A5A5A'
  hue[7] = '#8A8A8A'; hue[8] = '#000000'; hue[9] = '#5A5A5A'; hue[10] = '#8A8A8A'; hue[11] = '#000000'; hue[12] = '#5A5A5A'
}
# Filled markers: circle, square, triangle up and down, diamond, pentagon.
set linetype 1 linecolor rgb hue[1] linewidth 2.5 pointtype 7 pointsize 1.2 dashtype 1
set linetype 2 linecolor rgb hue[2] linewidth 2.5 pointtype 5 pointsize 1.2 dashtype (14, 4)
set linetype 3 linecolor rgb hue[3] linewidth 2.5 pointtype 9 pointsize 1.4 dashtype (4, 3)
set linetype 4 linecolor rgb hue[4] linewidth 2.5 pointtype 13 pointsize 1.4 dashtype (12, 4, 3, 4)
set linetype 5 linecolor rgb hue[5] linewidth 2.5 pointtype 11 pointsize 1.4 dashtype (20, 4)
set linetype 6 linecolor rgb hue[6] linewidth 2.5 pointtype 15 pointsize 1.4 dashtype (2, 3)
set linetype 7 linecolor rgb hue[7] linewidth 2.5 pointtype 5 pointsize 1.2 dashtype 1
set linetype 8 linecolor rgb hue[8] linewidth 2.5 pointtype 7 pointsize 1.2 dashtype (14, 4)
set linetype 9 linecolor rgb hue[9] linewidth 2.5 pointtype 13 pointsize 1.4 dashtype (4, 3)
set linetype 10 linecolor rgb hue[10] linewidth 2.5 pointtype 9 pointsize 1.4 dashtype (12, 4, 3, 4)
set linetype 11 linecolor rgb hue[11] linewidth 2.5 pointtype 15 pointsize 1.4 dashtype (20, 4)
set linetype 12 linecolor rgb hue[12] linewidth 2.5 pointtype 11 pointsize 1.4 dashtype (2, 3)
set linetype cycle 12

# Parts of a stack: dark and light in turn, so that neighbours differ in grey as well. In print they have patterns besides.
array part_hue[12]
part_hue[1] = '#0B5B94'; part_hue[2] = '#F2B134'; part_hue[3] = '#0A6E50'; part_hue[4] = '#E7B4D2'
part_hue[5] = '#5B3A8C'; part_hue[6] = '#7CC8F2'; part_hue[7] = '#9C4A00'; part_hue[8] = '#CFD3D8'
part_hue[9] = '#3F4650'; part_hue[10] = '#F4EC7A'; part_hue[11] = '#7A2E4D'; part_hue[12] = '#A9DCC8'
if (theme eq 'print') {
  do for [i=1:12] { part_hue[i] = i % 2 == 1 ? '#4A4A4A' : '#D0D0D0' }
}
array part_pattern[12] = [3, 3, 5, 4, 2, 1, 7, 6, 4, 5, 1, 2]
# To be used as @part_fill inside "for [part=2:...]", which counts columns of the data: the first has the labels.
part_fill = theme eq 'print' ? "fillstyle pattern part_pattern[part - 1] border rgb foreground" : "fillstyle solid 1.0 border rgb paper"
part_text(i) = i == 1 || (i % 2 == 1 && theme ne 'print') ? 0xFFFFFF : 0x222222

set border 3 linecolor rgb muted
set tics nomirror textcolor rgb foreground
set grid ytics linecolor rgb gridline linetype 1 linewidth 1
set title title offset 0, 0.3 textcolor rgb foreground
set xlabel textcolor rgb foreground
set ylabel textcolor rgb foreground
set key textcolor rgb foreground
set label 1000 source at screen 0.012, screen 0.018 left textcolor rgb muted font ",9"
set bmargin 5
