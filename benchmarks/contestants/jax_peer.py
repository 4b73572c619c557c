"""JAX with optax: all updates of an epoch in one `lax.scan`, or a compiled update.

The weights are a pytree, or raveled into one vector, which makes an update fewer and
larger kernels.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from benchmarks import data
from benchmarks.contestants import Turn
from benchmarks.works import Work

STATES = {"lstm": 2, "gru": 1}


def prepare(work: Work, updates: int, form: str) -> Turn:
    """Train in one of `FORMS`, on arrays that are put on the device before."""
    arrays = data.batches(work, updates)
    population = [_weights(work, seed) for seed in range(work.seeds)]
    if form == "scan_pytree":
        unravel = lambda weights: weights  # noqa: E731
    else:
        unravel = ravel_pytree(population[0])[1]
        population = [ravel_pytree(each)[0] for each in population]
    weights = jax.tree.map(lambda *each: jnp.stack(each), *population)  # [S, ...]
    adam = optax.adam(1e-3, eps=1e-7)
    shape = work.seeds, work.batch_size, work.units
    states = tuple(
        tuple(jnp.zeros(shape) for _ in range(STATES[work.cell]))  # each is donated
        for _ in range(work.layers)
    )
    carry = weights, jax.vmap(adam.init)(weights), states
    update = _update(work, adam, unravel)
    if work.seeds == 1:  # no axis that nobody needs
        carry = jax.tree.map(lambda part: part[0], carry)
    else:
        update = jax.vmap(update, in_axes=(0, None))
    return Turn(
        run=FORMS[form](work, update, carry, arrays),
        updates=len(arrays.x) * work.seeds,
    )


def _by_scan(work: Work, update, carry, batches: data.Batches) -> Callable[[], float]:
    @partial(jax.jit, donate_argnums=0)
    def epoch(carry, batches):
        return jax.lax.scan(update, carry, batches)

    rng = np.random.default_rng(0)
    batches = jax.device_put(batches)

    def run() -> float:
        nonlocal carry
        visited = _shuffled(batches, rng) if work.shuffle else batches
        carry, losses = epoch(carry, visited)
        return _mean(losses, batches)

    return run


def _by_step(work: Work, update, carry, batches: data.Batches) -> Callable[[], float]:
    step = jax.jit(update, donate_argnums=0)
    each = [
        jax.device_put(data.Batches(*fields)) for fields in zip(*batches, strict=True)
    ]

    def run() -> float:
        nonlocal carry
        losses = []
        for batch in each:
            carry, loss = step(carry, batch)
            losses.append(loss)
        jax.block_until_ready(carry)
        return _mean(jnp.stack(losses), batches)

    return run


FORMS = {"scan_pytree": _by_scan, "scan_flat": _by_scan, "step": _by_step}


def _update(work: Work, adam: optax.GradientTransformation, unravel) -> Callable:
    def loss_of(weights, states, batch):
        logits, states = _forward(work, unravel(weights), batch.x, states)
        losses = optax.sigmoid_binary_cross_entropy(logits, batch.y)
        return jnp.sum(losses * batch.weight) / jnp.sum(batch.weight), states

    def update(carry, batch):
        weights, moments, states = carry
        states = jax.tree.map(lambda part: jnp.where(batch.reset, 0, part), states)
        (loss, states), gradient = jax.value_and_grad(loss_of, has_aux=True)(
            weights, states, batch
        )
        changes, moments = adam.update(gradient, moments)
        return (optax.apply_updates(weights, changes), moments, states), loss

    return update


def _forward(work: Work, weights: list[Any], x: jax.Array, states):
    """Run x [B, T, F] through the network: logits [B] and the next states."""
    *recurrent, (kernel, bias) = weights

    def time_step(states, x_t):
        output, after = x_t, ()
        for layer, state in zip(recurrent, states, strict=True):
            state = CELLS[work.cell](layer, output, state)
            output, after = state[0], (*after, state)
        return after, None

    if work.timesteps == 1:
        states, _ = time_step(states, x[:, 0])
    else:
        states, _ = jax.lax.scan(time_step, states, x.swapaxes(0, 1))
    return (states[-1][0] @ kernel + bias)[:, 0], states


def _lstm(weights, x, state):
    w, u, b = weights
    h, c = state
    i, f, g, o = jnp.split(x @ w + h @ u + b, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(weights, x, state):
    w, u, b = weights
    (h,) = state
    x_z, x_r, x_g = jnp.split(x @ w + b[0], 3, axis=-1)
    h_z, h_r, h_g = jnp.split(h @ u + b[1], 3, axis=-1)
    z, r = jax.nn.sigmoid(x_z + h_z), jax.nn.sigmoid(x_r + h_r)
    return (z * h + (1 - z) * jnp.tanh(x_g + r * h_g),)


CELLS = {"lstm": _lstm, "gru": _gru}


def _weights(work: Work, seed: int) -> list[Any]:
    """Return the weights by layer, as Keras has them."""
    flat = [jnp.asarray(array) for array in data.weights(work, seed).values()]
    layers = [tuple(flat[3 * layer :][:3]) for layer in range(work.layers)]
    return [*layers, tuple(flat[-2:])]


def _shuffled(batches: data.Batches, rng: np.random.Generator) -> data.Batches:
    """Deal samples into batches anew; padding stays at the end of the last one."""
    order = np.arange(batches.y.size)
    used = int(batches.weight.sum())
    order[:used] = rng.permutation(used)
    order = order.reshape(batches.y.shape)
    x, y = batches.x, batches.y
    return batches._replace(
        x=x.reshape(-1, *x.shape[2:])[order], y=y.reshape(-1)[order]
    )


def _mean(losses: jax.Array, batches: data.Batches) -> float:
    """Return the mean over samples, and seeds; losses are [updates] or with seeds."""
    each = np.asarray(losses).reshape(len(losses), -1).mean(axis=1)
    return float(np.average(each, weights=np.asarray(batches.weight).sum(axis=1)))
