"""An interrupt, Ctrl-C in a terminal or the stop button of a notebook, ends training between two steps."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from threading import current_thread, main_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from autograd_mini.train.training import Training


@contextmanager
def interrupts(training: Training) -> Iterator[None]:
    """Let the first interrupt end training after the step under way, and a second one raise KeyboardInterrupt.

    In another thread than the main one, which gets no signals, and where somebody else handles this signal already,
    nothing changes.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def stop(number: int, frame: object) -> None:
        if training.interrupted:
            signal.default_int_handler(number, frame)  # type: ignore[arg-type]  # the frame it is given
        training.interrupted = True

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is stop:  # a callback may have set another
            signal.signal(signal.SIGINT, signal.default_int_handler)
