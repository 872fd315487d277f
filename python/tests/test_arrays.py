"""Names and shapes of values, weights, tables."""

import unittest

import numpy as np
import riffle
from riffle._arrays import by_parameter, equal_weights
from riffle._settings import settings_toml
from riffle._targets import flat_names, stan_json


class Shapes(unittest.TestCase):
    def test_columns_become_arrays(self):
        values = np.arange(14.0).reshape(2, 7)
        names = ["a", "L.1.1", "L.2.1", "L.1.2", "L.2.2", "u.1", "u.3"]
        found = by_parameter(names, values)
        self.assertEqual(list(found), ["a", "L", "u.1", "u.3"])
        np.testing.assert_array_equal(found["L"][0], [[1, 3], [2, 4]])
        np.testing.assert_array_equal(found["u.3"], [6, 13])

    def test_names(self):
        self.assertEqual(flat_names({"a": (), "b": 2, "c": (2, 2)}), ["a", "b.1", "b.2", "c.1.1", "c.1.2", "c.2.1", "c.2.2"])
        self.assertEqual(flat_names(["theta[0]", "L[1,0]", "odd[x]"]), ["theta.1", "L.2.1", "odd[x]"])
        with self.assertRaises(riffle.UsageError):
            flat_names("ab")

    def test_settings(self):
        text = settings_toml({"seed": 3, "learning_rate": 1e-3, "flow": 'a"b', "run__simd": "AVX2", "base": None, "threads": np.int64(2)})
        self.assertEqual(text, '[run]\nseed = 3\nsimd = "AVX2"\nthreads = 2\n\n[optimizer]\nlearning_rate = 0.001\n\n[flow]\nlayers = "a\\"b"\n')

    def test_data_of_stan(self):
        self.assertEqual(
            stan_json({"n": np.int32(2), "x": np.array([1.0, np.nan, -np.inf]), "b": [True, False], "m": np.eye(2, order="F"), "r": [[1], [1, 2]]}),
            '{"n": 2, "x": [1.0, "NaN", "-Inf"], "b": [1, 0], "m": [[1.0, 0.0], [0.0, 1.0]], "r": [[1], [1, 2]]}',
        )
        for wrong in ({"x": "text"}, {"x": None}, {"x": {1, 2}}):
            with self.subTest(wrong), self.assertRaises(riffle.UsageError):
                stan_json(wrong)


class Weights(unittest.TestCase):
    def test_draws_are_repeated_by_their_weights(self):
        weights = np.array([1.0, 0.0, 2.5, 0.5, 6.0])
        with np.errstate(divide="ignore"):
            counts = np.bincount(equal_weights(np.log(weights) + 700), minlength=5)
        np.testing.assert_array_less(np.abs(counts - weights / 2), 1)
        self.assertEqual(counts[1], 0)
        self.assertEqual(counts.sum(), 5)
        self.assertNotIn(1, equal_weights(np.array([0.0, np.nan, 0.0])))

    def test_of_a_fit(self):
        """Of one whose draws have to be weighted: the normal is wide of the bend."""
        fit = riffle.fit("-x^2/2 - (y - x^2)^2", flow="affine-full", iterations=300)
        raw, weights = fit.get_draws(weights=True)
        self.assertNotEqual(fit.verdict, "reliable")
        for name, values in fit.draws.items():
            truth = np.tensordot(weights, raw[name], 1)
            spread = np.sqrt(np.tensordot(weights, (raw[name] - truth) ** 2, 1))
            self.assertTrue((np.abs(values.mean(axis=0) - truth) < 0.05 * spread).all())


if __name__ == "__main__":
    unittest.main()
