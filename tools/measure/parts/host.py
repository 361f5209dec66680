"""Time of the host per call: launches, graphs, synchronization, PyTorch's calls forward and backward, NCCL's calls."""
import os
import subprocess
import tempfile
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

COLUMNS = ["us"]
N = 400
SOURCE = r"""
#include <cuda_runtime.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>
__global__ void none(int *p) { if (p) *p = 1; }
static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
template <class F> static void print(const char *name, int n, F f) {
  std::vector<double> t; cudaDeviceSynchronize();
  for (int r = 0; r < 15; r++) { double b = now(); for (int i = 0; i < n; i++) f(); t.push_back((now() - b) / n); cudaDeviceSynchronize(); }
  std::sort(t.begin(), t.end()); printf("%s\t%.4f\n", name, t[7] * 1e6); }
static cudaGraphExec_t graph(cudaStream_t s, int n) { cudaGraph_t g; cudaGraphExec_t e; cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal);
  for (int i = 0; i < n; i++) none<<<1, 32, 0, s>>>(nullptr); cudaStreamEndCapture(s, &g); cudaGraphInstantiate(&e, g, 0); return e; }
int main() { cudaStream_t s, o; cudaStreamCreate(&s); cudaStreamCreate(&o); cudaEvent_t e; cudaEventCreateWithFlags(&e, cudaEventDisableTiming);
  int *d, *h; cudaMalloc(&d, 4); cudaMallocHost(&h, 4); none<<<1, 32, 0, s>>>(nullptr); cudaDeviceSynchronize();
  print("cuda launch", 500, [&] { none<<<1, 32, 0, s>>>(nullptr); });
  print("cuda launch and wait", 100, [&] { none<<<1, 32, 0, s>>>(nullptr); cudaStreamSynchronize(s); });
  print("cuda synchronize, idle", 500, [&] { cudaStreamSynchronize(s); });
  print("cuda event record", 500, [&] { cudaEventRecord(e, s); });
  print("cuda event record and wait by a stream", 500, [&] { cudaEventRecord(e, s); cudaStreamWaitEvent(o, e, 0); });
  print("cuda copy of 4 bytes and wait", 100, [&] { cudaMemcpyAsync(h, d, 4, cudaMemcpyDeviceToHost, s); cudaStreamSynchronize(s); });
  print("cuda memset", 500, [&] { cudaMemsetAsync(d, 0, 4, s); });
  for (int n : {1, 16, 128, 1024, 8192}) { cudaGraphExec_t g = graph(s, n); char name[64]; cudaGraphLaunch(g, s); cudaDeviceSynchronize();
    snprintf(name, sizeof name, "cuda graph of %d launch", n); print(name, n > 1000 ? 3 : 20, [&] { cudaGraphLaunch(g, s); });
    snprintf(name, sizeof name, "cuda graph of %d whole", n); print(name, n > 1000 ? 3 : 20, [&] { cudaGraphLaunch(g, s); cudaStreamSynchronize(s); }); }
}
"""


def raw_calls(rows):
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "host.cu"), os.path.join(folder, "host")
        open(source, "w").write(SOURCE)
        subprocess.run(["nvcc", "-O2", "-std=c++17", "-arch=sm_90", source, "-o", program], check=True, capture_output=True)
        for line in subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines():
            name, us = line.split("\t")
            rows.append({"call": name, "us": float(us)})


def per_call(fn, n=N):
    """Median over seven rounds of the host's time per call; the GPU is idle when a round begins and keeps up."""
    for _ in range(20):
        fn()
    torch.cuda.synchronize()
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        for _ in range(n):
            fn()
        times.append((time.perf_counter() - begun) / n)
        torch.cuda.synchronize()
    return sorted(times)[3] * 1e6


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 2


def chain(make, x, depth=64):
    """Forward and backward per module of a chain of `depth` modules."""
    modules = [make() for _ in range(depth)]
    forward, backward = [], []
    for r in range(9):
        y = x.detach().requires_grad_()
        torch.cuda.synchronize()
        a = time.perf_counter()
        for m in modules:
            y = m(y)
        b = time.perf_counter()
        torch.cuda.synchronize()
        g = torch.ones_like(y)
        c = time.perf_counter()
        y.backward(g)
        d = time.perf_counter()
        torch.cuda.synchronize()
        forward.append((b - a) / depth), backward.append((d - c) / depth)
    return sorted(forward)[4] * 1e6, sorted(backward)[4] * 1e6


