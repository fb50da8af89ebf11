"""The limits in force, as the progress tells them."""

from engine.pacing import FamilyView
from workflows.cli.render import limits_of


def view(why: str) -> FamilyView:
    return FamilyView(
        permits=1, on_wire=1, waiting=0, concurrency=64, rate=None, throughput=1.0, paused=0.0, outage=False, why=why
    )


def test_a_limit_that_many_services_share_is_told_once_and_last() -> None:
    views = {name: view("120/s learned") for name in ("sandbox-management", "schemaregistry", "catalog", "conversion")}
    views["flowservice"] = view("pausing 2 s: Retry-After")
    assert limits_of(views) == "Flow Service pausing 2 s: Retry-After   all others 120/s learned"


def test_all_services_under_one_limit() -> None:
    views = {name: view("120/s learned") for name in ("schemaregistry", "catalog", "conversion")}
    assert limits_of(views) == "all services 120/s learned"


def test_services_without_a_limit_are_not_named() -> None:
    views = {"catalog": view("58/s learned"), "conversion": view("58/s learned"), "flowservice": view("")}
    assert limits_of(views) == "Catalog and Data Prep 58/s learned"
    assert limits_of({"flowservice": view("")}) == ""
