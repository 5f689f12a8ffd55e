"""What all analyze.py share: their options, and the trained model with the data that it was trained on."""

import argparse
import json

import keras
import numpy as np
from scipy.special import softmax

from common import data, files
from common.errors import UserError
from common.figures import plots
from common.run import cli, device


def options(homework, doc):
    """A parser with the options that every analyze.py has."""
    parser = cli.Parser(doc)
    default = cli.ROOT / "outputs" / homework
    parser.add_argument(
        "--run",
        type=cli.path,
        default=default,
        metavar="DIR",
        help=f"the folder that train.py wrote (outputs/{homework}); the pictures go into its figures/",
    )
    cli.data_dir_option(parser)
    return parser


def open_run(options, homework, data_set):
    """(model, Dataset, config as a dict) of a finished run: the model that it saved, and the data that it saw.

    Raises UserError when there is no finished run of this homework in `options.run`, or its data are others by now.
    """
    model, config = open_model(options, homework)
    return model, as_seen(data.load(data_set, run_options(options, config)), options, config), config


def as_seen(dataset, options, config):
    """`dataset` (of data.py), if it is what the run saw. Raises UserError if it is another by now."""
    source, saw = dataset.source, config["data"]
    if source.sha256 != saw["sha256"]:
        raise UserError(
            f"{source.path} is not what the run in {options.run} saw ({saw['path']} with another SHA-256): put that "
            "back, or train again"
        )
    return dataset


def run_options(options, config):
    """The options that the run was trained with, as a namespace; data_dir is that of `options`, if they name one."""
    given = argparse.Namespace(**config["options"])
    given.data = config["data"]["kind"]
    given.data_dir = options.data_dir or cli.data_dir_of_run(config["options"]) or cli.default_data_dir()
    return given


def open_model(options, homework):
    """(model, config as a dict) of a finished run. Raises UserError as `open_run` does."""
    try:
        config = json.loads((options.run / "config.json").read_text(encoding="utf-8"))
        wrong = config["options"]["homework"] != homework or not (options.run / "metrics.json").exists()
    except (OSError, ValueError, KeyError, TypeError):
        wrong = True
    if wrong:
        raise UserError(f"there is no finished run of {homework} in {options.run}: run its train.py first")
    device.setup("float32")
    try:
        model = keras.models.load_model(options.run / "model.keras", compile=False)
        # without its loss, which may be a function that only train.py knows
    except Exception as error:
        raise UserError(f"{options.run / 'model.keras'} cannot be read ({error}): train again") from None
    return model, config


def in_float32(model):
    """The same network computing in float32: what was trained in bfloat16 loses small gradients to rounding."""
    config = json.dumps(model.get_config())
    for policy in ("mixed_bfloat16", "mixed_float16"):
        config = config.replace(f'"{policy}"', '"float32"')
    copy = type(model).from_config(json.loads(config))
    copy.set_weights(model.get_weights())
    return copy


def save_numbers(options, numbers):
    """Write what an analysis measured to analysis.json in the folder of the run."""
    files.write_json(options.run / "analysis.json", numbers)


def show_mistakes(model, x, y, names, figures, sentence):
    """confusion.png, and mistakes.png with the wrong answers that the network is surest of.

    model: gives logits. sentence: a format for the names of the true class and of the answer.
    """
    chances = softmax(model.predict(x, batch_size=1000, verbose=0), axis=1)
    answers = chances.argmax(axis=1)
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (y, answers), 1)
    title = f"{(answers != y).sum():,} mistakes in {len(y):,} test examples"
    plots.confusion_matrix(figures / "confusion.png", matrix, names, title)
    wrong = np.flatnonzero(answers != y)
    surest = wrong[np.argsort(-chances[wrong, answers[wrong]])][:32]
    captions = [
        f"{sentence.format(names[y[i]], names[answers[i]])}\n{100 * chances[i, answers[i]]:.1f} % sure" for i in surest
    ]
    if len(surest):
        plots.image_grid(figures / "mistakes.png", x[surest], captions, "The mistakes it is surest of")


def main(parser, analyze, argv=None):
    """Parse the options, call `analyze(options)`, say where the pictures are."""
    options = parser.parse_args(argv)
    analyze(options)
    print(f"pictures: {options.run / 'figures'}")
