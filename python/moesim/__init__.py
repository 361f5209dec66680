"""moesim: how fast a large transformer training run goes, and where its time goes.

    import moesim

    v5 = moesim.predict("mai-base-1/v5", set={"parallelism.expert": 32})
    v5.mfu_causal, v5.step_time_s, v5["memory"]["peak_bytes"]

A run is a name ("mai-base-1/v5"), a path, or a dict; docs/python.md and docs/door.md tell the rest. Answers are those of the command
line with --format json. Every function may be called from several threads; Ctrl-C ends it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from . import _svg
from ._door import InputError, LayoutError, MoesimError, Stopped, ask, version

__all__ = [
    "Explanation", "Inference", "InputError", "LayoutError", "MoesimError", "Prediction", "Sensitivity", "Stopped", "Trace", "ask", "check",
    "convert", "explain", "goodput", "infer", "memory", "models", "clusters", "stacks", "plan", "predict", "search", "sensitivity", "show",
    "sweep", "version",
]

Run = Union[str, "os.PathLike[str]", Dict[str, Any]]
Changes = Dict[str, Any]


class Answer(Mapping):
    """The answer of the library: a mapping with the keys of docs/outputs.md."""

    def __init__(self, data: Dict[str, Any]) -> None:
        self.data = data

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def name(self) -> str:
        variant = self.data.get("variant")
        return f"{self.data.get('run')}{':' + variant if variant else ''}"


class Prediction(Answer):
    """One simulated step. Shown as its waterfall in a notebook."""

    @property
    def step_time_s(self) -> float:
        return self.data["step_time_s"]

    @property
    def mfu_causal(self) -> float:
        """Fraction of the quoted peak, causal attention counted as half."""
        return self.data["mfu"]["causal"]

    @property
    def mfu_full(self) -> float:
        return self.data["mfu"]["full"]

    @property
    def mfu(self) -> float:
        """In the convention of what is published; causal where nothing is."""
        return self.mfu_full if (self.data.get("published") or {}).get("convention") == "full" else self.mfu_causal

    @property
    def published_mfu(self) -> Optional[float]:
        return (self.data.get("published") or {}).get("mfu")

    @property
    def published_step_time_s(self) -> Optional[float]:
        return (self.data.get("published") or {}).get("step_time_s")

    @property
    def tokens_per_s(self) -> float:
        return self.data["tokens_per_s"]

    @property
    def fits(self) -> bool:
        return self.data["memory"]["fits"]

    @property
    def losses_s(self) -> Dict[str, float]:
        """Seconds of the step by cause; they sum to step_time_s."""
        return self.data["time_s"]

    def __repr__(self) -> str:
        return f"<{self.name()}: step {self.step_time_s:.4g} s, MFU {100 * self.mfu_causal:.1f} %>"

    def _repr_svg_(self) -> str:
        title = f"{self.name()}: step {self.step_time_s:.4g} s, MFU {100 * self.mfu_causal:.1f} %"
        return _svg.waterfall(title, list(self.losses_s.items()))


class Explanation(Answer):
    """Where the MFU of a run goes (`causes`), or what makes two runs differ (`changes`)."""

    def _repr_svg_(self) -> str:
        if "changes" in self.data:
            rows = [
                (change["change"], 0.0, abs(change["alone"]["mfu_change"]), f"{100 * change['alone']['mfu_change']:+.2f} points")
                for change in self.data["changes"]
                if change.get("alone")
            ]
            return _svg.bars("what each change is worth alone", rows)
        parts = [(cause["cause"], cause["share_s"]) for cause in self.data["causes"] if cause["present"]]
        return _svg.bars(
            "what each cause takes", [(name.replace("_", " "), 0.0, max(s, 0.0), f"{s:.3g} s") for name, s in sorted(parts, key=lambda p: -p[1])]
        )


class Sensitivity(Answer):
    """What the assumptions are worth; the largest swing first."""

    def _repr_svg_(self) -> str:
        rows = []
        for assumption in self.data["assumptions"][:12]:
            swing = abs(assumption["mfu_swing"] or 0.0)
            rows.append((assumption["key"], 0.0, swing, f"{100 * swing:.2f} points of MFU"))
        return _svg.bars("swing of each assumption", rows)


class Inference(Answer):
    """What was learned of each unknown (`unknowns`), and rows learned from and held out beside what was published (`rows`)."""

    def name(self) -> str:
        return f"{len(self.data['unknowns'])} unknowns, {len(self.data['rows'])} rows"

    def unknowns(self) -> Any:
        """A row per unknown, as a pandas.DataFrame or a list of dicts: key, bits, before.p10 ... after.p90."""
        return _frame(self.data["unknowns"])

    def rows(self) -> Any:
        """A row per measurement, likewise: name, published, predicted.p10 ..., best, held_out."""
        return _frame(self.data["rows"])

    def _repr_svg_(self) -> str:
        most = sorted(self.data["unknowns"], key=lambda unknown: -unknown["bits"])[:12]
        return _svg.bars("bits learned of each unknown", [(u["key"], 0.0, max(u["bits"], 0.0), f"{u['bits']:.2f} bits") for u in most])


def _request(run: Run, options: Dict[str, Any]) -> Dict[str, Any]:
    run = run if isinstance(run, dict) else os.fspath(run)
    return {"run": run, **options}


def predict(run: Run, *, set: Optional[Changes] = None, **options: Any) -> Prediction:
    """One simulated step. `options`: variant, cluster, stack, gpus, scaling, seed, steps, fidelity, headroom, samples, budget_s, jobs."""
    return Prediction(ask("predict", _request(run, {"set": set, **options})))


def memory(run: Run, *, set: Optional[Changes] = None, **options: Any) -> Answer:
    """The same prediction; with remedies=True what would make it fit, tried."""
    return Answer(ask("memory", _request(run, {"set": set, **options})))


def explain(run: Run, other: Optional[Run] = None, *, changes: Optional[Changes] = None, set: Optional[Changes] = None, **options: Any) -> Explanation:
    """Where the time of a run goes; or what makes `other`, or the run with `changes`, differ from it."""
    other = other if other is None or isinstance(other, dict) else os.fspath(other)
    return Explanation(ask("explain", _request(run, {"other": other, "with": changes, "set": set, **options})))


def sensitivity(run: Run, *, set: Optional[Changes] = None, **options: Any) -> Sensitivity:
    """P10, P50, P90 over the assumptions; `samples`."""
    return Sensitivity(ask("sensitivity", _request(run, {"set": set, **options})))


def infer(*cases: Union[str, "os.PathLike[str]"], hold_out: Optional[List[str]] = None, **options: Any) -> Inference:
    """What was not published, learned from cases (FILE or FILE:ID); `hold_out` are predicted. `options`: noise, within, particles, simulations,
    seed, jobs, fidelity, budget_s."""
    return Inference(ask("infer", {"cases": [os.fspath(one) for one in cases], "hold_out": hold_out, **options}))


def _flat(record: Dict[str, Any], prefix: str = "") -> Dict[str, Any]:
    """Nested keys joined by a dot, as in the CSV; lists are left out."""
    flat: Dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        elif not isinstance(value, list):
            flat[prefix + key] = value
    return flat


def _frame(records: List[Dict[str, Any]]) -> Any:
    """A pandas.DataFrame, or a list of flat dicts without pandas."""
    rows = [_flat(record) for record in records]
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)


def sweep(run: Run, vary: Dict[str, Any], *, zip: bool = False, set: Optional[Changes] = None, **options: Any) -> Any:
    """One run at many points: `vary` is {"parallelism.expert": [8, 16], "gpus": "1024:8192:*2"}. A pandas.DataFrame with a row per point
    where pandas is installed, else a list of dicts; columns are those of the command line's CSV."""
    return _frame(ask("sweep", _request(run, {"vary": vary, "zip": zip, "set": set, **options})))


