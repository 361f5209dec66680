"""Measures the GPU this runs on with PyTorch and writes what `moesim calibrate` reads.

    python3 tools/measure FOLDER [--only gemm,power] [--quick]
    python3 tools/measure FOLDER --series validation/measured/gpu-mine.yaml --cluster h100-hgx --fragments h100
    moesim calibrate validation/measured/[abg]*.yaml --write clusters/accelerators/fragments

Each part writes FOLDER/PART.json as soon as it is done: rows with their units, the device, its software and the date; `--series` makes
of them what `moesim calibrate` reads. `--quick` tries every part once with few shapes. Needs a CUDA GPU of the Hopper generation, PyTorch
2.11 (others were not tried) and pynvml; all parts take seven minutes on an H200. Changes no setting of the device.
"""
import argparse
import importlib
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

PARTS = ["host", "power", "gemm", "gemm8", "attention", "grouped", "traffic", "compiled"]


def main():
    parser = argparse.ArgumentParser(prog="measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated: " + ",".join(PARTS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--budget", type=float, default=520, help="seconds after which no part begins")
    parser.add_argument("--series", help="measure nothing: write what FOLDER holds as series to this file")
    parser.add_argument("--cluster", default="h100-hgx", help="cluster whose machine prices the rows")
    parser.add_argument("--fragments", default="h100", help="fragments of clusters/accelerators that the rows are for, comma-separated")
    args = parser.parse_args()

    if args.series:
        import series
        series.write(args.folder, args.series, args.cluster, args.fragments.split(","))
        return 0

    import clock
    os.makedirs(args.folder, exist_ok=True)
    begun, failed = time.time(), 0
    device = clock.device()
    for part in args.only.split(","):
        if time.time() - begun > args.budget:
            print(f"{part}: not begun, {args.budget:.0f} s are spent", flush=True)
            continue
        started = time.time()
        out = clock.Out(args, part, device)
        try:
            importlib.import_module("parts." + part).measure(out)
        except Exception:  # one part that this software lacks must not cost the others
            traceback.print_exc()
            out.notes.append("stopped by: " + traceback.format_exc().strip().splitlines()[-1])
            failed += 1
        out.write()
        clock.forget()
        print(f"{part}: {time.time() - started:.1f} s, {out.count()} rows, {len(out.notes)} notes", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
