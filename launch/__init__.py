"""The road from a command to a finished run: settings, their errors, the run itself and its picture."""
