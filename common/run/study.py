"""What all studies share: options, data, a network that starts again, what it reads wrongly, how a table is printed."""

import argparse
import logging

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np

from common import data


def options(doc, on_data=False):
    """A parser with the options of every study: where its picture goes, and --quick, for a look at whether it runs.

    on_data: of those too that say where the data come from, for `load`.
    """
    parser = cli.Parser(doc)
    out = cli.ROOT / "outputs" / "studies"
    parser.add_argument("--out", type=cli.path, default=out, metavar="DIR", help="where it goes (outputs/studies)")
    parser.add_argument("--quick", action="store_true", help="seconds in place of minutes: the answer may be wrong")
    if on_data:
        cli.data_options(parser)
    return parser


def load(name, options, how=data.load):
    """The data set as a Dataset, with a line that says which it is; the built-in sample with --quick.

    how: `texts.load` for a text, which is a Corpus.
    """
    kind = "sample" if options.quick else options.data or "auto"
    folder = options.data_dir or cli.default_data_dir()
    given = argparse.Namespace(data=kind, data_dir=folder, limit=options.limit, seed=0)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of whoever trains many models
    dataset = how(name, given)
    print(dataset.source.line, flush=True)
    return dataset


def restart(model, seed, rate):
    """Make a compiled model as new, with weights drawn from the seed, and give its optimizer this learning rate.

    What Keras has compiled stays: to compile each of a hundred small trainings would take longer than to train.
    """
    keras.utils.set_random_seed(seed)
    model.set_weights(keras.models.clone_model(model).get_weights())
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(model.trainable_variables)
    for own, new in zip(optimizer.variables, fresh.variables, strict=True):
        own.assign(new)
    optimizer.learning_rate = rate


def error_rate(model, asked):
    """The share of `asked`, (examples, labels (n,)), that a classifier reads wrongly, %."""
    x, y = asked
    return 100 * np.mean(keras.ops.convert_to_numpy(model(x)).argmax(axis=1) != y)


def print_table(rows):
    """Print rows of texts, the first one the heads, in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
