"""The store of a sweep read from outside: numbers are numbers in SI units, by plain sqlite3, and by pandas and duckdb where they are there."""

import os
import pathlib
import sqlite3
import subprocess
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
STORE = os.path.join(os.environ["WORK"], f"store-{os.getpid()}.sqlite")
NUMBERS = ("step_time_s", "tokens_per_s_per_gpu", "mfu_causal", "mfu_full", "memory_peak_bytes")


class Store(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        vary = ["--vary", "cluster.network.nic=200:400:200 Gbit/s", "--vary", "training.precision.gemm=bf16,fp8-block"]
        subprocess.run(
            [os.environ["MOESIM_PROGRAM"], "sweep", "models/mixtral-8x7b.yaml", *vary, "--store", STORE],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=SOURCE, check=True,
        )
        cls.store = sqlite3.connect(STORE)

    @classmethod
    def tearDownClass(cls):
        cls.store.close()

    def one(self, query):
        return [row[0] for row in self.store.execute(query)]

    def test_numbers_are_stored_as_numbers(self):
        for column in NUMBERS:
            self.assertLessEqual(set(self.one(f"SELECT typeof({column}) FROM point")), {"real", "integer"}, column)
        self.assertEqual(set(self.one("SELECT memory_fits FROM point")) - {0, 1}, set())

    def test_varied_quantities_are_in_si_units(self):
        """200 and 400 Gbit/s are 25e9 and 50e9 B/s; a word stays a word."""
        self.assertEqual(sorted(set(self.one('SELECT "cluster.network.nic" FROM point'))), [25e9, 50e9])
        self.assertEqual(sorted(set(self.one('SELECT "training.precision.gemm" FROM point'))), ["bf16", "fp8-block"])
        units = dict(self.store.execute("SELECT key, unit FROM axis"))
        self.assertEqual(units, {"cluster.network.nic": "B/s", "training.precision.gemm": None})

    def test_columns_are_those_of_the_record(self):
        for step, mfu, record in self.store.execute("SELECT step_time_s, mfu_causal, record FROM point"):
            self.assertEqual((step, mfu), tuple(self.store.execute("SELECT json_extract(?1, '$.step_time_s'), json_extract(?1, '$.mfu.causal')", (record,)).fetchone()))

    def test_pandas(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("no pandas")
        frame = pandas.read_sql("SELECT * FROM point", self.store)
        self.assertEqual([frame[column].dtype.kind for column in ("step_time_s", "mfu_causal")], ["f", "f"])

    def test_duckdb(self):
        try:
            import duckdb
        except ImportError:
            self.skipTest("no duckdb")
        try:
            duckdb.execute("LOAD sqlite")
        except duckdb.Error:
            self.skipTest("no sqlite extension of duckdb")
        best = duckdb.execute(f"SELECT max(mfu_causal) FROM sqlite_scan('{STORE}', 'point')").fetchone()[0]
        self.assertEqual(best, max(self.one("SELECT mfu_causal FROM point")))


if __name__ == "__main__":
    unittest.main()
