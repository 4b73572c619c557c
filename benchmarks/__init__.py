"""How fast training is here and elsewhere, timed side by side; see `works`."""
