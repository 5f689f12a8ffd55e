"""Generative adversarial networks (Goodfellow et al. 2014, arXiv:1406.2661): the train step of homeworks 4 and 5.

There is no combined model with a frozen discriminator in it: freezing a network also switches its batch normalisation
to other statistics. Each step takes two gradients, each with respect to the weights of one network alone.
"""

import keras
from keras import ops

from common.gradients import stateful_train_step, value_and_gradients


class GAN(keras.Model):
    """A generator and a discriminator that train each other; `fit` on (uint8 images, one-hot labels).

    generator: noise (n, noise_dim) -> images in 0..1, or [noise, labels] -> images; then the labels are used.
    discriminator: the same for images -> logits (n, 1) of being real.
    averaged: a second generator, whose weights become the running average of the first one's with the memory `memory`
    (updates); its samples are better and calmer (Yazıcı et al. 2018, arXiv:1806.04498).
    """

    def __init__(self, generator, discriminator, averaged, memory, seed):
        super().__init__(name="gan")
        self.generator, self.discriminator, self.averaged = generator, discriminator, averaged
        self.memory = memory
        self.noise = keras.random.SeedGenerator(seed)
        self.conditional = len(generator.inputs) == 2
        self.trackers = [keras.metrics.Mean(name) for name in ("real_loss", "fake_loss", "generator_loss", "fooled")]
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
        return [*networks, *self.averaged.variables, self.noise.state, *second_optimizer]

    @property
    def metrics(self):
        return self.trackers

    @stateful_train_step
    def train_step(self, data):
        images, labels = data
        real = ops.cast(images, "float32") / 255
        n = ops.shape(real)[0]
        state = [*self.trainable_variables, *self.non_trainable_variables]

        def with_labels(x):
            return [x, labels] if self.conditional else x

        noise = keras.random.normal((n, self.generator.inputs[0].shape[1]), seed=self.noise)
        fake = self.generator(with_labels(noise), training=True)

        def discriminator_loss():
            real_loss = ops.mean(ops.softplus(-self.discriminator(with_labels(real), training=True)))
            logits = self.discriminator(with_labels(fake), training=True)
            fake_loss = ops.mean(ops.softplus(logits))
            return real_loss + fake_loss, (real_loss, fake_loss, ops.mean(ops.cast(logits > 0, "float32")))

        variables = self.discriminator.trainable_variables
        _, (real_loss, fake_loss, fooled), gradients = value_and_gradients(discriminator_loss, variables, state)
        self.optimizers[1].apply(gradients, variables)

        def generator_loss():
            logits = self.discriminator(with_labels(self.generator(with_labels(noise), training=True)), training=True)
            return ops.mean(ops.softplus(-logits)), ()  # the non-saturating loss (section 3)

        variables = self.generator.trainable_variables
        loss, _, gradients = value_and_gradients(generator_loss, variables, state)
        self.optimizers[0].apply(gradients, variables)

        for average, variable in zip(self.averaged.variables, self.generator.variables, strict=True):
            average.assign(average + (variable - average) / self.memory)
        for tracker, value in zip(self.trackers, (real_loss, fake_loss, loss, fooled), strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}
