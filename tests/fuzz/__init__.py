"""Fuzzing of all that reads foreign text: targets, properties and two drivers, Hypothesis and Atheris.

python -m tests.fuzz --inputs 10000 --target experiment --seed 1
"""
