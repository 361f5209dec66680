"""Chains that torch.compile fuses: bytes are those of the ideal single kernel, each input read and each output written once."""
import torch
import torch.nn.functional as F

from clock import copies, seconds
from parts.traffic import BF16, COLUMNS, FP32, gradient, r

SIZES = [(8192, 4096), (4096, 7168), (16384, 8192)]
E4M3 = torch.float8_e4m3fn


def rms(x, w):
    return F.rms_norm(x.float(), (x.shape[-1],)).to(x.dtype) * w


def add_rms(x, y, w):
    s = x + y
    return s, rms(s, w)


def swiglu(h):
    gate, up = h.chunk(2, -1)
    return F.silu(gate) * up


def rotary(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


def rowwise(x):
    scale = x.abs().amax(-1, keepdim=True).float() / 448
    return (x.float() / scale).to(E4M3), scale


def tensorwise(x, amax):
    return (x.float() * (448 / amax)).to(E4M3)


def amax(x):
    return x.abs().amax()


def both_layouts(x, a):
    y = tensorwise(x, a)
    return y, y.t().contiguous()


def loss(x, target):
    return F.cross_entropy(x.float(), target)


def operations(m, n):
    e = m * n
    w = lambda: torch.ones(n, device="cuda", dtype=BF16, requires_grad=True)
    one = torch.ones((), device="cuda")
    heads = n // 128
    angle = torch.randn(m, 1, 128, device="cuda", dtype=BF16)
    rows = max(512, e // 32768 // 4)
    target = torch.randint(0, 32768, (rows,), device="cuda")
    logits = lambda grad: torch.randn(rows, 32768, device="cuda", dtype=BF16).requires_grad_(grad)
    return {
        "rms norm": ("norm", 2 * e, 2 * e, rms, lambda g: [r(m, n, grad=g), w()], 4 * e, 2 * e),
        "add, rms norm": ("residual", 4 * e, 4 * e, add_rms, lambda g: [r(m, n), r(m, n), w()], 0, 0),
        "swiglu": ("activation", 2 * e, e, swiglu, lambda g: [r(m, n, grad=g)], 3 * e, 2 * e),
        "rotary": ("rotary", 2 * e, 2 * e, rotary,
                   lambda g: [torch.randn(m, heads, 128, device="cuda", dtype=BF16).requires_grad_(g), angle, angle], 2 * e, 2 * e),
        "quantize by row": ("quantize", 2 * e, e, rowwise, lambda g: [r(m, n)], 0, 0),
        "amax": ("quantize", 2 * e, 0, amax, lambda g: [r(m, n)], 0, 0),
        "quantize": ("quantize", 2 * e, e, tensorwise, lambda g: [r(m, n), one], 0, 0),
        "quantize, both layouts": ("quantize", 2 * e, 2 * e, both_layouts, lambda g: [r(m, n), one], 0, 0),
        "cross entropy": ("cross_entropy", 2 * rows * 32768, 0, loss, lambda g: [logits(g), target], 2 * rows * 32768, 2 * rows * 32768),
    }


def measure(out):
    for m, n in out.some(SIZES, 1):
        for name, (kind, read, write, fn, inputs, read_back, write_back) in operations(m, n).items():
            def head(which):
                return {"class": "bandwidth", "family": "compile", "kind": kind, "pass": which, "operation": name}

            def run():
                torch._dynamo.reset()
                compiled = torch.compile(fn, dynamic=False)
                sets = [inputs(False) for _ in range(min(6, copies(read + write)))]
                with torch.no_grad():
                    burst, _ = seconds([lambda s=s: compiled(*s) for s in sets], sustained=False)
                out.row(head("forward"), COLUMNS, [m, n, read, write, burst * 1e6, 0])
                if read_back:
                    burst, _ = seconds([gradient(compiled, inputs(True), None) for _ in sets[:3]], sustained=False)
                    out.row(head("dgrad"), COLUMNS, [m, n, read_back, write_back, burst * 1e6, 0])

            out.attempt(f"{name} {(m, n)}", run)
            torch.cuda.empty_cache()
            out.write()
