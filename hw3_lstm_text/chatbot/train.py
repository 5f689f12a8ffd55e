"""A chatbot: sequence to sequence with attention learns from conversations what people answer.

    python hw3_lstm_text/chatbot/train.py                                     students' talks, 15 minutes on two cores
    python hw3_lstm_text/chatbot/train.py --corpus my_talks.txt --out outputs/mine   an utterance a line, a blank line
                                                                               between two conversations

Then `python hw3_lstm_text/chatbot/reinforce.py`, and `python hw3_lstm_text/chatbot/generate.py --talk`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras

from common.data import conversations
from common.errors import OptionError, UserError
from common.figures import plots
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw3_lstm_text.chatbot import evaluate, pieces
from hw3_lstm_text.chatbot.model import build_chatbot
from hw3_lstm_text.chatbot.pairs import PairBatches, prepare
from hw3_lstm_text.chatbot.speaker import Speaker

HOMEWORK = "hw3_chatbot"  # the name of its folder in outputs/
SETTINGS = {  # tuned on the conversations for validation
    "fast": {
        "updates": 2130,
        "batch_size": 128,
        "pieces": 3000,  # that words are made of; of Chinese, characters
        "turns": 2,  # utterances that it looks back
        "longest_context": 32,  # pieces of them
        "longest_answer": 20,
        "embedding_dim": 192,
        "units": 256,
        "dropout": 0.2,
        "alone": 0.1,  # share of the answers that are learned without what they answer: *fit* in rewards.py needs them
        "learning_rate": 3e-3,  # the peak of one cycle: up over a twentieth of the updates, then down to 0
        "clip_norm": 1.0,
    },
}


def name_or_path(text):
    """The name of the conversations that are built in, or an absolute path, so that --resume finds it anywhere."""
    return text if text == conversations.CHITCHAT else str(cli.path(text).absolute())


OPTIONS = {
    "corpus": {
        "default": conversations.CHITCHAT,
        "type": name_or_path,
        "help": f"{conversations.CHITCHAT}, a UTF-8 file with an utterance a line and a blank line between "
        f"conversations, or a folder of such .txt ({conversations.CHITCHAT})",
    }
}


def train(config, run):
    """Train on pairs of the training conversations, look at those of the test once, write everything to the run."""
    if (config.gpus or 1) > 1:
        raise OptionError("this training takes one GPU: leave --gpus out")
    if config.units % 2:
        raise OptionError("units must be even: half of them read forwards, half backwards")
    config.task = None  # the course has set no bar for it
    dataset = conversations.load(config.corpus, config)
    run.start(dataset)
    learned = config.resume and (run.folder / pieces.FILE).exists()
    talks = prepare(dataset, config, pieces.read(run.folder) if learned else None)
    talks.pieces.save(run.folder)
    print(talks.line, flush=True)
    batches = PairBatches(talks.train, talks.pieces, config.batch_size, config.seed, config.alone)
    if not all(len(part.answers) for part in (talks.train, talks.validation, talks.test)):
        raise UserError(
            f"the conversations of {config.corpus} leave no answer to learn, or none to judge by: give more of them"
        )
    epochs = run.epochs(len(talks.train.answers))

    chatbot = build_chatbot(
        len(talks.pieces), config.embedding_dim, config.units, config.dropout, config.longest_context
    )
    rate = one_cycle(config.learning_rate, epochs * len(batches) + 1, epochs * len(batches) // 20 + 1)
    chatbot.compile(keras.optimizers.Adam(rate, global_clipnorm=config.clip_norm), loss())

    speaker = Speaker(Local(chatbot), talks.pieces, config)

    def look(epoch, logs):
        """The loss on conversations held out from training."""
        logs["val_loss"] = evaluate.nats_per_piece(speaker, talks.validation, evaluate.GLANCE)

    batches.epoch = run.restore(chatbot)
    chatbot.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look), *run.callbacks()],
        verbose=run.verbose,
    )

    run.save(chatbot)
    run.finish(chatbot, evaluate.score(Local(chatbot), run.folder, talks))
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, [("loss", "nats per piece")], "Learning to answer")


def loss():
    """The cross-entropy of the right next piece, nats per piece: what stands after the end has the weight 0."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
