"""Fused attention forward and backward: cuDNN and FlashAttention 2 as PyTorch ships them."""
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from clock import SIDE, seconds

COLUMNS = ["batch", "len", "query_heads", "kv_heads", "dim_qk", "dim_v", "window", "us", "sustained_us"]
SHAPES = [(1, 8192, 32, 8, 128, 128), (2, 4096, 32, 8, 128, 128), (4, 2048, 32, 32, 128, 128), (1, 4096, 16, 16, 128, 128),
          (1, 8192, 8, 1, 128, 128), (1, 16384, 8, 8, 128, 128), (1, 32768, 8, 1, 128, 128), (1, 4096, 128, 128, 192, 128),
          (1, 8192, 16, 16, 192, 128), (2, 4096, 64, 8, 64, 64), (8, 1024, 16, 16, 64, 64), (1, 8192, 64, 8, 64, 64),
          (1, 8192, 128, 8, 128, 128), (4, 2048, 16, 16, 96, 96), (2, 8192, 8, 8, 256, 256)]
LIBRARIES = {"cudnn": SDPBackend.CUDNN_ATTENTION, "fa2": SDPBackend.FLASH_ATTENTION}


def tensors(b, s, h, kv, dqk, dv):
    shape = lambda heads, dim: torch.randn(b, s, heads, dim, device="cuda", dtype=torch.bfloat16).transpose(1, 2).requires_grad_()
    return shape(h, dqk), shape(kv, dqk), shape(kv, dv)


def forward(q, k, v, causal):
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1])


def backward_call(q, k, v, causal):
    o = forward(q, k, v, causal)
    do = torch.randn_like(o)
    return lambda: torch.autograd.grad(o, (q, k, v), do, retain_graph=True)


def measure(out):
    for shape in out.some(SHAPES):
        for library, backend in LIBRARIES.items():
            for causal in (True, False) if shape[1] <= 8192 else (True,):
                for which in ("forward", "dgrad"):
                    def run():
                        with sdpa_kernel([backend]):
                            q, k, v = tensors(*shape)
                            if which == "forward":
                                with torch.no_grad():
                                    burst, sustained = seconds([lambda: forward(q, k, v, causal)])
                            else:
                                with torch.cuda.stream(SIDE):
                                    call = backward_call(q, k, v, causal)
                                torch.cuda.synchronize()
                                burst, sustained = seconds([call])
                        b, s, h, kv, dqk, dv = shape
                        head = {"class": "attention", "family": library, "precision": "bf16", "pass": which, "causal": causal}
                        out.row(head, COLUMNS, [b, s, h, kv, dqk, dv, 0, burst * 1e6, sustained * 1e6])

                    out.attempt(f"{library} {which} causal {causal} {shape}", run)
                    torch.cuda.empty_cache()
