"""The chains by name: which variant of the platform's steps a source goes through."""

from __future__ import annotations

from collections.abc import Mapping

from engine.workflow import Workflow
from workflows.onboarding._parts import schedule_mistakes
from workflows.onboarding.adhoc import adhoc
from workflows.onboarding.inputs import Inputs
from workflows.onboarding.tabular import tabular
from workflows.sources import ADHOC, TABULAR

__all__ = ["CHAINS", "schedule_mistakes"]

CHAINS: Mapping[str, Workflow[Inputs]] = {ADHOC: adhoc, TABULAR: tabular}
