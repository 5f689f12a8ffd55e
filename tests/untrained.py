"""Folders of runs whose networks have learned nothing: enough for what only moves data about, and made in a moment."""

import json

import numpy as np

from hw1_reuters_mlp.bag_of_words import BagOfWords


def save(folder, homework, recipe, model, **options):
    """A finished run in `folder`: model.keras, config.json, metrics.json."""
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    config = {
        "task": homework,
        "options": {"homework": homework, "model": recipe, **options},
        "data": {"kind": "sample", "path": "", "sha256": ""},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.json").write_text(json.dumps({"homework": homework, "task": homework, "value": 0.5}))


def news(folder):
    from hw1_reuters_mlp.model import build_mlp

    words = np.array(["oil", "prices", "wheat", "the"])
    save(folder, "hw1_reuters_mlp", "fast", build_mlp(len(words), 46, 8, 0.0))
    BagOfWords("tf-idf", words, np.ones(len(words), "float32")).save(folder / "words.npz")


def objects(folder):
    from hw2_cifar10_cnn.model import build_fast, whitening_weights

    pictures = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), "uint8")
    save(folder, "hw2_cifar10_cnn", "fast", build_fast([4, 4, 4], whitening_weights(pictures)))


def writing(folder, characters="\n abcdefgh", kind="english"):
    from hw3_lstm_text.model import build_reader

    save(folder, "hw3_lstm_text", "fast", build_reader(len(characters), 8, [6, 5]), units=[6, 5])
    (folder / "characters.json").write_text(json.dumps({"characters": characters, "kind": kind}))


def codes(folder):
    from hw4_autoencoder.model import assemble, dense_decoder, dense_encoder

    model = assemble(dense_encoder((28, 28), [8], "relu", 2), dense_decoder((28, 28), [8], "relu", 2))
    save(folder, "hw4_autoencoder", "map", model, latent_dim=2, data_set="mnist")


def noise(folder):
    from hw4_autoencoder.model import build_generator

    save(folder, "hw4_autoencoder", "cgan", build_generator((28, 28), 8, 4, 10), latent_dim=8, data_set="mnist")


def faces(folder, conditional=True):
    from hw5_anime_dcgan import asking, attributes, sentences
    from hw5_anime_dcgan.model import build_generator, build_reader

    model = build_generator(8, 4, asking.COLOURS if conditional else 0)
    save(folder, "hw5_anime_dcgan", "fast", model, conditional=conditional)
    counts = {"hair": len(attributes.HAIR) + 1, "eyes": len(attributes.EYES) + 1}
    build_reader(sentences.N_WORDS, counts).save(folder / "reader.keras")


def colours(folder):
    from hw5_anime_dcgan.colour.model import build_colourist

    save(folder, "hw5_colour", "gan", build_colourist(4))


def captions(folder, note_size=8):
    from hw3_lstm_text.captions.model import build_captioner
    from hw3_lstm_text.captions.sentences import Language

    model = build_captioner(len(Language("zh").pieces), [4, 4, 4], 16, note_size)
    save(folder, "hw3_captions", "attention", model, language="zh")


def chatbot(folder):
    from hw3_lstm_text.chatbot import pieces
    from hw3_lstm_text.chatbot.model import build_chatbot

    learned = pieces.learn(["how are you?", "i am fine, and you?", "do you like music?"] * 9, 40, "english")
    settings = {"turns": 2, "longest_context": 12, "longest_answer": 5, "units": 6}
    save(folder, "hw3_chatbot", "fast", build_chatbot(len(learned), 4, 6, 0.0, 12), **settings)
    learned.save(folder)


ALL = (news, objects, writing, codes, noise, faces, colours, captions, chatbot)
