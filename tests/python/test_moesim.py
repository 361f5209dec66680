"""The Python package: answers, errors with their place, threads, Ctrl-C, figures, the blocks of docs/python.md."""

import contextlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import xml.dom.minidom

import moesim

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["MOESIM_PROGRAM"]
RUN = "mixtral-8x7b"


def command(*arguments):
    """What the command line says, as Python values."""
    done = subprocess.run([PROGRAM, *arguments, "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=SOURCE, check=True)
    return json.loads(done.stdout)


class Answers(unittest.TestCase):
    def test_prediction_is_that_of_the_command_line(self):
        prediction = moesim.predict(RUN, set={"training.micro_batch": 2}, seed=3)
        expected = command("run", f"models/{RUN}.yaml", "--set", "training.micro_batch=2", "--seed", "3")
        ours = dict(prediction.data)
        ours.pop("wall_time_s"), expected.pop("wall_time_s")
        self.assertEqual(ours, expected)
        self.assertEqual(prediction.step_time_s, expected["step_time_s"])
        self.assertAlmostEqual(sum(prediction.losses_s.values()), prediction.step_time_s, delta=1e-6 * prediction.step_time_s)

    def test_paths_and_dicts_are_runs(self):
        step = moesim.predict(RUN).step_time_s
        self.assertEqual(moesim.predict(SOURCE / "models" / f"{RUN}.yaml").step_time_s, step)
        self.assertEqual(moesim.predict({"extends": f"{RUN}.yaml"}).step_time_s, step)

    def test_sweep_has_a_row_per_point(self):
        points = moesim.sweep(RUN, {"training.micro_batch": [1, 2]})
        rows = points if isinstance(points, list) else points.to_dict("records")
        self.assertEqual([row["set.training.micro_batch"] for row in rows], [1, 2])
        self.assertEqual(rows[0]["step_time_s"], moesim.predict(RUN, set={"training.micro_batch": 1}).step_time_s)

    def test_inference_has_unknowns_and_rows(self):
        path = pathlib.Path(os.environ["WORK"]) / f"cases-{os.getpid()}.yaml"
        run = SOURCE / "models" / f"{RUN}.yaml"
        cases = "".join(
            f"  - {{id: b{batch}, extends: {run}, training: {{global_batch: {batch}}}, published: {{step_time_s: 3}}}}\n" for batch in (128, 256)
        )
        path.write_text(f"cases:\n{cases}", encoding="utf-8")
        learned = moesim.infer(path, hold_out=[f"{path}:b256"], simulations=16, particles=100)
        self.assertEqual([row["held_out"] for row in learned["rows"]], [False, True])
        self.assertEqual(len(learned.rows()), 2)
        self.assertGreater(len(learned.unknowns()), 2)
        self.assertIn("unknowns", repr(learned.name()))
        with self.assertRaisesRegex(moesim.InputError, "no cases"):
            moesim.infer("nowhere.yaml")

    def test_shipped_names(self):
        self.assertIn("mai-base-1/v5", [model["name"] for model in moesim.models()])
        self.assertIn("h100-hgx", moesim.clusters())
        self.assertTrue(moesim.stacks())

    def test_version_is_one(self):
        meson = re.search(r"version: '([^']*)'", (SOURCE / "meson.build").read_text(encoding="utf-8")).group(1)
        package = re.search(r'^version = "(.*)"$', (SOURCE / "python/pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE).group(1)
        self.assertEqual((moesim.version(), package), (meson, meson))

    def test_figures_are_well_formed(self):
        shown = [
            moesim.predict(RUN), moesim.explain(RUN), moesim.explain(RUN, changes={"training.micro_batch": 2}),
            moesim.sensitivity("mai-base-1/v5", samples=2), moesim.Trace(RUN, most=300),
        ]
        for answer in shown:
            document = xml.dom.minidom.parseString(answer._repr_svg_())
            self.assertGreater(len(document.getElementsByTagName("rect")), 1, type(answer))

    def test_trace_is_saved_for_perfetto(self):
        path = pathlib.Path(os.environ["WORK"]) / f"trace-{os.getpid()}.json"
        trace = moesim.Trace(RUN, most=300)
        trace.save(path)
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
        self.assertEqual(len(events), 300)
        self.assertTrue(all(event["dur"] >= 0 for event in events))


class Errors(unittest.TestCase):
    def test_place_and_kind(self):
        with self.assertRaises(moesim.InputError) as caught:
            moesim.predict(RUN, gpus="many")
        self.assertEqual((caught.exception.file, caught.exception.line, caught.exception.kind), ("request", 1, "input"))
        with self.assertRaises(moesim.LayoutError) as caught:
            moesim.predict(RUN, set={"parallelism.tensor": 3})
        self.assertGreater(caught.exception.line, 0)
        self.assertGreater(caught.exception.column, 0)
        self.assertIn("expected a multiple", str(caught.exception))

    def test_budget(self):
        with self.assertRaises(moesim.Stopped):
            moesim.predict("deepseek-v3", steps=10000, budget_s=0.05)

    def test_unknown_option_is_refused_with_the_nearest(self):
        with self.assertRaisesRegex(moesim.InputError, "did you mean"):
            moesim.predict(RUN, fidelty="full")


class Threads(unittest.TestCase):
    def test_python_goes_on_meanwhile(self):
        """Because the lock is released while the library works, another thread counts."""
        counted = [0]
        done = threading.Event()

        def count():
            while not done.is_set():
                counted[0] += 1
                time.sleep(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        with self.assertRaises(moesim.Stopped):
            moesim.predict("deepseek-v3", steps=10000, budget_s=0.5)
        done.set()
        thread.join()
        self.assertGreater(counted[0], 20)

    def test_same_answers(self):
        steps = []
        threads = [threading.Thread(target=lambda: steps.append(moesim.predict(RUN).step_time_s)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(steps), 4)
        self.assertEqual(len(set(steps)), 1)

    def test_interrupt_ends_the_work(self):
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            moesim.predict("deepseek-v3", steps=10000, budget_s=300)
        self.assertLess(time.monotonic() - start, 60)


class Documentation(unittest.TestCase):
    """The blocks of docs/python.md run, and print README's table."""

    def blocks(self):
        return re.findall(r"```python\n(.*?)```", (SOURCE / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)

    def test_blocks(self):
        out = io.StringIO()
        names = {}
        with contextlib.redirect_stdout(out):
            for block in self.blocks():
                exec(compile(block, "docs/python.md", "exec"), names)
        said = out.getvalue()
        self.check_table(said)
        self.assertIn("parallelism.tensor may be 4", said)
        self.assertIn("4 points", said)

    def check_table(self, said):
        """The rows of README, but for its intervals, with their published values; predicted ones are the command line's, as README's
        are when it is brought up to date."""
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        row = re.compile(
            r"^\| ([^|]*) \| ([\d.]+) %(?: \| [\d.]+ to [\d.]+)? \| ([\d.]+) % \| ([\d.]+) s \| ([\d.]+) s \|$", re.MULTILINE
        )
        ours, theirs = row.findall(said), row.findall(readme)
        self.assertEqual([(r[0], r[2], r[4]) for r in ours], [(r[0], r[2], r[4]) for r in theirs])
        for label, mfu, _, step, _ in ours:
            match = re.match(r"MAI-Base-1 (v\d), (.*)", label)
            name = f"models/mai-base-1/{match.group(1)}.yaml:{match.group(2)}" if match else "models/deepseek-v3.yaml"
            expected = command("run", name)
            self.assertEqual(step, f"{expected['step_time_s']:.2f}")
            self.assertEqual(mfu, f"{100 * expected['mfu'][expected['published']['convention']]:.1f}")


if __name__ == "__main__":
    unittest.main(verbosity=1, argv=sys.argv[:1])
