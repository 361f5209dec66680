"""What was measured as series that `moesim calibrate` reads: bursts, in the families whose kernels they are."""
import json
import os

PRODUCT, GROUP, BYTES = ["m", "n", "k"], ["groups", "rows_per_group", "n", "k"], ["read", "write"]
TILES = "{tiles: 90}"  # of Hopper
SUMS_US = 0.70e-6      # per output, for sums in FP32: median over BF16 products of 2,048 and more of K (long-runs.yaml)
LAUNCH_US = 30         # an expert's product that takes less waits for its launch

# Operations of eager PyTorch that are single kernels of their kind; sorts, transposes and scatters are not of any kind.
EAGER = {"copy", "zero", "scale", "norm of gradients", "accumulate", "add", "cast down", "cast up", "multiply", "silu", "silu backward",
         "gelu", "rms norm", "rms norm backward", "layer norm", "layer norm backward", "softmax", "softmax backward", "dropout",
         "gather rows", "embedding", "log softmax", "log softmax backward", "cast to fp8", "amax"}
REDUCES_ROWS = {"rms norm", "rms norm backward", "layer norm", "layer norm backward"}


class Series:
    def __init__(self, folder, machine):
        self.folder, self.machine, self.found = folder, machine, []

    def part(self, name):
        with open(os.path.join(self.folder, name + ".json")) as f:
            return json.load(f)

    def add(self, head, columns, rows, note):
        if rows:
            self.found.append(({**self.machine, **head}, columns, rows, note))

    def take(self, part, fits, head, keep, note, more=lambda row: 0):
        rows = []
        for s in self.part(part)["series"]:
            if fits(s):
                at = [s["columns"].index(c) for c in keep + ["us"]]
                rows += [[*(r[i] for i in at[:-1]), round(r[at[-1]] + more(r), 2)] for r in s["rows"]]
        self.add(head, keep + ["us"], rows, note)


def summed(row):
    return SUMS_US * row[0] * row[1]


def products(s, fragments):
    base = {"class": "gemm", "family": "cublaslt"}
    sums = {"pass": "wgrad", "output": "fp32", "accumulate": "true", "constants": TILES}
    for which, note in (("forward", "forward pass: both operands along the reduction"), ("dgrad", "data gradient")):
        s.take("gemm", lambda q: q["precision"] == "bf16" and q["pass"] == which,
               {"fragment": fragments[-1], **base, "precision": "bf16", "constants": TILES}, PRODUCT, note)
    for name in fragments:
        at = {"fragment": name, **base}
        s.take("gemm", lambda q: q["pass"] == "wgrad" and q.get("accumulate"), {**at, "precision": "bf16", **sums}, PRODUCT,
               "weight gradient, added to sums in FP32")
        s.take("gemm8", lambda q: q["variant"] == "fp8 fast", {**at, "precision": "fp8", "constants": TILES}, PRODUCT,
               "one scale per tensor, sums not promoted")
        s.take("gemm8", lambda q: q["variant"] == "fp8 fast", {**at, "precision": "fp8", **sums}, PRODUCT,
               "derived: the product measured, and 0.70 ps per output for sums in FP32, as BF16 products of 2,048 and more of K take "
               "(median)", summed)
        s.take("gemm8", lambda q: q["variant"] == "blocks 1", {**at, "precision": "fp8-block", **sums}, PRODUCT,
               "derived: both operands by 1 x 128 as measured, and 0.70 ps per output for sums in FP32, as BF16 products take", summed)
    s.take("gemm8", lambda q: q["variant"] == "blocks 128",
           {"fragment": fragments[-1], **base, "precision": "fp8-block", "constants": TILES}, PRODUCT,
           "activations by 1 x 128, weights by 128 x 128")


