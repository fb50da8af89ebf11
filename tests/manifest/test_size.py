"""Memory does not grow with the manifest: sources come and go one at a time."""

import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from tests.manifest.conftest import GOOD
from tests.manifest.test_forms import DEFAULTS, TABLE
from workflows.onboarding.manifest import check_and_spool, read_manifest

HEAD, SOURCE = GOOD[: GOOD.index("  - name")], GOOD[GOOD.index("  - name") :]
ROW = TABLE.split("\n")[1] + "\n"


def peak(path: Path, defaults: Path) -> int:
    """Bytes at the highest point of reading all sources."""
    tracemalloc.start()
    try:
        with check_and_spool(str(path), defaults) as spool:
            for _ in spool.batches(100):
                pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["yaml", "csv"])
def test_memory(tmp_path: Path, form: str) -> None:
    defaults = tmp_path / "defaults.yaml"
    defaults.write_text(DEFAULTS)
    peaks = []
    for count in (500, 5_000):
        path = tmp_path / f"{count}.{form}"
        with path.open("w") as file:
            file.write(HEAD if form == "yaml" else TABLE.split("\n")[0] + "\n")
            for number in range(count):
                name = f"incidents-{number}"
                file.write(
                    SOURCE.replace("incidents", name) if form == "yaml" else f"{ROW.replace('incidents', name)}\n"
                )
        peaks.append(peak(path, defaults))
    assert (peaks[1] - peaks[0]) / 4_500 < 150  # a hash and a line for each source; a source itself is some kB


def test_the_first_source_comes_before_the_last_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(HEAD + "".join(SOURCE.replace("incidents", f"a-{number}") for number in range(2_000)) + "  - [\n")
    assert [inputs.source for inputs in islice(read_manifest(str(path)), 2)] == ["a-0", "a-1"]
