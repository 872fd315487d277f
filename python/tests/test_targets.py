"""Functions of Python as targets: right ones, wrong ones, and what they raise."""

import gc
import math
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import unittest
import warnings
import weakref

import numpy as np
import riffle
from support import SLOW, Counting, log_normal, needs


class Targets(unittest.TestCase):
    def test_a_batched_function(self):
        fit = riffle.fit(riffle.Target(log_normal, 2, names=["a", "b"], normalized=True))
        self.assertLess(abs(fit.log_z), 0.01)
        self.assertEqual(list(fit.draws), ["a", "b"])

    def test_a_function_is_enough(self):
        self.assertLess(abs(riffle.fit(log_normal, dim=2).log_z), 0.01)

    def test_one_point_and_differences(self):
        def one(x):
            return -0.5 * x @ x

        with self.assertWarnsRegex(UserWarning, "differences"):
            target = riffle.Target(one, 3)
        points = np.random.default_rng(1).normal(size=(7, 3))
        log_p, gradient = target.log_density_gradient(points)
        np.testing.assert_allclose(log_p, -0.5 * (points**2).sum(1))
        np.testing.assert_allclose(gradient, -points, atol=1e-9)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            given = riffle.Target(one, 3, gradient=lambda x: -x)
        np.testing.assert_allclose(given.gradient(points), -points)
        with self.assertWarns(UserWarning):
            rows = riffle.Target(lambda x: -0.5 * (x**2).sum(axis=1), 3)
        np.testing.assert_allclose(rows.gradient(points), -points, atol=1e-9)

    def test_bounds(self):
        """x ~ Exp(1), y uniform on (2, 5): the integral is 1."""

        def function(x):
            assert (x[:, 0] >= 0).all() and (x[:, 1] >= 2).all() and (x[:, 1] <= 5).all()
            return -x[:, 0] - math.log(3), np.column_stack([-np.ones(len(x)), np.zeros(len(x))])

        target = riffle.Target(function, names=["rate", "share"], transforms={"rate": "positive", "share": (2, 5)}, normalized=True)
        self.assertTrue(target.check_gradient()["passed"])
        fit = riffle.fit(target)
        self.assertLess(abs(fit.log_z), 0.01)
        self.assertGreater(fit.draws["rate"].min(), 0)
        self.assertLess(abs(fit.draws["share"].mean() - 3.5), 0.1)
        for wrong in ({"speed": "positive"}, {"rate": "big"}, {"rate": (2, 1)}, {"rate": 3}, ["positive"]):
            with self.subTest(wrong), self.assertRaises(riffle.UsageError):
                riffle.Target(function, names=["rate", "share"], transforms=wrong)

    def test_values_of_interest(self):
        target = riffle.Target(
            log_normal, 2, names={"pair": (2,), "sum": ()}, constrain=lambda z: {"pair": np.exp(z), "sum": z.sum()}, parameters=2
        )
        draws = riffle.fit(target).draws
        np.testing.assert_allclose(np.log(draws["pair"]).sum(axis=1), draws["sum"], atol=1e-12)

    def test_a_wrong_gradient_is_found(self):
        found = riffle.Target(lambda x: (-0.5 * (x**2).sum(1), -x * [1, 2]), 2).check_gradient()
        self.assertFalse(found["passed"])
        self.assertEqual([fault["coordinate"] for fault in found["faults"]], [1])


class WrongFunctions(unittest.TestCase):
    def refused(self, function, text, error=riffle.UsageError, **options):
        with self.assertRaisesRegex(error, text):
            riffle.fit(riffle.Target(function, 2, **options))

    def test_what_they_return(self):
        self.refused(lambda x: None, "None")
        self.refused(lambda x: "text", "str")
        self.refused(lambda x: np.zeros((3, 3, 3)), "shape")
        self.refused(lambda x: (np.zeros(len(x)), np.zeros(len(x))), "gradient")
        self.refused(Counting(40, lambda x: None), "None")
        self.refused(Counting(40, lambda x: (np.zeros(len(x) + 1), x)), "shape")
        self.refused(3, "not of type int")
        for dim in (0, -1, 1.5, True, "2"):
            with self.subTest(dim), self.assertRaises(riffle.UsageError):
                riffle.Target(log_normal, dim)
        with self.assertRaisesRegex(riffle.UsageError, "dim is missing"):
            riffle.fit(log_normal)
        with self.assertRaisesRegex(riffle.UsageError, "3 names of 2"):
            riffle.Target(log_normal, 2, names=["a", "b", "c"])

    def test_an_exception_comes_back_as_itself(self):
        class Mine(Exception):
            pass

        def fails(points):
            raise Mine("at this call")

        function = Counting(1000, fails)
        try:
            riffle.fit(riffle.Target(function, 2), n_draws=200_000)
        except Mine:
            told = traceback.format_exc()
        self.assertEqual(function.calls, 1000)
        self.assertIn("in fails", told)
        self.assertNotIn("CallbackError", told)

    def test_of_evaluations(self):
        target = riffle.Target(Counting(3, lambda x: 1 / 0), 2)
        with self.assertRaises(ZeroDivisionError):
            for _ in range(5):
                target.log_density(np.zeros((1, 2)))
        self.assertEqual(target.log_density([0.0, 0.0]), -math.log(2 * math.pi))

    def test_nan_and_infinity_are_counted(self):
        def function(x):
            log_p, gradient = log_normal(x)
            log_p[x[:, 0] > 2.5] = math.nan
            return log_p, gradient

        fit = riffle.fit(riffle.Target(function, 2))
        self.assertTrue([reason for reason in fit.reasons if "gave no number" in reason])
        with self.assertRaises(riffle.RiffleError):
            riffle.fit(riffle.Target(lambda x: (np.full(len(x), math.nan), x), 2))

    def test_points(self):
        target = riffle.Target(log_normal, 2)
        points = np.random.default_rng(1).normal(size=(6, 2))
        want = log_normal(points)[0]
        read_only = points.copy()
        read_only.flags.writeable = False
        for given in (
            points,
            points.tolist(),
            np.asfortranarray(points),
            np.repeat(points, 2, axis=0)[::2],
            points.astype(">f8"),
            read_only,
            points[::-1][::-1],
        ):
            np.testing.assert_array_equal(target.log_density(given), want)
        self.assertEqual(target.log_density(np.zeros((0, 2))).shape, (0,))
        self.assertEqual(target.log_density(points.astype("f4")).shape, (6,))
        for wrong in (np.zeros(3), np.zeros((2, 3)), np.zeros((2, 2, 2)), 1.0, "text", points + 1j, []):
            with self.subTest(wrong), self.assertRaises(riffle.UsageError):
                target.log_density(wrong)


