"""The HTML report: ``page`` fills the template, ``charts`` draws the figures, ``svg`` has the elements."""
