"""From factors to cells, trials and blocks."""
