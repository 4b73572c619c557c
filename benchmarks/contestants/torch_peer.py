"""PyTorch: its own recurrent layers, eagerly, with the fused Adam."""

import itertools

import torch
from torch import nn

from benchmarks import data
from benchmarks.contestants import Turn
from benchmarks.works import Work

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def prepare(work: Work, updates: int, form: str) -> Turn:
    """Train on tensors made before; a state is carried detached."""
    if not work.counts_flops:
        torch.set_num_threads(1)  # a second one has nothing to do but to be waited for
    arrays = data.batches(work, updates)
    x = torch.from_numpy(arrays.x).flatten(0, 1)  # [samples, T, F]
    y = torch.from_numpy(arrays.y).flatten()
    used = torch.from_numpy(arrays.weight).flatten() > 0
    x, y = x[used].to(DEVICE), y[used].to(DEVICE)
    resets = arrays.reset.tolist()
    recurrent, head = (part.to(DEVICE) for part in _network(work))
    weights = itertools.chain(recurrent.parameters(), head.parameters())
    optimizer = torch.optim.Adam(
        [each for each in weights if each.requires_grad],
        lr=1e-3,
        eps=1e-7,
        fused=True,
    )

    def run() -> float:
        order = torch.randperm(len(x)) if work.shuffle else None
        batches = zip(
            (x if order is None else x[order]).split(work.batch_size),
            (y if order is None else y[order]).split(work.batch_size),
            resets,
            strict=True,
        )
        state, total = None, torch.zeros((), device=DEVICE)
        for x_batch, y_batch, reset in batches:
            outputs, state = recurrent(x_batch, None if reset else state)
            logits = head(outputs[:, -1])[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(logits, y_batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            state = _detached(state)
            total += loss.detach() * len(y_batch)
        return float(total) / len(x)

    return Turn(run, updates=len(resets))


def _network(work: Work) -> tuple[nn.Module, nn.Linear]:
    """Return the layers with the weights of the data: Keras's, turned over.

    PyTorch has two biases where Keras's LSTM has one: the other is frozen at 0.
    """
    *arrays, kernel, bias = (
        torch.from_numpy(array) for array in data.weights(work).values()
    )
    recurrent = LAYERS[work.cell](
        work.features, work.units, work.layers, batch_first=True
    )
    head = nn.Linear(work.units, 1)
    with torch.no_grad():
        for layer in range(work.layers):
            w, u, b = (_reordered(work, each) for each in arrays[3 * layer :][:3])
            b_input, b_state = b if work.cell == "gru" else (b, torch.zeros_like(b))
            getattr(recurrent, f"weight_ih_l{layer}").copy_(w.T)
            getattr(recurrent, f"weight_hh_l{layer}").copy_(u.T)
            getattr(recurrent, f"bias_ih_l{layer}").copy_(b_input)
            getattr(recurrent, f"bias_hh_l{layer}").copy_(b_state)
            if work.cell == "lstm":
                getattr(recurrent, f"bias_hh_l{layer}").requires_grad_(False)
        head.weight.copy_(kernel.T)
        head.bias.copy_(bias)
    return recurrent, head


def _reordered(work: Work, array: torch.Tensor) -> torch.Tensor:
    """Keras's GRU has its gates in the order z, r, g, and PyTorch's r, z, g."""
    if work.cell == "lstm":
        return array
    z, r, g = array.split(work.units, -1)
    return torch.cat([r, z, g], -1)


def _detached(state):
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return state.detach()
