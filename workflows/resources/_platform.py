"""What every kind of object that headway creates has in common: the client, a token before an effect, adopting."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from engine.model import Origin, Receipt
from engine.resource import View
from workflows.aep import AepClient
from workflows.resources._translate import answers, nothing_there


class PlatformObjects:
    """One kind of object. A kind adds the rest of `engine.resource.Resource`, and sets what is true of it."""

    kind: str
    unique = superseding = holds_data = False

    def __init__(self, client: AepClient) -> None:
        self._client = client

    def ready(self, spec: Any) -> bool:  # noqa: ARG002
        return self._client.ready

    async def prepare(self, spec: Any) -> None:  # noqa: ARG002
        with answers():
            await self._client.prepare()

    @abstractmethod
    async def read(self, id: str) -> View | None:
        """The object as it is shown, or None."""
        ...

    async def adopt(self, ref: str) -> Receipt:
        """Somebody else's object, by its id. Raises `Rejected` when there is none."""
        view = await self.read(ref)
        if view is None:
            raise nothing_there(self.kind, ref)
        return Receipt(id=view.id, etag=view.etag, version=view.version, origin=Origin.ADOPTED)
