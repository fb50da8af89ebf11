"""What `demo` plays: a day on which much goes wrong, and the sources that are onboarded on it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflows.emulator import EmulatorConfig

SANDBOX = "demo"
PASSWORD = "SERVICENOW_PASSWORD"  # noqa: S105 - the name of a variable
OBJECTS = 8
"""Objects and reads of each source of its own, about."""


def bad_day(seed: int) -> EmulatorConfig:
    """What goes wrong: everything that the rules of the engine are for, only faster than in life."""
    from workflows.emulator import EmulatorConfig, Faults, Org, Rate, Rule, Sandbox

    services = "schemaregistry|catalog|conversion|flowservice"
    failing = [Rule(kind="status", status=status, after=after, p=0.05 / 6, times=3, service=services)
               for status in (500, 503, 504) for after in (False, True)]  # fmt: skip
    faults = Faults(
        seed=seed,
        rules=(
            Rule(kind="reset", after=True, p=0.08, times=20, method="POST", service=services),
            Rule(kind="late", delay=0.1, delay_max=0.4, p=0.03, times=6, method="POST", service=services),
            *failing,
        ),
        rates=(Rate(service="flowservice", per_second=50, burst=25),),
        latency=0.02,
        list_lag=0.4,
    )
    return EmulatorConfig(port=0, orgs=(Org(sandboxes=(Sandbox(name=SANDBOX),)),), faults=faults)


TABLES = ("incident", "problem", "change_request", "sn_customerservice_case", "sys_user", "customer_account")
TEAMS = ("acme", "emea", "apac", "latam")


def manifest_of(sources: int) -> str:
    """A manifest of so many sources; some of them share a target schema."""
    head = f"""\
# What `headway demo` onboards.
version: 1
defaults:
  connector: servicenow
  base_connection:
    name: ServiceNow
    auth: {{endpoint: "https://acme.service-now.com", username: integration, password: "${{env:{PASSWORD}}}"}}
  columns: {{sys_id: string, caller_name: string, caller_email: string, sys_updated_on: date-time}}
  delta_column: sys_updated_on
  mappings: {{sys_id: _id, caller_name: person.name.fullName, caller_email: personalEmail.address}}
  schedule: {{frequency: hour, interval: 1}}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups:
      - https://ns.adobe.com/xdm/context/profile-person-details
      - https://ns.adobe.com/xdm/context/profile-personal-details
sources:
"""
    return head + "".join(_source(number) for number in range(sources))


def _source(number: int) -> str:
    table, team = TABLES[number % len(TABLES)], TEAMS[number // len(TABLES) % len(TEAMS)]
    again = number // (len(TABLES) * len(TEAMS))
    name = f"{team}-{table.rpartition('_')[2]}s" + (f"-{again + 1}" if again else "")
    shared = "    target: {schema: people}\n" if table == "sys_user" else ""
    return f"  - name: {name}\n    table: {table}\n{shared}"
