"""Stan programs by stanli, which needs no compiler, and what `~` leaves out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ._errors import DataError

# Whose density is a probability: f_lpmf. Every other of Stan's is f_lpdf; a program's own are looked up in its text.
_discrete = frozenset(
    "bernoulli bernoulli_logit bernoulli_logit_glm binomial binomial_logit binomial_logit_glm beta_binomial "
    "beta_neg_binomial categorical categorical_logit categorical_logit_glm dirichlet_multinomial discrete_range "
    "hypergeometric multinomial multinomial_logit neg_binomial neg_binomial_2 neg_binomial_2_log "
    "neg_binomial_2_log_glm ordered_logistic ordered_logistic_glm ordered_probit poisson poisson_log poisson_log_glm".split()
)


def without_comments(program: str) -> str:
    """The program with blanks for comments and for what is in quotes, so that places stay."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found.group())

    return re.sub(r'//[^\n]*|/\*.*?\*/|"[^"\n]*"', blank, program, flags=re.S)


def _closing(text: str, at: int) -> int:
    """Where the parenthesis at `at` closes; -1 where it does not."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return -1


def _start_of_expression(text: str, at: int) -> int:
    """Where the left side of a `~` begins: after the last ; { } and after for (...), while (...), if (...), else."""
    start = max(text.rfind(mark, 0, at) for mark in ";{}") + 1
    while True:
        found = re.compile(r"\s*(?:(for|while|if)\s*(?=\()|else\b)").match(text, start, at)
        if found is None:
            break
        start = found.end()
        if found.group(1):
            start = _closing(text, start) + 1
    return start + len(text[start:at]) - len(text[start:at].lstrip())


def with_constants(program: str) -> Optional[str]:
    """The program with `x ~ f(a);` as `target += f_lpdf(x | a);` and lupdf as lpdf, which drops no constant; None where
    that cannot be told: it includes files, or cuts a distribution by T[...]."""
    text = without_comments(program)
    if "#include" in program:
        return None
    pieces, done = [], 0
    for tilde in re.finditer(r"~\s*([A-Za-z]\w*)\s*(?=\()", text):
        name, opening = tilde.group(1), tilde.end()
        closing = _closing(text, opening)
        if closing < 0 or not text[closing + 1 :].lstrip().startswith(";"):
            return None
        start = _start_of_expression(text, tilde.start())
        mass = name in _discrete or re.search(rf"\b{name}_lpmf\s*\(", text) is not None
        arguments = program[opening + 1 : closing]
        bar = f" | {arguments}" if arguments.strip() else ""
        suffix = "lpmf" if mass else "lpdf"
        pieces += [program[done:start], f"target += {name}_{suffix}({program[start : tilde.start()].rstrip()}{bar})"]
        done = closing + 1
    whole = "".join(pieces) + program[done:]
    whole = re.sub(r"_lup([dm])f\b", r"_lp\1f", whole)
    return None if "~" in without_comments(whole) else whole


class Compiled:
    """A program as stanli's library takes it: the library's path, and what goes with the data."""

    def __init__(self, program: str, name: str) -> None:
        import stanli

        self.library = str(stanli._runtime_lib_path())
        self.thread_safe = bool(stanli.thread_safe())
        self._member = {"build_id": stanli.build_id(), "mir": stanli.stan_to_mir(program), "name": name}

    def data(self, json_text: Optional[str]) -> str:
        """The data, in which the program travels."""
        if json_text is not None and json_text.endswith(".json"):
            json_text = Path(json_text).read_text(encoding="utf-8")
        try:
            members: Any = json.loads(json_text) if json_text else {}
        except json.JSONDecodeError as error:
            raise DataError(f"the data are not valid JSON: {error}") from None
        if not isinstance(members, dict):
            raise DataError("the data should be one object of JSON")
        return json.dumps({**members, "__stanli": self._member})


def differ_by_a_constant(one: Any, other: Any) -> bool:
    """Whether two targets have the same gradient, and values that differ by one number, at three points."""
    points = np.random.default_rng(7).uniform(-1, 1, size=(3, one.dim))
    (p, dp), (q, dq) = one.log_density_gradient(points), other.log_density_gradient(points)
    scale = 1 + np.abs(dp)
    with np.errstate(invalid="ignore"):
        same = np.all(np.abs(dp - dq) <= 1e-9 * scale) and np.ptp(p - q) <= 1e-9 * (1 + np.abs(p).max())
    return bool(same)
