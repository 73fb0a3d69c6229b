"""The MLflow mirror of an invocation: started before its first job, ended after the last.

Jobs write events to files and never talk to MLflow (asg_core.tracking). The hooks run in
the main process only, and not in dry runs; what the jobs need of this machine is checked
first.
"""

import os

from asg_core.provenance import versions
from asg_core.tracking.events import Status
from asg_core.tracking.invocation import start_invocation, stop_invocation

TRACKING = Path(RESULTS) / "tracking"


onstart:
    check_jobs()
    save_inventory(INVENTORY)
    start_invocation(
        directory=TRACKING,
        config=project.model_dump(mode="json"),
        is_synthetic=IS_SYNTHETIC,
        watched_pid=os.getpid(),
        tags=versions(["torch", "torchvision", "polars", "pyarrow", "snakemake"]),
    )


onsuccess:
    stop_invocation(directory=TRACKING, status=Status.FINISHED)


onerror:
    stop_invocation(directory=TRACKING, status=Status.FAILED)