def single_experts(s, fragment):
    """FP8 experts of TransformerEngine are products of their own, so that what a product takes is what an expert takes."""
    passes = {"forward": ({}, lambda r: 0, "one expert: the product measured, as TransformerEngine issues it"),
              "dgrad": ({}, lambda r: 0, "one expert: the product measured; promotion is the accelerator's fp8_split_accumulator"),
              "wgrad": ({"output": "fp32", "accumulate": "true"}, summed,
                        "derived: one expert, the product measured, and 0.70 ps per output for sums in FP32")}
    measured = [r for q in s.part("gemm8")["series"] if q["variant"] == "fp8 fast" for r in q["rows"] if r[3] >= LAUNCH_US]
    for which, (more, added, note) in passes.items():
        rows = [([1, k, m, n] if which == "wgrad" else [1, m, n, k]) + [round(us + added([m, n]), 2)] for m, n, k, us, _ in measured]
        s.add({"fragment": fragment, "class": "grouped_gemm", "family": "te", "precision": "fp8", "pass": which, **more,
               "constants": TILES}, GROUP + ["us"], rows, note)


def experts(s, fragments):
    base = {"class": "grouped_gemm", "precision": "bf16", "constants": TILES}
    streams = "one cuBLAS product per expert, four streams, as TransformerEngine issues them"
    for which, measured in (("forward", "forward"), ("dgrad", "forward"), ("wgrad", "wgrad")):
        sums = {"output": "fp32", "accumulate": "true"} if which == "wgrad" else {}
        s.take("grouped", lambda q: q["family"] == "te" and q["pass"] == measured,
               {"fragment": fragments[0], **base, "family": "te", "pass": which, **sums}, GROUP, streams)
    for which in ("forward", "dgrad", "wgrad"):  # serving tables have forward's, of the same family, for any pass
        s.take("grouped", lambda q: q["family"] == "torch" and q["precision"] == "bf16" and q["pass"] == which,
               {"fragment": fragments[-1], **base, "family": "cutlass", **({"pass": which} if which == "wgrad" else {})}, GROUP,
               "torch._grouped_mm")
    single_experts(s, fragments[0])


def traffic(s, fragment):
    for part, family, wanted in (("traffic", "pytorch", EAGER), ("compiled", "compile", None)):
        for q in s.part(part)["series"]:
            if wanted is not None and q["operation"] not in wanted:
                continue
            keep = (["m", "n"] if q["operation"] in REDUCES_ROWS else []) + BYTES
            rows = [[*(row[c] for c in keep), round((row["read"] + row["write"]) / row["us"] / 1e3, 1)]
                    for row in (dict(zip(q["columns"], r)) for r in q["rows"])]
            s.add({"fragment": fragment, "class": "bandwidth", "family": family, "kind": q["kind"],
                   "pass": "forward" if q["pass"] == "forward" else "dgrad"}, keep + ["gbps"], rows, q["operation"])


def write(folder, path, cluster, fragments):
    """fragments: what the rows are fitted for; the first also takes those of kernels that only it knows."""
    s = Series(folder, {"cluster": cluster})
    products(s, fragments)
    experts(s, fragments)
    traffic(s, fragments[0])
    d, source = s.part("gemm")["device"], "measured_" + fragments[-1]
    with open(path, "w") as f:
        f.write(f"# One GPU, as found: {d['gpu']}, {d['sms']} SMs, driver {list(d['nvidia_smi'].values())[0].split(', ')[1]}; PyTorch "
                f"{d['torch']}, CUDA {d['cuda']}, cuDNN {d['cudnn']}; {d['date']}.\n"
                "# By `python3 tools/measure FOLDER`: bursts of 4 ms after 0.1 s of rest, calls captured in a CUDA graph, operands rotated so that the\n"
                "# L2 cache does not hold them.\n"
                f"title: \"Products and bandwidth-bound operations of PyTorch on one {d['gpu']}\"\n"
                f"sources:\n  {source}: {{name: \"tools/measure on one {d['gpu']}, {d['date']}\"}}\nseries:\n")
        for head, columns, rows, note in s.found:
            f.write(f"  - source: {source}\n" + "".join(f"    {k}: {v}\n" for k, v in head.items()) + f"    note: \"{note}\"\n"
                    f"    columns: [{', '.join(columns)}]\n    rows:\n")
            f.write("".join("      - [" + ", ".join("%.10g" % x for x in r) + "]\n" for r in rows))
