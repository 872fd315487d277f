"""Settings of a fit, as the text of a spec (TOML)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from ._errors import UsageError

#: Keyword arguments, named as the options of `riffle fit`, and the keys of a spec that they are.
KEYS: dict[str, str] = {
    "seed": "run.seed",
    "threads": "run.threads",
    "precision": "run.precision",
    "method": "run.method",
    "iterations": "run.iterations",
    "batch": "run.batch",
    "max_seconds": "run.max_seconds",
    "max_gradients": "run.max_gradients",
    "fits": "run.fits",
    "n_draws": "run.draws",
    "evaluation_draws": "run.evaluation_draws",
    "base": "base.name",
    "flow": "flow.layers",
    "objective": "objective.name",
    "optimizer": "optimizer.name",
    "schedule": "schedule.name",
    "learning_rate": "optimizer.learning_rate",
    "init": "target.init",
}


def toml_value(value: Any, key: str) -> str:
    """A value as TOML has it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if math.isnan(number):
            raise UsageError(f"{key} is nan")
        return repr(number)
    if isinstance(value, str):
        return json.dumps(value)
    raise UsageError(f"{key} is of type {type(value).__name__}: numbers, texts, True and False are settings")


def section_toml(options: Optional[Mapping[str, Any]]) -> Optional[str]:
    """Options as the inside of one section."""
    if not options:
        return None
    return "\n".join(f"{key} = {toml_value(value, key)}" for key, value in options.items())


def settings_toml(settings: Mapping[str, Any]) -> str:
    """The spec that these settings are; those that are None are left out.

    A name is one of KEYS, or a key of a spec with its dot written as two underscores: run__simd.
    """
    sections: dict[str, list[str]] = {}
    for name, value in settings.items():
        if value is None:
            continue
        key = KEYS.get(name, name.replace("__", "."))
        if "." not in key:
            raise UsageError(
                f'there is no setting "{name}"; there are {", ".join(KEYS)}, and any SECTION__KEY of a spec'
            )
        section, _, rest = key.partition(".")
        sections.setdefault(section, []).append(f"{rest} = {toml_value(value, name)}")
    return "\n".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())
