"""A manifest of any number of sources, each with five columns and a table of its own."""

from __future__ import annotations

from pathlib import Path

HEAD = """\
version: 1
defaults:
  connector: servicenow
  chain: adhoc
  base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66
  schedule: {frequency: hour, interval: 1, backfill: true}
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups:
      - https://ns.adobe.com/xdm/context/profile-person-details
      - https://ns.adobe.com/xdm/context/profile-personal-details
sources:
"""
SOURCE = """\
  - name: acme-{0:06}
    table: incident
    columns: {{sys_id: string, caller_name: string, caller_email: string, priority: integer, sys_updated_on: date-time}}
    delta_column: sys_updated_on
    mappings: {{sys_id: _id, caller_name: person.name.fullName, caller_email: personalEmail.address}}
"""


def write_manifest(path: Path, sources: int) -> None:
    """Write it, source by source."""
    with path.open("w") as file:
        file.write(HEAD)
        for number in range(sources):
            file.write(SOURCE.format(number))
