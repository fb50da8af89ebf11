"""What `headway init` writes: a manifest that passes the reader and says what else there is."""

TEMPLATE = """\
# Which tables go where; `headway plan` shows what would be made, `headway run` makes it.
# Editors check this file against the schema that `headway init --schema` prints.
version: 1

defaults:
  connector: servicenow            # servicenow | salesforce-service-cloud | oracle-service-cloud | zendesk
  chain: adhoc                     # adhoc: the steps of 2020 | tabular: today's
  # The base connection to create; sources that give it the same name share it.
  base_connection:
    name: ServiceNow production
    auth:
      endpoint: https://acme.service-now.com
      username: integration
      password: ${env:SERVICENOW_PASSWORD}       # or ${file:/run/secrets/servicenow}; never the password itself
  # … or an existing one by its id:
  # base_connection: 60a5c8b9-3c30-43ba-a5c8-b93c3093ba66
  schedule:
    frequency: hour                # once | minute | hour | day | week
    interval: 1                    # minute: 15 or more; once: none
    backfill: true                 # the first run takes the rows that are there already; once: leave it out
    # start: 2030-01-01T00:00:00Z  # without it, soon after creation
    # spread: 1h                   # scatters the starts of many sources over this time
  target:
    class: https://ns.adobe.com/xdm/context/profile
    field_groups:
      - https://ns.adobe.com/xdm/context/profile-person-details
      - https://ns.adobe.com/xdm/context/profile-personal-details

# `headway explore BASE-ID TABLE --write FILE` adds sources here, `headway import FLOW --write FILE` flows that were
# built by hand. What a source says goes before the defaults; `target` and `schedule` are merged key by key.
sources:
  - name: acme-incidents           # the run's name: keep it, or say `previously: OLD-NAME` when you change it
    table: incident
    columns:                       # string | integer | number | boolean | date | date-time
      sys_id: string
      caller_name: string
      caller_email: string
      priority: integer
      sys_updated_on: {type: date-time, format: yyyy-MM-dd HH:mm:ss, timezone: UTC}
    delta_column: sys_updated_on   # tells which rows are new
    mappings:                      # column: path in the target schema
      sys_id: _id
      caller_name: person.name.fullName
      caller_email: personalEmail.address
    # target:
    #   schema: acme-people        # a name that sources share, or the $id of an existing schema
    #   dataset: acme-people       # a name that sources share, or the id of an existing dataset
    # schedule: {frequency: minute, interval: 30}
"""
