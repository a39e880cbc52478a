"""The commands of committed runs in today's words."""

RENAMED = {
    "agent=sgd_retrained": "agent=sgd_fresh",
    "env.change_every=1_000_000_000": "env.changes=false",  # the control that never changes
}


def in_todays_words(command: str) -> str:
    """The command that repeats a run."""
    for before, now in RENAMED.items():
        command = command.replace(before, now)
    return command
