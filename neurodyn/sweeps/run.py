"""Send points to the workers, and take in what became of them until all are done."""

from __future__ import annotations

import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from neurodyn.sweeps.points import Failure, Outcome, attempt, unpacked

#: Points that are sent ahead: at least as many, and as many for each thread of the cluster.
AHEAD, AHEAD_OF_THREAD = 256, 4
#: Time between two looks at the cluster [s].
LOOK = 2.0
#: Time before a look at a point whose result was lost with its worker [s].
_SOON = 0.05

Record = Callable[[Outcome, int], None]


class Sender:
    """Points on their way through a cluster.

    A point whose worker died too often (`KilledWorker`) may have died beside the one that killed
    it. Such points run at the end, one at a time; only one that fails there is a failure.

    Parameters
    ----------
    client
        Client of the cluster.
    job
        The work, packed.
    retries
        How often a failed point is tried again.
    record
        Called with every outcome and its number of attempts.
    note
        Called with the number of workers whenever the cluster is looked at.
    """

    def __init__(
        self,
        client: Any,
        job: bytes,
        *,
        retries: int,
        record: Record,
        note: Callable[[int], None],
    ):
        self._client, self._retries = client, retries
        self._record, self._note = record, note
        self._name = f"sweep-{uuid.uuid4().hex[:12]}"
        # A task of its own, so that the scheduler sends it once to a worker, and makes it anew
        # where the worker that held it has died. Its name begins otherwise than those of points:
        # points are then a group that depends on little, which Dask keeps back until a worker is
        # free. Else it would give them to the worker that has this task.
        self._job = client.submit(unpacked, job, key=self._name.replace("sweep", "work"))
        self._landed: queue.SimpleQueue = queue.SimpleQueue()
        self._flying: dict[str, tuple[Any, int, int, bool]] = {}
        self._waiting: deque[tuple[int, int]] = deque()
        self._alone: deque[tuple[int, int]] = deque()
        self._ahead, self._looked = AHEAD, -LOOK

    def run(self, points: Iterable[int]) -> None:
        """Run points, each until it is recorded.

        Raises
        ------
        RuntimeError
            If workers cannot load the function.
        ConnectionError
            If the scheduler is gone.
        """
        self._waiting.extend((point, 1) for point in points)
        try:
            while self._waiting or self._alone or self._flying:
                self._look()
                self._fill()
                self._take_in()
        finally:
            for future, *_ in self._flying.values():
                future.release()

    def _fill(self) -> None:
        while self._waiting and len(self._flying) < self._ahead:
            self._submit(*self._waiting.popleft())
        if self._alone and not self._flying:
            self._submit(*self._alone.popleft(), alone=True)

    def _submit(self, point: int, attempts: int, *, alone: bool = False) -> None:
        future = self._client.submit(
            attempt,
            self._job,
            point,
            key=f"{self._name}-{point}-{attempts}",
            priority=-point,  # in the order of the grid
            pure=False,
        )
        self._flying[future.key] = (future, point, attempts, alone)
        future.add_done_callback(self._landed.put)

    def _take_in(self) -> None:
        """Wait for points, and record those that have landed."""
        try:
            landed = [self._landed.get(timeout=LOOK)]
        except queue.Empty:
            return
        while not self._landed.empty():
            landed.append(self._landed.get())
        landed = [future for future in landed if future.key in self._flying]
        ready = [future for future in landed if future.status == "finished"]
        try:
            gathered = self._client.gather(ready, errors="skip")
        except OSError as error:
            raise self._gone() from error
        outcomes = {outcome.point: outcome for outcome in gathered}
        for future in landed:
            _, point, attempts, alone = self._flying[future.key]
            if point in outcomes and future in ready:
                del self._flying[future.key]
                self._finish(outcomes[point], attempts)
            elif future.status == "cancelled":
                raise self._gone()
            elif future.status == "error":
                del self._flying[future.key]
                self._lost(future.exception(), point, attempts, alone)
            else:  # its worker died after it had finished: Dask runs it again
                time.sleep(_SOON)
                future.add_done_callback(self._landed.put)

    def _finish(self, outcome: Outcome, attempts: int) -> None:
        if outcome.failure is not None and attempts <= self._retries:
            self._waiting.append((outcome.point, attempts + 1))
        else:
            self._record(outcome, attempts)

    def _lost(self, error: BaseException, point: int, attempts: int, alone: bool) -> None:
        """A point of which the cluster, not the function, reports an error."""
        import distributed

        if self._job.status == "error":
            raise RuntimeError(
                f"The workers cannot load what they should run ({type(error).__name__}: {error}). "
                "Install neurodyn and the modules of the function there, or send a file by "
                "client.upload_file(...)."
            ) from error
        killed = isinstance(error, distributed.KilledWorker)
        if killed and not alone:
            self._alone.append((point, attempts + 1))
        elif not killed and attempts <= self._retries:
            self._waiting.append((point, attempts + 1))
        else:
            told = (
                "The workers died that ran this point, also when nothing else ran: it takes more "
                "memory than they have, or crashes them."
                if killed
                else str(error)
            )
            failure = Failure(type(error).__name__, told, "")
            self._record(Outcome(point, None, {}, failure, float("nan")), attempts)

    def _look(self) -> None:
        """Look at the cluster now and then: whether it is there, and how many workers it has."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        if self._client.status not in ("running", "connecting"):
            raise self._gone()
        try:
            threads = self._client.nthreads()
        except (OSError, TimeoutError) as error:
            raise self._gone() from error
        self._ahead = max(AHEAD, AHEAD_OF_THREAD * sum(threads.values()))
        self._note(len(threads))

    def _gone(self) -> ConnectionError:
        return ConnectionError(
            "The Dask scheduler is gone. What is recorded is kept: sweep again with resume=True "
            "(--resume) on a new one."
        )