def search(run: Run, *, limit: Optional[Dict[str, Any]] = None, set: Optional[Changes] = None, **options: Any) -> Any:
    """The best layouts, best first, as `sweep` returns points. `options`: top, objective, space, deadline, tokens, budget ..."""
    return _frame(ask("search", _request(run, {"limit": limit, "set": set, **options})))


def goodput(run: Run, *, set: Optional[Changes] = None, **options: Any) -> Answer:
    """A training of weeks, with failures, checkpoints, cost and energy: tokens, mtbf, checkpoint, spares, price ..."""
    return Answer(ask("goodput", _request(run, {"set": set, **options})))


def plan(run: Run, *, tokens: Any, clusters: Optional[Sequence[str]] = None, gpus: Any = None, set: Optional[Changes] = None, **options: Any) -> Answer:
    """Which cluster, how many GPUs, which layout: tokens, deadline, budget_usd, price, budget ..."""
    return Answer(ask("plan", _request(run, {"tokens": tokens, "clusters": clusters, "gpus": gpus, "set": set, **options})))


def check(run: Run, *, set: Optional[Changes] = None, **options: Any) -> Answer:
    """Whether a run is legal; why not, and the nearest legal value. `try` (a dict of lists, as **{"try": ...}) tries values."""
    return Answer(ask("check", _request(run, {"set": set, **options})))


