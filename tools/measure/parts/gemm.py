"""BF16 and TF32 products through cuBLAS(Lt): forward, data gradient, weight gradient (FP32 sums kept in place)."""
import random

import torch

from clock import copies, seconds

COLUMNS = ["m", "n", "k", "us", "sustained_us"]
# What training runs multiply: projections of 8B to 405B models at tensor sizes 1 to 8, experts, heads; then drawn ones.
SHAPES = [(8192, 8192, 8192), (4096, 4096, 4096), (16384, 16384, 16384), (4096, 2048, 7168), (8192, 6144, 4096), (8192, 28672, 4096),
          (8192, 4096, 14336), (4096, 7168, 8192), (4096, 8192, 3584), (8192, 1280, 8192), (8192, 8192, 1024), (8192, 13312, 16384),
          (4096, 24576, 1536), (4096, 7168, 16384), (32768, 2048, 2048), (16384, 5120, 5120), (2048, 16384, 4096), (8192, 16384, 7168),
          (1024, 8192, 8192), (512, 4096, 4096)]


def shapes(n, seed=20261127):
    draw = random.Random(seed)
    log = lambda low, high: int(round(2 ** draw.uniform(low, high) / 128)) * 128
    return [(log(9, 15), log(9.6, 14.6), log(9, 14)) for _ in range(n)]


def operands(m, n, k, dtype):
    x = torch.randn(m, k, device="cuda", dtype=dtype)
    w = torch.randn(n, k, device="cuda", dtype=dtype)
    dy = torch.randn(m, n, device="cuda", dtype=dtype)
    return x, w, dy


def calls(m, n, k, which, dtype):
    size = {"forward": m * k + n * k + m * n, "dgrad": m * k + n * k + m * n, "wgrad": m * k + m * n + 2 * n * k}[which]
    sets = [operands(m, n, k, dtype) for _ in range(copies(size * x_bytes(dtype)))]
    if which == "forward":
        return [lambda s=s: torch.mm(s[0], s[1].t()) for s in sets]
    if which == "dgrad":
        return [lambda s=s: torch.mm(s[2], s[1]) for s in sets]
    sums = [torch.zeros(n, k, device="cuda", dtype=torch.float32) for _ in sets]
    return [lambda s=s, g=g: torch.addmm(g, s[2].t(), s[0], out_dtype=torch.float32, out=g) for s, g in zip(sets, sums)]


def x_bytes(dtype):
    return torch.tensor([], dtype=dtype).element_size()


def product(m, n, k, which):
    """m, n, k of the product that a pass of the layer (m rows, n outputs, k inputs) makes."""
    return {"forward": (m, n, k), "dgrad": (m, k, n), "wgrad": (n, k, m)}[which]


def wgrad_plain(m, n, k, dtype):
    sets = [operands(m, n, k, dtype) for _ in range(copies((m * k + m * n + n * k) * 2))]
    return [lambda s=s: torch.mm(s[2].t(), s[0]) for s in sets]


def one(out, shape, which, make, head):
    def run():
        burst, sustained = seconds(make())
        out.row(head, COLUMNS, [*product(*shape, which), burst * 1e6, sustained * 1e6])

    out.attempt(f"{head} {shape}", run)
    torch.cuda.empty_cache()


def measure(out):
    base = {"class": "gemm", "family": "cublaslt", "precision": "bf16"}
    for shape in out.some(SHAPES + shapes(28)):
        for which in ("forward", "dgrad", "wgrad"):
            head = {**base, "pass": which, "output": "bf16"}
            if which == "wgrad":
                head = {**base, "pass": which, "output": "fp32", "accumulate": True}
            one(out, shape, which, lambda: calls(*shape, which, torch.bfloat16), head)
    for shape in out.some(SHAPES[:6]):
        one(out, shape, "wgrad", lambda: wgrad_plain(*shape, torch.bfloat16), {**base, "pass": "wgrad", "output": "bf16"})
    torch.backends.cuda.matmul.allow_tf32 = True
    for shape in out.some(SHAPES[:5]):
        one(out, shape, "forward", lambda: calls(*shape, "forward", torch.float32), {**base, "precision": "tf32", "pass": "forward"})
