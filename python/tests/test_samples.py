"""Densities of tables, and scikit-learn."""

import math
import unittest

import numpy as np
import riffle
from support import needs, table


class Samples(unittest.TestCase):
    def test_a_table(self):
        fit = riffle.fit_samples(table(), names=["a", "b"], seed=2)
        self.assertIsNone(fit.log_z)
        self.assertIsNone(fit.verdict)
        self.assertTrue(math.isfinite(fit.log_likelihood))
        self.assertEqual(list(fit.draws), ["a", "b"])
        self.assertEqual(fit.flow.columns, ["a", "b"])
        self.assertIn("ln q", repr(fit))
        with self.assertRaisesRegex(riffle.UsageError, "no weights"):
            fit.get_draws(weights=True)

    def test_any_layout_gives_the_same(self):
        points = table(200)
        want = riffle.fit_samples(points, iterations=50, flow="planar:2").log_likelihood
        for given in (np.asfortranarray(points), points.astype(">f8"), points.tolist(), np.repeat(points, 2, axis=1)[:, ::2]):
            self.assertEqual(riffle.fit_samples(given, iterations=50, flow="planar:2").log_likelihood, want)

    def test_wrong_points(self):
        points = table(100)
        bad = points.copy()
        bad[7, 1] = math.nan
        for given in (bad, np.zeros((0, 2)), np.zeros((3, 0)), np.zeros((2, 2, 2)), points + 1j, "text", [["a", "b"]], 3.0):
            with self.subTest(str(given)[:20]), self.assertRaises(riffle.RiffleError):
                riffle.fit_samples(given)
        with self.assertRaises(riffle.UsageError):
            riffle.fit_samples(points, names=["a"])

    @needs("pandas")
    def test_data_frames_keep_their_names(self):
        import pandas

        fit = riffle.fit_samples(pandas.DataFrame(table(200), columns=["age", "height"]), iterations=50, flow="planar:2")
        self.assertEqual(list(fit.draws), ["age", "height"])


@needs("sklearn")
class Estimator(unittest.TestCase):
    def test_is_one_of_scikit_learns(self):
        from sklearn.utils.estimator_checks import check_estimator

        results = check_estimator(riffle.FlowDensity("affine-full", random_state=1, iterations=100), on_skip=None)
        self.assertFalse([found for found in results if found["status"] == "failed"])

    def test_in_a_pipeline(self):
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        points = table(300)
        pipeline = make_pipeline(StandardScaler(), riffle.FlowDensity("affine-full", iterations=200, random_state=1))
        self.assertEqual(len(cross_val_score(pipeline, points, cv=3)), 3)
        search = GridSearchCV(riffle.FlowDensity(iterations=300, random_state=1), {"flow": ["affine-full", "rqs-coupling:2"]}, cv=2)
        search.fit(points)
        best = search.best_estimator_
        self.assertEqual(best.sample(5, random_state=1).shape, (5, 2))
        far = best.percentiles(np.array([[40.0, -40.0], points[0]]))
        self.assertEqual(far[0], 0.0)
        self.assertAlmostEqual(best.score(points), best.score_samples(points).sum())


class WithoutIt(unittest.TestCase):
    def test_what_is_missing_is_named(self):
        import subprocess
        import sys

        for package, what, code in (
            ("sklearn", "scikit-learn", "riffle.FlowDensity"),
            ("jax", "jax", "riffle.from_jax(abs, 1)"),
            ("torch", "torch", "riffle.from_torch(abs, 1)"),
            ("pymc", "pymc", "riffle.from_pymc(1)"),
            ("arviz", "arviz", "riffle.fit('crescents').to_arviz()"),
            ("matplotlib", "matplotlib", "riffle.fit('crescents').plot()"),
            ("pandas", "pandas", "riffle.fit('crescents').to_dataframe()"),
        ):
            with self.subTest(package):
                done = subprocess.run(
                    [sys.executable, "-c", f"import sys; sys.modules['{package}'] = None; import riffle; {code}"],
                    capture_output=True, text=True,
                )
                self.assertRegex(done.stderr, rf"NotInstalledError: .*pip install '?{what}")


if __name__ == "__main__":
    unittest.main()
