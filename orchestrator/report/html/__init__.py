"""The report as one HTML file: ``page`` fills the template, ``charts`` draws, ``svg`` writes what is drawn."""
