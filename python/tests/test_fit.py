"""Fits of densities, and what they say."""

import json
import math
import os
import pickle
import tempfile
import unittest
from pathlib import Path

import numpy as np
import riffle
from support import EXAMPLES, needs


class Banana(unittest.TestCase):
    """One fit, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        cls.fit = riffle.fit("-x^2/2 - (y - x^2)^2", seed=3)

    def test_evidence_and_verdict(self):
        fit = self.fit
        self.assertLess(abs(fit.log_z - (math.log(2 * math.pi) - math.log(2) / 2)), 5 * fit.log_z_se + 1e-3)
        self.assertEqual(fit.verdict, "reliable")
        self.assertLess(fit.elbo, fit.log_z)
        self.assertGreater(fit.ess, 1000)
        self.assertTrue(fit.reasons)
        self.assertTrue(fit.stages)
        self.assertEqual(fit.stop_reason, "completed")

    def test_draws(self):
        draws = self.fit.draws
        self.assertEqual(list(draws), ["x", "y"])
        n = len(draws["x"])
        self.assertLess(abs(draws["x"].mean()), 6 / math.sqrt(n))
        raw, weights = self.fit.get_draws(weights=True)
        self.assertEqual(weights.shape, (n,))
        self.assertAlmostEqual(weights.sum(), 1.0)
        self.assertLess(abs(weights @ raw["y"] - 1), 0.2)

    def test_the_same_seed_gives_the_same_bits(self):
        again = riffle.fit("-x^2/2 - (y - x^2)^2", seed=3, threads=1)
        np.testing.assert_array_equal(again.draws["x"], self.fit.draws["x"])
        self.assertEqual(again.log_z, self.fit.log_z)

    def test_flow(self):
        flow = self.fit.flow
        z, log_q = flow.sample_log_prob(500, seed=2)
        np.testing.assert_allclose(flow.log_prob(z), log_q, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(flow.sample(200, seed=2, first=300), z[300:])
        base, log_det = flow.to_base(z, log_det=True)
        back, other = flow.from_base(base, log_det=True)
        np.testing.assert_allclose(back, z, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(other, -log_det, rtol=1e-8, atol=1e-8)
        h = 1e-6
        step = np.array([h, 0.0])
        slope = (flow.log_prob(z[:50] + step) - flow.log_prob(z[:50] - step)) / (2 * h)
        np.testing.assert_allclose(flow.score(z[:50])[:, 0], slope, rtol=1e-4, atol=1e-4)
        self.assertEqual(np.shape(flow.score(z[0])), (2,))
        self.assertIsInstance(flow.log_prob(z[0]), float)
        self.assertTrue(math.isnan(flow.log_prob([math.nan, 0.0])))
        self.assertEqual(flow.sample(0).shape, (0, 2))
        self.assertNotIn("failed", {check["outcome"] for check in flow.check(512)})

    def test_pickles(self):
        again = pickle.loads(pickle.dumps(self.fit))
        self.assertEqual(repr(again), repr(self.fit))
        np.testing.assert_array_equal(again.flow.sample(10), self.fit.flow.sample(10))

    def test_saves_and_loads(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "banana.npz"
            self.fit.save(path)
            self.assertEqual(os.listdir(folder), ["banana.npz"])
            again = riffle.load(path)
            self.assertEqual(again.report, self.fit.report)
            np.testing.assert_array_equal(again.draws["y"], self.fit.draws["y"])
            with self.assertRaisesRegex(riffle.UsageError, "has no target"):
                again.diagnose()
            self.assertLess(abs(again.diagnose(target=riffle.formula("-x^2/2 - (y - x^2)^2"))["log_z"] - again.log_z), 0.05)
            model = Path(folder) / "model.riffle"
            self.fit.flow.save(model)
            np.testing.assert_array_equal(riffle.load(model).sample(5), self.fit.flow.sample(5))
            model.write_text(model.read_text()[:-40])
            with self.assertRaises(riffle.DataError):
                riffle.load(model)
            path.write_bytes(b"PK" + bytes(100))
            with self.assertRaises(riffle.DataError):
                riffle.load(path)
            with self.assertRaises(FileNotFoundError):
                riffle.load(Path(folder) / "none.npz")

    def test_diagnose(self):
        found = self.fit.diagnose(5000, seed=9)
        self.assertLess(abs(found["log_z"] - self.fit.log_z), 0.05)
        self.assertIn("verdict", found)

    def test_summary(self):
        summary = self.fit.summary()
        self.assertEqual(list(summary), ["x", "y"])
        self.assertLess(abs(summary["x"]["sd"] - 1), 0.1)
        self.assertIn("mean", summary.text())
        self.assertEqual(len(summary.text(1).splitlines()), 3)

    def test_what_one_sees(self):
        text = repr(self.fit)
        self.assertIn("reliable", text)
        self.assertIn("log Z", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        page = self.fit._repr_html_()
        for part in ("<table>", "reliable", "log Z"):
            self.assertIn(part, page)
        import xml.dom.minidom

        xml.dom.minidom.parseString(page)

    @needs("pandas")
    def test_data_frame(self):
        self.assertEqual(list(self.fit.to_dataframe().columns), ["x", "y"])
        self.assertEqual(list(self.fit.to_dataframe(weights=True).columns), ["x", "y", "log_weight"])
        self.assertIn("mean", self.fit.summary().to_dataframe().columns)

    @needs("arviz")
    def test_arviz(self):
        data = self.fit.to_arviz()
        self.assertEqual(data["posterior"]["x"].shape, (1, len(self.fit.draws["x"])))
        self.assertEqual(data["posterior"].attrs["verdict"], "reliable")
        self.assertEqual(data["posterior"].attrs["log_z"], self.fit.log_z)
        self.assertIn("lp", data["sample_stats"])

    @needs("matplotlib")
    def test_plot(self):
        import io

        page = io.BytesIO()
        self.fit.plot().savefig(page)
        self.assertGreater(len(page.getvalue()), 5000)
        with self.assertRaisesRegex(riffle.UsageError, "there is no parameter"):
            self.fit.plot(["none"])


class Fits(unittest.TestCase):
    def test_arrays_by_parameter(self):
        fit = riffle.fit("eight-schools", max_gradients=200_000)
        self.assertEqual({name: value.shape[1:] for name, value in fit.draws.items()}, {"mu": (), "tau": (), "theta": (8,)})
        self.assertGreater(fit.draws["tau"].min(), 0)

    def test_a_flow_as_told(self):
        fit = riffle.fit("crescents", flow="planar:4", iterations=300, batch=64, learning_rate=1e-3, objective="bound", base="standard-normal")
        self.assertEqual(fit.report["iterations"], 300)
        self.assertEqual(len(fit.losses[0]), 2)
        self.assertIsNone(fit.eubo)

    def test_unknown_settings_are_told(self):
        for settings, text in (
            ({"speed": 3}, 'no setting "speed"'),
            ({"seed": -1}, "seed"),
            ({"flow": "plenar:4"}, "planar"),
            ({"flow": "planar:4", "objective": "bond"}, "bound"),
            ({"n_draws": 1.5}, "draws"),
            ({"threads": [1]}, "list"),
            ({"learning_rate": math.nan}, "nan"),
        ):
            with self.subTest(settings), self.assertRaisesRegex(riffle.UsageError, text):
                riffle.fit("crescents", **settings)
        with self.assertRaisesRegex(riffle.UsageError, "crescents"):
            riffle.fit("crescent")
        with self.assertRaisesRegex(riffle.UsageError, "not of type float"):
            riffle.fit(3.0)
        with self.assertRaises(riffle.RiffleError):
            riffle.fit("-x^2/2 +")
        for target in ("funnel", "-x^2/2", lambda x: x):
            with self.subTest(str(target)), self.assertRaisesRegex(riffle.UsageError, "data are for"):
                riffle.fit(target, {"y": 1}, **({"dim": 2} if callable(target) else {}))

    def test_data_of_a_built_in_target(self):
        table = EXAMPLES / "data" / "table.csv"
        if not table.exists():
            self.skipTest("not in a checkout")
        self.assertIsNotNone(riffle.fit("logistic", table, max_gradients=50_000).log_z)

    def test_compare(self):
        narrow = riffle.fit("normal_lpdf(m, 0, 1) + normal_lpdf(2.3, m, 1)")
        wide = riffle.fit("normal_lpdf(m, 0, 10) + normal_lpdf(2.3, m, 1)")
        found = riffle.compare({"wide": wide, "narrow": narrow})
        self.assertEqual(list(found), ["narrow", "wide"])
        truth = -0.5 * math.log(2) - 2.3**2 / 4 + 0.5 * math.log(101) + 2.3**2 / 202
        self.assertLess(abs(found["wide"]["difference"] + truth), 0.01)
        self.assertEqual(list(riffle.compare([wide, narrow])), ["fit 1", "fit 0"])
        with self.assertRaises(riffle.UsageError):
            riffle.compare([wide])

    def test_the_folder_of_a_run_is_read(self):
        program = os.environ.get("RIFFLE_PROGRAM")
        if not program:
            self.skipTest("RIFFLE_PROGRAM does not name the command line")
        import subprocess

        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder) / "run"
            subprocess.run([program, "fit", "eight-schools", "--seed", "1", "--max-gradients", "200000", "--no-plots", "--out", str(where)], check=True, capture_output=True)
            loaded = riffle.load(where)
            here = riffle.fit("eight-schools", max_gradients=200_000, n_draws=4000)
            self.assertEqual(loaded.log_z, here.log_z)
            self.assertEqual(loaded.verdict, here.verdict)
            np.testing.assert_allclose(loaded.get_draws(weights=True)[0]["theta"], here.get_draws(weights=True)[0]["theta"], rtol=1e-12)
            self.assertEqual(json.loads((where / "summary.json").read_text())["verdict"], here.verdict)
            (where / "draws.csv").unlink()
            with self.assertRaises(FileNotFoundError):
                riffle.load(where)

    def test_a_program_that_is_not_there(self):
        with self.assertRaisesRegex(FileNotFoundError, "there is no file"):
            riffle.fit("no_such.stan")


if __name__ == "__main__":
    unittest.main()
