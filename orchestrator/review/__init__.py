"""``orchestrate review``: what a run of somebody else's experiment would do, told without doing any of it."""
