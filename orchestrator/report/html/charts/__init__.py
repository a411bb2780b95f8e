"""The charts of the HTML report, one module each: ``draw(report)`` returns a figure, None if there is no data."""
