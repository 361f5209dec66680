M=$1
run="python t.py --num-layers 2 ${M:+--x} `date` $(hostname)"
eval $run
