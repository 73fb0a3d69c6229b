"""The MLflow mirror of an invocation: started before its first job, ended after the last.

Jobs write events to files and never talk to MLflow (asg_core.tracking). The hooks run in
the main process only, and not in dry runs.
"""
