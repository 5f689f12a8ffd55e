"""Grades a class: reads what every student handed in, predicts on the test data, and writes the grades.

    python -m common.grade SUBMISSIONS                          a folder with one folder or zip per student
    python -m common.grade SUBMISSIONS --homework hw2_cifar10_cnn --jobs 2

A submission is a copy of this repository with its outputs/, or just outputs/ and a changed model.py. Every figure is
computed here, on the test data, from predictions; metrics.json is never read. Models are opened in a sandbox
(common/grading/sandbox.py), and a student's code runs only where model.keras cannot be opened without it. One bad
submission never stops the rest. Points come from common/grading/rules.toml.

Not prevented: a model that has learned the test data by heart, which is public.
"""

import argparse
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from common import bars
from common.errors import UserError
from common.grading import results, rules, submissions
from common.grading.remote import Failed, Model, Workers
from common.grading.scorers import HOMEWORKS
from common.grading.weights import Refused
from common.run import cli

ABSENT = "not handed in"


class Result(NamedTuple):
    """What one run is worth. figures: of the homework, on the test data; None if `reason` says why there are none."""

    reason: str
    points: float = 0
    tier: str | None = None
    value: float | None = None  # the figure of the bar
    figures: dict | None = None
    weights: str | None = None  # their hash
    handed_in: bool = True


class Student(NamedTuple):
    """The results of one submission. name: of its folder or zip; file: a safe name for its report."""

    name: str
    file: str
    results: dict  # {homework of common/bars.py: Result}

    @property
    def points(self):
        return sum(result.points for result in self.results.values())


class Grader:
    """Grades runs; `workers` opens the models. config: as for common/data, with data "full"."""

    def __init__(self, workers, rules, config):
        self.workers, self.rules, self.config = workers, rules, config
        self._data, self._lock = {}, threading.Lock()

    def data(self, key):
        """The test data of a homework of common/bars.py, loaded once. Raises UserError when it cannot be had."""
        homework, _, variant = key.partition("/")
        with self._lock:
            if key not in self._data:
                self._data[key] = HOMEWORKS[homework].load(variant, self.config)
            return self._data[key]

    def submission(self, path, keys):
        """{key: Result} of what was handed in as `path`, for the homeworks `keys` of common/bars.py."""
        with tempfile.TemporaryDirectory(prefix="grade-") as name:
            work = Path(name)
            (work / "unpacked").mkdir()
            try:
                root = submissions.opened(path, work / "unpacked")
                found = submissions.runs(root)
            except Exception as error:  # whatever one submission raises, the rest goes on
                words = str(error) if isinstance(error, Refused) else f"it cannot be opened ({error!r:.200})"
                return dict.fromkeys(keys, Result(f"refused: {submissions.shown(words)}"))
            return {
                key: self.run(found[key], key, root, work / str(i)) if key in found else Result(ABSENT, handed_in=False)
                for i, key in enumerate(keys)
            }

    def run(self, run, key, root, folder):
        """The Result of a submissions.Run; its files are copied into the new folder `folder` first."""
        homework = key.partition("/")[0]
        data, weights = self.data(key), None
        try:
            submissions.take(run, homework, root, folder)
            with Model(self.workers, homework, folder) as model:
                weights = model.weights
                figures = HOMEWORKS[homework].score(model, folder, data)
        except Refused as error:
            return Result(f"refused: {submissions.shown(str(error))}", weights=weights)
        except Failed as error:
            return Result(f"no predictions: {error}", weights=weights)
        except UserError:
            raise
        except Exception as error:  # nothing that is handed in may stop the rest
            return Result(f"the grader could not grade it, look yourself: {submissions.shown(repr(error))[:300]}")
        bar = bars.FULL[key]
        tier, points = self.rules.judge(key, figures)
        reason = f"{bar.sentence(figures)}; tier: {tier or 'none'}"
        if run.remark:
            reason += f" ({run.remark})"
        return Result(reason, points, tier, figures[bar.figure], figures, weights)


def grade(options):
    """Grade everything in options.submissions and write options.out."""
    try:
        paths, left_out = submissions.entries(options.submissions)
    except OSError as error:
        raise UserError(f"cannot read the submissions in {options.submissions} ({error.strerror})") from None
    if not paths:
        raise UserError(f"there are no submissions in {options.submissions}: one folder or zip per student is expected")
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise UserError(f"--out {options.out} lies among the submissions: choose another folder")
    keys = [key for key in bars.FULL if options.homework in (None, key.partition("/")[0])]
    by = rules.load(options.rules)
    config = argparse.Namespace(data="full", data_dir=options.data_dir, limit=None, seed=0)
    names = [submissions.shown(path.name) for path in paths]
    if left_out:
        print(f"left out, as no submissions: {', '.join(submissions.shown(path.name) for path in left_out)}")
    with Workers(by.limits, hidden=(options.submissions, options.data_dir, options.out)) as workers:
        if not workers.isolated:
            print(f"note: {workers.protections}", file=sys.stderr)
        grader = Grader(workers, by, config)
        with ThreadPoolExecutor(options.jobs) as pool:
            graded = pool.map(lambda path: grader.submission(path, keys), paths)
            try:
                found = [*tqdm(graded, desc="grading", total=len(paths), unit="student", disable=None)]
            except BaseException:
                workers.stop()
                pool.shutdown(cancel_futures=True)
                raise
    students = [Student(*each) for each in zip(names, submissions.safe_names(names), found, strict=True)]
    results.write(options.out, students, keys, by, workers.protections)
    passed = sum(student.points > 0 for student in students)
    print(f"{len(students):,} submissions, {passed:,} with points: {options.out / 'grades.csv'}")


@cli.guarded
def main(argv=None):
    parser = cli.Parser(__doc__, prog="python -m common.grade")
    add = parser.add_argument
    add("submissions", type=cli.path, metavar="SUBMISSIONS", help="folder with one folder or zip per student")
    add("--jobs", type=cli.positive, default=1, metavar="N", help="submissions that are graded side by side (1)")
    add("--homework", choices=HOMEWORKS, help="grade this one only (all)")
    cli.data_dir_option(parser)
    add("--out", type=cli.path, default=cli.ROOT / "grades", metavar="DIR", help="where the grades go (grades/)")
    add(
        "--rules",
        type=cli.path,
        default=rules.DEFAULT,
        metavar="FILE",
        help="tiers, points, limits (grading/rules.toml)",
    )
    options = parser.parse_args(argv)
    options.data_dir = options.data_dir or cli.default_data_dir()
    grade(options)


if __name__ == "__main__":
    sys.exit(main())
