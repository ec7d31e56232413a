"""The service: HTTP in, library calls, HTTP out. It knows nothing of models; `communique` knows nothing of it.

$ communique serve
"""
