"""The examples of README and docs/python.md run. Those of packages that are not installed are left out."""

import importlib.util
import re
import unittest
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]


@unittest.skipUnless((ROOT / "docs" / "python.md").exists(), "not in a checkout")
class Documents(unittest.TestCase):
    def run_blocks(self, text):
        names = {}
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
        self.assertTrue(blocks)
        for block in blocks:
            packages = set(re.findall(r"^(?:import|from) (\w+)", block, re.M))
            if any(importlib.util.find_spec(package) is None for package in packages):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(block, "block", "exec"), names)
        return names

    def test_the_page(self):
        names = self.run_blocks((ROOT / "docs" / "python.md").read_text())
        self.assertGreater(names["narrow"].log_z, names["wide"].log_z)

    def test_readme(self):
        text = (ROOT / "README.md").read_text()
        names = self.run_blocks(text[text.index("## From Python") : text.index("## From R")])
        self.assertEqual(names["fit"].verdict, "reliable")


if __name__ == "__main__":
    unittest.main()
