"""The command line that all train.py share, and what all programs do with mistakes.

Exit status: 0 the run finished; 1 something was wrong (one sentence on stderr, below the traceback if it is no mistake
of the user); 2 bad options; 130 interrupted.
"""

import argparse
import errno
import functools
import json
import os
import sys
import traceback
from pathlib import Path

from common.errors import OptionError, UserError
from common.run import streams
from common.run.run import CHANGEABLE, Run
from common.run.types import like, number, path, positive, seed, text  # noqa: F401  scripts say cli.number, cli.text

ROOT = Path(__file__).resolve().parents[2]


class Parser(argparse.ArgumentParser):
    """argparse with errors of one sentence. doc: the docstring of the program, which --help shows as it is."""

    def __init__(self, doc, **options):
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(description=doc, formatter_class=formatter, allow_abbrev=False, **options)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (--help shows all options)\n")


def default_data_dir():
    """HW_DATA_DIR, else data/ in the repository. Raises OptionError when it names nobody's home folder."""
    try:
        return path(os.environ.get("HW_DATA_DIR") or ROOT / "data")
    except argparse.ArgumentTypeError as error:
        raise OptionError(f"the environment variable HW_DATA_DIR is {error}") from None


def data_dir_option(parser):
    """--data-dir, without its default: HW_DATA_DIR counts only where the option is not given."""
    parser.add_argument(
        "--data-dir", type=path, help="folder of the staged data files (HW_DATA_DIR, else data/ in the repository)"
    )


