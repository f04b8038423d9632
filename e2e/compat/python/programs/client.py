"""The client of all programs, made from the environment alone."""

import logging

from hatchet_sdk import ClientConfig, Hatchet

# The SDK sends what this logger gets inside a task to the engine.
log = logging.getLogger("programs")

hatchet = Hatchet(config=ClientConfig(logger=log))
