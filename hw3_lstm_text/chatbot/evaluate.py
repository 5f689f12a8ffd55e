"""What a chatbot is worth."""

import math
from argparse import Namespace

from common.data import conversations
from hw3_lstm_text.chatbot.pairs import prepare
from hw3_lstm_text.chatbot.speaker import Speaker

FILES = ("pieces.model",)  # that a run must hold beside model.keras
GLANCE = 2000  # answers that are scored after every epoch


def nats_per_piece(speaker, pairs, n=None):
    """What a piece of the first n answers costs, with the mark of the end."""
    answers = pairs.answers[:n]
    return float(speaker.nats(pairs.contexts[:n], answers).sum() / (answers > 0).sum())


def score(predictor, folder, talks):
    speaker = Speaker(predictor, talks.pieces, talks.config)
    nats = nats_per_piece(speaker, talks.test)
    return {"perplexity": math.exp(nats)}
