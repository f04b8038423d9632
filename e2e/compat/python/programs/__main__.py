"""A worker process: python -m programs NAME MODULE... [--slots N] [--label KEY=VALUE]"""

import argparse
import importlib
import logging

from programs.client import hatchet, log


def label(text: str) -> tuple[str, str | int]:
    key, value = text.split("=", 1)
    return key, int(value) if value.isdigit() else value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--slots", type=int, default=100)
    parser.add_argument("--durable-slots", type=int, default=100)
    parser.add_argument("--label", type=label, action="append", default=[])
    args = parser.parse_args()

    logging.basicConfig(level=logging.INFO)
    log.setLevel(logging.INFO)

    modules = [importlib.import_module(f"programs.{name}") for name in args.modules]
    # A lifespan belongs to a worker; at most one module of a worker has one.
    lifespan = next((m.lifespan for m in modules if hasattr(m, "lifespan")), None)
    hatchet.worker(
        args.name,
        slots=args.slots,
        durable_slots=args.durable_slots,
        labels=dict(args.label),
        workflows=[workflow for m in modules for workflow in m.WORKFLOWS],
        lifespan=lifespan,
    ).start()


if __name__ == "__main__":
    main()