def data_options(parser):
    """The options that say where the data comes from."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        choices=("auto", "full", "sample"),
        help="auto: staged or downloaded, else the built-in sample; full: never the sample; sample: always (auto)",
    )
    data_dir_option(group)
    group.add_argument("--limit", type=positive, metavar="N", help="train on N examples only, for a quick look (all)")


def parse(homework, settings, doc, argv=None, own_options=None, choose_model=None):
    """The options of a training run as a namespace: the settings of the model, overridden by what was given.

    settings: {model name: {setting: value}}, flat, with at least batch_size and updates, the length of the training: it
    is counted in updates so that small data is seen more often. The first model is the default, unless
    choose_model(options as a dict) names another. own_options: {name: arguments of add_argument}, the options that this
    homework alone has; without a default they override the setting of that name. With --resume the options of the
    stopped run apply, and an option that contradicts them is an error, unless it says "may_grow": True and is larger.
    """
    own_options = own_options or {}
    default_model = next(iter(settings))
    parser = _parser(homework, settings, doc, own_options, default_model)
    given = vars(parser.parse_args(argv))
    options = {
        "data": "auto",
        "data_dir": given.get("data_dir") or default_data_dir(),
        "limit": None,
        "epochs": None,
        "seed": 0,
        "out": ROOT / "outputs" / homework,
        "resume": False,
        "precision": "auto",
        "gpus": None,
        "tensorboard": False,
        **{name: arguments["default"] for name, arguments in own_options.items() if "default" in arguments},
    }
    wants_help, assignments = given.pop("help", False), given.pop("set", [])
    if given.get("resume") and given.get("precision") == "auto":
        del given["precision"]  # the stopped run has made the choice
    saved = _saved_options({**options, **given}, settings, parser) if given.get("resume") else {}
    if choose_model:
        default_model = choose_model({**options, **saved, **given})
    model = given.get("model", saved.get("model", default_model))
    if wants_help:
        _parser(homework, settings, doc, own_options, model).print_help()
        parser.exit()
    assigned = _assigned(assignments, model, settings, own_options, parser)
    given |= assigned
    for name, value in given.items():
        if own_options.get(name, {}).get("may_grow") and value > saved.get(name, value):
            continue
        if saved.get(name, value) != value and name not in CHANGEABLE:
            has = saved[name] if saved[name] is not None else "none"
            option = f"--set {name}={value}" if name in assigned else f"--{name.replace('_', '-')} {value}"
            parser.error(
                f"{option} contradicts the run to be resumed, which has {has}: leave the option out, or start "
                "without --resume"
            )
    options = {"model": model, **settings[model], **options, **saved, **given}
    return argparse.Namespace(homework=homework, task=homework, **options)


def _parser(homework, settings, doc, own_options, model):
    """The parser of parse(); --help tells the settings of `model`."""
    recipe = settings[model]
    others = ", ".join(f"{name}={value}".replace(" ", "") for name, value in _settable(recipe, own_options).items())
    parser = Parser(doc, argument_default=argparse.SUPPRESS, add_help=False)
    parser.add_argument("-h", "--help", action="store_true", help="show this, for the recipe that --model names")
    parser.add_argument("--model", choices=settings, help=f"which recipe to train ({next(iter(settings))})")
    data_options(parser)
    if own_options:
        group = parser.add_argument_group("this homework")
    for name, arguments in own_options.items():
        of_argparse = {key: value for key, value in arguments.items() if key not in ("default", "may_grow")}
        group.add_argument(f"--{name.replace('_', '-')}", **of_argparse)
    group = parser.add_argument_group("training")
    if "updates" not in own_options:
        length = f"as many as make {recipe['updates']:,} updates"
        group.add_argument("--epochs", type=positive, metavar="N", help=f"times through the training data ({length})")
    group.add_argument("--batch-size", type=positive, metavar="N", help=f"examples per update ({recipe['batch_size']})")
    group.add_argument("--seed", type=seed, metavar="N", help="two CPU runs with the same seed are identical (0)")
    group.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help=f"any other setting of the recipe {model}, as often as needed: {others.replace('%', '%%')}",
    )
    group = parser.add_argument_group("run")
    group.add_argument("--out", type=path, metavar="DIR", help=f"where the results go (outputs/{homework})")
    group.add_argument("--resume", action="store_true", help="go on with a stopped run, with its options")
    group.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="arithmetic of the matrix products (auto: bfloat16 where the hardware is faster with it)",
    )
    group.add_argument("--gpus", type=positive, metavar="N", help="train on N GPUs (1 if there is one, else the CPU)")
    group.add_argument("--tensorboard", action=argparse.BooleanOptionalAction, help="write logs for TensorBoard too")
    return parser


def _settable(recipe, own_options):
    """The settings of a recipe that have no option of their own, but for what its layers are: the code says that."""
    return {name: value for name, value in recipe.items() if name not in {"batch_size", "layers", *own_options}}


def _assigned(assignments, model, settings, own_options, parser):
    """{setting: value} of texts NAME=VALUE, of the types that the recipe has."""
    recipe, found = _settable(settings[model], own_options), {}
    for assignment in assignments:
        name, equals, written = assignment.partition("=")
        if not equals or name not in recipe:
            parser.error(f"--set {assignment}: NAME=VALUE is expected, with a NAME among {', '.join(recipe)}")
        examples = [recipe[name], *(each[name] for each in settings.values() if name in each)]
        try:
            found[name] = like(examples, written, name)
        except argparse.ArgumentTypeError as error:
            parser.error(f"--set {assignment}: {name} is {error}")
    return found


def _saved_options(options, settings, parser):
    """The options of the run in the output folder; {} when it stopped before it wrote them."""
    path = options["out"] / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        saved = config["options"]
        if saved["model"] not in settings:
            parser.error(f"{path} is of a run of the recipe {saved['model']}, which this program has not")
        if config["data"]["kind"] == "sample":  # whatever data have been staged since
            saved["data"] = "sample"
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError) as error:
        parser.error(f"cannot read the options of the run to be resumed from {path} ({error!r})")
    if folder := data_dir_of_run(saved):
        saved["data_dir"] = folder
    else:
        saved.pop("data_dir", None)
    return {name: value for name, value in saved.items() if name not in ("out", "gpus", "resume", "homework")}


def data_dir_of_run(saved):
    """The data folder among the `saved` options of a run; None if it is gone, or HW_DATA_DIR names one."""
    folder = saved.get("data_dir") or ""
    found = not os.environ.get("HW_DATA_DIR") and os.access(folder, os.R_OK)  # is_dir raises below a closed folder
    return Path(folder) if found else None


def guarded(main):
    """Decorates the main of a program, which then gives the exit status: mistakes become one sentence on stderr.

    Whatever the program is connected to, it writes without harm (streams.py). What is no mistake of the user, such as
    an exception out of a changed model.py, shows its traceback above the sentence.
    """

    @functools.wraps(main)
    def run(*arguments, **options):
        streams.prepare()
        try:
            main(*arguments, **options)
            sys.stdout.flush()
            if (lost := streams.lost()) and lost.errno != errno.EPIPE:  # who has closed a pipe wants no more
                raise UserError(f"what was to be shown is lost, standard output cannot be written ({lost.strerror})")
            return 0
        except KeyboardInterrupt as stopped:
            print(f"\n{str(stopped) or 'stopped'}", file=sys.stderr)
            return 130
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2 if isinstance(error, OptionError) else 1
        except Exception as error:
            print(f"error: {_sentence(error)}", file=sys.stderr)
            return 1

    return run


def _sentence(error):
    """What to say about an exception that no code of ours has expected; its traceback is printed, if it helps."""
    # A disk that is full, a folder that is somebody else's: the name says it all. A file that is missing was asked for
    # by a line of code, and the question is which.
    if isinstance(error, OSError) and error.filename and not isinstance(error, FileNotFoundError):
        return f"{error.strerror}: {error.filename}"
    traceback.print_exc()
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0]} (the lines above show where)"


@guarded
def main(homework, settings, train, doc, argv=None, own_options=None, choose_model=None):
    """Parse the options, and call `train(config, run)`."""
    config = parse(homework, settings, doc, argv, own_options, choose_model)
    try:
        with Run(config) as run:
            train(config, run)
        run.complain()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; --resume goes on from {config.out}") from None
