"""How often somebody may try."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from prelabel.datasets.errors import PrelabelError

_REMEMBERED = 10_000  # names or addresses; the longest unheard-of one is forgotten first


class TooManyTriesError(PrelabelError):
    """Too many tries in too short a time."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many tries: wait {wait_s:.0f} s, then try again")
        self.wait_s = wait_s


@dataclass(slots=True)
class _Bucket:
    tries: float
    at: float


class RateLimit:
    """Lets a key have `tries` at once, and one more every `refill_s` seconds (a token bucket).

    `monotonic` gives seconds that never go back. May be used by several threads.
    """

    def __init__(self, tries: int, refill_s: float, monotonic: Callable[[], float]) -> None:
        self._tries = tries
        self._refill_s = refill_s
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Use up one try; TooManyTriesError where none is left."""
        with self._lock:
            bucket = self._filled(key)
            if bucket.tries < 1:
                raise TooManyTriesError((1 - bucket.tries) * self._refill_s)
            bucket.tries -= 1

    def give_back(self, key: str) -> None:
        """Undo one `take`: the try was a good one."""
        with self._lock:
            bucket = self._filled(key)
            bucket.tries = min(bucket.tries + 1, float(self._tries))

    def _filled(self, key: str) -> _Bucket:
        now = self._monotonic()
        bucket = self._buckets.setdefault(key, _Bucket(float(self._tries), now))
        bucket.tries = min(bucket.tries + (now - bucket.at) / self._refill_s, float(self._tries))
        bucket.at = now
        self._buckets.move_to_end(key)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket
