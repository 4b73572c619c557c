"""What is timed: works, and for each the peers that do the same work as we do."""

import shutil
from importlib.util import find_spec
from typing import NamedTuple


class Peer(NamedTuple):
    """Somebody who trains the same network on the same data."""

    name: str
    module: str  # of `contestants`
    form: str  # which way of that module's
    updates: int  # of a turn: about half a second's
    changes: tuple[tuple[str, int], ...] = ()  # fields of the work, for it alone


class Work(NamedTuple):
    """A network, the data that it sees, and what an update is."""

    name: str
    updates: int  # of a turn of ours
    peers: tuple[Peer, ...]
    cell: str = "lstm"
    units: int = 10
    layers: int = 1
    features: int = 1
    batch_size: int = 1
    timesteps: int = 1  # of an update
    length: int = 20  # of a sequence
    seeds: int = 1
    stateful: bool = True  # segments one after another; else windows of stride 1
    gradient_window: int | None = None  # None: as far as a sample
    shuffle: bool = False
    pairs: int = 5  # turns of each, at least
    seconds: float = 4  # that a duel goes on, at least
    counts_flops: bool = False  # arithmetic is what takes the time
    rows: int = 0  # of a single series that lanes share; 0: many sequences
    group: str = ""  # works that docs show the mean of


def gflop(work: Work) -> float:
    """Return the 1e9 operations of an update: backward is twice forward."""
    steps = work.batch_size * work.timesteps
    columns = GATES[work.cell] * work.units
    return 3 * 2 * steps * columns * (work.units + work.features) / 1e9


