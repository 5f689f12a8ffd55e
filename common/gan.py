"""Generative adversarial networks (Goodfellow et al. 2014, arXiv:1406.2661): the train step of homeworks 4 and 5.

There is no combined model with a frozen discriminator in it: freezing a network also switches its batch normalisation
to other statistics. Each step looks at one batch of real and one of generated images and takes two gradients, each
with respect to the weights of one network alone; both networks see each other as they were before the step. The
images are made once and judged once for both, which is a sixth less work than in turns.
"""

import functools

import keras
from keras import ops


def two_gradients(function, first, second, state):
    """(more, gradients of loss 1 with respect to `first`, of loss 2 to `second`) of `function() -> (1, 2, more)`.

    For a train step with two losses over one forward pass, as that of a GAN. first, second: lists of Keras variables;
    state: every variable that `function` may read or change. To be called inside `stateful_train_step`.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            loss_1, loss_2, more = function()
        return more, *(
            tape.gradient(loss, [variable.value for variable in variables])
            for loss, variables in ((loss_1, first), (loss_2, second))
        )
    import jax

    now = [(variable, variable.value) for variable in state]

    def pure(*values):
        with keras.StatelessScope([*now, *zip([*first, *second], values, strict=True)]) as scope:
            loss_1, loss_2, more = function()
        return (loss_1, loss_2), (more, [scope.get_current_value(variable) for variable in state])

    values = [variable.value for variable in (*first, *second)]
    (loss_1, loss_2), gradients_of, (more, changed) = jax.vjp(pure, *values, has_aux=True)
    one, none = (jax.numpy.full_like(loss_1, share) for share in (1, 0))
    for variable, new in zip(state, changed, strict=True):
        variable.assign(new)
    return more, list(gradients_of((one, none))[: len(first)]), list(gradients_of((none, one))[len(first) :])


def logits_and_slopes(discriminator, images):
    """(logits (n, 1), squared length of the gradient of each with respect to its image (n,), more), float32.

    All can be differentiated again. discriminator: a function images -> (logits, more) that treats each image by
    itself, so without batch normalisation.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(images)
            logits, more = discriminator(images)
        gradient = tape.gradient(logits, images)
    else:
        import jax

        logits, gradient_of, more = jax.vjp(discriminator, images, has_aux=True)
        (gradient,) = gradient_of(jax.numpy.ones_like(logits))
    return logits, ops.sum(ops.square(ops.cast(gradient, "float32")), axis=(1, 2, 3)), more


def stateful_train_step(step):
    """Make `step(model, data) -> logs`, which assigns to variables, the `train_step` of a Keras model on any backend.

    On TensorFlow it is that already. On JAX Keras wants a function of (state, data), and hands over the values of all
    variables: here they stand for the variables while `step` runs.
    """
    if keras.backend.backend() == "tensorflow":
        return step

    @functools.wraps(step)
    def train_step(model, state, data):
        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        mapping = [
            pair for group, values in zip(groups, state, strict=True) for pair in zip(group, values, strict=True)
        ]
        with keras.StatelessScope(mapping) as scope:
            logs = step(model, data)
        return logs, tuple([scope.get_current_value(variable) for variable in group] for group in groups)

    return train_step


class GAN(keras.Model):
    """A generator and a discriminator that train each other; `fit` on (uint8 images, one-hot labels).

    The labels may also be a pair: those of the images, and those to generate by.

    generator: noise (n, noise_dim) -> images in 0..1, or [noise, labels] -> images; then the labels are used.
    discriminator: the same for images -> logits (n, 1) of being real.
    losses: a function (logits of real images, logits of generated ones) -> (real loss, fake loss, generator's loss),
    scalars; the discriminator learns from the sum of the first two. Each homework has its own.
    averaged: a second generator, whose weights become the running average of the first one's with the memory `memory`
    (updates); its samples are better and calmer (Yazıcı et al. 2018, arXiv:1806.04498). None for no average.
    augment: a differentiable function (images, SeedGenerator) -> images, through which the discriminator sees all.
    penalty: gamma of R1 and R2, which keep the discriminator from rising steeply at real and at generated images
    (Mescheder et al. 2018, arXiv:1801.04406): each adds gamma / 2 times the squared gradient of its logits, by images
    whose pixels are in -1..1, as usual. 0 for none.
    """

    def __init__(self, generator, discriminator, losses, averaged=None, memory=1, seed=0, augment=None, penalty=0.0):
        super().__init__(name="gan")
        self.generator, self.discriminator, self.averaged = generator, discriminator, averaged
        self.adversarial_losses, self.memory, self.augment, self.penalty = losses, memory, augment, penalty
        self.noise = keras.random.SeedGenerator(seed)
        self.conditional = len(discriminator.inputs) == 2
        names = ("real_loss", "fake_loss", "generator_loss", "fooled", "penalty")
        self.trackers = [keras.metrics.Mean(name) for name in names[: 5 if penalty else 4]]
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
        """The logits of the discriminator for images in 0..1, the penalty for them, the loss of its other answers."""
        if self.augment:
            images = self.augment(images, self.noise)

        def discriminator(images):
            answers = self.discriminator([images, labels] if self.conditional else images, training=True)
            return (answers[0], answers[1:]) if isinstance(answers, (list, tuple)) else (answers, ())

        if not self.penalty:
            logits, more = discriminator(images)
            return logits, 0.0, self.other_loss(*more)
        logits, slopes, more = logits_and_slopes(discriminator, images)
        penalty = self.penalty / 2 * ops.mean(slopes) / 4  # pixels twice as large have half the slope
        return logits, penalty, self.other_loss(*more)

    def other_loss(self, *answers):
        """The loss by which both networks learn what the discriminator answers beside its logits: here nothing."""
        return 0.0

    def batch_losses(self, images, labels):
        """(loss of the generator, of the discriminator, the values of the trackers) for one batch, as `fit` gets it."""
        images = ops.cast(images, "float32") / 255
        real_labels, fake_labels = labels if isinstance(labels, (list, tuple)) else (labels, labels)
        noise = keras.random.normal((ops.shape(images)[0], self.generator.inputs[0].shape[1]), seed=self.noise)
        fakes = self.generator([noise, fake_labels] if self.conditional else noise, training=True)
        real, real_penalty, real_other = self.judge(images, real_labels)
        fake, fake_penalty, fake_other = self.judge(fakes, fake_labels)
        real_loss, fake_loss, generator_loss = self.adversarial_losses(real, fake)
        penalty = real_penalty + fake_penalty
        fooled = ops.mean(ops.cast(fake > real, "float32"))
        values = (real_loss, fake_loss, generator_loss, fooled, penalty)[: len(self.trackers)]
        return generator_loss + fake_other, real_loss + fake_loss + penalty + real_other, values

    @stateful_train_step
    def train_step(self, data):
        networks = self.generator.trainable_variables, self.discriminator.trainable_variables
        values, *gradients = two_gradients(
            lambda: self.batch_losses(*data),
            *networks,
            state=[*self.trainable_variables, *self.non_trainable_variables],
        )
        for optimizer, gradient, variables in zip(self.optimizers, gradients, networks, strict=True):
            optimizer.apply(gradient, variables)
        if self.averaged is not None:
            # a short memory at first: the average must forget the random start
            memory = ops.minimum(self.memory, 1 + ops.cast(self.optimizer.iterations, "float32") / 10)
            for average, variable in zip(self.averaged.weights, self.generator.weights, strict=True):
                average.assign(average + (variable - average) / memory)
        for tracker, value in zip(self.trackers, values, strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}
