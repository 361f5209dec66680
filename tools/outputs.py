#!/usr/bin/env python3
"""Runs every command that answers, over every shipped run, and holds its output against another build or a width.

usage: tools/outputs.py same BEFORE AFTER [-k] [-n] [-q] [WORD...]  JSON, CSV and text of two trees, each with its build/src/cli/moesim:
                                                         keys that went, values that differ; added keys are counted
       tools/outputs.py width TREE COLUMNS [-q] [WORD...]         tables: lines that are too wide, numbers that --wide has not

-k: keys, their order and the types of their values alone, for predictions that moved. -n: numbers that moved are counted, and
rows that went are named, all else is shown. -q: two runs. Words: only these commands.
Exit status 1: something was found.
"""
import csv
import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SECONDS = 300  # an answer
TIMES = {"wall_time_s", "seconds", "elapsed_s", "simulations_per_s"}  # of the machine, not of the answer
FEW = ("models/mai-base-1/v5.yaml", "models/mixtral-8x7b.yaml")

EACH = {  # of every run
    "run": "run {run} --samples 4",
    "steps": "run {run} --steps 3",
    "compare": "compare {run} --variants --tokens 15T --samples 2",
    "memory": "memory {run}",
    "layers": "memory {run} --layers",
    "batches": "memory {run} --micro-batches",
    "explain": "explain {run} --orders 1",
    "with": "explain {run} --with cluster.network.latency=20us",
    "sensitivity": "sensitivity {run} --samples 4",
    "goodput": "goodput {run} --tokens 1T --seeds 4 --samples 2",
    "fabric": "fabric {run}",
    "show": "show {run} --defaults",
    "search": "search {run} --limit tensor=1,2 --limit pipeline=1,2 --limit micro_batch=1,2 --top 3 --budget 8s",
    "sweep": "sweep {run} --vary training.micro_batch=1,2,3 --tokens 15T",
    "intervals": "sweep {run} --vary training.micro_batch=1,2 --samples 2",
    "remedies": "memory {run} --set training.micro_batch=8 --remedies",
}
ONCE = {
    "plan": "plan models/mixtral-8x7b.yaml --tokens 2T --clusters h100-hgx,h200-hgx --gpus 128,256 --deadline 60d",
    "list-models": "list models",
    "list-clusters": "list clusters",
    "list-stacks": "list stacks",
    "list-schedules": "list schedules",
    "list-kernels": "list kernels",
    "list-libraries": "list libraries",
    "list-plots": "list plots",
    "schema": "schema",
    "keys": "list keys",
    "axes": "list axes",
    "gemm": "kernel gemm --shape m=4096,n=7168,k=2048 --precision fp8 --cluster gb200-nvl72 --stack yolo:v5",
    "grouped": "kernel grouped_gemm --shape groups=8,rows=8192,n=4096,k=7168 --cluster h800-hgx --stack hai-llm:2024",
    "attention": "kernel attention --shape batch=1,heads=128,len=4096,dim_qk=192,dim_v=128 --cluster h100-hgx --stack megatron-core:0.13",
    "bandwidth": "kernel bandwidth --kind norm --shape read=58.7e6,write=58.7e6 --cluster h100-hgx --stack megatron-core:0.13",
    "collective": "collective all_reduce --cluster h100-hgx --gpus 1024 --sizes 8:16G",
    "gather": "collective all_gather --cluster gb200-nvl72 --gpus 8192 --stack yolo:v5",
    "mfu": "mfu --run models/deepseek-v3.yaml --step-time 19.926",
    "mfu-counted": "mfu --params 405e9 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15",
    "validate": "validate",
    "validate-summary": "validate --summary",
    "validate-memory": "validate --memory",
    "validate-once": "validate --once --summary",
    "validate-parts": "validate --parts",
    "validate-pair": "validate --pair validation/measured/traces/h800-dualpipe.yaml",
    "validate-worst": "validate --worst --group-by stack --pairs",
    "calibrate": "calibrate validation/measured/gemm.yaml validation/measured/attention.yaml --shipped",
    "calibrate-network": "calibrate-network validation/measured/small.yaml validation/measured/p2p.yaml --shipped",
    "network-rows": "calibrate-network validation/measured/p2p.yaml --shipped --rows",
    "profile": "calibrate --profile tests/measured/profiles/two-steps.json",
    "diff": "diff models/llama3-70b.yaml --profile tests/measured/profiles/two-steps.json",
    "infer": "infer validation/mai-base-1.yaml --simulations 24 --particles 100",
    "check": "check models/mixtral-8x7b.yaml models/mai-base-1/common.yaml clusters/h100-hgx.yaml stacks/yolo.yaml",
    "validate-leave-one-out": "validate --leave-one-out",
    "list-architectures": "list architectures",
    "list-variants": "list variants models/mai-base-1/v4.yaml",
    "schema-run": "schema run",
    "schema-cluster": "schema cluster",
    "schema-stack": "schema stack",
    "schema-accelerator": "schema accelerator",
    "schema-fabric": "schema fabric",
    "schema-case": "schema case",
    "pair": "explain models/deepseek-v3.yaml models/mai-base-1/v5.yaml --orders 1",
    "clusters": "search models/mixtral-8x7b.yaml --clusters h100-hgx,h200-hgx --limit tensor=1 --limit pipeline=1 --top 3",
    "zip": "sweep models/mixtral-8x7b.yaml --vary gpus=64,128 --vary training.micro_batch=1,2 --zip",
    "beside": "fabric models/mixtral-8x7b.yaml --beside models/llama3-70b.yaml",
    "mfu-lora": "mfu --params 405e9 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15 --lora",
}
TEXT = {  # answers that are no table: bytes
    "as-yaml": "show models/deepseek-v3.yaml --format yaml",
    "schema-md": "schema --format md",
    "megatron": "export megatron models/deepseek-v3.yaml -o -",
    "hf": "import hf tests/interchange/hf/qwen3-30b-a3b.json --gpus 64 --tensor 2",
    "help": "--help",
}