class Running(unittest.TestCase):
    def test_stages_and_progress_are_told(self):
        stages, news = [], []
        fit = riffle.fit("crescents", on_stage=stages.append, on_progress=news.append)
        self.assertEqual([stage.name for stage in stages], [stage["name"] for stage in fit.stages])
        self.assertGreater(stages[-1].gradients, 0)
        self.assertTrue(news)

    def test_a_listener_can_end_it(self):
        fit = riffle.fit("funnel", on_stage=lambda stage: False)
        self.assertEqual(fit.stop_reason, "interrupted")

    def test_what_a_listener_raises_is_raised(self):
        def listener(stage):
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            riffle.fit("crescents", on_stage=listener)
        for settings in ({}, {"flow": "planar:4", "iterations": 1000}):
            with self.subTest(settings), self.assertRaisesRegex(KeyError, "mine"):
                riffle.fit("crescents", on_progress=listener, **settings)
            with self.subTest(settings), self.assertRaisesRegex(KeyError, "mine"):
                riffle.fit(riffle.Target(log_normal, 2), on_progress=listener, **settings)

    def interrupted(self, target):
        def interrupt():
            time.sleep(0.7)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        start = time.monotonic()
        fit = riffle.fit(target, flow="planar:8", iterations=100_000_000)
        self.assertEqual(fit.stop_reason, "interrupted")
        self.assertGreater(fit.report["iterations"], 0)
        self.assertLess(time.monotonic() - start, 60)

    def test_control_c_returns_what_there_is(self):
        self.interrupted("crescents")
        self.interrupted(riffle.Target(log_normal, 2))
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_other_threads_run_meanwhile(self):
        count = 0
        done = threading.Event()

        def work():
            nonlocal count
            while not done.is_set():
                count += 1
                time.sleep(0.001)

        thread = threading.Thread(target=work)
        thread.start()
        riffle.fit("crescents", flow="planar:8", iterations=3000)
        done.set()
        thread.join()
        self.assertGreater(count, 5)

    def test_several_at_once(self):
        alone = riffle.fit("crescents", seed=5).log_z
        found = []
        threads = [threading.Thread(target=lambda: found.append(riffle.fit("crescents", seed=5).log_z)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [alone] * 4)

    def test_after_a_fork(self):
        riffle.fit("crescents", threads=2)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if riffle.fit("crescents", threads=2).verdict else 2
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_processes(self):
        import concurrent.futures
        import multiprocessing

        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            fits = list(pool.map(riffle.fit, ["crescents", "crescents"]))
        self.assertEqual(fits[0].log_z, fits[1].log_z)

    @needs("joblib")
    def test_joblib(self):
        import joblib

        found = joblib.Parallel(n_jobs=2)(joblib.delayed(riffle.fit)("crescents", seed=seed) for seed in (1, 2, 1))
        self.assertEqual(found[0].log_z, found[2].log_z)
        self.assertEqual(found[1].flow.sample(3, seed=1).shape, (3, 2))

    def test_targets_do_not_pickle(self):
        import pickle

        with self.assertRaisesRegex(TypeError, "cannot be pickled"):
            pickle.dumps(riffle.Target(log_normal, 2))

    def test_nothing_is_kept(self):
        target = riffle.Target(lambda x: log_normal(x), 2)
        function = weakref.ref(target)
        fit = riffle.fit(target, max_gradients=2000)
        del target, fit
        gc.collect()
        self.assertIsNone(function())

    @unittest.skipUnless(SLOW, "RIFFLE_SLOW_TESTS is not set")
    def test_a_thousand_fits_leak_nothing(self):
        import resource

        def fits(n):
            for i in range(n):
                fit = riffle.fit(log_normal, dim=2, seed=i, flow="planar:2", iterations=20, n_draws=1000)
                fit.flow.sample(10)
            gc.collect()
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize()

        fits(100)
        before = fits(100)
        after = fits(1000)
        self.assertLess(after - before, 8 << 20)

    def test_progress_on_the_screen(self):
        text = subprocess.run(
            [sys.executable, "-c", "import sys; sys.modules['tqdm'] = None; import riffle; riffle.fit('crescents', progress=True)"],
            capture_output=True, text=True, check=True,
        )
        self.assertIn("modes", text.stderr)
        self.assertEqual(text.stdout, "")
        text = subprocess.run([sys.executable, "-c", "import riffle; riffle.fit('crescents')"], capture_output=True, text=True, check=True)
        self.assertEqual(text.stderr + text.stdout, "")


if __name__ == "__main__":
    unittest.main()
