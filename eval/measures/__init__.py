"""Measures: pure functions from texts, labels and probabilities to figures. They load no model and read no file."""
