"""Generative adversarial networks (Goodfellow et al. 2014, arXiv:1406.2661): the train step of homeworks 4 and 5.

There is no combined model with a frozen discriminator in it: freezing a network also switches its batch normalisation
to other statistics. Each step looks at one batch of real and one of generated images and takes two gradients, each
with respect to the weights of one network alone; both networks see each other as they were before the step. The
images are made once and judged once for both, which is a sixth less work than in turns.
"""

import keras
from keras import ops

from common.gradients import stateful_train_step, two_gradients


class GAN(keras.Model):
    """A generator and a discriminator that train each other; `fit` on (uint8 images, one-hot labels).

    generator: noise (n, noise_dim) -> images in 0..1, or [noise, labels] -> images; then the labels are used.
    discriminator: the same for images -> logits (n, 1) of being real.
    averaged: a second generator, whose weights become the running average of the first one's with the memory `memory`
    (updates); its samples are better and calmer (Yazıcı et al. 2018, arXiv:1806.04498). None for no average.
    hinge: the hinge loss (Lim & Ye 2017, arXiv:1705.02894) in place of the logistic one.
    augment: a differentiable function (images, SeedGenerator) -> images, through which the discriminator sees all.
    """

    def __init__(self, generator, discriminator, averaged=None, memory=1, seed=0, hinge=False, augment=None):
        super().__init__(name="gan")
        self.generator, self.discriminator, self.averaged = generator, discriminator, averaged
        self.memory, self.hinge, self.augment = memory, hinge, augment
        self.noise = keras.random.SeedGenerator(seed)
        self.conditional = len(generator.inputs) == 2
        self.trackers = [keras.metrics.Mean(name) for name in ("real_loss", "fake_loss", "generator_loss", "fooled")]
        if averaged is not None:
            averaged.set_weights(generator.get_weights())
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer):
        super().compile(generator_optimizer, auto_scale_loss=False)  # nor would it scale the loss of the other
        self.optimizers = [generator_optimizer, discriminator_optimizer]
        generator_optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)

    @property
    def trainable_variables(self):
        return [*self.generator.trainable_variables, *self.discriminator.trainable_variables]

    @property
    def non_trainable_variables(self):
        """What else the train step changes: on JAX, Keras hands over only what is named here."""
        second_optimizer = self.optimizers[1].variables if self.compiled else []
        networks = [*self.generator.non_trainable_variables, *self.discriminator.non_trainable_variables]
        average = self.averaged.variables if self.averaged is not None else []
        return [*networks, *average, self.noise.state, *second_optimizer]

    @property
    def metrics(self):
        return self.trackers

    def judge(self, images, labels):
        """The logits of the discriminator for images in 0..1."""
        if self.augment:
            images = self.augment(images, self.noise)
        return self.discriminator([images, labels] if self.conditional else images, training=True)

    def losses(self, images, labels):
        """(loss of the generator, of the discriminator, the values of the trackers) for one batch of real images."""
        noise = keras.random.normal((ops.shape(images)[0], self.generator.inputs[0].shape[1]), seed=self.noise)
        fakes = self.generator([noise, labels] if self.conditional else noise, training=True)
        real, fake = self.judge(images, labels), self.judge(fakes, labels)
        if self.hinge:
            real_loss, fake_loss = ops.mean(ops.relu(1 - real)), ops.mean(ops.relu(1 + fake))
            generator_loss = -ops.mean(fake)
        else:
            real_loss, fake_loss = ops.mean(ops.softplus(-real)), ops.mean(ops.softplus(fake))
            generator_loss = ops.mean(ops.softplus(-fake))  # the non-saturating loss (section 3)
        fooled = ops.mean(ops.cast(fake > 0, "float32"))
        return generator_loss, real_loss + fake_loss, (real_loss, fake_loss, generator_loss, fooled)

    @stateful_train_step
    def train_step(self, data):
        images, labels = data
        networks = self.generator.trainable_variables, self.discriminator.trainable_variables
        values, *gradients = two_gradients(
            lambda: self.losses(ops.cast(images, "float32") / 255, labels),
            *networks,
            state=[*self.trainable_variables, *self.non_trainable_variables],
        )
        for optimizer, gradient, variables in zip(self.optimizers, gradients, networks, strict=True):
            optimizer.apply(gradient, variables)
        if self.averaged is not None:
            # a short memory at first: the average must forget the random start
            memory = ops.minimum(self.memory, 1 + ops.cast(self.optimizer.iterations, "float32") / 10)
            for average, variable in zip(self.averaged.variables, self.generator.variables, strict=True):
                average.assign(average + (variable - average) / memory)
        for tracker, value in zip(self.trackers, values, strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}
