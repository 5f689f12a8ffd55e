"""The chatbot talks with itself, and learns from what came of it: policy gradient (Li et al. 2016, arXiv:1606.01541).

    python hw3_lstm_text/chatbot/reinforce.py                       after train.py; a few minutes on two cores
    python hw3_lstm_text/chatbot/reinforce.py --start outputs/mine --out outputs/mine_reinforced

Two copies of the network talk, many talks side by side; rewards.py says what an answer is worth. A reward cannot be
differentiated: it is of words that were drawn. But the gradient of its expectation can be drawn too: it is that of the
cross-entropy of the drawn answer, times how much better than others it was (Williams 1992, REINFORCE). So the update is
that of train.py, with weights. Beside every four drawn answers stands one of people, which keeps the language.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from tqdm import tqdm

from common import files
from common.data import conversations
from common.errors import OptionError, UserError
from common.figures import plots
from common.run import analysis
from common.run.predictor import Local
from hw3_lstm_text.chatbot import evaluate, pieces, talk
from hw3_lstm_text.chatbot.model import Player, build_chatbot
from hw3_lstm_text.chatbot.pairs import before, prepare
from hw3_lstm_text.chatbot.rewards import NAMES, Rewards, advantages
from hw3_lstm_text.chatbot.speaker import Speaker
from hw3_lstm_text.chatbot.train import HOMEWORK

SETTINGS = {
    "reinforced": {
        "updates": 50,
        "batch_size": 64,  # answers of people in an update
        "parts": 5,  # of the training: after each all is saved, and held-out talks are looked at
        "starts": 16,  # of talks in an update
        "copies": 4,  # talks from each start: each has the others as its baseline
        "answers": 4,  # in a talk
        "discount": 0.5,  # of the reward of the next answer
        "ease": 0.25,  # weights of the rewards
        "new": 2.0,
        "fit": 8.0,
        "likelihood": 0.0,  # it makes answers dull again: what people say keeps the language
        "anchor": 3.0,  # weight of people's answers beside the drawn ones
        "learning_rate": 1e-3,
        "clip_norm": 1.0,
    },
}
OPTIONS = {
    "start": {
        "default": str(cli.ROOT / "outputs" / HOMEWORK),
        "type": lambda text: str(cli.path(text).absolute()),
        "metavar": "DIR",
        "help": f"the run of train.py that it begins with (outputs/{HOMEWORK})",
    },
    "updates": {"type": cli.positive, "metavar": "N", "help": "length of the training (50)"},
}
KEPT = ("corpus", "pieces", "turns", "longest_context", "longest_answer", "embedding_dim", "units", "limit")


class Practice:
    """The batches that the network makes itself: talks with itself, what they are worth, and people's answers."""

    def __init__(self, chatbot, first, talks, config):
        self.talks, self.config, self.pieces = talks, config, talks.pieces
        never = np.zeros(len(self.pieces), "float32")
        never[self.pieces.never_said] = -1e9
        self.player = Player(chatbot, never, self.pieces.begin, self.pieces.end)
        self.rewards = Rewards(Speaker(Local(first), self.pieces, config), talks.kind)

    def batch(self, update):
        """((inputs, pieces, their weights) for train_on_batch, {reward: its mean}); update: its number."""
        config, train = self.config, self.talks.train
        rng = np.random.default_rng((config.seed, update))
        rows = rng.integers(len(train.answers), size=config.starts)

        def answer(contexts):
            chances = rng.random((len(contexts), config.longest_answer + 1), "float32")
            return np.asarray(self.player.predict_on_batch([contexts, chances]))

        starts = np.repeat(train.contexts[rows], config.copies, axis=0)
        seen, drawn = talk.play(answer, starts, self.pieces, config.turns, config.answers)
        worth = self.rewards(seen, drawn)
        total = sum(getattr(config, name) * worth[name] for name in NAMES)
        better = advantages(total, config.copies, config.discount)
        better /= better.std() + 1e-6  # whatever the unit of the rewards

        people = rng.integers(len(train.answers), size=config.batch_size)
        contexts = np.concatenate([train.contexts[people], *seen])
        answers = np.concatenate([train.answers[people], *drawn])
        there = (answers > 0).astype("float32")
        n = len(people)
        weights = np.concatenate(
            [config.anchor * there[:n] / there[:n].sum(), better.reshape(-1, 1) * there[n:] / there[n:].sum()]
        )
        means = {name: float(value.mean()) for name, value in worth.items()} | {"reward": float(total.mean())}
        return ((contexts, before(answers, self.pieces.begin)), answers, weights), means


