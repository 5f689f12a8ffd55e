"""The playground's page of the objects: what a photograph shows, where the network looks, which filters answer most."""

from typing import NamedTuple

import keras
import numpy as np
from nicegui import ui
from scipy.special import softmax

from common.data import images
from common.figures import plots
from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from hw2_cifar10_cnn import filters
from hw2_cifar10_cnn.saliency import draw_saliency, saliency_maps

HOMEWORK = "hw2_cifar10_cnn"
NAME = "objects"
TITLE = ("Objects", "辨識物體")
ABOUT = (
    "Send a photograph: what the network takes it for, where it looks, and which of its filters answer most.",
    "上傳一張照片：網路認為是什麼、它看哪裡，以及哪些濾波器（filter）反應最強。",
)
SEARCHED, STRONGEST = 1000, 4  # test pictures in which patches are looked for; filters shown of each layer


def build():
    chosen = models.choose(models.finished(HOMEWORK), f"python {HOMEWORK}/train.py")
    if not chosen:
        return

    async def recognise(file):
        if seen := await compute(look_at, chosen.value, file):
            show(seen)

    def show(seen):
        answer.clear()
        with answer, ui.element("div").classes("panels"):
            with ui.column().classes("panel"):
                parts.Bars(seen.names).show(seen.chances)
            with ui.column().classes("panel").style("flex-basis: 26rem"):
                ui.label(
                    say(
                        "What it sees; what may not be covered (red); the pixels that matter.",
                        "網路看到的樣子；不能遮住的地方（紅色）；重要的像素。",
                    )
                ).classes("quiet")
                parts.Picture(say("where the network looks", "網路看的地方"), "100%").show(seen.saliency)
        with answer:
            ui.label(say("The filters that answer most", "反應最強的濾波器")).classes("title")
            ui.label(
                say(
                    "Left where in the picture the filter answers, right the test pictures that excite it most.",
                    "左邊是濾波器在圖上有反應的地方，右邊是讓它反應最強的測試圖片。",
                )
            ).classes("quiet")
            with ui.element("div").classes("panels"):
                for layer, channel, response, patches in seen.filters:
                    with ui.column().classes("panel small"):
                        ui.label(f"{layer}, filter {channel}").classes("quiet")
                        with ui.row().style("flex-wrap: nowrap"):
                            parts.Picture(say("its answer", "它的反應"), "84px").show(response)
                            parts.Picture(say("what excites it", "讓它有反應的圖"), "84px").show(patches)

    with ui.row():
        parts.upload(say("a photograph", "上傳照片"), recognise)
        example = say("a test picture", "一張測試圖片")
        ui.button(example, icon="casino", on_click=lambda: recognise(None)).props("outline no-caps")
    answer = ui.column().style("align-items: stretch")
    chosen.on_value_change(answer.clear)  # what is there is another network's


class Seen(NamedTuple):
    """What a network makes of a photograph."""

    names: tuple
    chances: np.ndarray
    saliency: object  # a picture
    filters: list  # [(layer, channel, its answer as a picture, the patches that excite it as a picture)]


class Watched:
    """A network with the outputs of its stages, and the patches of test pictures that excite each filter."""

    def __init__(self, model):
        self.model, self.pictures = model, models.examples("cifar10")
        self.stages = filters.stages(model)
        self.probe = keras.Model(model.inputs, [stage.activation.output for stage in self.stages])
        self.patches = filters.strongest_patches(model, self.stages, self.pictures.x_test[:SEARCHED])


def open_network(run):
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return Watched(analysis.in_float32(model))  # as analyze.py: bfloat16 loses small gradients


def look_at(run, file):
    """The Seen of a photograph that was sent, or of a test picture where `file` is None."""
    network = models.prepared(open_network, run)
    pictures = network.pictures
    if file:
        image = images.read_square(file, 32)
    else:
        image = pictures.x_test[np.random.default_rng().integers(len(pictures.x_test))]
    chances = softmax(np.asarray(network.model.predict_on_batch(image[None]), "float32")[0])
    covered, gradient = saliency_maps(network.model, image[None], [int(chances.argmax())])
    figure = plots.new_figure(8, 2.8)
    axes = figure.subplots(1, 3)
    for ax in axes:
        ax.set_axis_off()
    draw_saliency(axes, image, covered[0], gradient[0])
    return Seen(pictures.names, chances, parts.drawn(figure), strongest(network, image))


def strongest(network, image):
    """Of each stage the filters that answer most to an image, as Seen has them."""
    outputs = [np.asarray(each, "float32")[0] for each in network.probe.predict_on_batch(image[None])]
    found = []
    for stage, output in zip(network.stages, outputs, strict=True):
        for channel in np.argsort(-output.max(axis=(0, 1)))[:STRONGEST]:
            answer = output[..., channel].clip(0)
            patches = network.patches[stage.name][channel]
            rows = [np.concatenate(list(patches[i : i + 3]), axis=1) for i in (0, 3, 6)]
            found.append((stage.name, int(channel), answer / max(answer.max(), 1e-6), np.concatenate(rows)))
    return found
