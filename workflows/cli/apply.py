"""`run`, `resume`, `recover`: their options; `batch_commands` has what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from workflows.cli.calling import called, run_async
from workflows.cli.options import Changing, Driving, check_deletes


def run(
    file: Annotated[
        str, Argument(metavar="FILE", help="The manifest: YAML, CSV, JSON lines; - is stdin. Or a saved plan.")
    ],
    options: Changing,
    defaults: Annotated[
        Path | None, Option("--defaults", metavar="FILE", help="A YAML file with what the sources do not say.")
    ] = None,
    wait: Annotated[bool, Option("--wait", help="Follow each flow until its first ingestion has ended.")] = False,
) -> int:
    """Onboard every source of a manifest: one live flow for each.

    Continues what an earlier call left, tries again what failed, and applies what the manifest changed; a finished,
    unchanged source costs no request. What cannot be changed in place is left as it is, unless --replace allows to take
    it down and make it anew: the old flow goes first. With --refresh what finished sources have is looked at first:
    what others deleted is made anew, what they changed is made as it was. A plan saved by `headway plan -o PLAN` is
    done exactly, or not at all if the manifest or the journal have moved. All mistakes of the manifest are told at
    once, and nothing is sent before it has none.

    Example:
      headway run sources.yaml
      headway run sources.csv --defaults defaults.yaml --only 'acme-*' --yes
      headway run sources.yaml --refresh
      headway run monday.plan
    """
    from workflows.cli.batch_commands import RunManifest
    from workflows.cli.compose import read_credentials
    from workflows.cli.driving import drive
    from workflows.cli.saved import Saved
    from workflows.onboarding.manifest import check_and_spool

    saved = Saved.read(file)
    if saved:
        saved.check(file, options, defaults)
        options = replace(
            options,
            only=saved.only,
            exclude=saved.exclude,
            replace=saved.replace,
            delete_data=saved.delete_data,
            refresh=saved.refresh,
        )
        defaults = Path(saved.defaults) if saved.defaults else None
    else:
        check_deletes(replace=options.replace, delete_data=options.delete_data)
    manifest = saved.manifest if saved else file
    with check_and_spool(manifest, defaults, empty=True) as spool:
        return run_async(
            drive,
            RunManifest(
                options=options,
                credentials=read_credentials(options.credentials),
                stop_at=stop_at(options, spool.count),
                again=called(),
                manifest=manifest,
                spool=spool,
                wait=wait,
                foreseen=saved.print_of if saved else None,
                rest=saved.rest(options, wait=wait) if saved else "",
            ),
        )


def resume(
    options: Driving,
    runs: Annotated[list[str], Argument(metavar="RUN", help="Source names or run ids; none: all.")] = [],  # noqa: B006
    failed: Annotated[bool, Option("--failed", help="Only those that failed.")] = False,
    resolve: Annotated[
        tuple[str, str, str] | None,
        Option("--resolve", metavar="RUN STEP adopt=ID|recreate", help="Your answer to a doubt; then the run goes on."),
    ] = None,
) -> int:
    """Continue unfinished runs from the journal alone, without a manifest.

    A step in doubt is looked for again. When you know better than the platform's lists, say so with --resolve:
    adopt=ID takes the object that you found, recreate says that there is none.

    Example:
      headway resume
      headway resume acme-accounts acme-contacts
      headway resume --resolve emea-cases flow adopt=6a7b…
    """
    from workflows.cli.batch_commands import Resume
    from workflows.cli.compose import read_credentials
    from workflows.cli.driving import drive

    answer = None if resolve is None else (resolve[0], resolve[1], adopted(resolve[2]))
    again = called() if resolve is None else options.headway("resume", resolve[0], *runs)
    return run_async(
        drive,
        Resume(
            options=options,
            credentials=read_credentials(options.credentials),
            stop_at=stop_at(options, None),
            again=again,
            runs=list(runs),
            failed=failed,
            answer=answer,
        ),
    )


def recover(
    file: Annotated[str, Argument(metavar="FILE", help="The manifest of the runs whose journal is lost.")],
    options: Driving,
    defaults: Annotated[
        Path | None, Option("--defaults", metavar="FILE", help="A YAML file with what the sources do not say.")
    ] = None,
) -> int:
    """Rebuild a lost journal from the markers on the platform; creates nothing.

    What the sources of the manifest made is found again by name and written into the journal. `headway run` with the
    same manifest then goes on: it looks once more before it makes what is missing.

    Example:
      headway recover sources.yaml
      headway recover sources.yaml --store new.db
    """
    from workflows.cli.batch_commands import Recover
    from workflows.cli.compose import read_credentials
    from workflows.cli.driving import drive
    from workflows.cli.saved import refuse_plan
    from workflows.onboarding.manifest import check_and_spool

    refuse_plan(file)
    with check_and_spool(file, defaults) as spool:
        command = Recover(
            options=options,
            credentials=read_credentials(options.credentials),
            stop_at=stop_at(options, spool.count),
            again=options.headway("run", file, defaults=defaults),
            manifest=file,
            spool=spool,
        )
        return run_async(drive, command)


def adopted(text: str) -> str | None:
    """The id of `adopt=ID`, None for `recreate`. Raises `BadParameter`."""
    kind, _, id = text.partition("=")
    if kind == "adopt" and id:
        return id
    if text == "recreate":
        return None
    raise BadParameter(f"{text!r} is neither adopt=ID nor recreate", param_hint="--resolve")


def stop_at(options: Driving, total: int | None) -> Callable[[int], bool]:
    """When so many failures are enough. Raises `BadParameter`."""
    if options.fail_fast:
        return lambda failed: failed >= 1
    if options.max_failures is None:
        return lambda _failed: False
    text = options.max_failures
    number = text.removesuffix("%")
    if not number.isdecimal():
        raise BadParameter(f"{text!r} is neither a number nor a share like 5%", param_hint="--max-failures")
    if number == text:
        return lambda failed: failed > int(text)
    if total is None:
        raise BadParameter("a share needs a manifest: name a number", param_hint="--max-failures")
    return lambda failed: failed * 100 > int(number) * total