def reinforce(config, run):
    """Go on from the network of a finished run, look at the test once, write everything to the folder of the run."""
    if (config.gpus or 1) > 1:
        raise OptionError("this training takes one GPU: leave --gpus out")
    if config.copies < 2:
        raise OptionError("copies=1 leaves nothing to compare a talk with: take at least two")
    if Path(config.start).resolve() == config.out.resolve():
        raise OptionError("--out is the folder of --start: the run that it begins with would be moved away")
    config.task, config.homework = None, HOMEWORK  # a run of the same homework: what opens one opens both
    start = argparse.Namespace(run=Path(config.start), data_dir=config.data_dir)
    policy = keras.config.dtype_policy()
    first, its_config = analysis.open_model(start, HOMEWORK)
    keras.config.set_dtype_policy(policy)  # to open a model is to compute in float32 from there on
    given = analysis.run_options(start, its_config)
    if given.model in SETTINGS:
        raise UserError(f"{config.start} was reinforced already: name a run of train.py with --start")
    if config.data not in ("auto", given.data) or config.limit not in (None, given.limit):
        raise OptionError("--data and --limit are those of the run of --start: leave them out")
    config.data, config.start_sha256 = given.data, same_network(config, start.run)
    for name in KEPT:
        setattr(config, name, getattr(given, name))
    run.start(analysis.as_seen(conversations.load(config.corpus, config), start, its_config))
    talks = prepare(run.dataset, config, pieces.read(start.run))
    talks.pieces.save(run.folder)
    parts, steps = run.in_parts(config.parts)

    size = len(talks.pieces), config.embedding_dim, config.units
    chatbot = build_chatbot(*size, 0.0, config.longest_context)  # what it draws and what it learns are of one network
    chatbot.set_weights(first.get_weights())
    chatbot.compile(
        keras.optimizers.Adam(config.learning_rate, global_clipnorm=config.clip_norm),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),  # the weights divide
    )
    practice = Practice(chatbot, first, talks, config)
    speaker = Speaker(Local(chatbot), talks.pieces, config)
    done = run.restore(chatbot) // steps
    # in place of `fit`, which would fetch the next batch before the network has learned from this one
    callbacks = keras.callbacks.CallbackList(run.callbacks(), model=chatbot)
    callbacks.on_train_begin()
    for part in range(done, parts):
        rows = []
        for update in tqdm(range(part * steps, (part + 1) * steps), desc=f"part {part + 1}/{parts}", disable=None):
            batch, means = practice.batch(update)
            rows.append(means | {"loss": float(chatbot.train_on_batch(*batch))})
        logs = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        logs |= evaluate.glance(speaker, talks.validation)
        print(", ".join(f"{name} {value:.3f}" for name, value in logs.items()), flush=True)
        callbacks.on_epoch_end(part, logs)
    callbacks.on_train_end()

    run.save(chatbot)
    run.finish(chatbot, evaluate.score(Local(chatbot), run.folder, talks))
    with run.picture("rewards") as path:
        show_rewards(run.progress.history, path)


def same_network(config, run):
    """The hash of the network of `run`. Raises UserError where a reinforced run began with another one."""
    found = files.sha256([run / "model.keras"])
    if found != getattr(config, "start_sha256", found):
        raise UserError(f"the network in {run} is not the one that was reinforced: it was trained anew since then")
    return found


def show_rewards(history, path):
    """rewards.png: the rewards, and what held-out talks are like, over the updates."""
    panels = {
        "rewards, less what they were at first": NAMES,
        "answers of a talk with itself": ("talk_length",),
        "different pairs of words": ("distinct_2",),
        "nats per piece, people's answers": ("val_loss",),
    }
    figure = plots.new_figure(13, 3.6, "What it learns from its own talks")
    updates = [row["updates"] for row in history]
    for ax, (label, columns) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for colour, column in zip(plots.COLOURS, columns, strict=False):
            first = history[0][column] if len(columns) > 1 else 0  # the rewards have units of their own
            ax.plot(updates, [row[column] - first for row in history], "o-", color=colour, label=column, markersize=4)
        ax.set(xlabel="updates", ylabel=label)
        ax.grid(alpha=0.3)
        if len(columns) > 1:
            ax.legend(fontsize=9)
    plots.save(figure, path)


def main(argv=None):
    return cli.main(f"{HOMEWORK}_reinforced", SETTINGS, reinforce, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
