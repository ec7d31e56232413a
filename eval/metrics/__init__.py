"""The measures as local `evaluate` modules: `evaluate.load("eval/metrics/rouge")` from the project's root.

Each is a shell around the function of `eval.measures` that the harness itself uses, so that a notebook and a result
say the same. Loading one fetches nothing.
"""
