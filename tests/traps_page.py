"""Writes docs/traps.md out of tests/test_traps.py, which it runs: which claims hold.

`make traps`, or `python tests/traps_page.py`.
"""

import inspect
import re
import sys
import textwrap
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import keras
import pytest
import tensorflow as tf

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "traps.md"
HEAD = """\
# What is said of state in Keras, and what holds

Made by `make traps` from [tests/test_traps.py](../tests/test_traps.py), run against
**Keras {keras}** with TensorFlow {tensorflow}. When Keras changes, the test of the
claim fails.

*The post* is Philippe Remy's
[Stateful LSTM in Keras](https://philipperemy.github.io/keras-stateful-lstm/) of 2016,
and `keras#1820` issue 1820 of [keras-team/keras](https://github.com/keras-team/keras/issues).
A *lane* is a position in the batch that carries a state of its own.

## A callback that resets state

[ResetStates](../src/statelab/callbacks.py) is a callback for `fit`. It sets the state
of every recurrent layer to zero where a sequence begins, in training, in validation and
in `predict`. Validation leaves training's state alone.

```python
from statelab.callbacks import ResetStates

# x: segments of 5 steps, 4 of them to a sequence of 20; in batches of 10 lanes:
# first segments of ten sequences, their second ones, and so on; then ten others
reset = ResetStates(batches_per_sequence=4)
model.fit(
    x,
    y,
    batch_size=10,
    shuffle=False,
    epochs=15,
    validation_data=(x_val, y_val),
    callbacks=[reset],
)
model.predict(x_new, batch_size=10, callbacks=[reset])
```

It raises an error where it cannot do so correctly: `shuffle` left on,
`steps_per_execution` above 1, batches that are not full or not a whole number of
sequences, a batch size that is not the model's, a model without state, a dataset of
unknown length.

Pass `shuffle=False` with datasets and generators too: the order in which they give
their samples cannot be seen. All lanes of a batch are reset at once, so pad and mask
sequences that are shorter than others. In a loop over `train_on_batch` call
`reset_states(model)` of the same module.

## The claims
"""
HELPERS = """\
## What the tests are made of

"""


class Claim(NamedTuple):
    """What a test says in its docstring, and what it does."""

    test: str
    says: str  # in a sentence
    source: str
    holds: str  # Yes, No or In part
    because: str
    do: str
    code: str


def claims() -> list[Claim]:
    """Return the claims of the tests, in their order."""
    return [_claim(test) for test in _tests() if "Source:" in (test.__doc__ or "")]


def page(claims: list[Claim], changed: Collection[str] = ()) -> str:
    """Return the page.

    Args:
        claims: in their order; those of the post have a section of their own.
        changed: names of tests that do not pass any more.
    """
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    parts = [HEAD.format(**versions), _table(claims, changed)]
    of_the_post = [claim for claim in claims if _of_the_post(claim)]
    others = [claim for claim in claims if claim not in of_the_post]
    for heading, section in (("The post", of_the_post), ("Others", others)):
        parts.append(f"\n## {heading}\n")
        parts += [_section(claim, changed) for claim in section]
    parts += ["\n" + HELPERS, _helpers()]
    return "".join(parts)


def _tests() -> list:
    import test_traps

    functions = inspect.getmembers(test_traps, inspect.isfunction)
    tests = [function for name, function in functions if name.startswith("test_")]
    return sorted(tests, key=lambda test: test.__code__.co_firstlineno)


def _claim(test) -> Claim:
    says, *rest = inspect.getdoc(test).split("\n\n")
    named = dict(part.split(":", 1) for part in rest)
    parts = {name: " ".join(text.split()) for name, text in named.items()}
    holds = next(name for name in ("Yes", "No", "In part") if name in parts)
    head, _, body = inspect.getsource(test).split('"""', 2)
    code = head.rstrip() + "\n" + body.strip("\n")
    return Claim(
        test.__name__, says, parts["Source"], holds, parts[holds], parts["Do"], code
    )


def _of_the_post(claim: Claim) -> bool:
    return claim.source.startswith("the post")


def _verdict(claim: Claim, changed: Collection[str]) -> str:
    return "**has changed**" if claim.test in changed else claim.holds.lower()


def _table(claims: list[Claim], changed: Collection[str]) -> str:
    lines = [
        f"| claim | said by | holds in Keras {keras.__version__} |",
        "| --- | --- | --- |",
    ]
    for claim in claims:
        says = claim.says.rstrip(".").replace("|", r"\|")
        said_by = "the post" if _of_the_post(claim) else "others"
        verdict = _verdict(claim, changed)
        lines.append(f"| [{says}](#{_anchor(says)}) | {said_by} | {verdict} |")
    return "\n".join(["", *lines, ""])


def _anchor(heading: str) -> str:
    """Return what GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _section(claim: Claim, changed: Collection[str]) -> str:
    verdict = f"**{claim.holds}:** {claim.because}"
    if claim.test in changed:
        verdict = f"**Has changed:** `{claim.test}` fails. It was: {verdict}"
    text = [f"*Who says so:* {claim.source}", verdict, f"**Do:** {claim.do}"]
    body = "\n\n".join(textwrap.fill(part, 88, **_WHOLE_WORDS) for part in text)
    heading = claim.says.rstrip(".")
    return f"\n### {heading}\n\n{body}\n\n```python\n{claim.code}\n```\n"


_WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}


def _helpers() -> str:
    """Return the code of what the tests share."""
    import test_traps

    names = ("adder", "frozen", "samples", "targets", "predict", "state", "HookLog")
    shared = [inspect.getsource(getattr(test_traps, name)).strip() for name in names]
    return "```python\n" + "\n\n\n".join(shared) + "\n```\n"


class Failures:
    """A pytest plugin: the names of tests that fail."""

    def __init__(self):
        self.names: set[str] = set()

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.names.add(report.nodeid.split("::")[-1])


def main() -> int:
    sys.path.insert(0, str(HERE))
    failures = Failures()
    tests = HERE / "test_traps.py"
    pytest.main(["-q", "-k", "not the_page_is", str(tests)], plugins=[failures])
    PAGE.write_text(page(claims(), failures.names))
    return bool(failures.names)


if __name__ == "__main__":
    sys.exit(main())