def bf16(module):
    return module.to(device="cuda", dtype=torch.bfloat16)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.RMSNorm(256), nn.Linear(256, 512, bias=False), nn.Linear(256, 256, bias=False)

    def forward(self, x):
        gate, up = self.up(self.norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


def chains(rows):
    x = torch.randn(128, 256, device="cuda", dtype=torch.bfloat16)
    makers = {"Linear": lambda: bf16(nn.Linear(256, 256, bias=False)), "RMSNorm": lambda: bf16(nn.RMSNorm(256)),
              "LayerNorm": lambda: bf16(nn.LayerNorm(256)), "autograd Function": lambda: Twice.apply,
              "norm, gated MLP, residual (10 operations)": lambda: bf16(Mlp()), "multiply": lambda: (lambda t: t * 1.0),
              "compiled MLP": lambda: torch.compile(bf16(Mlp()), dynamic=False)}
    for name, make in makers.items():
        if name.startswith("compiled"):
            torch._dynamo.config.cache_size_limit = 256
        forward, backward = chain(make, x, 16 if name.startswith("compiled") else 64)
        rows.append({"call": name + ", forward", "us": forward})
        rows.append({"call": name + ", backward", "us": backward})


def calls():
    x = torch.randn(128, 256, device="cuda", dtype=torch.bfloat16)
    w = torch.randn(256, 256, device="cuda", dtype=torch.bfloat16)
    index = torch.arange(128, device="cuda")
    logits = torch.randn(128, 128, device="cuda")
    mask = logits > 0
    events = torch.cuda.Event()
    other = torch.cuda.Stream()
    q = torch.randn(1, 4, 128, 64, device="cuda", dtype=torch.bfloat16)
    grouped_w = torch.randn(8, 256, 256, device="cuda", dtype=torch.bfloat16)
    offsets = torch.arange(1, 9, device="cuda", dtype=torch.int32) * 16
    a8, w8, one = x.to(torch.float8_e4m3fn), w.to(torch.float8_e4m3fn), torch.ones((), device="cuda")

    def on_other():
        with torch.cuda.stream(other):
            pass

    def queued_item():
        for _ in range(20):
            x.add_(1)
        return x[0, 0].item()

    return {"add in place": lambda: x.add_(1), "add": lambda: x + 1, "mm": lambda: torch.mm(x, w), "empty": lambda: torch.empty_like(x),
            "view": lambda: x.view(256, 128), "index_select": lambda: x.index_select(0, index), "topk": lambda: torch.topk(logits, 8),
            "softmax": lambda: logits.softmax(-1), "sort": lambda: torch.sort(index), "cumsum": lambda: index.cumsum(0),
            "scaled dot product attention": lambda: F.scaled_dot_product_attention(q, q, q, is_causal=True),
            "grouped_mm": lambda: torch._grouped_mm(x, grouped_w, offs=offsets),
            "scaled_mm": lambda: torch._scaled_mm(a8, w8.t(), one, one, out_dtype=torch.bfloat16),
            "event record": lambda: events.record(), "stream wait": lambda: other.wait_event(events), "stream switch": on_other,
            "item, idle": lambda: x[0, 0].item(), "20 adds and item": queued_item, "nonzero": lambda: mask.nonzero(),
            "synchronize, idle": lambda: torch.cuda.synchronize(), "to host, 512 numbers": lambda: logits[:4].cpu(),
            "from host, pinned": (lambda p: lambda: p.to("cuda", non_blocking=True))(torch.zeros(64).pin_memory()),
            "from host, pageable": lambda: torch.tensor([1.0], device="cuda")}


def optimizer(rows):
    parameters = [nn.Parameter(torch.randn(64, 64, device="cuda")) for _ in range(200)]
    for p in parameters:
        p.grad = torch.randn_like(p)
    fused, foreach = torch.optim.AdamW(parameters, fused=True), torch.optim.AdamW(parameters, foreach=True)
    rows.append({"call": "fused AdamW of 200 tensors", "us": per_call(fused.step, 20)})
    rows.append({"call": "foreach AdamW of 200 tensors", "us": per_call(foreach.step, 20)})
    rows.append({"call": "clip_grad_norm_ of 200 tensors", "us": per_call(lambda: nn.utils.clip_grad_norm_(parameters, 1.0), 20)})
    rows.append({"call": "200 zero_", "us": per_call(lambda: [p.grad.zero_() for p in parameters], 10)})


def collectives(rows):
    import torch.distributed as dist
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group("nccl", init_method="file://" + folder + "/store", rank=0, world_size=1, device_id=torch.device("cuda:0"))
        x = torch.randn(1024, 256, device="cuda", dtype=torch.bfloat16)
        y = torch.empty_like(x)
        rows.append({"call": "all_reduce of one rank", "us": per_call(lambda: dist.all_reduce(x), 100)})
        rows.append({"call": "all_reduce of one rank, async", "us": per_call(lambda: dist.all_reduce(x, async_op=True).wait(), 100)})
        rows.append({"call": "all_gather_into_tensor of one rank", "us": per_call(lambda: dist.all_gather_into_tensor(y, x), 100)})
        rows.append({"call": "reduce_scatter_tensor of one rank", "us": per_call(lambda: dist.reduce_scatter_tensor(y, x), 100)})
        rows.append({"call": "all_to_all_single of one rank", "us": per_call(lambda: dist.all_to_all_single(y, x), 100)})
        dist.destroy_process_group()


def measure(out):
    rows = out.raw.setdefault("host", [])
    out.attempt("raw calls", lambda: raw_calls(rows))
    for name, fn in calls().items():
        out.attempt(name, lambda: rows.append({"call": name, "us": per_call(fn, 20 if out.quick else N)}))
    out.attempt("chains", lambda: chains(rows))
    out.attempt("optimizer", lambda: optimizer(rows))
    out.attempt("collectives", lambda: collectives(rows))
