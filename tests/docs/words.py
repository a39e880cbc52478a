"""Words that a page writes as code, sorted into names, paths and settings, and whether each is known."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from fnmatch import filter as filter_names
from functools import cache

import gymnasium

import plastic_rl.nonstationary  # noqa: F401 -- registers the ids of its worlds
from launch.sweeps.words import LAUNCHERS
from tests.docs.lexicon import foreign_words, words
from tests.docs.names import FOREIGN_FACES, exists
from tests.docs.pages import ROOT, Page

COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*(?:python|make|pip) ")
SETTING = re.compile(r"\b(?:agent|env)(?:\.\w+)?=\S*")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
NUMBER = re.compile(r"(?<![\w.-])\d[\d_.]*(?:e-?\d+)?")
PLACEHOLDER = re.compile(r"[\w-]*<[^>]*>")
TOKEN = re.compile(r"[~\w]?[\w./-]*/[\w./<>{},…-]*|(?<![\w.])[A-Za-z_](?:[\w.-]*\w)?")
FILE = re.compile(r"[\w-]*(?:\.\w+)?\.(?:py|md|txt|csv|json|jsonl|png|yaml|zip|pt|pth|npy|npz|pkl|gz)")
# Names of others' code, of examples, and of what stands in no Python file.
FOREIGN = {
    *(
        "AdamGnT",
        "shibhansh/loss-of-plasticity",
        "bluecontra/C-CHAIN",
        "timoklein/infer",
        "jaehong31/APD",
        "choasma/HSIC-bottleneck",
    ),
    *("bluecontra/C-CHAIN", "timoklein/infer"),
    *("OrderEnforcing", "PassiveEnvChecker", "TimeLimit", "TransformReward"),
    *("google/dopamine", "TensorDictModule", "labs/redo", "sub_mean_score", "pruning"),
    *("nav", "mkdocs.yml", "build/site"),
    *("Method", "net", "net.fc1", "net.fc2", "its", "next_observation", "critic_optimizer"),
    *("model.policy.get_submodule", "observations.npy", "runs.tar.gz", "policy.pth", "optimizer.pth"),
    *("clip_grad_norm_", "foreach", "mlp_extractor.value_net", "RMSpropTFLike"),
    *("sbatch", "squeue", "qos", "long", "learning-rate"),
    *("dev", "gpu", "kill", "true", "false", "~/.cache/plastic_rl"),
}


LAUNCHER_WORDS = {f"launcher.{setting}" for launcher in LAUNCHERS.values() for setting in vars(launcher())}


def unknown_words(page: Page) -> set[str]:
    """What a page gives in backticks and nobody knows."""
    return {word for span in page.spans if not COMMAND.match(span) for word in _tokens(span) if not is_known(word)}


def is_known(word: str) -> bool:
    """Whether a word in backticks is that of something."""
    if word in FOREIGN or word in LAUNCHER_WORDS or word.isupper() or keyword.iskeyword(word) or word in vars(builtins):
        return True
    if "/" in word:
        return is_path(word) if _is_file_like(word) else _is_metric(word)
    if FILE.fullmatch(word):
        return word in words() or word in _files()
    if "." in word or re.match(r"[A-Z]+[a-z]", word):
        return exists(word) or (ROOT / f"{word.replace('.', '/')}.py").exists()
    if word in words() or (ROOT / word).is_dir():
        return True
    return any(word in vars(face) for face in FOREIGN_FACES) or word in foreign_words()


def unknown_paths(page: Page) -> set[str]:
    """The paths below a folder of the repository, anywhere on a page, that are not there."""
    return {path for path in re.findall(r"(?<![\w/.])[a-z_]+/[\w./<>{},…-]*[\w/>}…]", page.text) if _is_missing(path)}


def _is_file_like(word: str) -> bool:
    return word.partition("/")[0] in _folders() or bool(
        re.match(r"[A-Z]+/", word) or re.search(r"[<{]|/$|\.\w+$", word)
    )


def is_path(word: str) -> bool:
    """Whether a path is there, or is one below a folder that the code knows of, or that a user is to name."""
    first = word.partition("/")[0]
    return not _is_missing(word) if first in _folders() else first.isupper() or first in words()


def _is_missing(path: str) -> bool:
    first = path.partition("/")[0]
    pattern = re.sub(r"<[^>]*>|\{[^}]*\}|…|\.\.\.", "*", path).rstrip("/")
    return first in _folders() and not any(ROOT.glob(pattern)) and not filter_names(gymnasium.registry, pattern)


@cache
def _files() -> set[str]:
    inside = {path.name for folder in _folders() for path in (ROOT / folder).rglob("*.*")}
    return inside | {path.name for path in ROOT.iterdir()}


@cache
def _folders() -> set[str]:
    hidden = {path.name for path in ROOT.iterdir() if path.name.startswith((".", "__"))}
    return {path.name for path in ROOT.iterdir() if path.is_dir()} - hidden - {"runs", "dist"}


def _is_metric(word: str) -> bool:
    first, _, rest = word.partition("/")
    return word in words() or (first in words() and rest.partition("/")[0] in {*words(), "…"})


def _tokens(span: str) -> Iterator[str]:
    for pattern in (QUOTED, SETTING, NUMBER) if "/" in span else (QUOTED, SETTING, NUMBER, PLACEHOLDER):
        span = pattern.sub("", span)
    yield from TOKEN.findall(span)
