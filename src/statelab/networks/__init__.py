"""Networks: cells, layers, heads, optimizers, and their weights on disk."""
