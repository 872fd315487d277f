"""What a fit shows while it runs."""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple, Optional, Union


class Stage(NamedTuple):
    """A stage of a fit without settings, as it ends. Figures that it does not have are nan."""

    name: str
    message: str
    gradients: int  #: evaluations of the target since the start
    seconds: float  #: since the start
    elbo: float
    elbo_se: float
    ess_fraction: float  #: effective share of the draws


class Progress(NamedTuple):
    """Where a fit stands. What it does not have is 0, nan or ""."""

    iteration: int
    iterations: int
    loss: float
    gradients: int
    elbo: float
    seconds: float
    what: str


class Silent:
    """Shows nothing."""

    def progress(self, progress: Progress) -> None:
        pass

    def stage(self, stage: Stage) -> None:
        pass

    def close(self) -> None:
        pass


class Lines(Silent):
    """A line for each stage, to standard error."""

    def stage(self, stage: Stage) -> None:
        print(f"{stage.name:<8}{stage.message} ({stage.seconds:.1f} s)", file=sys.stderr, flush=True)


class Bar(Silent):
    """tqdm's bar, in a terminal or a notebook; stages as lines above it."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._bar: Any = None

    def progress(self, progress: Progress) -> None:
        if self._bar is None:
            form = None if progress.iterations else "{desc}{n_fmt} gradients, {elapsed}{postfix}"
            self._bar = self._tqdm(
                total=progress.iterations or None, unit_scale=True, leave=False, bar_format=form, desc="fit"
            )
        self._bar.n = progress.iteration if progress.iterations else progress.gradients
        if progress.what:
            self._bar.set_description(progress.what[:50], refresh=False)
        figure = progress.loss if progress.iterations else progress.elbo
        name = "loss" if progress.iterations else "ELBO"
        if figure == figure:
            self._bar.set_postfix_str(f"{name} {figure:.4g}", refresh=False)
        self._bar.refresh()

    def stage(self, stage: Stage) -> None:
        self._tqdm.write(f"{stage.name:<8}{stage.message} ({stage.seconds:.1f} s)", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def shown(progress: Union[None, bool, Callable[[Progress], Any]]) -> Silent:
    """None: in terminals and notebooks; True: always; False: never."""
    if progress is False:
        return Silent()
    if progress is None and not (_in_notebook() or (sys.stderr is not None and sys.stderr.isatty())):
        return Silent()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return Lines()
    return Bar(tqdm)


OnStage = Optional[Callable[[Stage], Any]]
OnProgress = Optional[Callable[[Progress], Any]]
