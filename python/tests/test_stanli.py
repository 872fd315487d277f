"""Stan programs by stanli: what `~` leaves out is put back, or said to be missing."""

import math
import unittest

import numpy as np
import riffle
from riffle._stanli import with_constants, without_comments
from support import needs
from test_models import LOG_Z, SIGMA, Y, by_hand

SCHOOLS = """
data { int<lower=1> J; vector[J] y; vector<lower=0>[J] sigma; }
parameters { real mu; real<lower=0> tau; vector[J] theta_raw; }
transformed parameters { vector[J] theta = mu + tau * theta_raw; }
model {
  mu ~ normal(0, 5);  // a comment ~ with(signs);
  tau ~ cauchy(0, 5);
  for (j in 1 : J) theta_raw[j] ~ std_normal();
  if (J > 0) { y ~ normal(theta, sigma); } else y[1] ~ normal(0, 1);
}
"""
DATA = {"J": 8, "y": Y, "sigma": SIGMA}


class Rewriting(unittest.TestCase):
    def test_statements(self):
        for given, want in (
            ("x ~ normal(0, f(1, 2));", "target += normal_lpdf(x | 0, f(1, 2));"),
            ("for (i in 1:n) x[i] ~ poisson(l);", "for (i in 1:n) target += poisson_lpmf(x[i] | l);"),
            ("{ if (a > (b)) x ~ std_normal(); else y[(1)] ~ beta(1, 2) ; }",
             "{ if (a > (b)) target += std_normal_lpdf(x); else target += beta_lpdf(y[(1)] | 1, 2) ; }"),
            ("real mine_lpmf(int x) { } model { x ~ mine(2); }", "real mine_lpmf(int x) { } model { target += mine_lpmf(x | 2); }"),
            ("/* a ~ b(); */ x ~ f(1); // y ~ g(2);", "/* a ~ b(); */ target += f_lpdf(x | 1); // y ~ g(2);"),
            ("target += normal_lupdf(x | 0, 1);", "target += normal_lpdf(x | 0, 1);"),
            ('print("x ~ f(1);");', 'print("x ~ f(1);");'),
        ):
            with self.subTest(given):
                self.assertEqual(with_constants(given), want)

    def test_what_cannot_be_told(self):
        for given in ("x ~ normal(0, 1) T[0, ];", "#include <f.stan>", "x ~ f(1", "x ~ y;"):
            with self.subTest(given):
                self.assertIsNone(with_constants(given))
        self.assertEqual(len(without_comments(SCHOOLS)), len(SCHOOLS))


@needs("stanli")
class ByStanli(unittest.TestCase):
    def test_the_evidence_has_its_constants(self):
        target = riffle.from_stan(SCHOOLS, DATA, compiler="stanli")
        points = np.random.default_rng(4).normal(size=(6, 10))
        np.testing.assert_allclose(target.log_density(points), [by_hand(z) - math.log(2) for z in points], rtol=0, atol=1e-8)
        fit = riffle.fit(SCHOOLS, DATA)
        self.assertFalse(fit.report.get("log_z_up_to_a_constant"))
        self.assertLess(abs(fit.log_z - (LOG_Z - math.log(2))), 5 * fit.log_z_se + 2e-3)
        self.assertEqual({name: value.shape[1:] for name, value in fit.draws.items()}, {"mu": (), "tau": (), "theta_raw": (8,), "theta": (8,)})

    def test_where_they_are_not_known_it_says_so(self):
        cut = SCHOOLS.replace("tau ~ cauchy(0, 5);", "tau ~ cauchy(0, 5) T[0, ];")
        told = riffle.fit(riffle.from_stan(cut, DATA, compiler="stanli"), max_gradients=50_000)
        self.assertTrue(told.report["log_z_up_to_a_constant"])
        said = riffle.fit(riffle.from_stan(cut, DATA, compiler="stanli", keeps_constants=True), max_gradients=50_000)
        self.assertFalse(said.report.get("log_z_up_to_a_constant"))

    @needs("bridgestan")
    def test_a_model_of_bridgestan(self):
        import stanli

        model = stanli.bridgestan_model(stan_code=SCHOOLS, data=DATA)
        fit = riffle.fit(model, max_gradients=50_000)
        points = np.random.default_rng(4).normal(size=(3, 10))
        want = [model.log_density(z, propto=True, jacobian=True) for z in points]
        np.testing.assert_allclose(riffle.from_bridgestan(model).log_density(points), want, atol=1e-10)
        self.assertEqual(fit.draws["theta"].shape[1:], (8,))

    def test_generated_quantities(self):
        program = SCHOOLS + "generated quantities { real twice = 2 * mu; }"
        draws = riffle.fit(program, DATA, max_gradients=50_000, compiler="stanli").draws
        np.testing.assert_allclose(draws["twice"], 2 * draws["mu"])

    def test_what_is_wrong(self):
        for program, data in ((SCHOOLS, {"J": 8}), (SCHOOLS, "{"), ("parameters { real x }", None), (SCHOOLS, "[1]")):
            with self.subTest(data), self.assertRaises((riffle.RiffleError, RuntimeError, ValueError)):
                riffle.from_stan(program, data, compiler="stanli")
        with self.assertRaisesRegex(riffle.UsageError, "compiler"):
            riffle.from_stan(SCHOOLS, DATA, compiler="gcc")


if __name__ == "__main__":
    unittest.main()
