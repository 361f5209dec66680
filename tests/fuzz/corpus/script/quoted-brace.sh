A="x{"
torchrun t.py --num-layers 2 --hidden-size 8
