"""Inside the two networks: what each stage of the generator adds, and what the discriminator believes."""

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from common.figures import plots
from hw5_anime_dcgan import evaluate

STAGES = ("stage_4", "stage_8", "stage_16", "stage_32")
SHOWN = 10  # faces in a row


def split_at(generator, stage):
    """(model from the inputs to the output of the layer `stage`, model from there to the picture)."""
    before = keras.Model(generator.inputs, generator.get_layer(stage).output)
    x = maps = keras.Input(generator.get_layer(stage).output.shape[1:])
    names = [layer.name for layer in generator.layers]
    for layer in generator.layers[names.index(stage) + 1 :]:
        x = layer(x)
    return before, keras.Model(maps, x)


def show_stages(faces, noise, path):
    """What each stage of the generator adds, seen by what is lost without it.

    Each stage has maps of twice the side of the one before. Averaged over 2 x 2 places they are as coarse as those: the
    detail that the stage placed is gone. And of each stage the one channel whose loss changes the faces most. numbers:
    mean absolute change of the pixels, white = 1, for either.
    """
    whole = faces.draw(noise)
    rows, numbers = [("as drawn", whole)], {}
    for stage in STAGES:
        before, after = split_at(faces.generator, stage)
        maps = before.predict(faces.inputs(noise), verbose=0)
        n, side, _, channels = maps.shape
        coarse = maps.reshape(n, side // 2, 2, side // 2, 2, channels).mean(axis=(2, 4), keepdims=True)
        blurred = evaluate.draw(
            after, np.broadcast_to(coarse, (n, side // 2, 2, side // 2, 2, channels)).reshape(maps.shape)
        )
        power = np.argsort(-(maps**2).mean(axis=(0, 1, 2)))[:16]  # the silent ones change nothing
        less = np.repeat(maps[None], len(power), axis=0)
        less[np.arange(len(power)), ..., power] = 0
        without = evaluate.draw(after, less.reshape(-1, *maps.shape[1:])).reshape(-1, *whole.shape)
        change = [float(np.abs(each.astype(float) - whole).mean() / 255) for each in without]
        rows.append((f"{side} x {side}, no detail", blurred))
        rows.append((f"{side} x {side}, less channel {power[np.argmax(change)]}", without[int(np.argmax(change))]))
        numbers[stage] = {
            "without_detail": float(np.abs(blurred.astype(float) - whole).mean() / 255),
            "without_the_strongest_channel": max(change),
        }
    plots.image_rows(path, rows, "What each stage of the generator adds, seen by taking it away")
    return numbers


def show_believed(discriminator, drawn, dataset, path):
    """The faces that the discriminator takes for real most and least, of drawn ones and of real ones new to it.

    numbers: the mean logits, and how often a real face looks more real to it than a drawn one: half would be chance.
    """
    rows, logits = [], {}
    if len(discriminator.inputs) == 2:  # of what was asked for it judges apart
        discriminator = keras.Model(discriminator.inputs[0], discriminator.get_layer("logit").output)
    for name, images in (("real", dataset.x_test), ("drawn", drawn)):
        logits[name] = discriminator.predict(images.astype("float32") / 255, batch_size=250, verbose=0)[:, 0]
        order = np.argsort(-logits[name])
        for how, chosen in (("most", order[:SHOWN]), ("least", order[::-1][:SHOWN])):
            rows.append((f"{name}, believed {how}\nfirst logit {logits[name][chosen[0]]:+.1f}", images[chosen]))
    plots.image_rows(path, rows, "What the discriminator believes")
    is_real = np.repeat([1, 0], [len(logits["real"]), len(logits["drawn"])])
    return {
        "mean_logit_real": float(logits["real"].mean()),
        "mean_logit_drawn": float(logits["drawn"].mean()),
        "share_of_pairs_told_apart": float(roc_auc_score(is_real, np.concatenate([logits["real"], logits["drawn"]]))),
    }
