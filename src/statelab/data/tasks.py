"""Generated tasks: sequences of which it is known what a model has to remember.

Each task of `config.tasks` is a function, which `TASK_FUNCTIONS` names: of `sequences`,
how many; of `length`, the time steps of each; of `rng`, which draws them; and of `lag`
where it has one. A task has one target for each sequence, or one for each time step.
What a model can score without memory is for `evaluation.bounds` to say.
"""

import numpy as np

from statelab.config.settings import GenerateSettings
from statelab.config.tasks import TASKS
from statelab.data.sequences import Sequences, at_the_end

NOISE = 0.2  # the variance, in Hochreiter and Schmidhuber's two-sequence problem


def first_step(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """Zeros, but for a first step that is 1 in exactly half of the sequences.

    The label of a sequence, and of each of its steps, is the value of its first step.

    Args:
        sequences: how many; even.
        length: steps of each.
        rng: draws which half begins with 1.

    Returns:
        Values [sequences * length, 1] and one class for each sequence.

    Example:
        >>> first_step(sequences=2, length=3, rng=np.random.default_rng(0)).values.T
        array([[0., 0., 0., 1., 0., 0.]], dtype=float32)

    Reference:
        Philippe Remy, Stateful LSTM in Keras, 2016.
    """
    labels = _half_and_half(sequences, rng)
    values = np.zeros((sequences, length, 1), np.float32)
    values[:, 0, 0] = labels
    return _of_one_length(values, labels)


def noisy_first(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """A first step of 1 or -1, and noise of variance 0.2 after it.

    The label of a sequence is whether it begins with 1. Nothing after the first step
    depends on it.

    Returns:
        Values [sequences * length, 1] and one class for each sequence.

    Example:
        >>> task = noisy_first(sequences=2, length=3, rng=np.random.default_rng(0))
        >>> task.values[[0, 3], 0], task.targets
        (array([-1.,  1.], dtype=float32), array([0, 1]))

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, experiment 3, with one
        informative step and sequences of one length.
    """
    labels = _half_and_half(sequences, rng)
    values = rng.normal(scale=np.sqrt(NOISE), size=(sequences, length, 1))
    values[:, 0, 0] = 2 * labels - 1
    return _of_one_length(values, labels)


def adding(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """Numbers from 0 to 1, two of them marked: the target is their sum.

    One mark is in each half. A constant prediction of 1 has a mean squared error of
    1/6.

    Returns:
        Values [sequences * length, 2], a number and its mark, and one value for each
        sequence.

    Example:
        >>> task = adding(sequences=1, length=4, rng=np.random.default_rng(0))
        >>> float((task.values[:, 0] * task.values[:, 1]).sum() - task.targets[0])
        0.0

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, experiment 4, in the
        form of Le, Jaitly and Hinton, A Simple Way to Initialize Recurrent Networks of
        Rectified Linear Units, 2015.
    """
    values, marked = _two_marked(sequences, length, rng)
    return _of_one_length(values, marked.sum(axis=1))


def multiplication(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """As in `adding`, but the target is the product of the marked numbers.

    A constant prediction of 1/4 has a mean squared error of 7/144.

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, experiment 5; there
        both marks are in the first half.
    """
    values, marked = _two_marked(sequences, length, rng)
    return _of_one_length(values, marked.prod(axis=1))


def temporal_order_6a(
    sequences: int, length: int, rng: np.random.Generator
) -> Sequences:
    """Two symbols, each X or Y, far apart among others: which came first, which then?

    Of `length` to 1.1 times as many steps. The symbols stand at a tenth to a fifth of
    `length`, and at a half to six tenths. Four classes: XX, XY, YX, YY.

    Returns:
        Values [steps, 8], each step one of the symbols E, which begins a sequence, B,
        which ends it, a, b, c, d, X and Y; and one class for each sequence.

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, experiment 6a.
    """
    return _temporal_order(sequences, length, [(0.1, 0.2), (0.5, 0.6)], rng)


def temporal_order_6b(
    sequences: int, length: int, rng: np.random.Generator
) -> Sequences:
    """As `temporal_order_6a`, but with three symbols, and so eight classes.

    They stand at 0.1 to 0.2, 0.33 to 0.43 and 0.66 to 0.76 times `length`.

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, experiment 6b.
    """
    places = [(0.1, 0.2), (0.33, 0.43), (0.66, 0.76)]
    return _temporal_order(sequences, length, places, rng)


def copy_memory(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """Ten symbols of eight, then blanks; after a delimiter they are to be repeated.

    The literature counts the T blanks between: `length` is T + 20. The target of the
    last ten steps are the symbols, that of all before them is blank. A model without
    memory does best by guessing them: a cross-entropy of 10 ln 8 / length.

    Returns:
        Values [sequences * length, 10], each step one of blank, eight symbols and the
        delimiter; and one of nine classes for each step.

    Example:
        >>> task = copy_memory(sequences=1, length=22, rng=np.random.default_rng(0))
        >>> task.values.argmax(axis=1)
        array([7, 6, 5, 3, 3, 1, 1, 1, 2, 7, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        >>> task.targets
        array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 6, 5, 3, 3, 1, 1, 1, 2, 7])

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, in the form of
        Arjovsky, Shah and Bengio, Unitary Evolution Recurrent Neural Networks, 2016.
    """
    symbols = rng.integers(1, 9, (sequences, 10))
    shown = np.zeros((sequences, length), int)
    shown[:, :10] = symbols
    shown[:, -11] = 9
    targets = np.zeros((sequences, length), int)
    targets[:, -10:] = symbols
    return _of_one_length(np.eye(10)[shown], targets.ravel())


def lagged_copy(
    sequences: int, length: int, rng: np.random.Generator, lag: int
) -> Sequences:
    """Random bits; the label of each step is the bit `lag` steps before.

    The first `lag` steps have none.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> task = lagged_copy(sequences=1, length=5, lag=2, rng=rng)
        >>> task.values[:, 0], task.targets
        (array([1., 1., 1., 0., 0.], dtype=float32), array([-1, -1,  1,  1,  1]))
    """
    bits = rng.integers(0, 2, (sequences, length))
    labels = np.full((sequences, length), -1)
    labels[:, lag:] = bits[:, : max(length - lag, 0)]
    return _of_one_length(bits[..., None], labels.ravel())


def parity(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """Random bits; the label of each step is whether the ones so far are odd.

    Example:
        >>> task = parity(sequences=1, length=5, rng=np.random.default_rng(0))
        >>> task.values[:, 0], task.targets
        (array([1., 1., 1., 0., 0.], dtype=float32), array([1, 0, 1, 1, 1]))

    Reference:
        Bengio, Simard and Frasconi, Learning Long-Term Dependencies with Gradient
        Descent is Difficult, 1994; that it may be guessed at small sizes, Hochreiter
        and Schmidhuber, 1997.
    """
    bits = rng.integers(0, 2, (sequences, length))
    return _of_one_length(bits[..., None], (bits.cumsum(axis=1) % 2).ravel())


def noise(sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """Noise with random labels: there is nothing to learn."""
    values = rng.normal(size=(sequences, length, 1))
    return _of_one_length(values, _half_and_half(sequences, rng))


TASK_FUNCTIONS = {
    function.__name__: function
    for function in (
        first_step,
        noisy_first,
        adding,
        multiplication,
        temporal_order_6a,
        temporal_order_6b,
        copy_memory,
        lagged_copy,
        parity,
        noise,
    )
}


def make(generate: GenerateSettings, seed: int) -> Sequences:
    """Draw the sequences of a task, as section `generate` describes them.

    Args:
        generate: the task, its sizes, and which time steps have a target.
        seed: of the draw.
    """
    draw = TASK_FUNCTIONS[generate.task]
    sizes = {"sequences": generate.sequences, "length": generate.length}
    if TASKS[generate.task].lagged:
        sizes["lag"] = generate.lag
    sequences = draw(**sizes, rng=np.random.default_rng((seed, 0)))
    return at_the_end(sequences) if generate.label == "end" else sequences


def _half_and_half(sequences: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(np.arange(sequences) % 2)


def _of_one_length(values: np.ndarray, targets: np.ndarray) -> Sequences:
    """Put values [sequences, length, features] end to end."""
    count, length, features = values.shape
    if targets.dtype.kind == "f":
        targets = targets.astype(np.float32)
    flat = values.reshape(-1, features).astype(np.float32)
    return Sequences(flat, np.arange(count + 1) * length, targets)


def _two_marked(
    sequences: int, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros((sequences, length, 2), np.float32)
    values[..., 0] = rng.random((sequences, length))
    half = length // 2
    places = np.stack(
        [rng.integers(0, half, sequences), rng.integers(half, length, sequences)],
        axis=1,
    )
    rows = np.arange(sequences)[:, None]
    values[rows, places, 1] = 1
    return values, values[rows, places, 0]


def _temporal_order(
    sequences: int,
    length: int,
    places: list[tuple[float, float]],
    rng: np.random.Generator,
) -> Sequences:
    first, last, distractors, x = 0, 1, (2, 6), 6  # numbers of symbols; Y is x + 1
    lengths = rng.integers(length, length + length // 10 + 1, sequences)
    offsets = np.append(0, np.cumsum(lengths))
    symbols = rng.integers(*distractors, offsets[-1])
    symbols[offsets[:-1]], symbols[offsets[1:] - 1] = first, last
    targets = np.zeros(sequences, int)
    for low, high in places:
        step = rng.integers(round(low * length), round(high * length) + 1, sequences)
        which = rng.integers(0, 2, sequences)
        symbols[offsets[:-1] + step] = x + which
        targets = 2 * targets + which
    values = np.zeros((len(symbols), x + 2), np.float32)
    values[np.arange(len(symbols)), symbols] = 1
    return Sequences(values, offsets, targets)