def show(run: Run, *, set: Optional[Changes] = None, **options: Any) -> Answer:
    """The run that is meant, resolved: as values and as a file."""
    return Answer(ask("show", _request(run, {"set": set, **options})))


def convert(config: Union[str, Dict[str, Any]], *, format: str = "hf", **options: Any) -> Answer:
    """The text of a run file (`run`) and notes, from a config.json, Megatron-LM arguments or a torchtitan file."""
    return Answer(ask("convert", {"config": config, "format": format, **options}))


def _names(of: str) -> List[Any]:
    return ask("list", {"of": of})[of]


def models() -> List[Dict[str, Any]]:
    """Runs that ship: name, title, cluster, stack, gpus, variants."""
    return _names("models")


def clusters() -> List[str]:
    return _names("clusters")


def stacks() -> List[str]:
    return _names("stacks")


class Trace(Answer):
    """What one rank of every stage (or `ranks`) does when. Columns: `spans`; drawn in a notebook."""

    def __init__(self, run: Run, *, set: Optional[Changes] = None, **options: Any) -> None:
        super().__init__(ask("timeline", _request(run, {"set": set, **options})))

    def rows(self) -> Iterator[Dict[str, Any]]:
        """Spans as dicts with words in place of their numbers."""
        spans = self.data["spans"]
        words = {"lane": "lanes", "name": "names", "block": "blocks", "pass": "passes", "cause": "causes"}
        for values in _zip_columns(spans):
            yield {key: self.data[words[key]][value] if key in words else value for key, value in values.items()}

    def frame(self) -> Any:
        """The same as a pandas.DataFrame, or a list of dicts without pandas."""
        return _frame(list(self.rows()))

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Chrome trace events for https://ui.perfetto.dev. `moesim run --trace` writes more of them."""
        events = [
            {
                "name": row["name"], "cat": row["cause"], "ph": "X", "pid": row["rank"], "tid": row["lane"],
                "ts": 1e6 * row["start_s"], "dur": 1e6 * (row["end_s"] - row["start_s"]),
                "args": {"pass": row["pass"], "layer": row["layer"], "micro_batch": row["micro_batch"], "block": row["block"]},
            }
            for row in self.rows()
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events}, file)

    def _repr_svg_(self) -> str:
        spans, lanes = self.data["spans"], self.data["lanes"]
        places: Dict[Tuple[int, int], int] = {}
        boxes = []
        for values in _zip_columns(spans):
            lane = places.setdefault((values["rank"], values["lane"]), len(places))
            tip = f"{self.data['names'][values['name']]}, {1e6 * (values['end_s'] - values['start_s']):.1f} us"
            boxes.append((lane, values["start_s"], values["end_s"], values["pass"], tip))
        names = [f"rank {rank} {lanes[lane]}" for rank, lane in places]
        title = f"{self.name()}: step {self.data['step_time_s']:.4g} s"
        return _svg.lanes(title, max(spans["end_s"], default=0.0), names, boxes)


def _zip_columns(columns: Dict[str, List[Any]]) -> Iterator[Dict[str, Any]]:
    keys = list(columns)
    for values in zip(*columns.values()):
        yield dict(zip(keys, values))
