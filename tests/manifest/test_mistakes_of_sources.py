"""A mistake in what a source or the defaults say is told in the user's words, and points at its place."""

import pytest

from tests.manifest.conftest import AUTH, BASE, GOOD, Mistakes


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        # names
        ("name: incidents", "nam: incidents", '9:5  unknown key "nam" in this source; did you mean "name"?'),
        ("name: incidents", 'name: ""', "9:5  name is empty"),
        ("name: incidents", 'name: " a"', '9:5  " a" begins or ends with a blank'),
        ("name: incidents", 'name: "a\\u001b[31m"', "9:5  name has control characters"),
        ("name: incidents", 'name: "a\\u202eb"', "9:5  name has control characters"),
        ("name: incidents", f"name: {'a' * 101}", f'9:5  "{"a" * 59}…" has 101 characters, 100 are the most'),
        ("name: incidents", "name: 12", '9:5  name must be text; write it in quotes: "12"'),
        ("name: incidents", "name: true", '9:5  name must be text; write it in quotes: "true"'),
        # what is missing
        ("name: incidents\n    table: incident", "name: incidents", '9:5  source "incidents" has no table'),
        ("  connector: servicenow\n", "", '8:5  source "incidents" has no connector'),
        (f"  {BASE}\n", "", '8:5  source "incidents" has no base_connection'),
        (
            "    delta_column: changed\n",
            "",
            '9:5  source "incidents" has no delta_column; only frequency: once can do without it',
        ),
        (
            "  target: {class: https://ns.adobe.com/c}\n",
            "",
            '8:5  source "incidents" has no target class; for example class: https://ns.adobe.com/xdm/context/profile',
        ),
        (
            "  schedule: {frequency: hour, interval: 1}\n",
            "",
            '8:5  source "incidents" has no schedule.frequency; one of once, minute, hour, day, week',
        ),
        # connector and chain
        ("servicenow", "servicnow", '3:3  unknown connector "servicnow"; did you mean "servicenow"?'),
        (
            "servicenow",
            "jira",
            (
                '3:3  unknown connector "jira"; '
                "there are oracle-service-cloud, salesforce-service-cloud, servicenow, zendesk"
            ),
        ),
        ("adhoc", "tabulat", '4:3  unknown chain "tabulat"; did you mean "tabular"?'),
        ("connector: servicenow", "connector: zendesk", '3:3  Zendesk has no chain "adhoc"; use tabular'),
        # columns
        (
            "sys_id: string,",
            "sys_id: strng,",
            (
                '11:15  column "sys_id" must have one of the types string, integer, number, boolean, date, date-time; '
                'did you mean "string"?'
            ),
        ),
        ("sys_id: string,", "sys_id: {format: x},", '11:15  column "sys_id" of source "incidents" has no type'),
        (
            "sys_id: string,",
            "sys_id: {type: string, fromat: x},",
            '11:38  unknown key "fromat" in column "sys_id" of source "incidents"; did you mean "format"?',
        ),
        (
            "sys_id: string,",
            "sys_id: {type: string, format: 1},",
            '11:38  format of column "sys_id" must be text; write it in quotes: "1"',
        ),
        (
            "sys_id: string,",
            "sys_id: {type: integer, timezone: UTC},",
            '11:39  column "sys_id" of type integer has no timezone',
        ),
        (
            "changed: date-time",
            "changed: {type: date-time, format: YYYY-MM-DD HH:mm}",
            (
                '11:79  format "YYYY-MM-DD HH:mm": Y is the year of a week, D the day of a year; '
                'did you mean "yyyy-MM-dd HH:mm"?'
            ),
        ),
        (
            "{sys_id: string,",
            "{sys_id: string, _sys: string,",
            (
                '11:31  column "_sys" cannot be in an ad hoc class: letters, digits, - and _ only, and no _ in front; '
                "chain tabular takes it"
            ),
        ),
        ("{sys_id: string,", '{sys_id: string, "": string,', "11:31  a column without a name"),
        ("{sys_id: string,", "{sys_id: string, sys_id: string,", '11:31  duplicate key "sys_id"'),
        (
            "columns: {sys_id: string, caller_name: string, changed: date-time}",
            "columns: [sys_id]",
            "11:5  columns must be a mapping of keys to values",
        ),
        ("columns: {sys_id: string, caller_name: string, changed: date-time}", "columns: {}", "11:5  columns is empty"),
        (
            "delta_column: changed",
            "delta_column: change",
            (
                '12:5  delta_column "change" is not a column; the table has sys_id, caller_name, changed; '
                'did you mean "changed"?'
            ),
        ),
        # mappings
        ("sys_id: _id", "sys_id: ''", '13:16  mapping of "sys_id" is empty'),
        (
            "sys_id: _id",
            "sys_id: person..name",
            '13:16  "person..name" is not a path in a schema; write it as person.name.fullName',
        ),
        (
            "sys_id: _id",
            "sys_id: person.name.fullName",
            '13:46  "sys_id" and "caller_name" are both mapped to "person.name.fullName"',
        ),
        ("{sys_id: _id, caller_name: person.name.fullName}", "{}", "13:5  mappings is empty"),
        # base connection and auth
        (
            BASE,
            "base_connection: production",
            '5:3  base_connection "production" is not an id (8-4-4-4-12 hex digits); to create one, give it auth',
        ),
        (
            BASE,
            "base_connection: [a]",
            "5:3  base_connection must be the id of an existing one, or a mapping with name and auth",
        ),
        (BASE, "base_connection: {name: now}", "5:3  base_connection of the defaults has no auth"),
        (BASE, AUTH.replace("username: u, ", ""), "5:32  auth of ServiceNow lacks username"),
        (
            BASE,
            AUTH.replace("password", "pasword"),
            (
                '5:75  auth of ServiceNow has no "pasword"; it takes endpoint, username, password; '
                'did you mean "password"?'
            ),
        ),
        (
            BASE,
            AUTH.replace("${env:P}", "hunter2"),
            "5:75  auth.password is a secret and must not stand here; write ${env:NAME} or ${file:PATH}",
        ),
        (BASE, AUTH.replace("'${env:P}'", "12345"), "5:75  base_connection.auth.password must be text"),
        (
            BASE,
            AUTH.replace("https://a", "https://${env:A}"),
            "5:39  auth.endpoint: a reference is the whole value; write ${env:NAME} or ${file:PATH}",
        ),
        (
            "table: incident",
            "table: ${env:TABLE}",
            "10:5  table holds a reference; ${env:…} and ${file:…} are for auth values only",
        ),
        # target
        ("https://ns.adobe.com/c", "profile", '7:12  class "profile" is not an id (https://ns.adobe.com/…)'),
        ("{class:", "{klass:", '7:12  unknown key "klass" in target of the defaults; did you mean "class"?'),
        (
            "https://ns.adobe.com/c}",
            "https://ns.adobe.com/c, field_groups: [https://ns.adobe.com/g, https://ns.adobe.com/g]}",
            '7:82  "https://ns.adobe.com/g" is there twice',
        ),
        (
            "https://ns.adobe.com/c}",
            "https://ns.adobe.com/c, field_groups: [https://ns.adobe.com/g, [a]]}",
            "7:82  an item of target.field_groups must be text",
        ),
        (
            "https://ns.adobe.com/c}",
            "https://ns.adobe.com/c, schema: https://ns.adobe.com/t/classes/1}",
            '7:43  "https://ns.adobe.com/t/classes/1" is not the $id of a schema',
        ),
        (
            "https://ns.adobe.com/c}",
            "https://ns.adobe.com/c, schema: _acme.schemas.12}",
            '7:43  schema "_acme.schemas.12" is not an $id (https://ns.adobe.com/…)',
        ),
        (
            "https://ns.adobe.com/c}",
            "https://ns.adobe.com/c, dataset: '@/dataSets/5e54fb2b0d9c4b18aa0c5c2d'}",
            '7:43  dataset "@/dataSets/5e54fb2b0d9c4b18aa0c5c2d" is not an id (24 hex digits); write the id alone',
        ),
        # schedule
        ("hour, interval", "hourly, interval", '6:14  unknown frequency "hourly"; did you mean "hour"?'),
        (
            "hour, interval",
            "fortnight, interval",
            '6:14  unknown frequency "fortnight"; there are once, minute, hour, day, week',
        ),
        ("hour, interval: 1", "hour", "6:14  schedule: hour needs an interval"),
        (
            "hour, interval: 1",
            "hour, interval: 0",
            "6:31  schedule: every 0 hours is too often, the platform takes 1 hour or more",
        ),
        ("hour, interval: 1", "once, interval: 1", "6:31  schedule: once takes no interval"),
        ("hour, interval: 1", "once, backfill: true", "6:31  schedule: once takes no backfill"),
        ("interval: 1", "interval: 1.5", "6:31  schedule.interval must be a whole number"),
        ("interval: 1", "interval: '1'", "6:31  schedule.interval must be a whole number"),
        ("interval: 1", "interval: 1, backfill: yes", "6:44  schedule.backfill must be true or false"),
        (
            "interval: 1",
            "interval: 1, start: 2030-01-01T00:00:00",
            (
                '6:44  start "2030-01-01T00:00:00" is neither a date nor a time with its zone; '
                "write it as 2030-01-01 or 2030-01-01T00:00:00Z"
            ),
        ),
        (
            "interval: 1",
            "interval: 1, start: 2030-02-30",
            (
                '6:44  start "2030-02-30" is neither a date nor a time with its zone; '
                "write it as 2030-01-01 or 2030-01-01T00:00:00Z"
            ),
        ),
        (
            "interval: 1",
            "interval: 1, spread: 1 hour",
            '6:44  spread "1 hour" is not a length of time; write it as 90s, 15m, 2h or 1d',
        ),
    ],
)
def test_one_of_a_source(mistakes: Mistakes, good: str, bad: str, expected: str) -> None:
    assert good in GOOD
    assert mistakes(GOOD.replace(good, bad, 1)) == [f"sources.yaml:{expected}"]
