"""Times of operations, the device they were measured on, and the files they are written to."""
import datetime
import gc
import json
import os
import platform
import subprocess
import threading
import time

import torch

COLD_S = 0.10        # idle before a burst: the clock is back at its highest
BURST_S = 0.004      # least length of a burst
SUSTAINED_S = 0.24   # continuous work before and while the sustained time is taken
ROTATE_BYTES = 160e6  # operands of successive calls together exceed the L2 cache


def device():
    p = torch.cuda.get_device_properties(0)
    cpu = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    query = "name,driver_version,power.limit,enforced.power.limit,clocks.max.sm,clocks.max.mem,temperature.gpu,power.draw"
    smi = subprocess.run(["nvidia-smi", "--query-gpu=" + query, "--format=csv,noheader"], capture_output=True, text=True)
    return {
        "gpu": p.name, "sms": p.multi_processor_count, "memory_bytes": p.total_memory, "nvidia_smi": {query: smi.stdout.strip()},
        "torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
        "nccl": ".".join(map(str, torch.cuda.nccl.version())), "cpu": cpu[0] if cpu else platform.processor(), "cores": os.cpu_count(),
        "kernel": platform.release(), "python": platform.python_version(), "date": datetime.date.today().isoformat(),
    }


class Out:
    """What one part found: series of rows, and notes on what could not be measured."""

    def __init__(self, args, part, dev):
        self.path = os.path.join(args.folder, part + ".json")
        self.quick, self.part, self.device = args.quick, part, dev
        self.series, self.notes, self.raw = {}, [], {}

    def some(self, items, quick=2):
        return list(items)[:quick] if self.quick else list(items)

    def row(self, head, columns, values):
        key = json.dumps(head, sort_keys=True)
        self.series.setdefault(key, {**head, "columns": columns, "rows": []})["rows"].append(values)

    def attempt(self, what, fn):
        """Runs fn; an error becomes a note."""
        try:
            return fn()
        except Exception as e:
            text = f"{what}: {type(e).__name__}: {str(e).splitlines()[0][:200] if str(e) else ''}"
            self.notes.append(text)
            torch.cuda.synchronize()
            return None

    def count(self):
        return sum(len(s["rows"]) for s in self.series.values()) + sum(len(v) for v in self.raw.values())

    def write(self):
        with open(self.path, "w") as f:
            json.dump({"device": self.device, "part": self.part, "series": list(self.series.values()), "raw": self.raw,
                       "notes": self.notes}, f)


def forget():
    gc.collect()
    torch.cuda.empty_cache()


def copies(nbytes):
    """How many sets of operands of so many bytes to rotate over."""
    return int(max(1, min(16, ROTATE_BYTES // max(nbytes, 1))))


SIDE = torch.cuda.Stream()  # forward passes whose backward is captured run where the capture does


def graph_of(calls, repeat=1):
    """A CUDA graph of all calls in turn: host time is not measured."""
    stream = SIDE
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for call in calls:
            call()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for _ in range(repeat):
            for call in calls:
                call()
    return graph


def timed(graph, n):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(n):
        graph.replay()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e-3 / n


def seconds(calls, least=4, sustained=True):
    """(burst, sustained) seconds of one call: right after idle, and after a quarter of a second of nothing else."""
    graph = graph_of(calls, repeat=max(1, -(-least // len(calls))))
    per = len(calls) * max(1, -(-least // len(calls)))
    graph.replay()
    once = timed(graph, 1)
    time.sleep(COLD_S)
    graph.replay()
    burst = timed(graph, max(1, int(BURST_S / once)))
    if not sustained:
        return burst / per, None
    half = max(1, int(SUSTAINED_S / 2 / once))
    timed(graph, half)
    return burst / per, timed(graph, half) / per


class Meter(threading.Thread):
    """Power, clock and energy while something runs, every few milliseconds."""

    def __init__(self, period_s=0.01):
        import pynvml as nv
        super().__init__(daemon=True)
        nv.nvmlInit()
        self.nv, self.handle, self.period_s = nv, nv.nvmlDeviceGetHandleByIndex(0), period_s
        self.samples, self.stopped = [], False

    def read(self):
        nv, h = self.nv, self.handle
        field = nv.nvmlDeviceGetFieldValues(h, [getattr(nv, "NVML_FI_DEV_POWER_INSTANT", 186)])[0]
        return {"t": time.perf_counter(), "watt": field.value.uiVal / 1e3, "mhz": nv.nvmlDeviceGetClockInfo(h, nv.NVML_CLOCK_SM),
                "joule": nv.nvmlDeviceGetTotalEnergyConsumption(h) / 1e3, "celsius": nv.nvmlDeviceGetTemperature(h, 0),
                "memory_mhz": nv.nvmlDeviceGetClockInfo(h, nv.NVML_CLOCK_MEM),
                "throttle": nv.nvmlDeviceGetCurrentClocksThrottleReasons(h)}

    def run(self):
        while not self.stopped:
            self.samples.append(self.read())
            time.sleep(self.period_s)

    def stop(self):
        self.stopped = True
        self.join()
        return self.samples
