"""Bandwidth-bound operations as eager PyTorch runs them; bytes are those that the operation's kernels read and write."""
import torch
import torch.nn.functional as F

from clock import SIDE, copies, seconds

COLUMNS = ["m", "n", "read", "write", "us", "sustained_us"]
SIZES = [(4096, 2048), (8192, 4096), (4096, 7168), (16384, 8192), (16384, 1024)]
BF16, FP32 = torch.bfloat16, torch.float32


def gradient(call, inputs, like):
    """The backward pass of call(*inputs), to be captured: forward once on the stream of the capture."""
    with torch.cuda.stream(SIDE):
        y = call(*inputs)
        dy = torch.randn_like(y) if like is None else like(y)
    torch.cuda.synchronize()
    wanted = [t for t in inputs if isinstance(t, torch.Tensor) and t.requires_grad]
    return lambda: torch.autograd.grad(y, wanted, dy, retain_graph=True)


def r(m, n, dtype=BF16, grad=False):
    return torch.randn(m, n, device="cuda", dtype=dtype).requires_grad_(grad)


def swiglu(h):
    gate, up = h.chunk(2, -1)
    return F.silu(gate) * up


def gathers(m, n):
    index = torch.randperm(m, device="cuda")
    return index, r(m, n)


def operations(m, n):
    """name: (kind, pass, bytes read, bytes written, maker of a call). e: elements, two bytes each in BF16."""
    e = m * n
    w = torch.ones(n, device="cuda", dtype=BF16, requires_grad=True)

    def unary(fn, **kw):
        def make():
            x = r(m, n, **kw)
            return lambda: fn(x)
        return make

    def binary(fn, **kw):
        def make():
            x, y = r(m, n, **kw), r(m, n)
            return lambda: fn(x, y)
        return make

    def index(fn):
        def make():
            i, x = gathers(m, n)
            return lambda: fn(i, x)
        return make

    vocabulary = 32768
    rows = max(512, e // vocabulary // 4)
    return {
        "copy": ("memcpy", "forward", 2 * e, 2 * e, unary(lambda x: x.clone())),
        "zero": ("accumulate", "forward", 0, 4 * e, unary(lambda x: x.zero_(), dtype=FP32)),
        "scale": ("accumulate", "forward", 4 * e, 4 * e, unary(lambda x: x.mul_(1.0), dtype=FP32)),
        "norm of gradients": ("accumulate", "forward", 4 * e, 0, unary(lambda x: torch.linalg.vector_norm(x), dtype=FP32)),
        "accumulate": ("accumulate", "forward", 6 * e, 4 * e, binary(lambda x, y: x.add_(y), dtype=FP32)),
        "add": ("residual", "forward", 4 * e, 2 * e, binary(lambda x, y: x + y)),
        "cast up": ("elementwise", "forward", 2 * e, 4 * e, unary(lambda x: x.float())),
        "cast down": ("elementwise", "forward", 4 * e, 2 * e, unary(lambda x: x.bfloat16(), dtype=FP32)),
        "multiply": ("elementwise", "forward", 4 * e, 2 * e, binary(lambda x, y: x * y)),
        "transpose": ("elementwise", "forward", 2 * e, 2 * e, unary(lambda x: x.t().contiguous())),
        "silu": ("activation", "forward", 2 * e, 2 * e, unary(F.silu)),
        "silu backward": ("activation", "dgrad", 4 * e, 2 * e, lambda: gradient(F.silu, [r(m, n, grad=True)], None)),
        "gelu": ("activation", "forward", 2 * e, 2 * e, unary(F.gelu)),
        "rms norm": ("norm", "forward", 2 * e, 2 * e, unary(lambda x: F.rms_norm(x, (n,), w))),
        "rms norm backward": ("norm", "dgrad", 4 * e, 2 * e,
                              lambda: gradient(lambda x, g: F.rms_norm(x, (n,), g), [r(m, n, grad=True), w], None)),
        "layer norm": ("norm", "forward", 2 * e, 2 * e, unary(lambda x: F.layer_norm(x, (n,), w, w))),
        "layer norm backward": ("norm", "dgrad", 4 * e, 2 * e,
                                lambda: gradient(lambda x, g: F.layer_norm(x, (n,), g, g), [r(m, n, grad=True), w], None)),
        "softmax": ("softmax", "forward", 2 * e, 2 * e, unary(lambda x: x.softmax(-1))),
        "softmax backward": ("softmax", "dgrad", 4 * e, 2 * e, lambda: gradient(lambda x: x.softmax(-1), [r(m, n, grad=True)], None)),
        "dropout": ("dropout", "forward", 2 * e, 3 * e, unary(lambda x: F.dropout(x, 0.1, True))),
        "gather rows": ("permute", "forward", 2 * e, 2 * e, index(lambda i, x: x.index_select(0, i))),
        "scatter rows": ("permute", "dgrad", 2 * e, 2 * e, index(lambda i, x: torch.empty_like(x).index_copy_(0, i, x))),
        "add rows": ("permute", "wgrad", 4 * e, 2 * e, index(lambda i, x: torch.zeros_like(x).index_add_(0, i, x))),
        "amax": ("quantize", "forward", 2 * e, 0, unary(lambda x: x.abs().amax())),
        "cast to fp8": ("quantize", "dgrad", 2 * e, e, unary(lambda x: x.to(torch.float8_e4m3fn))),
        "top-8 of 128": ("router", "forward", 4 * m * 128, 12 * m * 8, lambda: (lambda x: lambda: torch.topk(x, 8, -1))(r(m, 128, FP32))),
        "sort": ("router", "dgrad", 8 * 8 * m, 16 * 8 * m,
                 lambda: (lambda x: lambda: torch.sort(x, stable=True))(torch.randint(0, 128, (8 * m,), device="cuda"))),
        "embedding": ("embedding", "forward", 2 * e, 2 * e,
                      lambda: (lambda t, i: lambda: F.embedding(i, t))(r(65536, n), torch.randint(0, 65536, (m,), device="cuda"))),
        "embedding backward": ("embedding", "dgrad", 4 * e, 2 * e + 2 * 65536 * n,
                               lambda: gradient(lambda t, i: F.embedding(i, t),
                                                [r(65536, n, grad=True), torch.randint(0, 65536, (m,), device="cuda")], None)),
        "log softmax": ("cross_entropy", "forward", 4 * rows * vocabulary, 4 * rows * vocabulary,
                        lambda: (lambda x: lambda: x.log_softmax(-1))(r(rows, vocabulary, FP32))),
        "log softmax backward": ("cross_entropy", "dgrad", 8 * rows * vocabulary, 4 * rows * vocabulary,
                                 lambda: gradient(lambda x: x.log_softmax(-1), [r(rows, vocabulary, FP32, True)], None)),
    }


def optimizer_calls(out):
    """Fused AdamW over many tensors: parameters, gradients, two moments, all FP32."""
    for elements in out.some([1 << 26, 1 << 28], 1):
        parameters = [torch.nn.Parameter(r(1, elements // 64, FP32)) for _ in range(64)]
        for p in parameters:
            p.grad = torch.randn_like(p)
        adam = torch.optim.AdamW(parameters, fused=True, capturable=True)
        adam.step()
        burst, sustained = seconds([adam.step], least=1)
        out.row({"class": "bandwidth", "family": "pytorch", "kind": "optimizer", "pass": "forward", "operation": "fused AdamW"}, COLUMNS,
                [1, elements, 16 * elements, 12 * elements, burst * 1e6, sustained * 1e6])
        del parameters, adam


def measure(out):
    for m, n in out.some(SIZES):
        for name, (kind, which, read, write, make) in operations(m, n).items():
            def run():
                burst, sustained = seconds([make() for _ in range(min(6, copies(read + write)))], sustained=(m, n) == SIZES[1])
                out.row({"class": "bandwidth", "family": "pytorch", "kind": kind, "pass": which, "operation": name}, COLUMNS,
                        [m, n, read, write, burst * 1e6, (sustained or 0) * 1e6])

            out.attempt(f"{name} {(m, n)}", run)
            torch.cuda.empty_cache()
    out.attempt("fused AdamW", lambda: optimizer_calls(out))
