"""Context managers that limit Lightning's side effects on the process."""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.pytorch.utilities.exceptions import SIGTERMException


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Lightning's advice on workers, devices and log folders, which does not apply to this framework."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt on interruption: Lightning turns it into an exit and ignores Ctrl-C from then on."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if isinstance(end, SIGTERMException) or isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
