"""One module for each kind of foreign text, with its ``TARGET``."""
