"""A density estimator for scikit-learn."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ._errors import needs
from ._fit import fit_samples
from ._library import Array

try:
    from sklearn.base import BaseEstimator, DensityMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise needs("scikit-learn>=1.6", "riffle.FlowDensity") from None


class FlowDensity(DensityMixin, BaseEstimator):  # type: ignore[misc]
    """The density of a table by a normalizing flow: for pipelines, GridSearchCV, cross_val_score.

    Parameters
    ----------
    flow, base:
        As of a spec, such as "rqs-coupling:4"; by default what suits points.
    iterations, learning_rate, batch:
        Of the training, which ends by itself where the points that are held out no longer gain.
    max_seconds:
        A limit, in seconds.
    random_state:
        A whole number, a numpy.random.RandomState, or None: a number at random.

    Attributes
    ----------
    fit_:
        The `riffle.Fit`.
    flow_:
        The `riffle.Flow`.
    n_features_in_, feature_names_in_:
        Of the table.
    """

    def __init__(
        self,
        flow: Optional[str] = None,
        *,
        base: Optional[str] = None,
        iterations: Optional[int] = None,
        learning_rate: Optional[float] = None,
        batch: Optional[int] = None,
        max_seconds: Optional[float] = None,
        random_state: Any = None,
    ) -> None:
        self.flow = flow
        self.base = base
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.batch = batch
        self.max_seconds = max_seconds
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> FlowDensity:  # noqa: N803
        """Learns the density of the rows of X, (n, dim), n at least 2."""
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        seed = self.random_state
        if seed is None or not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(2**31 - 1)
        names = getattr(self, "feature_names_in_", None)
        self.fit_ = fit_samples(
            rows,
            names=None if names is None else [str(name) for name in names],
            seed=int(seed),
            progress=False,
            flow=self.flow,
            base=self.base,
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            batch=self.batch,
            max_seconds=self.max_seconds,
        )
        self.flow_ = self.fit_.flow
        return self

    def score_samples(self, X: Any) -> Array:  # noqa: N803
        """ln q of each row, (n,), in nats."""
        check_is_fitted(self)
        log_q: Array = self.flow_.log_prob(validate_data(self, X, dtype=np.float64, reset=False))
        return log_q

    def score(self, X: Any, y: Any = None) -> float:  # noqa: N803
        """The sum of ln q of the rows, as scikit-learn's other densities have it."""
        return float(np.sum(self.score_samples(X)))

    def percentiles(self, X: Any, draws: int = 10_000) -> Array:  # noqa: N803
        """Of each row the share in percent of the flow's draws that are less likely, (n,): what is near 0 is an outlier."""
        _, log_q = self.flow_.sample_log_prob(draws) if hasattr(self, "flow_") else (None, np.empty(0))
        scores = self.score_samples(X)
        return 100.0 * np.searchsorted(np.sort(log_q), scores) / len(log_q)

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Array:
        """Independent draws (n_samples, dim); the same for the same whole number."""
        check_is_fitted(self)
        if random_state is None or not isinstance(random_state, (int, np.integer)):
            random_state = check_random_state(random_state).randint(2**31 - 1)
        return self.flow_.sample(n_samples, seed=int(random_state))


