"""Grades submissions one by one: what each student gets, and why."""

import importlib
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from common import bars
from common.errors import UserError
from common.grading import archives, remote, submissions
from common.grading.names import shown
from common.grading.remote import Ended, Failed, Model
from common.grading.weights import Refused

ABSENT = "not handed in"
LOOK = "the grader could not grade it, look yourself"


class Result(NamedTuple):
    """What one run is worth. metrics: of the homework, on the test data; None if `reason` says why there are none."""

    reason: str
    points: float = 0
    tier: str | None = None
    value: float | None = None  # of the bar's metric
    metrics: dict | None = None
    weights: str | None = None  # their hash
    handed_in: bool = True


class Student(NamedTuple):
    """The results of one submission. name: of its folder or zip; file: a safe name for its report."""

    name: str
    file: str
    results: dict  # {key of bars.JUDGED: Result}

    @property
    def points(self):
        return sum(result.points for result in self.results.values())


class Stopped(BaseException):
    """The grading is being stopped: what this submission would get now is not its due."""


def evaluate_of(task):
    """The module evaluate.py of a task's homework: ours, never a student's."""
    return importlib.import_module(f"{task.partition('/')[0]}.evaluate")


class Grader:
    """Grades runs; `workers` opens the models. config: as for common/data, with data "full".

    kept: a kept.Kept, or None. Once `stopped` is set nothing more is graded. `reused`, `graded`: how many submissions.
    """

    def __init__(self, workers, rules, config, kept=None):
        self.workers, self.rules, self.config, self.kept = workers, rules, config, kept
        self.stopped = threading.Event()
        self.reused = self.graded = 0
        self._data, self._lock, self._count = {}, threading.Lock(), threading.Lock()

    def held_out(self, task):
        """What a task is scored on, loaded once. Raises UserError when it cannot be had."""
        with self._lock:
            if task not in self._data:
                self._data[task] = evaluate_of(task).load(task, self.config)
            return self._data[task]

    def submission(self, path, tasks):
        """{task: Result} of what was handed in as `path`, for the `tasks`, keys of bars.JUDGED.

        Whatever is wrong with it is its reason. Raises UserError when something is missing that is not the student's,
        and Stopped.
        """
        try:
            place = self.kept and self.kept.path(path)
            if place and (found := self.kept.find(place)):
                results = {task: Result(**found[task]) for task in tasks}
                with self._count:
                    self.reused += 1
                return results
            with tempfile.TemporaryDirectory(prefix="submission-") as work:
                results = self._grade(path, tasks, Path(work))
        except UserError:
            raise
        except (Refused, OSError) as error:
            if getattr(error, "errno", None) in archives.DISK_IS_FULL:
                return dict.fromkeys(tasks, _unforeseen(error))
            return dict.fromkeys(tasks, Result(f"refused: {shown(str(error))}"))
        except Exception as error:  # nothing that is handed in may stop the rest
            return dict.fromkeys(tasks, _unforeseen(error))
        if self.stopped.is_set():
            raise Stopped
        passing = (LOOK, remote.TOO_LONG, remote.UNWATCHED)  # may not happen again, with fewer jobs or another disk
        if place and not any(word in result.reason for result in results.values() for word in passing):
            self._keep(place, results)
        return results

    def _keep(self, place, results):
        try:
            self.kept.keep(place, {task: result._asdict() for task, result in results.items()})
        except OSError as error:
            raise UserError(f"cannot write to {place.parent} ({error.strerror}): choose another --out") from None
        with self._count:
            self.graded += 1

    def _grade(self, path, tasks, work):
        runs, unknown = submissions.opened(path, work)
        said = "; ".join(unknown[:5]) + (f"; and {len(unknown) - 5:,} more" if len(unknown) > 5 else "")
        if unknown:  # else a teacher could not tell it from nothing at all
            absent = Result(f"{ABSENT}, but it holds {said}" if runs else f"nothing in it is graded: it holds {said}")
        else:
            absent = Result(ABSENT, handed_in=False)
        results = {}
        for i, task in enumerate(tasks):
            if self.stopped.is_set():
                raise Stopped
            results[task] = self.run(runs[task], task, work / f"run-{i}") if task in runs else absent
        return results

    def run(self, run, task, folder):
        """The Result of a submissions.Run; its files are copied into the new folder `folder` first."""
        homework, held_out, weights = task.partition("/")[0], self.held_out(bars.task_of(task)), None
        evaluate = evaluate_of(task)
        try:
            submissions.take(run, homework, evaluate.FILES, folder)
            with Model(self.workers, homework, folder) as model:
                weights = model.weights
                if task in bars.EXERCISES and model.own_code:  # its weights might be anywhere in it
                    raise Refused("an exercise takes layers of Keras alone, and it needs code of its own")
                metrics = evaluate.score(model, folder, held_out)
                if task in bars.EXERCISES:
                    metrics["weights"] = model.count
        except Ended:
            raise
        except (Refused, UserError) as error:
            return Result(f"refused: {shown(str(error))}", weights=weights)
        except Failed as error:
            return Result(f"no predictions: {shown(str(error))}", weights=weights)
        except Exception as error:
            return _unforeseen(error)
        bar = bars.JUDGED[task]
        tier, points = self.rules.judge(task, metrics)
        reason = f"{bar.sentence(metrics)}; tier: {tier or 'none'}"
        best = bars.BEST_KNOWN.get(bars.task_of(task))
        if best and best.passes(metrics) and metrics[best.metric] != best.threshold:
            reason += f"; better than the best value that is known, {best.threshold:g}: look at it"
        if run.remark:
            reason += f" ({run.remark})"
        return Result(reason, points, tier, metrics[bar.metric], metrics, weights)


def _unforeseen(error):
    return Result(f"{LOOK}: {shown(repr(error))[:300]}")
