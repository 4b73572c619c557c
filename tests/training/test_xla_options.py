"""What XLA is set to, read from what it compiled."""

import os
import subprocess
import sys

import pytest

from statelab.training import xla_options

SMALL_CALL = 'xla_cpu_small_call="true"'
SCRIPT = """
from statelab.networks.architecture import Architecture
from statelab.training import xla_program
import tensorflow as tf

units, lanes, steps = {units}, {lanes}, {steps}
architecture = Architecture("lstm", "binary", 1, units, features=3, outputs=1)
predict = xla_program.predict_chunk(architecture, 1, False, 1, steps)
state = tuple(tf.zeros((1, lanes, units)) for _ in range(2))
matrices = (tf.zeros((1, 4 + units, 4 * units)), tf.zeros((1, units + 1, 1)))
batch = (2, 1, lanes)
chunk = xla_program.Tensors(
    tf.zeros((*batch, steps, 3)), tf.fill(batch, steps), tf.zeros((*batch, 1)),
    tf.fill(batch, False), tf.zeros((*batch, 1)),
)
print(predict(matrices, state, chunk, tf.constant(2), None)[1].shape)
"""


@pytest.mark.parametrize(
    ("units", "lanes", "steps", "one_function"),
    [(10, 1, 5, True), (10, 4, 5, True), (40, 4, 5, False), (40, 4, 1, False)],
)
def test_a_small_loop_is_one_function_and_one_of_large_products_is_not(
    tmp_path, units, lanes, steps, one_function
):
    flags = f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text"
    script = SCRIPT.format(units=units, lanes=lanes, steps=steps)
    environment = os.environ | {"XLA_FLAGS": flags}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert "(2, 1," in done.stdout, done.stderr
    largest = max(
        tmp_path.glob("*cpu_after_optimizations.txt"), key=lambda f: f.stat().st_size
    )
    assert (SMALL_CALL in largest.read_text()) == one_function


def test_what_xla_flags_asks_for_has_the_last_word(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_prefer_vector_width=256")
    xla_options.choose()
    xla_options.choose()
    words = os.environ["XLA_FLAGS"].split()
    assert words[-1] == "--xla_cpu_prefer_vector_width=256"
    assert words[:-1] == list(xla_options.OPTIONS)


def test_a_file_of_options_stays_as_it_is(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "/options.txt")
    xla_options.choose()
    assert os.environ["XLA_FLAGS"] == "/options.txt"
