"""The benchmark of GPUs, as far as a machine without one can tell."""

import pytest

from tests.benchmarks import gpu


def test_flops_of_a_forward_pass_are_those_counted_by_hand():
    import keras
    from keras import layers

    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(5, 4, 2, "same")(x)  # 4 x 4 places, each 5 products of 4 x 4 x 3 numbers
    y = layers.Conv2DTranspose(7, 4, 2, "same")(
        layers.ReLU()(y)
    )  # each of 4 x 4 places spreads 5 numbers over 4 x 4 x 7
    inner = keras.Model(x, y)
    z = layers.Dense(11)(layers.Flatten()(inner(x)))  # 8 x 8 x 7 numbers
    by_hand = 2 * (16 * 5 * 48 + 16 * 5 * 16 * 7 + 8 * 8 * 7 * 11)
    assert gpu.forward_flops(keras.Model(x, z)) == by_hand


def test_the_networks_of_homework_5_need_what_their_shapes_say():
    from hw5_anime_dcgan import model as models

    seed, halves, picture, logit = 100 * 8192, 3 * 16 * 16 * 16 * 128 * 64, 32 * 32 * 16 * 64 * 3, 16 * 512
    assert gpu.forward_flops(models.build_generator(100, 64)) == 2 * (seed + halves + picture)
    assert gpu.forward_flops(models.build_discriminator(64)) == 2 * (picture + halves + logit)


def test_without_a_gpu_it_says_so_and_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu.main(["--out", str(tmp_path / "out")]) == 1
    assert "nvidia-smi shows no GPU (--dry-run" in capsys.readouterr().out


def test_what_there_was_no_time_for_stands_in_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu.main(["--out", str(tmp_path), "--dry-run", "--seconds", "1"]) == 0
    table = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    assert table.count("not run: out of time") >= 2 * len(gpu.HOMEWORKS)
    assert gpu.WAITING not in table


@pytest.mark.parametrize(
    ("line", "peak"),
    [
        ("GPU 0 (NVIDIA H200, 143,000 MiB free), bfloat16 (tensor cores for it), jax", 989),
        ("GPU 0 (NVIDIA H100 80GB HBM3, 81,000 MiB free), bfloat16 (tensor cores for it), jax", 989),
        ("GPU 1 (NVIDIA A100-SXM4-80GB, 81,000 MiB free), bfloat16 (tensor cores for it), jax", 312),
        ("GPU 0 (NVIDIA GeForce RTX 4090, 24,000 MiB free), bfloat16 (tensor cores for it), jax", None),
    ],
)
def test_peaks_are_of_the_chip_at_hand(line, peak):
    assert (gpu.peaks(line) or [None])[0] == peak
