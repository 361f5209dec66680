"""Grouped products: PyTorch's (CUTLASS), and one cuBLAS product per expert over four streams as TransformerEngine issues them."""
import torch

from clock import copies, seconds

COLUMNS = ["groups", "rows_per_group", "n", "k", "us", "sustained_us"]
LAYERS = [(4096, 7168), (7168, 2048), (1536, 2048), (2048, 768), (28672, 4096), (4096, 14336), (5760, 2880)]  # outputs, inputs
GROUPS = [(4, 8192), (8, 2048), (32, 1024), (32, 256), (128, 256), (1, 8192)]
STREAMS = 4


def layer_shapes():
    return [(g, r, n, k) for (n, k) in LAYERS for (g, r) in GROUPS if 2 * g * n * k < 6e9 and 2 * g * r * max(n, k) < 4e9]


def operands(g, r, n, k):
    x = torch.randn(g * r, k, device="cuda", dtype=torch.bfloat16)
    w = torch.randn(g, n, k, device="cuda", dtype=torch.bfloat16)
    dy = torch.randn(g * r, n, device="cuda", dtype=torch.bfloat16)
    return x, w, dy


def offsets(g, r):
    return torch.arange(1, g + 1, device="cuda", dtype=torch.int32) * r


def grouped(g, r, n, k, which):
    offs = offsets(g, r)
    sets = [operands(g, r, n, k) for _ in range(copies(2 * (g * r * (n + k) + g * n * k)))]
    if which == "forward":
        return [lambda s=s: torch._grouped_mm(s[0], s[1].transpose(-2, -1), offs=offs) for s in sets]
    if which == "dgrad":
        return [lambda s=s: torch._grouped_mm(s[2], s[1], offs=offs) for s in sets]
    return [lambda s=s: torch._grouped_mm(s[2].t(), s[0], offs=offs) for s in sets]


def each(g, r, n, k, which):
    """One product per expert, dealt to streams in turn."""
    sets = [operands(g, r, n, k) for _ in range(min(4, copies(2 * (g * r * (n + k) + g * n * k))))]
    streams = [torch.cuda.Stream() for _ in range(STREAMS)]
    sums = torch.zeros(g, n, k, device="cuda", dtype=torch.float32) if which == "wgrad" else None

    def expert(s, i):
        x, w, dy = s[0][i * r:(i + 1) * r], s[1][i], s[2][i * r:(i + 1) * r]
        if which == "forward":
            return torch.mm(x, w.t())
        if which == "dgrad":
            return torch.mm(dy, w)
        return torch.addmm(sums[i], dy.t(), x, out_dtype=torch.float32, out=sums[i])

    def call(s):
        current = torch.cuda.current_stream()
        for stream in streams:
            stream.wait_stream(current)
        kept = []
        for i in range(g):
            with torch.cuda.stream(streams[i % STREAMS]):
                kept.append(expert(s, i))
        for stream in streams:
            current.wait_stream(stream)
        return kept

    return [lambda s=s: call(s) for s in sets]


def by_row8(g, r, n, k):
    offs, rows, columns = offsets(g, r), torch.ones(g * r, device="cuda"), torch.ones(g, n, device="cuda")
    sets = []
    for _ in range(copies(g * r * (k + 2 * n) + g * n * k)):
        x, w, _ = operands(g, r, n, k)
        sets.append((x.clamp(-3, 3).to(torch.float8_e4m3fn), w.clamp(-3, 3).to(torch.float8_e4m3fn)))
    return [lambda s=s: torch._scaled_grouped_mm(s[0], s[1].transpose(-2, -1), rows, columns, offs=offs, out_dtype=torch.bfloat16,
                                                 use_fast_accum=True) for s in sets]


def measure(out):
    for g, r, n, k in out.some(layer_shapes()):
        def one(head, make):
            def run():
                burst, sustained = seconds(make(), least=2)
                out.row({"class": "grouped_gemm", **head}, COLUMNS, [g, r, n, k, burst * 1e6, sustained * 1e6])

            out.attempt(f"{head} {(g, r, n, k)}", run)
            torch.cuda.empty_cache()

        for which in ("forward", "dgrad", "wgrad"):
            one({"family": "torch", "precision": "bf16", "pass": which, "output": "bf16"}, lambda: grouped(g, r, n, k, which))
            if which != "dgrad":
                sums = {"output": "fp32", "accumulate": True} if which == "wgrad" else {"output": "bf16"}
                one({"family": "te", "precision": "bf16", "pass": which, **sums}, lambda: each(g, r, n, k, which))
        one({"family": "torch", "precision": "fp8", "pass": "forward", "output": "bf16"}, lambda: by_row8(g, r, n, k))
