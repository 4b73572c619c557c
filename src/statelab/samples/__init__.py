"""Where samples are cut: windows, splits, scaling, and plans of batches."""
