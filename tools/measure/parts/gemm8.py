"""FP8 products: per tensor with short and with promoted accumulation, by row, by blocks of 128."""
import torch

from clock import copies, seconds
from parts.gemm import COLUMNS, SHAPES, shapes

E4M3 = torch.float8_e4m3fn


def eight(rows, columns):
    return torch.randn(rows, columns, device="cuda", dtype=torch.bfloat16).clamp(-3, 3).to(E4M3)


def per_tensor(m, n, k, fast):
    one = torch.ones((), device="cuda")
    sets = [(eight(m, k), eight(n, k)) for _ in range(copies(m * k + n * k + 2 * m * n))]
    return [lambda s=s: torch._scaled_mm(s[0], s[1].t(), one, one, out_dtype=torch.bfloat16, use_fast_accum=fast) for s in sets]


def by_row(m, n, k, fast):
    rows, columns = torch.ones(m, 1, device="cuda"), torch.ones(1, n, device="cuda")
    sets = [(eight(m, k), eight(n, k)) for _ in range(copies(m * k + n * k + 2 * m * n))]
    return [lambda s=s: torch._scaled_mm(s[0], s[1].t(), rows, columns, out_dtype=torch.bfloat16, use_fast_accum=fast) for s in sets]


def blocks(m, n, k, weight_block):
    """Activations by 1 x 128, weights by 128 x 128 (forward, data gradient) or 1 x 128 (weight gradient)."""
    scale_x = torch.ones(k // 128, m, device="cuda").t()
    if weight_block == 128:
        scale_w = torch.ones(n // 128, k // 128, device="cuda").t()
    else:
        scale_w = torch.ones(k // 128, n, device="cuda")
    sets = [(eight(m, k), eight(n, k)) for _ in range(copies(m * k + n * k + 2 * m * n))]

    def call(s, w):
        return torch._scaled_mm(s[0], s[1].t(), scale_x, w, out_dtype=torch.bfloat16, use_fast_accum=False)

    last = None
    for w in (scale_w, scale_w.t().contiguous().t(), scale_w.contiguous()):  # releases differ in the strides they ask for
        try:
            call(sets[0], w)
            return [lambda s=s: call(s, w) for s in sets]
        except Exception as e:
            last = e
    raise last


VARIANTS = {
    "fp8 fast": ({"precision": "fp8", "pass": "forward"}, lambda *s: per_tensor(*s, True)),
    "fp8 promoted": ({"precision": "fp8", "pass": "dgrad"}, lambda *s: per_tensor(*s, False)),
    "row fast": ({"precision": "fp8", "scaling": "row", "pass": "forward"}, lambda *s: by_row(*s, True)),
    "row promoted": ({"precision": "fp8", "scaling": "row", "pass": "dgrad"}, lambda *s: by_row(*s, False)),
    "blocks 128": ({"precision": "fp8-block", "pass": "forward"}, lambda *s: blocks(*s, 128)),
    "blocks 1": ({"precision": "fp8-block", "pass": "wgrad"}, lambda *s: blocks(*s, 1)),
}


def measure(out):
    for shape in out.some(SHAPES + shapes(12, seed=8)):
        for name, (head, make) in VARIANTS.items():
            def run():
                burst, sustained = seconds(make(*shape))
                out.row({"class": "gemm", "family": "cublaslt", **head, "output": "bf16", "variant": name}, COLUMNS,
                        [*shape, burst * 1e6, sustained * 1e6])

            out.attempt(f"{name} {shape}", run)
            torch.cuda.empty_cache()
