"""The harness: figures that a reviewer would believe.

    references  what a reader found in each article         systems    what answers: pipeline, service, model, file
    external    the same from public sets                    baselines  what anything must beat
    measures    one figure from items and weights            intervals  how sure a figure is
    suites      items and figures of one question            results    a run, kept with where it came from

Programs: `eval.run`, `eval.compare`, `eval.review`, `eval.gate`, `eval.leaks`, `eval.agreement`, `eval.benchmark`,
`eval.published`; each answers `--help` with examples. The harness imports `communique` and never `service` or
`training`.
"""
