"""Grades a class: reads what every student handed in, predicts on the test data, and writes the grades.

    python -m common.grade SUBMISSIONS                          a folder with one folder or zip per student
    python -m common.grade SUBMISSIONS --homework hw2_cifar10_cnn --jobs 2
    python -m common.grade SUBMISSIONS --exercises              the exercises "for the grader" in place of the bars

A submission is a copy of this repository with its outputs/, or just outputs/ and a changed model.py, as a folder, a
zip, or a folder with a zip in it. Every metric is computed here, on the test data, from predictions; metrics.json is
never read. Models are opened in a sandbox (common/grading/sandbox.py), and a student's code runs only where model.keras
cannot be opened without it. One bad submission never stops the rest. Points come from common/grading/rules.toml.

The results of a student are kept as soon as they are there: the same command goes on after it was stopped, and grades
again only what has changed.

Not prevented: a model that has learned the test data by heart, which is public. Where it is better than every value
that is known, the reason says so.
"""

import argparse
import contextlib
import queue
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
from tqdm import tqdm

try:
    import fcntl  # noqa: F401  and resource, fork and signals beside it: Windows has none of them
except ModuleNotFoundError:
    sys.exit("error: the grader does not run on Windows: use WSL 2, which is Linux")

from common import bars
from common.errors import UserError
from common.grading import results, rules, submissions, weights
from common.grading.grader import Grader, Student
from common.grading.kept import Kept
from common.grading.names import safe_names, shown
from common.grading.remote import Workers
from common.grading.temporary import workplace
from common.run import cli, device

WRITTEN = "students", "kept"  # folders of --out
STOPPED = "stopped: what has been graded is kept, and the same command goes on from there"


def grade(options):
    """Grade everything in options.submissions and write options.out."""
    try:
        paths, others = submissions.entries(options.submissions)
    except OSError as error:
        raise UserError(f"cannot read the submissions in {options.submissions} ({error.strerror})") from None
    if not paths:
        raise UserError(f"there are no submissions in {options.submissions}: one folder or zip per student is expected")
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise UserError(f"--out {options.out} lies among the submissions: choose another folder")
    if any(options.submissions.resolve().is_relative_to((options.out / each).resolve()) for each in WRITTEN):
        raise UserError(f"the submissions lie where --out {options.out} is written to: choose another folder")
    table = bars.EXERCISES if options.exercises else bars.FULL
    tasks = [task for task in table if options.homework in (None, task.partition("/")[0])]
    by = rules.load(options.rules)
    config = argparse.Namespace(data="full", data_dir=options.data_dir, limit=None, seed=0)
    left_out = left_out_of(others)
    if left_out:
        print(f"note: {left_out}", file=sys.stderr)
    device.setup("float32")
    hidden = (options.submissions, options.data_dir, options.out, *options.baseline)
    with _stoppable(), workplace():
        baseline = baseline_weights(options.baseline)
        with _alone(options.out), Workers(by.limits, hidden=hidden) as workers:
            if not workers.isolated:
                print(f"note: {workers.protections}", file=sys.stderr)
            said = {"rules": by._replace(tiers=repr(by.tiers)), "tasks": tasks, "protections": workers.protections}
            kept = Kept(options.out / "kept", options.data_dir, said)
            if options.fresh:
                kept.remove()
            grader = Grader(workers, by, config, kept)
            found = grade_all(grader, paths, tasks, options.jobs)
            if grader.reused:
                unchanged = f"{grader.reused:,} submissions have not changed since they were graded"
                print(f"note: {unchanged}; --fresh grades them again")
            names = [shown(path.name) for path in paths]
            students = [Student(*each) for each in zip(names, safe_names(names), found, strict=True)]
            results.write(options.out, students, tasks, by, workers.protections, baseline, left_out)
            kept.remove(unused=True)
    passed = sum(student.points > 0 for student in students)
    print(f"{len(students):,} submissions, {passed:,} with points: {options.out / 'grades.csv'}")


