"""`python -m workflows.emulator`: the emulator without the rest of headway; see `--help`."""

from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from workflows.emulator.config import DEFAULT_PORT, EmulatorConfig
from workflows.emulator.faults import Faults
from workflows.emulator.server import run, serve


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workflows.emulator", description="A strict local Adobe Experience Platform.")
    parser.add_argument(
        "--config", help="a whole configuration as a JSON file; - reads one line from stdin, and ends with it"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--dialect", choices=["today", "2020"], default="today", help="which flow specs are shown")
    parser.add_argument("--seed-compat", action="store_true", help="accept the slips of the tutorial of 2020")
    parser.add_argument("--seed", type=int, help="of every draw and id")
    parser.add_argument("--fault", action="append", default=[], metavar="KEY=VALUE,…", help="a rule, see faults.Rule")
    parser.add_argument("--lost", type=float, default=0.0, help="share of replies lost after the effect")
    parser.add_argument("--errors", type=float, default=0.0, help="share of answers 500, 503, 504")
    parser.add_argument("--late", type=float, default=0.0, help="share of effects after the connection is gone")
    parser.add_argument("--rate", action="append", default=[], metavar="SERVICE=N[/BURST]", help="requests per second")
    parser.add_argument("--outage", action="append", default=[], metavar="FROM-TO[:503|reset[:SERVICE]]")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every request takes")
    parser.add_argument("--list-lag", type=float, default=0.0, help="seconds that lists are behind")
    parser.add_argument("--json", action="store_true", help="announce the URL as one JSON line")
    return parser.parse_args()


def _config(arguments: argparse.Namespace) -> EmulatorConfig:
    faults = Faults.from_options(
        seed=arguments.seed,
        rules=arguments.fault,
        lost=arguments.lost,
        errors=arguments.errors,
        late=arguments.late,
        rates=arguments.rate,
        outages=arguments.outage,
        latency=arguments.latency,
        list_lag=arguments.list_lag,
    )
    return EmulatorConfig(
        host=arguments.host,
        port=arguments.port,
        dialect=arguments.dialect,
        seed_compat=arguments.seed_compat,
        faults=faults,
    )


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    arguments = _arguments()
    if arguments.config == "-":
        with open(0, "rb", buffering=0, closefd=False) as stdin:  # unbuffered: what follows is the guard's
            config = EmulatorConfig.from_json(orjson.loads(stdin.readline()))
        run(serve(config, announce=False, guarded=True))
        return
    if arguments.config is not None:
        config = EmulatorConfig.from_json(orjson.loads(Path(arguments.config).read_bytes()))
    else:
        config = _config(arguments)
    run(serve(config, announce=not arguments.json))


if __name__ == "__main__":
    main()
