"""The floor: the same arithmetic and nothing else, one network on one core.

In C, compiled here and now for this processor; with numba where there is no compiler.
"""

import ctypes
import math
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.contestants import Turn
from benchmarks.works import Work

SOURCE = Path(__file__).with_suffix(".c")


def prepare(work: Work, updates: int, form: str) -> Turn:
    """Train the first network of a work; `form` is `c` or `numba`."""
    arrays = data.batches(work, updates)
    assert work.cell == "lstm" and work.layers == 1 and arrays.weight.all()
    flat = np.concatenate([each.ravel() for each in data.weights(work).values()])
    state = np.zeros((2, work.batch_size, work.units), np.float32)
    arguments = (
        arrays.x,
        arrays.y,
        arrays.reset.astype(np.uint8),
        *(flat, np.zeros_like(flat), np.zeros_like(flat)),
        *state,
        np.ones(2),
    )
    train = FORMS[form](work)
    return Turn(run=lambda: train(len(arrays.x), *arguments), updates=len(arrays.x))


def _in_c(work: Work) -> Callable[..., float]:
    sizes = {
        "UNITS": work.units,
        "FEATURES": work.features,
        "TIMESTEPS": work.timesteps,
        "LANES": work.batch_size,
    }
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "floor.so"
        subprocess.run(
            ["cc", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
            + [f"-D{size}={value}" for size, value in sizes.items()]
            + [str(SOURCE), "-o", str(library), "-lm"],
            check=True,
        )
        train = ctypes.CDLL(str(library)).train
    train.restype = ctypes.c_double

    def run(updates: int, *arrays: np.ndarray) -> float:
        return train(updates, *(ctypes.c_void_p(each.ctypes.data) for each in arrays))

    return run


def _in_numba(work: Work) -> Callable[..., float]:
    import numba

    options = {"fastmath": True, "nogil": True}
    units, features = work.units, work.features
    timesteps, lanes = work.timesteps, work.batch_size
    gates, rows = 4 * units, features + units + 1

    @numba.njit(**options)
    def sigmoid(x):
        return np.float32(1) / (np.float32(1) + math.exp(-x))

    @numba.njit(**options)
    def forward(x, w, h, c, a, gate, c_before, tanh_c):
        a[:features], a[features:-1], a[-1] = x, h, 1
        gate[:] = 0
        for i in range(rows):
            for k in range(gates):
                gate[k] += a[i] * w[i, k]
        for j in range(units):
            gate[j], gate[units + j] = sigmoid(gate[j]), sigmoid(gate[units + j])
            gate[2 * units + j] = math.tanh(gate[2 * units + j])
            gate[3 * units + j] = sigmoid(gate[3 * units + j])
            c_before[j] = c[j]
            c[j] = gate[units + j] * c[j] + gate[j] * gate[2 * units + j]
            tanh_c[j] = math.tanh(c[j])
            h[j] = gate[3 * units + j] * tanh_c[j]

    @numba.njit(**options)
    def backward(w, dh, dc, a, gate, c_before, tanh_c, dz, grad, last):
        one = np.float32(1)
        for j in range(units):
            i, f = gate[j], gate[units + j]
            g, o = gate[2 * units + j], gate[3 * units + j]
            d = dc[j] + dh[j] * o * (one - tanh_c[j] * tanh_c[j])
            dz[j] = d * g * i * (one - i)
            dz[units + j] = d * c_before[j] * f * (one - f)
            dz[2 * units + j] = d * i * (one - g * g)
            dz[3 * units + j] = dh[j] * tanh_c[j] * o * (one - o)
            dc[j] = d * f
        for i in range(rows):
            for k in range(gates):
                grad[i, k] += a[i] * dz[k]
        if not last:
            for j in range(units):
                dh[j] = 0
                for k in range(gates):
                    dh[j] += w[features + j, k] * dz[k]

    @numba.njit(**options)
    def train(updates, x, y, reset, flat, m, v, h, c, power):
        w = flat[: rows * gates].reshape(rows, gates)
        kernel = flat[rows * gates :]
        gradient = np.zeros_like(flat)
        grad = gradient[: rows * gates].reshape(rows, gates)
        a = np.zeros((timesteps, rows), np.float32)
        gate = np.zeros((timesteps, gates), np.float32)
        c_before = np.zeros((timesteps, units), np.float32)
        tanh_c = np.zeros((timesteps, units), np.float32)
        dz = np.zeros(gates, np.float32)
        dh, dc = np.zeros(units, np.float32), np.zeros(units, np.float32)
        total = 0.0
        for n in range(updates):
            gradient[:] = 0
            if reset[n]:
                h[:], c[:] = 0, 0
            for b in range(lanes):
                for t in range(timesteps):
                    forward(
                        x[n, b, t], w, h[b], c[b], a[t], gate[t], c_before[t], tanh_c[t]
                    )
                logit = kernel[units]
                for j in range(units):
                    logit += kernel[j] * h[b, j]
                total += max(logit, 0) - logit * y[n, b]
                total += math.log1p(math.exp(-abs(logit)))
                d = (sigmoid(logit) - y[n, b]) / np.float32(lanes)
                for j in range(units):
                    gradient[rows * gates + j] += d * h[b, j]
                    dh[j], dc[j] = d * kernel[j], 0
                gradient[-1] += d
                for t in range(timesteps - 1, -1, -1):
                    backward(
                        w,
                        dh,
                        dc,
                        a[t],
                        gate[t],
                        c_before[t],
                        tanh_c[t],
                        dz,
                        grad,
                        t == 0,
                    )
            power[0] *= 0.9
            power[1] *= 0.999
            alpha = np.float32(1e-3 * math.sqrt(1 - power[1]) / (1 - power[0]))
            for i in range(len(flat)):
                m[i] += (gradient[i] - m[i]) * np.float32(0.1)
                v[i] += (gradient[i] * gradient[i] - v[i]) * np.float32(0.001)
                flat[i] -= alpha * m[i] / (np.sqrt(v[i]) + np.float32(1e-7))
        return total / updates / lanes

    return train


FORMS = {"c": _in_c, "numba": _in_numba}
