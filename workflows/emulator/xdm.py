"""The standard XDM resources that the emulated Registry knows: classes, field groups, behaviours, their fields.

The fields are those of the profile chain of the tutorial (contract 5.4), resolved as `xed-full` shows them.
"""

from __future__ import annotations

from typing import Any

NS = "https://ns.adobe.com/xdm"
PROFILE = f"{NS}/context/profile"
EVENT = f"{NS}/context/experienceevent"
PERSON_DETAILS = f"{NS}/context/profile-person-details"
PERSONAL_DETAILS = f"{NS}/context/profile-personal-details"
AD_HOC = f"{NS}/data/adhoc"
RECORD = f"{NS}/data/record"
TIME_SERIES = f"{NS}/data/time-series"
AUDITABLE = f"{NS}/common/auditable"

Fields = dict[str, Any]


def _leaf(type: str, title: str, **more: Any) -> Fields:
    xdm_type = {"date-time": "date-time", "date": "date"}.get(str(more.get("format")), type)
    return {"title": title, "type": type, "meta:xdmType": "int" if xdm_type == "integer" else xdm_type, **more}


def _object(title: str, properties: Fields) -> Fields:
    return {"title": title, "type": "object", "meta:xdmType": "object", "properties": properties}


def _strings(**titles: str) -> Fields:
    return {name: _leaf("string", title) for name, title in titles.items()}


def _moment(title: str) -> Fields:
    return _leaf("string", title, format="date-time")


_RECORD_FIELDS: Fields = {"_id": _leaf("string", "Identifier", format="uri-reference")}
_AUDIT_FIELDS: Fields = {
    "_repo": _object("", {"createDate": _moment("Created"), "modifyDate": _moment("Modified")}),
    **_strings(
        createdByBatchID="Created by batch identifier",
        modifiedByBatchID="Modified by batch identifier",
        repositoryCreatedBy="Created by user identifier",
        repositoryLastModifiedBy="Modified by user identifier",
    ),
}
_IDENTITY_MAP: Fields = {
    "identityMap": {
        "title": "IdentityMap",
        "type": "object",
        "meta:xdmType": "map",
        "additionalProperties": {
            "type": "array",
            "meta:xdmType": "array",
            "items": _object(
                "",
                {
                    "id": _leaf("string", "Identifier"),
                    "authenticatedState": _leaf("string", "Authenticated state"),
                    "primary": _leaf("boolean", "Primary"),
                },
            ),
        },
    }
}
_PHONE = {
    "primary": _leaf("boolean", "Primary"),
    **_strings(countryCode="Country Calling Code", number="Number", extension="Extension"),
    **_strings(status="Status", statusReason="Status reason", validity="Validity"),
}
_EMAIL = {
    "primary": _leaf("boolean", "Primary"),
    "address": _leaf("string", "Address", format="email"),
    **_strings(label="Label", type="Type", status="Status", statusReason="Status reason"),
}
_ADDRESS = {
    "primary": _leaf("boolean", "Primary"),
    **_strings(label="Label", street1="Street 1", street2="Street 2", street3="Street 3", street4="Street 4"),
    **_strings(region="Region", postOfficeBox="Post office box", city="City", postalCode="Postal code"),
    **_strings(country="Country", countryCode="Country code", state="State", stateProvince="State or province"),
    **_strings(status="Status", statusReason="Status reason"),
    "lastVerifiedDate": _leaf("string", "Last verified date", format="date"),
    "dmaID": _leaf("integer", "Designated market area"),
    "msaID": _leaf("integer", "Metropolitan statistical area"),
}
_NAME = _strings(
    firstName="First name",
    lastName="Last name",
    middleName="Middle name",
    courtesyTitle="Courtesy title",
    suffix="Suffix",
    fullName="Full name",
)
_PERSON = {
    "name": _object("Full name", _NAME),
    "birthDate": _leaf("string", "Birth date", format="date"),
    "birthDayAndMonth": _leaf("string", "Birth date (MM-DD Format)", pattern="[0-1][0-9]-[0-9][0-9]"),
    "birthYear": _leaf("integer", "Birth year", minimum=1, maximum=32767),
    **_strings(gender="Gender", maritalStatus="Marital Status", nationality="Nationality", taxId="Tax ID"),
}


def _resource(kind: str, id: str, title: str, fields: Fields, *, extends: tuple[str, ...] = ()) -> dict[str, Any]:
    short = id.removeprefix("https://ns.adobe.com/").replace("/", ".")
    resource = {
        "$id": id,
        "meta:altId": f"_{short}",
        "meta:resourceType": kind,
        "version": "1",
        "title": title,
        "type": "object",
        "description": title,
        "properties": fields,
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:containerId": "global",
        "meta:xdmType": "object",
        "meta:extends": list(extends),
    }
    if kind == "fieldgroups":
        del resource["meta:extends"]
        resource["meta:intendedToExtend"] = list(extends)
    return resource


_PROFILE_FIELDS = {**_RECORD_FIELDS, **_AUDIT_FIELDS, **_IDENTITY_MAP, "personID": _leaf("string", "Person ID")}
_EVENT_FIELDS = {
    **_RECORD_FIELDS,
    **_IDENTITY_MAP,
    "timestamp": _moment("Timestamp"),
    **_strings(eventType="Event Type", eventMergeId="Event merge ID", producedBy="Produced by"),
}
_PERSONAL_FIELDS = {
    "homeAddress": _object("Home address", _ADDRESS),
    "personalEmail": _object("Personal email", _EMAIL),
    "homePhone": _object("Home phone", _PHONE),
    "mobilePhone": _object("Mobile phone", _PHONE),
    "faxPhone": _object("Fax phone", _PHONE),
}

GLOBAL: dict[str, dict[str, dict[str, Any]]] = {
    "classes": {
        PROFILE: _resource("classes", PROFILE, "XDM Individual Profile", _PROFILE_FIELDS, extends=(AUDITABLE, RECORD)),
        EVENT: _resource("classes", EVENT, "XDM ExperienceEvent", _EVENT_FIELDS, extends=(TIME_SERIES,)),
    },
    "schemas": {},
    "fieldgroups": {
        PERSON_DETAILS: _resource(
            "fieldgroups",
            PERSON_DETAILS,
            "Demographic Details",
            {"person": _object("Person", _PERSON)},
            extends=(PROFILE,),
        ),
        PERSONAL_DETAILS: _resource(
            "fieldgroups", PERSONAL_DETAILS, "Personal Contact Details", _PERSONAL_FIELDS, extends=(PROFILE, EVENT)
        ),
    },
    "behaviors": {
        AD_HOC: _resource("behaviors", AD_HOC, "Ad Hoc Schema", {}),
        RECORD: _resource("behaviors", RECORD, "Record Schema", _RECORD_FIELDS),
        TIME_SERIES: _resource("behaviors", TIME_SERIES, "Time-series Schema", _RECORD_FIELDS),
    },
}
