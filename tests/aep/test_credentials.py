"""Who calls: where the values come from, what is missing, and what nobody gets to see."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import orjson
import pytest

from tests.aep.support import GIVEN, OAUTH, SECRET, TOKEN
from workflows.aep import CredentialsInvalid, CredentialsMissing, load_credentials

FULL = {
    "AEP_API_KEY": "3f9c0d1e2b4a5968a1", "AEP_CLIENT_SECRET": SECRET, "AEP_SCOPES": "openid,AdobeID",
    "AEP_IMS_ORG": "8E4A@AdobeOrg", "AEP_SANDBOX_NAME": "dev",
}  # fmt: skip
CONSOLE = {
    "project": {
        "org": {"ims_org_id": "FILE@AdobeOrg"},
        "workspace": {
            "details": {
                "credentials": [
                    {"integration_type": "apikey", "api_key": {"client_id": "other"}},
                    {
                        "integration_type": "oauth_server_to_server",
                        "oauth_server_to_server": {
                            "client_id": "file-client", "client_secrets": [SECRET], "scopes": ["openid", "AdobeID"],
                        },
                    },
                ]
            }
        },
    }
}  # fmt: skip


def test_variables_alone_are_enough() -> None:
    found = load_credentials(FULL, None, {})
    assert (found.api_key, found.client_secret, found.scopes) == (FULL["AEP_API_KEY"], SECRET, "openid,AdobeID")
    assert (found.ims_org, found.sandbox, found.access_token) == ("8E4A@AdobeOrg", "dev", None)
    assert found.base_url == "https://platform.adobe.io"
    assert found.ims_url == "https://ims-na1.adobelogin.com"


def test_a_given_token_needs_no_secret() -> None:
    environ = {"AEP_ACCESS_TOKEN": TOKEN, "AEP_API_KEY": "k", "AEP_IMS_ORG": "o", "AEP_SANDBOX_NAME": "dev"}
    assert load_credentials(environ, None, {}).access_token == TOKEN


def test_a_flag_beats_a_variable_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("AEP_SANDBOX_NAME=file\nAEP_IMS_ORG=file\nAEP_API_KEY=file\n")
    environ = {**FULL, "AEP_API_KEY": "", "AEP_IMS_ORG": "variable", "AEP_SANDBOX_NAME": "variable"}
    found = load_credentials(environ, file, {"AEP_SANDBOX_NAME": "flag"})
    assert (found.sandbox, found.ims_org, found.api_key) == ("flag", "variable", "file")


def test_lines_of_a_file_as_shells_and_people_write_them(tmp_path: Path) -> None:
    file = tmp_path / "aep.env"
    file.write_text(
        "\ufeff# ours\n\nexport AEP_API_KEY = 'the key'\nAEP_CLIENT_SECRET=\"a # b\"   # why\n"
        "AEP_SCOPES=openid,AdobeID # all\nAEP_IMS_ORG=x@AdobeOrg\r\nAEP_SANDBOX_NAME=dev\nOTHER=1\nAEP_ACCESS_TOKEN=\n"
    )
    found = load_credentials({}, file, {})
    assert (found.api_key, found.client_secret, found.scopes) == ("the key", "a # b", "openid,AdobeID")
    assert (found.ims_org, found.sandbox, found.access_token) == ("x@AdobeOrg", "dev", None)


def test_the_download_of_the_developer_console(tmp_path: Path) -> None:
    file = tmp_path / "project.json"
    file.write_bytes(orjson.dumps(CONSOLE))
    found = load_credentials({"AEP_SANDBOX_NAME": "dev"}, file, {})
    assert (found.api_key, found.client_secret, found.ims_org) == ("file-client", SECRET, "FILE@AdobeOrg")
    assert found.scopes == "openid,AdobeID"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["AEP_API_KEY", "AEP_IMS_ORG", "AEP_SANDBOX_NAME",
              "AEP_CLIENT_SECRET and AEP_SCOPES (or AEP_ACCESS_TOKEN)"]),
        ({**FULL, "AEP_SCOPES": " "}, ["AEP_SCOPES (or AEP_ACCESS_TOKEN)"]),
        ({**FULL, "AEP_SANDBOX_NAME": "", "AEP_API_KEY": ""}, ["AEP_API_KEY", "AEP_SANDBOX_NAME"]),
    ],
)  # fmt: skip
def test_everything_that_is_missing_is_named_at_once(given: dict[str, str], names: list[str]) -> None:
    with pytest.raises(CredentialsMissing) as caught:
        load_credentials(given, None, {})
    assert caught.value.names == names
    assert all(name in str(caught.value) for name in names)
    assert "--credentials" in str(caught.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = {
        **FULL, "AEP_SANDBOX_NAME": "Dev", "AEP_BASE_URL": "platform.adobe.io", "AEP_IMS_URL": "ftp://x",
        "AEP_API_KEY": "a\nb",
    }  # fmt: skip
    with pytest.raises(CredentialsInvalid) as caught:
        load_credentials(wrong, None, {})
    assert len(caught.value.mistakes) == 4
    for name in ("AEP_SANDBOX_NAME", "AEP_BASE_URL", "AEP_IMS_URL", "AEP_API_KEY"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://", "http://u:p@host", "https://host?x=1", "https://host#x", "https://ho st", "https://host:port", "x"],
)
def test_a_base_url_that_cannot_be_one(url: str) -> None:
    with pytest.raises(CredentialsInvalid):
        load_credentials({**FULL, "AEP_BASE_URL": url}, None, {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:49152/", "https://platform-stage.adobe.io", "http://[::1]:1/x"])
def test_a_base_url_loses_only_its_last_slash(url: str) -> None:
    assert load_credentials({**FULL, "AEP_BASE_URL": url}, None, {}).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"AEP_API_KEY=k\nhunter2\n", ":2: not a NAME=value line"),
        (b"{broken", ":1: not JSON"),
        (b'{"project": {"org": {}}}', "Developer Console"),
        (b'{"project": []}', "Developer Console"),
        (orjson.dumps(CONSOLE).replace(b'"file-client"', b"7"), "Developer Console"),
        (b"\xff\xfe\x00", "cannot be read"),
        (orjson.dumps({"project": {"org": {}, "workspace": {"details": {"credentials": []}}}}), "holds 0"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "credentials"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CredentialsInvalid) as caught:
        load_credentials(FULL, file, {})
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_two_oauth_credentials_in_one_project_are_not_guessed_between(tmp_path: Path) -> None:
    file = tmp_path / "project.json"
    text = orjson.dumps(CONSOLE)
    two = orjson.loads(text)
    listed = two["project"]["workspace"]["details"]["credentials"]
    listed.append(listed[1])
    file.write_bytes(orjson.dumps(two))
    with pytest.raises(CredentialsInvalid, match="holds 2"):
        load_credentials({"AEP_SANDBOX_NAME": "dev"}, file, {})


def test_secrets_never_show() -> None:
    for shown in (repr(OAUTH), str(OAUTH), f"{GIVEN}", repr(GIVEN)):
        assert SECRET not in shown
        assert TOKEN not in shown
        assert "3f9c0d1e2b4a5968a1" not in shown
        assert "'3f9c…a1'" in shown
    assert dataclasses.replace(OAUTH, api_key="short").masked_key == "…"


POSTMAN = {
    "API_KEY": "postman-client", "CLIENT_SECRET": SECRET, "SCOPES": "openid,AdobeID", "ACCESS_TOKEN": TOKEN,
    "IMS": "ims-na1.adobelogin.com", "IMS_ORG": "POST@AdobeOrg", "SANDBOX_NAME": "dev",
}  # fmt: skip


def postman(folder: Path, **values: str | None) -> Path:
    """An environment as Postman exports it."""
    file = folder / "dev.postman_environment.json"
    entries = [{"type": "text", "key": key, "value": value, "enabled": True} for key, value in values.items()]
    file.write_bytes(orjson.dumps({"name": "Experience Platform", "values": entries}))
    return file


def test_a_postman_environment_of_adobes_collections(tmp_path: Path) -> None:
    found = load_credentials({}, postman(tmp_path, **POSTMAN), {})
    assert (found.api_key, found.client_secret, found.scopes) == ("postman-client", SECRET, "openid,AdobeID")
    assert (found.ims_org, found.sandbox) == ("POST@AdobeOrg", "dev")
    assert (found.ims_url, found.access_token) == ("https://ims-na1.adobelogin.com", None)


def test_a_postman_environment_with_nothing_but_a_token(tmp_path: Path) -> None:
    for nothing in ("", None):
        found = load_credentials({}, postman(tmp_path, **{**POSTMAN, "CLIENT_SECRET": nothing}), {})
        assert (found.access_token, found.client_secret) == (TOKEN, None)


def test_an_entry_that_is_switched_off_does_not_count(tmp_path: Path) -> None:
    file = postman(tmp_path, **POSTMAN)
    content = orjson.loads(file.read_bytes())
    next(entry for entry in content["values"] if entry["key"] == "IMS_ORG")["enabled"] = False
    file.write_bytes(orjson.dumps(content))
    with pytest.raises(CredentialsMissing, match="AEP_IMS_ORG"):
        load_credentials({}, file, {})


AEPP = {
    "org_id": "AEPP@AdobeOrg", "client_id": "aepp-client", "tech_id": "x@techacct.adobe.com", "secret": SECRET,
    "scopes": "openid,AdobeID", "sandbox-name": "dev", "environment": "prod",
}  # fmt: skip


def test_a_configuration_of_aepp(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(orjson.dumps(AEPP))
    found = load_credentials({}, file, {})
    assert (found.api_key, found.client_secret, found.scopes) == ("aepp-client", SECRET, "openid,AdobeID")
    assert (found.ims_org, found.sandbox, found.base_url) == ("AEPP@AdobeOrg", "dev", "https://platform.adobe.io")
    file.write_bytes(orjson.dumps({**AEPP, "environment": "stage", "client_id": None, "api_key": "aepp-client"}))
    assert load_credentials({}, file, {}).api_key == "aepp-client"
    assert load_credentials({}, file, {}).base_url == "https://platform-stage.adobe.io"


def test_a_configuration_of_aepp_for_jwt_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(orjson.dumps({**AEPP, "scopes": "", "pathToKey": "private.key"}))
    with pytest.raises(CredentialsInvalid, match="only OAuth server-to-server is supported"):
        load_credentials({}, file, {})


def test_json_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"name": "?"}')
    with pytest.raises(CredentialsInvalid, match="none of the files with credentials that are known"):
        load_credentials({}, file, {})
