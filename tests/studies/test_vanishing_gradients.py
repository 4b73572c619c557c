import pytest

from statelab.studies import vanishing_gradients


def test_the_forget_gate_and_not_the_adding_keeps_gradients_from_vanishing():
    """The post's opening claim, as docs/memory.md puts it."""
    table = vanishing_gradients.slopes().set_index(["kind", "lag"])
    first = table.xs(0, level="lag")
    assert (first == 1).all(axis=None)
    far = table.xs(99, level="lag")
    assert far.loc["LSTM, forget bias 1", "mean"] < 1e-6
    assert far.loc["simple RNN", "mean"] < 1e-6
    assert far.loc["LSTM, chrono bias", "lowest"] > 1e-3


@pytest.mark.slow
def test_what_is_one_step_back_is_learned(monkeypatch):
    monkeypatch.setattr(vanishing_gradients, "LAGS", (1,))
    two = vanishing_gradients.SETTINGS.model_copy(update={"seeds": 2})
    monkeypatch.setattr(vanishing_gradients, "SETTINGS", two)
    kind = "LSTM, forget bias 1"
    monkeypatch.setattr(
        vanishing_gradients, "KINDS", {kind: vanishing_gradients.KINDS[kind]}
    )
    assert list(vanishing_gradients.learned()) == [{"lag": 1, kind: 2}]
