"""What is measured at each update, kept in at most 512 rows however long a run lasts; and when D ran away."""

import numpy as np

COLUMNS = ("step", "loss_d", "loss_g", "gradient_g", "separation")
ROWS = 512
WINDOW = 100  # updates over which D's separation is averaged
RUNAWAY = 0.995  # of pairs of a real and a generated sample, D tells nearly all apart


class Series:
    """Rows that average `stride` updates each; when there are too many, two become one and the stride doubles."""

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []
        self.stride = 1
        self.pending: list[np.ndarray] = []
        self.runaway = 0  # the update at which D had run away, 0 if it never had
        self._smooth = 0.5

    def add(self, *values: float) -> None:
        """Appends the values of one update, in the order of COLUMNS."""
        self.pending.append(np.array(values, dtype=np.float64))
        self._watch(int(values[0]), values[-1])
        if len(self.pending) >= self.stride:
            self.rows.append(np.mean(self.pending, axis=0))
            self.pending = []
        if len(self.rows) >= ROWS:
            pairs = np.array(self.rows[:len(self.rows) // 2 * 2])
            self.rows = list(pairs.reshape(-1, 2, len(COLUMNS)).mean(1))
            self.stride *= 2

    def array(self) -> np.ndarray:
        """All rows (N, 5) float32, the unfinished last one too."""
        rows = [*self.rows, np.mean(self.pending, axis=0)] if self.pending else self.rows
        return np.array(rows, dtype=np.float32).reshape(-1, len(COLUMNS))

    def state(self) -> dict:
        """JSON types, for a checkpoint."""
        return {"rows": [row.tolist() for row in self.rows], "pending": [row.tolist() for row in self.pending],
                "stride": self.stride, "runaway": self.runaway, "smooth": self._smooth}

    def restore(self, state: dict) -> None:
        """What state() gave."""
        self.rows = [np.array(row) for row in state["rows"]]
        self.pending = [np.array(row) for row in state["pending"]]
        self.stride, self.runaway, self._smooth = state["stride"], state["runaway"], state["smooth"]

    def _watch(self, step: int, separation: float) -> None:
        self._smooth += (separation - self._smooth) / WINDOW
        if not self.runaway and self._smooth >= RUNAWAY:
            self.runaway = step