def quick(work: Work) -> Work:
    """Return a work cut down until it shows no more than that it runs."""
    peers = (each._replace(updates=max(each.updates // 20, 1)) for each in work.peers)
    return work._replace(
        updates=max(work.updates // 20, 1),
        peers=tuple(peers),
        pairs=min(work.pairs, 2),
        seconds=0,
    )


def missing() -> dict[str, str]:
    """Return the modules whose packages are not installed, and the first such."""
    return {
        module: package
        for module, packages in PACKAGES.items()
        for package in reversed(packages)
        if find_spec(package) is None
    }


def of_installed(work: Work) -> Work:
    """Return a work with those peers alone whose packages are installed."""
    absent = missing()
    peers = (peer for peer in work.peers if peer.module not in absent)
    return work._replace(peers=tuple(peers))


def _floor(updates: int) -> Peer:
    """Return the same arithmetic and nothing else, of one network on one core."""
    form = "C" if shutil.which("cc") else "numba"
    return Peer(f"floor in {form}, one core", "floor", form.lower(), updates)


def _windows(name: str, *, shuffle: bool) -> Work:
    return Work(
        name,
        344,  # 11,000 windows
        (
            Peer("Keras fit", "keras_peers", "fit", 344),
            Peer("PyTorch", "torch_peer", "eager", 344),
            Peer("JAX scan, pytree", "jax_peer", "scan_pytree", 344),
        ),
        batch_size=32,
        timesteps=10,
        stateful=False,
        shuffle=shuffle,
    )


def _large(units: int, batch_size: int, timesteps: int, updates: int) -> Work:
    return Work(
        f"{units} units",
        updates,
        (
            Peer("Keras fit", "keras_peers", "fit", updates),
            Peer("Keras fit, jit_compile", "keras_peers", "fit_jit", updates),
            Peer("JAX, jitted step", "jax_peer", "step", updates),
            Peer("PyTorch", "torch_peer", "eager", updates),
        ),
        units=units,
        features=8,
        batch_size=batch_size,
        timesteps=timesteps,
        length=timesteps,
        stateful=False,
        counts_flops=True,
    )


def _of_people(cell: str, units: int, batch_size: int, timesteps: int, seeds: int):
    """Return a size that people train, for ten networks at once or for one alone."""
    name = f"{seeds} {cell.upper()}({units}), {batch_size} × {timesteps}"
    group = "one network" if seeds == 1 else f"{seeds} networks"
    work = Work(
        name,
        1,
        (),
        cell=cell,
        units=units,
        features=8,
        batch_size=batch_size,
        timesteps=timesteps,
        length=timesteps,
        seeds=seeds,
        stateful=False,
        pairs=3,
        seconds=3,
        counts_flops=True,
        group=group,
    )
    updates = max(int(TURN_GFLOP / gflop(work)), 1)  # of one network
    one = (("seeds", 1),)
    keras = Peer("Keras fit", "keras_peers", "fit", updates, one)
    torch = Peer("PyTorch", "torch_peer", "eager", updates, one)
    if seeds == 1:
        jit = Peer("Keras fit, jit_compile", "keras_peers", "fit_jit", updates, one)
        jax = Peer("JAX scan", "jax_peer", "scan_pytree", updates)
        return work._replace(updates=updates, peers=(keras, jit, torch, jax))
    ours = max(updates // seeds, 1)
    vmap = Peer("JAX scan, vmap", "jax_peer", "scan_pytree", ours)
    alone = Peer("ours, one alone", "ours", "compiled", updates, one)
    return work._replace(updates=ours, peers=(keras, torch, vmap, alone))


def _long_series(lanes: int) -> Work:
    """Return a series of 100,000 rows in so many lanes, beside one lane."""
    one = Peer("ours in one lane", "ours", "compiled", 0, (("batch_size", 1),))
    return Work(
        f"series in {lanes} lanes, a step",
        0,
        (one,),
        units=32,
        features=8,
        batch_size=lanes,
        timesteps=24,
        rows=100_000,
    )


def _flat(name: str, steps: int, *, pairs: int) -> Work:
    peers = (Peer("ours on 1e4 steps", "ours", "passes", 10_000),)
    return Work(name, steps, peers, pairs=pairs)


TURN_GFLOP = 20  # of a turn of the sizes that people train: some tenths of a second
CUTS = tuple((batch, steps) for batch in (32, 256) for steps in (24, 168))
OF_PEOPLE = (
    *(("lstm", units, *cut) for units in (32, 64, 128) for cut in CUTS),
    ("lstm", 64, 32, 48),
    *(("gru", 64, *cut) for cut in CUTS),
)

GATES = {"lstm": 4, "gru": 3}

PACKAGES = {"torch_peer": ["torch"], "jax_peer": ["jax", "optax"]}

OURS = Peer("ours", "ours", "compiled", 0)

WORKS = (
    Work(
        "one seed",
        40_000,
        (
            Peer("Keras fit", "keras_peers", "reference", 500),
            Peer("Keras train_on_batch", "keras_peers", "reference_loop", 200),
            Peer("Keras in an XLA loop", "keras_peers", "xla_loop", 20_000),
            Peer("PyTorch", "torch_peer", "eager", 1_000),
            Peer("JAX scan, pytree", "jax_peer", "scan_pytree", 20_000),
            Peer("JAX scan, flat", "jax_peer", "scan_flat", 20_000),
            _floor(100_000),
        ),
    ),
    Work(
        "32 seeds",
        4_000,
        (
            Peer("JAX scan, vmap", "jax_peer", "scan_pytree", 4_000),
            _floor(100_000),
        ),
        seeds=32,
    ),
    Work(
        "batch 8",
        20_000,
        (
            Peer("Keras fit", "keras_peers", "reference", 500),
            Peer("PyTorch", "torch_peer", "eager", 1_000),
            Peer("JAX scan, pytree", "jax_peer", "scan_pytree", 20_000),
            _floor(40_000),
        ),
        batch_size=8,
    ),
    Work(
        "two-layer GRU",
        20_000,
        (
            Peer("Keras fit", "keras_peers", "reference", 400),
            Peer("PyTorch", "torch_peer", "eager", 1_000),
            Peer("JAX scan, flat", "jax_peer", "scan_flat", 20_000),
        ),
        cell="gru",
        layers=2,
    ),
    Work(
        "gradient window 100",
        1_000,
        (
            Peer("Keras fit", "keras_peers", "reference", 50),
            Peer("PyTorch", "torch_peer", "eager", 50),
            Peer("JAX scan, flat", "jax_peer", "scan_flat", 500),
            _floor(4_000),
        ),
        timesteps=100,
        length=100,
        gradient_window=100,
    ),
    _windows("windows", shuffle=False),
    _windows("shuffled windows", shuffle=True),
    _large(32, 64, 100, 60),
    _large(128, 64, 100, 10),
    _large(256, 256, 50, 2),
    *(_of_people(*size, seeds=10) for size in OF_PEOPLE),
    *(_of_people(*size, seeds=1) for size in OF_PEOPLE),
    _long_series(32),
    _long_series(128),
    _flat("flat 1e5", 100_000, pairs=5),
    _flat("flat 1e6", 1_000_000, pairs=3),
    _flat("flat 1e7", 10_000_000, pairs=1),
)
