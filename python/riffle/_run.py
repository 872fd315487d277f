"""Runs a fit of the library: progress, Ctrl-C, and what callbacks raise."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

from . import _library
from ._progress import OnProgress, OnStage, Progress, Silent, Stage


class Running:
    """The callbacks of one fit."""

    def __init__(self, screen: Silent, on_stage: OnStage, on_progress: OnProgress) -> None:
        self.screen = screen
        self.on_stage = on_stage
        self.on_progress = on_progress
        self.cancelled = False
        self.exception: BaseException | None = None
        self._progress = _library.PROGRESS_FUNCTION(self._told_progress)
        self._stage = _library.STAGE_FUNCTION(self._told_stage)
        self.callbacks = _library.FitCallbacks(
            ctypes.sizeof(_library.FitCallbacks), self._progress, self._stage, None
        )

    def _told_progress(self, pointer: Any, user: Any) -> int:
        p = pointer.contents
        progress = Progress(p.iteration, p.iterations, p.loss, p.gradients, p.elbo, p.seconds, (p.what or b"").decode())
        return self._told(self.screen.progress, self.on_progress, progress)

    def _told_stage(self, pointer: Any, user: Any) -> int:
        s = pointer.contents
        stage = Stage(
            s.name.decode(), s.message.decode(), s.gradients, s.seconds, s.elbo, s.elbo_se, s.ess_fraction
        )
        return self._told(self.screen.stage, self.on_stage, stage)

    def _told(self, show: Callable[[Any], None], listener: Any, news: Any) -> int:
        try:
            show(news)
            if listener is not None and listener(news) is False:
                self.cancelled = True
        except BaseException as exception:  # nothing may be raised into the library
            self.exception = exception
            self.cancelled = True
        return int(self.cancelled)

    def run(self, work: Callable[[], int], in_this_thread: bool) -> int:
        """Returns the report's handle. Ctrl-C cancels; another ends with KeyboardInterrupt."""
        report, failure = 0, None
        with self._interrupts():
            try:
                if in_this_thread or threading.current_thread() is not threading.main_thread():
                    report = work()
                else:
                    report = self._beside(work)
            except Exception as error:
                failure = error
        if self.exception is not None:  # a listener's
            _library.library.riffle_report_free(report)
            raise self.exception
        if failure is not None:
            raise failure
        return report

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """While it lasts Ctrl-C is a request to end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def request(number: int, frame: Any) -> None:
            if self.cancelled:
                signal.default_int_handler(number, frame)
            self.cancelled = True

        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:  # somebody else's business
            yield
            return
        signal.signal(signal.SIGINT, request)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _beside(self, work: Callable[[], int]) -> int:
        """In a thread of its own, so that this one hears of signals while the library is at work."""
        results: list[int] = []
        errors: list[BaseException] = []

        def target() -> None:
            try:
                results.append(work())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=target, name="riffle-fit")
        thread.start()
        while thread.is_alive():
            try:
                thread.join(0.05)
            except KeyboardInterrupt:
                if self.cancelled:
                    raise
                self.cancelled = True
        if errors:
            raise errors[0]
        return results[0]
