"""True if this user has a key for Weights & Biases, found without asking anybody."""

from __future__ import annotations

import netrc
import os
from pathlib import Path
from urllib.parse import urlsplit

KEY_VARIABLES = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
HOSTS = ("api.wandb.ai", "api.forge.coreweave.com")


def has_key() -> bool:
    """True if the environment holds a key, or netrc one for the W&B server (WANDB_BASE_URL, else the public ones)."""
    if any(os.environ.get(variable) for variable in KEY_VARIABLES):
        return True
    server = os.environ.get("WANDB_BASE_URL")
    hosts = (urlsplit(server).netloc,) if server else HOSTS
    known = _netrc_hosts()
    return any(host in known for host in hosts)


def _netrc_hosts() -> set[str]:
    # NETRC names another file for W&B too.
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        return set(netrc.netrc(path).hosts)
    except (OSError, netrc.NetrcParseError):
        return set()
