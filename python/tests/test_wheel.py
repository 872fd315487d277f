"""The installed package: what it consists of."""

import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import riffle
from riffle import _library

INSTALLED = _library.FOLDER / "libriffle_c.so"


class Package(unittest.TestCase):
    def test_version(self):
        self.assertRegex(riffle.__version__, r"^[0-9]+\.[0-9]+\.[0-9]+$")

    def test_all_is_there_and_documented(self):
        for name in riffle.__all__:
            if name == "FlowDensity":
                continue  # needs scikit-learn
            thing = getattr(riffle, name)
            self.assertTrue(thing.__doc__, name)
            for of, member in vars(thing).items() if isinstance(thing, type) else ():
                if callable(member) and not of.startswith("_"):
                    self.assertTrue(member.__doc__, f"{name}.{of}")
        with self.assertRaises(AttributeError):
            riffle.nothing  # noqa: B018

    def test_importing_takes_nothing_but_numpy(self):
        code = "import sys, numpy; before = set(sys.modules); import riffle; print(*sorted(m.split('.')[0] for m in set(sys.modules) - before))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertLessEqual(set(done.stdout.split()) - set(sys.stdlib_module_names if sys.version_info >= (3, 10) else done.stdout.split()), {"riffle", "numpy"})

    @unittest.skipUnless(INSTALLED.exists(), "not installed from a wheel")
    def test_the_library_is_self_contained(self):
        self.assertLess(INSTALLED.stat().st_size, 10 << 20)
        self.assertTrue((_library.FOLDER / "py.typed").exists())
        self.assertTrue((_library.FOLDER / "share" / "stan_model.sh").exists())
        if shutil.which("readelf") is None:
            self.skipTest("readelf is not installed")
        text = subprocess.run(["readelf", "-d", str(INSTALLED)], capture_output=True, text=True, check=True).stdout
        needed = {Path(name).name.split(".so")[0] for name in re.findall(r"NEEDED.*\[(.*)\]", text)}
        self.assertLessEqual(needed, {"libc", "libm", "libstdc++", "libgcc_s", "libpthread", "libdl", "ld-linux-x86-64", "ld-linux-aarch64"})
        self.assertNotRegex(text, "RPATH|RUNPATH")

    @unittest.skipUnless(INSTALLED.exists(), "not installed from a wheel")
    def test_every_instruction_set_that_is_here_works(self):
        with open("/proc/cpuinfo") as file:
            flags = set(re.search(r"^flags\s*: (.*)$", file.read(), re.M).group(1).split())
        sets = ["scalar"] + ["sse4"] * ("sse4_2" in flags) + ["avx2"] * ("avx2" in flags) + ["avx3"] * ("avx512dq" in flags)
        found = [riffle.fit("crescents", flow="affine-full", iterations=200, run__simd=name).report for name in sets]
        for report in found[1:]:
            np.testing.assert_allclose(report["elbo"], found[0]["elbo"], rtol=1e-2)
        self.assertEqual([report["simd"].lower() for report in found], sets)


if __name__ == "__main__":
    unittest.main()