def runs(tree, few):
    """The shipped runs, those that name themselves `training`."""
    paths = sorted(p for p in (tree / "models").rglob("*.yaml") if "architectures" not in p.parts)
    found = [str(p.relative_to(tree)) for p in paths if p.name != "common.yaml"]
    return [run for run in found if run in FEW] if few else found


def questions(tree, few, words):
    """Pairs of a name and the words of a command line."""
    chosen = lambda name: not words or name in words
    for name, line in (ONCE | TEXT).items():
        if chosen(name):
            yield name, line.split()
    for run in runs(tree, few):
        for name, line in EACH.items():
            if chosen(name):
                yield f"{name} {run}", [word.format(run=run) for word in line.split()]


def answer(tree, words, columns=None):
    """Status, standard output and standard error of the tree's program; where the tree lies stands as TREE."""
    environment = dict(os.environ, MOESIM_DATA=str(tree), LC_ALL="C.UTF-8")
    if columns:
        environment["COLUMNS"] = str(columns)
    try:
        done = subprocess.run([tree / "build/src/cli/moesim", *words], cwd=tree, env=environment, capture_output=True, text=True,
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "no answer in time", "", ""
    return done.returncode, *(text.replace(str(Path(tree).resolve()), "TREE") for text in (done.stdout, done.stderr))


def formatted(tree, words, form):
    """As JSON, CSV or text; some commands have a switch for it."""
    if form == "text":
        return answer(tree, words)
    got = answer(tree, [*words, "--format", form])
    return answer(tree, [*words, "--" + form]) if got[0] == 2 else got


def all_of(each, items):
    """Prints what each item is told; the number of those that are told something."""
    told = 0
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(each, items):
            told += bool(found)
            for line in found:
                print(line, flush=True)
    return told


# ---- two builds ---------------------------------------------------------------------------------------------------------


NAMES = ("name", "key", "id", "case", "cluster", "class", "what")  # keys that tell elements of a list apart


def names_of(keys, rows):
    """What to call the rows of a list: by a key whose text differs in each of several, else by their number."""
    for key in NAMES:
        texts = [row.get(key) for row in rows] if key in keys else []
        if len(texts) > 1 and all(isinstance(text, str) and text for text in texts) and len(set(texts)) == len(texts):
            return texts
    return range(len(rows))


def leaves(value, path=""):
    """Pairs of a path and the value there; an element of a list by its name or number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
        yield path + "{}", None
    elif isinstance(value, list):
        maps = value and all(isinstance(inner, dict) for inner in value)
        for name, inner in zip(names_of(value[0], value) if maps else range(len(value)), value):
            yield from leaves(inner, f"{path}[{name}]")
        yield path + "[]", len(value)
    else:
        yield path, value


def table(text):
    """CSV as pairs like those of JSON."""
    head, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    for name, row in zip(names_of(head, [dict(zip(head, row)) for row in rows]), rows):
        for key, value in zip(head, row):
            yield f"[{name}].{key}", value


def parts(form, text, keys_alone):
    """Path to value; with keys alone, keys without their place in lists to the types that they have."""
    if form == "text":
        return {f"line {number}": line for number, line in enumerate(text.splitlines(), 1)}
    try:
        found = dict(leaves(json.loads(text)) if form == "json" else table(text))
    except ValueError:
        return {"all": f"no {form.upper()}: {text[:60]!r}"}
    found = {path: value for path, value in found.items() if re.split(r"[.\]]", path)[-1] not in TIMES}
    return kinds(found, form) if keys_alone else found


def kind(value, form):
    """The type of a value; "" where there is none, which fits any."""
    if value is None or value == "":
        return ""
    if form == "csv":
        return "number" if re.fullmatch(r"[-+]?(\d[\d.]*(e[-+]?\d+)?|nan|inf)", value) else "text"
    return {bool: "truth", str: "text"}.get(type(value), "number")


def kinds(found, form):
    """Keys in their order to the types of their values."""
    types = {}
    for path, value in found.items():
        types.setdefault(re.sub(r"\[[^]]+\]", "[]", path), set()).add(kind(value, form))
    return {path: " or ".join(sorted(of - {""})) for path, of in types.items()}


QUANTITY = re.compile(r"[-+$]*\d[\d.,]*(e[-+]?\d+)?( ?[\w%/$]+)?")


def is_number(value):
    """Also "38.1 %" and "9.762 s"."""
    return bool(QUANTITY.fullmatch(value)) if isinstance(value, str) else kind(value, "json") == "number"


def differences(before, after, form, flags):
    """Lines that say what went and what differs, and which keys were added."""
    keys_alone = "-k" in flags
    old, new = parts(form, before, keys_alone), parts(form, after, keys_alone)
    gone = [path for path in old if path not in new]
    moved = [path for path in old if path in new and old[path] != new[path] and (old[path] and new[path] or not keys_alone)]
    if "-n" in flags:
        moved = [path for path in moved if not (is_number(old[path]) and is_number(new[path]))]
        rows = {path.split("]")[0]: path for path in gone if not any(other.startswith(path.split("]")[0] + "]") for other in new)}
        gone = [path for path in gone if path.split("]")[0] not in rows or path in rows.values()]
    shown = 20 if "-n" in flags else 5
    lines = [f"  gone: {path}" for path in gone[:shown]]
    lines += [f"  {path}: {old[path]} -> {new[path]}" for path in moved[:shown]]
    if len(gone) + len(moved) > len(lines):
        lines.append(f"  and {len(gone) + len(moved) - len(lines)} more")
    was, now = ([path for path in one if path in other] for one, other in ((old, new), (new, old)))
    lines += [f"  another order: {a} -> {b}" for a, b in zip(was, now) if a != b][:1]
    plain = lambda paths: {re.sub(r"\[[^]]+\]", "[]", path) for path in paths}
    return lines, sorted(plain(new) - plain(old))


def same(before, after, flags, words):
    """Compares JSON and CSV of both trees."""
    counts = {"compared": 0, "refused": 0, "as text": 0}
    added = {}

    def one(question):
        name, line = question
        told = []
        for form in ("text",) if name in TEXT else ("json", "csv"):
            old, new = (formatted(tree, line, form) for tree in (before, after))
            if old[0] == 2 and (new[0] == 2 or "-k" in flags):
                counts["refused"] += 1
                if new[0] == 2 and old[2] != new[2] and "-k" not in flags:
                    told += [f"{name} --format {form}: refused otherwise", f"  {old[2].strip()}", f"  {new[2].strip()}"]
                continue
            if old[0] != new[0]:
                told.append(f"{name} --format {form}: status {old[0]} -> {new[0]} {new[2].strip()[:200]}")
                continue
            counts["compared"] += 1
            counts["as text"] += old[1] == new[1]
            lines, more = differences(old[1], new[1], form, flags)
            for key in more:
                added.setdefault(key, name)
            if lines:
                told += [f"{name} --format {form}:", *lines]
        return told

    told = all_of(one, list(questions(before, "-q" in flags, words)))
    print(", ".join(f"{number} {what}" for what, number in counts.items()) + f"; {told} questions differ, {len(added)} keys added")
    for key, name in sorted(added.items()):
        print(f"  added: {key} ({name})")
    return told


# ---- widths ---------------------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.,/:~-])[-+]?\d[\d,]*(?:\.\d+)?(?![\w.,/:-])")
TIMED = ("simulated", "http")  # lines with how long it took, and with addresses that break anywhere


def cut_numbers(text, wide):
    """Numbers of a table that the wide one does not have, not even inside a name that broke."""
    known = set(NUMBER.findall(wide)) | set(re.findall(r"\d+", wide))
    text = re.sub(r"\n {20,}", " ", text)  # a sentence over several lines
    lines = [line for line in text.splitlines() if not any(word in line for word in TIMED)]
    return [number for line in lines for number in NUMBER.findall(line) if number not in known]


def width(tree, columns, few, words):
    """Holds tables against a width, and their numbers against those of the wide ones."""
    tables = 0

    def one(question):
        nonlocal tables
        name, line = question
        status, text, said = answer(tree, line, columns)
        if status == 2:
            return [] if said.count("\n") == 1 else [f"{name}: refused in {said.count(chr(10))} lines"]
        tables += 1
        told = [f"{name}: {len(row)} columns: {row}" for row in text.splitlines() if len(row) > columns][:3]
        cut = [] if line[0] == "show" else cut_numbers(text, answer(tree, [*line, "--wide"])[1])
        if cut:
            told.append(f"{name}: numbers that --wide has not: {' '.join(cut[:8])}")
        return told

    told = all_of(one, list(questions(tree, few, words)))
    print(f"{tables} tables at {columns} columns, {told} with something amiss")
    return told


def main(words):
    flags = {word for word in words if word in ("-k", "-n", "-q")}
    words = [word for word in words if word not in flags]
    if len(words) < 3 or words[0] not in ("same", "width"):
        sys.exit(__doc__)
    tree = Path(words[1]).resolve()
    if words[0] == "same":
        return same(tree, Path(words[2]).resolve(), flags, words[3:])
    return width(tree, int(words[2]), "-q" in flags, words[3:])


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
