"""Draw the wall time of a trial by the way it is run: plot.py DATA.json FILE.svg"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "performance"
import matplotlib.pyplot as plt  # noqa: E402

data, target = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
names = list(next(iter(data.values())))
figure, axes = plt.subplots(figsize=(7, 3))
height = 0.8 / len(data)
for number, (count, medians) in enumerate(data.items()):
    places = [row + number * height for row in range(len(names))]
    bars = axes.barh(
        places, [medians[name] for name in names], height, label=f"{count} host{'s' * (count != '1')}"
    )
    axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=7)
axes.set_yticks([row + 0.4 - height / 2 for row in range(len(names))], names)
axes.invert_yaxis()
axes.set_xscale("log")
axes.set_xlabel("wall time of one trial of 1 ms on each host, ms")
axes.legend()
figure.tight_layout()
figure.savefig(target, metadata={"Date": None})
