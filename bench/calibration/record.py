#!/usr/bin/env python3
"""The table of docs/calibration.md: record.py RIFFLE FOLDER [MODEL...] calibrates the models that lie here, by 1,000 simulations each, into
FOLDER/MODEL, and goes on where it was stopped. RIFFLE_SBC_OPTIONS has further options of `riffle sbc`, such as --threads 1."""
import json
import os
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
models = ["normal_mean", "exponential_rate", "beta_binomial", "poisson_regression", "logistic_regression", "linear_regression",
          "eight_schools_noncentered"]


def row(model, summary):
    quantities = summary["quantities"]
    tests = {name: q["reliable"] for name, q in quantities.items()}
    widths = [t["width"] for t in tests.values()]
    worst = min(quantities, key=lambda name: quantities[name]["adjusted_p"])
    covered = [100 * t["coverage"]["0.9"] for t in tests.values()]
    return "| {} | {} | {} | {} | {:.2f} to {:.2f} | {:.1f} to {:.1f} | {:.2g} ({}) | {:.2f} ± {:.2f} | {} |".format(
        model.replace("_", " "), len(quantities), summary["failed"], summary["unreliable"], min(widths), max(widths), min(covered),
        max(covered), quantities[worst]["adjusted_p"], worst, summary["log_z_mean"], summary["log_z_mean_se"], summary["verdict"])


def main():
    riffle, folder, *chosen = sys.argv[1:]
    rows = []
    for model in chosen or models:
        out = pathlib.Path(folder) / model
        subprocess.run([riffle, "sbc", "--stan", here / f"{model}.stan", "--data", here / f"{model}.json", "--out", out, "--quiet",
                        *os.environ.get("RIFFLE_SBC_OPTIONS", "").split()], check=True)
        rows.append(row(model, json.loads((out / "summary.json").read_text())))
    print("| model | quantities | failed | unreliable | width | 90 % interval holds, % | least p (of) | mean ln Z | verdict |")
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))


main()
