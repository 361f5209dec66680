"""Clock, power and energy of long runs: products by precision and data, attention, memory traffic, and mixes with idle time."""
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from clock import SIDE, Meter, copies, graph_of
from parts.attention import backward_call, tensors
from parts.gemm8 import by_row, per_tensor
from parts.grouped import grouped

RUN_S = 2.2   # the sensor's mean power settles in about a second
IDLE_S = 0.7  # before each run
STEP_S = 0.01  # a replay lasts about so long


def timed_run(graph, length_s, pause_s=0):
    """Ends of successive replays in seconds since the begin, by events."""
    begin = torch.cuda.Event(enable_timing=True)
    begin.record()
    ends, started = [], time.perf_counter()
    while time.perf_counter() - started < length_s:
        graph.replay()
        end = torch.cuda.Event(enable_timing=True)
        end.record()
        ends.append(end)
        if len(ends) > 4:
            ends[-4].synchronize()
        if pause_s:
            end.synchronize()
            time.sleep(pause_s)
    torch.cuda.synchronize()
    return started, [begin.elapsed_time(e) * 1e-3 for e in ends]


def products(m, n, k, dtype, fill="normal"):
    def make():
        sets = []
        for _ in range(copies(2 * (m * k + n * k + m * n))):
            x, w = torch.randn(m, k, device="cuda"), torch.randn(n, k, device="cuda")
            if fill == "zeros":
                x.zero_(), w.zero_()
            if fill == "small":  # what training multiplies: values of one order, not uniform bits
                x.mul_(0.02), w.mul_(0.02)
            sets.append((x.to(dtype), w.to(dtype)))
        return [lambda s=s: torch.mm(s[0], s[1].t()) for s in sets]
    return 2.0 * m * n * k, 0, make


def copying(nbytes=1 << 30):
    def make():
        x = torch.randn(nbytes // 4, device="cuda")
        y = torch.empty_like(x)
        return [lambda: y.copy_(x)]
    return 0, 2.0 * nbytes, make


def reading(nbytes=1 << 30):
    def make():
        x = torch.randn(nbytes // 2, device="cuda", dtype=torch.bfloat16)
        return [lambda: x.sum()]
    return 0, 1.0 * nbytes, make


def attention(backend, back):
    b, s, h, kv, d = 2, 8192, 32, 8, 128
    flop = 4.0 * b * h * s * s * d / 2 * (2.5 if back else 1)

    def make():
        with sdpa_kernel([backend]):
            q, k, v = tensors(b, s, h, kv, d, d)
            if back:
                with torch.cuda.stream(SIDE):
                    call = backward_call(q, k, v, True)
                torch.cuda.synchronize()
                return [call]
            q, k, v = q.detach(), k.detach(), v.detach()

            def call():
                with sdpa_kernel([backend]):
                    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            return [call]
    return flop, 0, make


def mix(share):
    """A product, then copies that take `share` of its time."""
    m = 8192
    flop, _, product = products(m, m, m, torch.bfloat16)
    nbytes = int(share * 1.6e-3 * 2.8e12 / 2 / 4) * 4

    def make():
        x = torch.randn(nbytes // 4, device="cuda")
        y = torch.empty_like(x)
        first = product()
        return [c for call in first for c in (call, lambda: y.copy_(x))]
    return flop / 2, float(nbytes), make  # per call, two calls a pair


def layer():
    """A product and an attention in turn, as in a layer."""
    f, _, product = products(8192, 8192, 8192, torch.bfloat16)
    a, _, attend = attention(SDPBackend.CUDNN_ATTENTION, False)
    return (f + a) / 2, 0, lambda: [product()[0], attend()[0]]


def pure(flop, make):
    return flop, 0, make


def workloads():
    e = 8192
    bf16, f = torch.bfloat16, 2.0 * e ** 3
    experts = (8, 4096, 4096, 7168)
    return {
        "bf16 8192": (*products(e, e, e, bf16), 0),
        "bf16 8192, values of 0.02": (*products(e, e, e, bf16, "small"), 0),
        "bf16 8192, zeros": (*products(e, e, e, bf16, "zeros"), 0),
        "bf16 4096": (*products(4096, 4096, 4096, bf16), 0),
        "bf16 16384 x 4096 x 2048": (*products(16384, 4096, 2048, bf16), 0),
        "bf16 2048": (*products(2048, 2048, 2048, bf16), 0),
        "fp8 8192": (*pure(f, lambda: per_tensor(e, e, e, True)), 0),
        "fp8 8192, promoted": (*pure(f, lambda: per_tensor(e, e, e, False)), 0),
        "fp8 8192, by row": (*pure(f, lambda: by_row(e, e, e, True)), 0),
        "fp8 4096": (*pure(2.0 * 4096 ** 3, lambda: per_tensor(4096, 4096, 4096, True)), 0),
        "tf32 8192": (*products(e, e, e, torch.float32), 0),
        "grouped 8 x 4096": (*pure(2.0 * experts[0] * experts[1] * experts[2] * experts[3], lambda: grouped(*experts, "forward")), 0),
        "attention cudnn forward": (*attention(SDPBackend.CUDNN_ATTENTION, False), 0),
        "attention cudnn backward": (*attention(SDPBackend.CUDNN_ATTENTION, True), 0),
        "attention fa2 forward": (*attention(SDPBackend.FLASH_ATTENTION, False), 0),
        "attention fa2 backward": (*attention(SDPBackend.FLASH_ATTENTION, True), 0),
        "bf16 8192 and attention": (*layer(), 0),
        "copy": (*copying(), 0),
        "read": (*reading(), 0),
        "bf16 8192, copies 0.25": (*mix(0.25), 0),
        "bf16 8192, copies 1": (*mix(1.0), 0),
        "bf16 8192, idle 5 ms of 15": (*products(e, e, e, bf16), 0.005),
        "bf16 8192, idle 10 ms of 20": (*products(e, e, e, bf16), 0.010),
        "bf16 8192, idle 30 ms of 40": (*products(e, e, e, bf16), 0.030),
        "fp8 8192, idle 10 ms of 20": (*pure(f, lambda: per_tensor(e, e, e, True)), 0.010),
    }


def observe(out, name, flop, nbytes, make, pause_s):
    calls = make()
    graph = graph_of(calls)
    graph.replay()
    torch.cuda.synchronize()
    begun = time.perf_counter()
    graph.replay()
    torch.cuda.synchronize()
    once = time.perf_counter() - begun
    repeat = max(1, int(STEP_S / once))
    graph = graph_of(calls, repeat)
    time.sleep(0.05 if out.quick else IDLE_S)
    meter = Meter()
    meter.start()
    time.sleep(0.1)
    started, ends = timed_run(graph, 0.2 if out.quick else RUN_S, pause_s)
    samples = meter.stop()
    for s in samples:
        s["t"] -= started
    out.raw.setdefault("runs", []).append({"workload": name, "flop_per_replay": flop * len(calls) * repeat, "bytes_per_replay":
                                           nbytes * len(calls) * repeat, "pause_s": pause_s, "ends_s": ends, "samples": samples})


def measure(out):
    torch.backends.cuda.matmul.allow_tf32 = True
    meter = Meter()
    meter.start()
    time.sleep(0.5 if out.quick else 1.5)
    out.raw["idle"] = meter.stop()
    work = workloads()
    for name in work:
        out.attempt(name, lambda: observe(out, name, *work[name]))
        torch.cuda.empty_cache()
