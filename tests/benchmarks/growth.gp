# SPDX-License-Identifier: MIT
# Share of the peak against what grows: reads growth.csv, writes growth.svg.
set terminal svg size 1100,1050 dynamic font 'sans-serif,13' background rgb 'white'
set output 'growth.svg'
set datafile separator ','
set key top left
set grid
set yrange [0:100]
set ylabel 'share of peak, %'
set logscale x 2
set multiplot layout 3,2

at(axis, network) = strcol(1) eq axis && strcol(2) eq network ? column(3) : NaN
of(axis, network) = strcol(1) eq axis && strcol(2) eq network ? 100 * column(9) : NaN

set title 'LeNet; MLP of 2 x 512; two 3x3 convolutions of 64 channels'
set xlabel 'batch'
plot for [n in 'LeNet MLP convolutions'] 'growth.csv' every ::1 using (at('batch', n)):(of('batch', n)) with linespoints pt 7 ps 0.5 title n
set title 'two 3x3 convolutions, batch 64'
set xlabel 'channels'
plot 'growth.csv' every ::1 using (at('channels', 'convolutions')):(of('channels', 'convolutions')) with linespoints pt 7 ps 0.5 notitle
set title 'MLP of two layers, batch 128'
set xlabel 'units'
plot 'growth.csv' every ::1 using (at('width', 'MLP')):(of('width', 'MLP')) with linespoints pt 7 ps 0.5 notitle
set title 'MLP of 256 units, batch 128; convolutions of 32 channels, batch 64'
set xlabel 'layers'
plot for [n in 'MLP convolutions'] 'growth.csv' every ::1 using (at('depth', n)):(of('depth', n)) with linespoints pt 7 ps 0.5 title n
set title 'LeNet and MLP of 2 x 1024, batch 128; convolutions of 64, batch 64'
set xlabel 'threads'
set ylabel 'ms a step'
set yrange [0:*]
ms(axis, network) = strcol(1) eq axis && strcol(2) eq network ? column(6) : NaN
plot for [n in 'LeNet MLP convolutions'] 'growth.csv' every ::1 using (at('threads', n)):(ms('threads', n)) with linespoints pt 7 ps 0.5 title n
unset multiplot
