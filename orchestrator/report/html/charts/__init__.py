"""The charts of the HTML report, one module each: ``draw(report)`` returns a figure, None if there is no data."""

from orchestrator.report.html.charts import distributions, roofline, speedups, threads, timeline

CHARTS = (threads, speedups, roofline, distributions, timeline)
"""In the order of the page."""
