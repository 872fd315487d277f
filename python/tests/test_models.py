"""Models of other packages against the same posterior written by hand. What is not installed is skipped."""

import math
import os
import unittest

import numpy as np
import riffle
from support import EXAMPLES, needs

Y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
SIGMA = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
LOG_Z = -32.0045 + math.log(2)  # by quadrature, with the half-Cauchy normalised


def log_normal_density(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * math.log(2 * math.pi)


def by_hand(z):
    """ln p of the eight schools, non-centred, at one point (mu, ln tau, theta_raw), with its Jacobian."""
    mu, log_tau, raw = z[0], z[1], z[2:]
    tau = math.exp(log_tau)
    return (
        log_normal_density(mu, 0, 5)
        + math.log(2 / (math.pi * 5 * (1 + (tau / 5) ** 2)))
        + log_tau
        + log_normal_density(raw, 0, 1).sum()
        + log_normal_density(Y, mu + tau * raw, SIGMA).sum()
    )


class Models(unittest.TestCase):
    points = np.random.default_rng(4).normal(size=(6, 10))

    def agrees(self, target, constant=0.0):
        self.assertTrue(target.check_gradient()["passed"])
        want = [by_hand(z) + constant for z in self.points]
        np.testing.assert_allclose(target.log_density(self.points), want, rtol=0, atol=1e-8)
        self.assertEqual(target.dim, 10)

    def fitted(self, target, constant=0.0):
        fit = riffle.fit(target)
        self.assertLess(abs(fit.log_z - constant - LOG_Z), 5 * fit.log_z_se + 2e-3)
        self.assertEqual({name: value.shape[1:] for name, value in fit.draws.items()},
                         {"mu": (), "tau": (), "theta_raw": (8,), "theta": (8,)})
        draws = fit.draws
        np.testing.assert_allclose(draws["theta"], draws["mu"][:, None] + draws["tau"][:, None] * draws["theta_raw"], atol=1e-9)
        return fit

    @needs("jax", "numpyro")
    def test_numpyro(self):
        import jax

        jax.config.update("jax_enable_x64", True)
        import numpyro
        import numpyro.distributions as dist

        def schools(sigma, y=None):
            mu = numpyro.sample("mu", dist.Normal(0, 5))
            tau = numpyro.sample("tau", dist.HalfCauchy(5))
            with numpyro.plate("school", 8):
                raw = numpyro.sample("theta_raw", dist.Normal(0, 1))
                theta = numpyro.deterministic("theta", mu + tau * raw)
                numpyro.sample("y", dist.Normal(theta, sigma), obs=y)

        target = riffle.from_numpyro(schools, SIGMA, y=Y)
        self.agrees(target)
        self.fitted(target)

    @needs("jax")
    def test_jax(self):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", False)
        with self.assertRaisesRegex(riffle.UsageError, "jax_enable_x64"):
            riffle.from_jax(lambda x: -x @ x, 2)
        jax.config.update("jax_enable_x64", True)
        target = riffle.from_jax(lambda x: -0.5 * jnp.sum((x / jnp.array([1.0, 3.0])) ** 2), names=["a", "b"])
        for n in (1, 5, 128, 300):
            points = np.random.default_rng(n).normal(size=(n, 2))
            log_p, gradient = target.log_density_gradient(points)
            np.testing.assert_allclose(log_p, -0.5 * ((points / [1, 3]) ** 2).sum(1), atol=1e-12)
            np.testing.assert_allclose(gradient, -points / [1, 9], atol=1e-12)
        self.assertLess(abs(riffle.fit(target).log_z - math.log(2 * math.pi * 3)), 0.01)

    @needs("torch")
    def test_torch(self):
        import torch

        scale = torch.tensor([1.0, 3.0], dtype=torch.float64)
        one = riffle.from_torch(lambda x: -0.5 * ((x / scale) ** 2).sum(), names=["a", "b"])
        rows = riffle.from_torch(lambda x: -0.5 * ((x / scale) ** 2).sum(axis=1), 2, vectorized=True)
        points = np.random.default_rng(2).normal(size=(40, 2))
        for target in (one, rows):
            log_p, gradient = target.log_density_gradient(points)
            np.testing.assert_allclose(log_p, -0.5 * ((points / [1, 3]) ** 2).sum(1), atol=1e-12)
            np.testing.assert_allclose(gradient, -points / [1, 9], atol=1e-12)
        self.assertLess(abs(riffle.fit(one).log_z - math.log(2 * math.pi * 3)), 0.01)
        with self.assertRaisesRegex(riffle.UsageError, "float64"):
            riffle.from_torch(lambda x: (x.float() ** 2).sum(), 2)
        with self.assertRaisesRegex(riffle.UsageError, "does not depend"):
            riffle.from_torch(lambda x: torch.zeros((), dtype=torch.float64), 2, vectorized=False)

    @needs("pymc")
    def test_pymc(self):
        import pymc

        with pymc.Model(coords={"school": list("ABCDEFGH")}) as model:
            mu = pymc.Normal("mu", 0.0, np.float64(5))
            tau = pymc.HalfCauchy("tau", np.float64(5))
            raw = pymc.Normal("theta_raw", 0.0, 1.0, dims="school")
            theta = pymc.Deterministic("theta", mu + tau * raw, dims="school")
            pymc.Normal("y", theta, SIGMA, observed=Y)
        target = riffle.from_pymc(model)
        self.agrees(target)
        fit = self.fitted(target)
        self.assertEqual(fit._state["dims"]["theta"], ["school"])
        if riffle_has("arviz"):
            self.assertEqual(list(fit.to_arviz()["posterior"]["theta"].coords["school"].values), list("ABCDEFGH"))
        if riffle_has("jax"):
            import jax

            jax.config.update("jax_enable_x64", True)
            by_jax = riffle.from_pymc(model, backend="jax")
            self.agrees(by_jax)
            self.fitted(by_jax)
        with self.assertRaisesRegex(riffle.UsageError, "backend"):
            riffle.from_pymc(model, backend="numba")
        with pymc.Model() as discrete:
            pymc.Poisson("n", 3.0)
        with self.assertRaisesRegex(riffle.UsageError, "discrete"):
            riffle.from_pymc(discrete)

    @unittest.skipUnless(os.environ.get("RIFFLE_TEST_STAN"), "RIFFLE_TEST_STAN is not set")
    def test_stan(self):
        data = {"J": 8, "y": Y, "sigma": SIGMA}
        program = EXAMPLES / "stan" / "eight_schools_noncentered.stan"
        constant = -math.log(2)  # Stan's half-Cauchy is not renormalised
        target = riffle.from_stan(program, data, quiet=True)
        self.agrees(target, constant)
        self.agrees(riffle.from_stan(program.read_text(), data, quiet=True), constant)
        self.fitted(target, constant)
        for wrong in ({"J": 8, "y": Y}, {"J": 8, "y": Y, "sigma": "text"}, "{", "no_such.json"):
            with self.subTest(wrong), self.assertRaises(riffle.RiffleError):
                riffle.from_stan(program, wrong, quiet=True)


def riffle_has(package):
    import importlib.util

    return importlib.util.find_spec(package) is not None


if __name__ == "__main__":
    unittest.main()
