"""Simple methods: what networks have to be better than."""
