"""Programs on the official SDK, as somebody who moves to Adze would have them.

Each module defines tasks and lists them in WORKFLOWS; `python -m programs` runs a worker
on some of them. They know nothing of Adze: the environment says where the engine is.
"""
