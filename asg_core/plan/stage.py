"""One stage of a run: what its rule says of it, from the stage's name alone.

stage = StagePlan(plan, Stage.CACHE_PIXELS)

rule cache_pixels:
    output: pixels=..., rejects=stage.rejects
    log: stage.log
    params: config=stage.settings()
"""

from dataclasses import dataclass

from asg_core.plan.resources import device_of, memory_mb_of, threads_of
from asg_core.plan.run import RunPlan
from asg_core.plan.settings import Slice, settings_of
from asg_core.plan.stages import STAGE_FILES
from asg_core.terms.stages import Stage


@dataclass(frozen=True, slots=True)
class StagePlan:
    """Names, settings and needs of the jobs of one stage.

    Names hold the wildcards of the rule. What an argument `item` is: the run, the encoder
    or the benchmark of a job, where each has its own settings.
    """

    plan: RunPlan
    name: Stage

    @property
    def log(self) -> str:
        """The log of a job."""
        return self._named("logs", "log")

    @property
    def timing(self) -> str:
        """What the workflow engine measures of a job."""
        return self._named("timings", "tsv")

    @property
    def rejects(self) -> str:
        """The table `rejects` of a job."""
        return self.plan.rejects_of(self.name)

    @property
    def metrics(self) -> str:
        """The file of the table `stage_metrics`."""
        return self.plan.metrics_of(self.name)

    def settings(self, item: str = "") -> Slice:
        """Return the slice of the configuration that a job reads."""
        return settings_of(self.plan, self.name, item)

    def gpus(self, item: str = "") -> int:
        """Return how many GPUs a job asks the scheduler for."""
        device = device_of(self.plan, self.name, item)
        return 0 if device is None else device.gpus

    def threads(self, item: str = "") -> int:
        """Return the CPUs of a job."""
        return threads_of(self.plan, self.name, item)

    def memory_mb(self, item: str = "") -> int:
        """Return the memory of a job, in megabytes."""
        return memory_mb_of(self.plan, self.name, item)

    def _named(self, folder: str, suffix: str) -> str:
        item = STAGE_FILES[self.name].item
        return f"{self.plan.results}/{folder}/{self.name}/{item}.{suffix}"