def grade_all(grader, paths, tasks, jobs):
    """[{task: Result}] of the submissions `paths`, `jobs` side by side. However it ends, no model runs afterwards."""
    # Ctrl-C may come at any moment, and what it interrupts in Future.result can keep its lock for ever: the results
    # come through a queue that has none.
    ended, found = queue.SimpleQueue(), {}

    def submission(path):
        try:
            ended.put((path, grader.submission(path, tasks), None))
        except BaseException as error:
            ended.put((path, None, error))

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for path in paths:
                pool.submit(submission, path)
            for _ in tqdm(paths, desc="grading", unit="student", disable=None):
                path, results_of_path, error = ended.get()
                if error:
                    raise error
                found[path] = results_of_path
        except BaseException as error:
            grader.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            grader.workers.stop()
            if isinstance(error, UserError) and grader.graded:
                raise UserError(f"{error}; {grader.graded:,} results are kept: the same command goes on") from None
            raise
    return [found[path] for path in paths]


def baseline_weights(paths):
    """The hashes of the weights in all model.keras of `paths`: files, runs, or whatever a submission may be."""
    found = set()
    for path in paths:
        try:
            with tempfile.TemporaryDirectory() as work:
                models = submissions.models_of(path, Path(work))
                found |= {weights.inspect(model)[0] for model in models}
        except (OSError, weights.Refused) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"--baseline {path} cannot be read: {reason}") from None
        if not models:
            raise UserError(f"--baseline {path} holds no model.keras: name a run, or a folder or zip with runs")
    return found


def left_out_of(others):
    """A sentence about the files among the submissions that are none, or ""."""
    names = ", ".join(shown(path.name) for path in others[:10])
    more = f" and {len(others) - 10:,} more" if len(others) > 10 else ""
    return f"left out, as no submissions: {names}{more}" if others else ""


@contextlib.contextmanager
def _alone(out):
    """While it lasts no other grading writes into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / ".lock", timeout=0):
            yield
    except filelock.Timeout:
        raise UserError(f"another grading is writing to {out}: wait for it, or choose another --out") from None


@contextlib.contextmanager
def _stoppable():
    """Being told to end (SIGTERM), or losing the terminal (SIGHUP), stops it as Ctrl-C does."""

    def stop(*_):
        raise KeyboardInterrupt

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@cli.guarded
def main(argv=None):
    parser = cli.Parser(__doc__, prog="python -m common.grade")
    add = parser.add_argument
    add("submissions", type=cli.path, metavar="SUBMISSIONS", help="folder with one folder or zip per student")
    add("--jobs", type=cli.positive, default=1, metavar="N", help="submissions that are graded side by side (1)")
    add("--homework", choices=bars.HOMEWORKS, help="grade this one only (all)")
    cli.data_dir_option(parser)
    add(
        "--exercises",
        action="store_true",
        help="grade the runs in outputs/<homework>_exercise_a and _b, by the bars of the exercises",
    )
    add(
        "--out",
        type=cli.path,
        metavar="DIR",
        help="where the grades go (grades/, and in it a folder each for --exercises and --homework)",
    )
    add(
        "--rules",
        type=cli.path,
        default=rules.DEFAULT,
        metavar="FILE",
        help="tiers, points, limits (grading/rules.toml)",
    )
    add(
        "--baseline",
        type=cli.path,
        action="append",
        default=[],
        metavar="RUN",
        help="a run that was handed out, or a folder or zip of such: not told as copied; may be given several times",
    )
    add("--fresh", action="store_true", help="grade everything again, also what has not changed")
    options = parser.parse_args(argv)
    kind = "exercises" if options.exercises else ""
    options.out = options.out or cli.ROOT / "grades" / kind / (options.homework or "")
    options.data_dir = options.data_dir or cli.default_data_dir()
    try:
        grade(options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(STOPPED) from None


if __name__ == "__main__":
    sys.exit(main())
