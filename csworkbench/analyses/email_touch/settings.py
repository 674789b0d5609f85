"""Settings of the experiment page: which experiments, and how sure one wants to be."""

from typing import Annotated, Self

from pydantic import model_validator

from csworkbench.config import FromFile, Section, SettingError, setting
from csworkbench.experiments import Experiment


class Config(Section):
    """Settings of `email_touch`."""

    experiments: tuple[Annotated[Experiment, FromFile()], ...] = setting(
        min_length=1, description="Experiments, as files of their own"
    )
    default: str | None = setting(
        None, description="Id of the experiment the page is about first; null = the first of the list"
    )
    level: float = setting(
        0.95,
        ge=0.8,
        le=0.999,
        unit="share",
        tunable=True,
        description="Coverage of intervals, and one minus the significance level of tests",
    )
    power: float = setting(
        0.8, ge=0.5, le=0.999, unit="share", tunable=True, description="Chance to see a difference that is there"
    )
    seed: int = setting(20261122, ge=0, le=2**32 - 1, description="Seed of the permutations; the same gives the same")

    @model_validator(mode="after")
    def _ids_fit(self) -> Self:
        ids = [experiment.id for experiment in self.experiments]
        faults = {
            f"experiments.{place}.id": f"'{name}' is used twice"
            for place, name in enumerate(ids)
            if name in ids[:place]
        }
        if self.default is not None and self.default not in ids:
            faults["default"] = f"there is no experiment '{self.default}'; the experiments are {', '.join(ids)}"
        if faults:
            raise SettingError(faults)
        return self

    @property
    def first(self) -> Experiment:
        """The experiment the page is about first."""
        return next(each for each in self.experiments if each.id == (self.default or self.experiments[0].id))
