"""The classifier that judges the digits that are written: what would a reader take them for?

It is trained on the training digits alone and is no part of what it judges.
"""

import keras
import numpy as np
from keras import layers
from scipy.special import softmax

from common import data
from common.data.batches import Batches
from common.run.predictor import Local, predict
from common.run.recorder import save_network
from common.run.schedules import one_cycle

JUDGE = {"updates": 960, "batch_size": 250, "learning_rate": 3e-3}


def judge_of(config, folder=None, seed=0):
    """(judge, its test accuracy): a function of uint8 images to probabilities (n, 10). It knows all ten digits.

    config: as for data.load. Kept in `folder`/judge.keras, where it is taken from the next time; None: not kept. Its
    random start does not depend on what was computed before.
    """
    digits = data.load("mnist", config)
    path = folder / "judge.keras" if folder else None
    if path and path.exists():
        model = keras.models.load_model(path)
    else:
        keras.utils.set_random_seed(seed)
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32")  # whatever the run computes in: the grader's judge is the same
        model = train_judge(digits, seed)
        keras.config.set_dtype_policy(policy)
        if path:
            save_network(model, path)

    def judge(images):
        return softmax(predict(Local(model), images, (10,)), axis=1)

    return judge, float(np.mean(judge(digits.x_test).argmax(axis=1) == digits.y_test))


def train_judge(dataset, seed, updates=None):
    """A small convolutional network: 99.2 % on the test digits of MNIST, within a minute on two CPU cores."""
    x, y = dataset.x_train, keras.utils.to_categorical(dataset.y_train, 10)
    batches = Batches(x, y, JUDGE["batch_size"], seed)
    model = keras.Sequential([keras.Input(x.shape[1:], dtype="uint8"), layers.Rescaling(1 / 255)])
    model.add(layers.Reshape((28, 28, 1)))
    for width in (32, 64):
        model.add(layers.Conv2D(width, 3, use_bias=False))  # 26 x 26, 11 x 11
        model.add(layers.MaxPooling2D())  # 13 x 13, 5 x 5
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation("relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, dtype="float32"))
    epochs = -(-(updates or JUDGE["updates"]) // len(batches))  # 4 over all of MNIST, more over less
    updates = epochs * len(batches)
    rate = one_cycle(JUDGE["learning_rate"], updates, warm_up=updates // 5)
    model.compile(keras.optimizers.Adam(rate), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(batches, shuffle=False, epochs=epochs, verbose=0)
    return model
