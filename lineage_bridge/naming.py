"""Names, versions and run ids: turn the words that upstreams write into identities.

Invariant: two upstream names never become the same name. Parts are percent-encoded, so joining them
with dots is injective; a name that is too long ends in a hash of the whole. The beginning of a name
says what it is of. Only this module knows those beginnings: it makes names, and it recognises them.
Source: the OpenLineage naming spec for physical stores; for the rest the rules of Marquez
(a namespace consists of `[a-zA-Z0-9:;=/_.@+-]`, a name is any text).
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

from lineage_bridge.errors import NamingError
from lineage_bridge.marquez_limits import MAX_NAMESPACE, NAMESPACE
from lineage_bridge.times import format_time, parse_time

MAX_NAME = 200
UNKNOWN = "unknown"  # a literal that upstreams write where they know nothing
# How names begin: those of datasets, then those of jobs.
_FEATURES, _MODELS, _PREDICTIONS = "features.", "models.", "predictions."
_BUILD, _TRAIN, _PUBLISH, _SERVE = "build.", "train.", "publish.", "serve."
_DRIFT = "observe.drift."
INFERENCE_LOG = "inference_log."  # for SQL, as `OBSERVE`; others ask `is_inference_log`
OBSERVE = "observe."  # for SQL, which searches stored events for it; others ask `is_observer`
OBSERVE_PREDICTIONS = OBSERVE + _PREDICTIONS  # likewise; others ask `observes_predictions`

# The forms of names that people write themselves: for messages, and as regular expressions.
FEATURES_FORM = f"{_FEATURES}<store>.<name>"
MODEL_FORM = f"{_MODELS}<name>"
LOG_FORM = f"{INFERENCE_LOG}<deployment>.<environment>.<service>"
_REST = "[A-Za-z0-9_.%~-]+"
FEATURES_PATTERN = re.escape(_FEATURES) + _REST
MODEL_PATTERN = re.escape(_MODELS) + _REST

_RUNS = uuid.UUID("6c4e4ad4-29b0-5d6c-8a2d-1f3f0a7c9e52")  # the UUIDv5 namespace of our run ids
_KEPT = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_SAFE = re.compile(r"[A-Za-z0-9_-]+")  # what `_KEPT` keeps, as most names are
_STAMP = re.compile(r"\d{8}_\d{6}", re.ASCII)
_STAMPED_STEM = re.compile(r"(?P<base>.+?)[_-](?P<stamp>\d{8}_\d{6})", re.ASCII)
_HEX32 = re.compile(r"[0-9a-fA-F]{32}")
_DASHED = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def encode_part(text: str) -> str:
    """Keep ASCII letters, digits, `_` and `-`; percent-encode every other byte of the UTF-8.

    Raises:
        NamingError: the text is empty or only white space.
    """
    if _SAFE.fullmatch(text):
        return text
    if not text.strip():
        raise NamingError(f"a name must not be blank, got {text!r}")
    raw = text.encode("utf-8", "surrogatepass")
    return "".join(chr(b) if b in _KEPT else f"%{b:02X}" for b in raw)


def limit(name: str) -> str:
    """Shorten a name over `MAX_NAME` characters to its beginning, `~` and a hash of the whole."""
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{name[: MAX_NAME - 17]}~{digest}"


@lru_cache(maxsize=8192)
def _join(beginning: str, *parts: str) -> str:
    return limit(beginning + ".".join(encode_part(part) for part in parts))


def features_dataset(store: str | None, name: str) -> str:
    """Return `features.<store>.<name>`, or `features.<name>` where no artifact names the store."""
    return _join(_FEATURES, store, name) if store else _join(_FEATURES, name)


def model_dataset(model: str, within: str | None = None) -> str:
    """Return `models.<model>`, or `models.<within>.<model>` where the name alone says too little.

    P2's own models have no name but their algorithm: they stand within `p2`.
    """
    return _join(_MODELS, model) if within is None else _join(_MODELS, within, model)


def is_model(dataset: str) -> bool:
    """Return whether the dataset is a model, by its name."""
    return dataset.startswith(_MODELS)


def is_features(dataset: str) -> bool:
    """Return whether the dataset is one of features, by its name."""
    return dataset.startswith(_FEATURES)


def is_predictions(dataset: str) -> bool:
    """Return whether the dataset is what a deployment writes, by its name."""
    return dataset.startswith(_PREDICTIONS)


def is_inference_log(dataset: str) -> bool:
    """Return whether the dataset is what a deployment was asked and answered, by its name."""
    return dataset.startswith(INFERENCE_LOG)


def short_name(dataset: str) -> str:
    """Return the name without its beginning, for tables whose column says what it is of."""
    beginning = _MODELS if is_model(dataset) else _FEATURES
    return dataset.removeprefix(beginning)


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Map datasets to what their producers call them: without what they are of, and the store.

    `features.mobility.training_dataset` -> `training_dataset`. What two of them would be called
    stays whole, as do names that are none of ours.
    """
    plain = {name: _plain_name(name) for name in names}
    uses = Counter(plain.values())
    return {name: short if uses[short] == 1 else name for name, short in plain.items()}


def _plain_name(dataset: str) -> str:
    if not (is_model(dataset) or is_features(dataset)) or "~" in dataset:
        return dataset
    return unquote(dataset.rsplit(".", 1)[-1], errors="replace")


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A deployment: the slot in which one model version after another serves."""

    service: str
    environment: str
    deployment: str

    @property
    def predictions(self) -> str:
        """The dataset that the slot writes."""
        return _join(_PREDICTIONS, self.deployment, self.environment, self.service)

    @property
    def inference_log(self) -> str:
        """The dataset of what the slot was asked and answered, row by row."""
        return _join(INFERENCE_LOG, self.deployment, self.environment, self.service)

    @property
    def job(self) -> str:
        """The serving job."""
        return _join(_SERVE, self.deployment, self.environment, self.service)

    @property
    def former_predictions(self) -> str:
        """What `predictions` was called up to version 0.1."""
        return _join(_PREDICTIONS, self.service, self.environment, self.deployment)

    @property
    def former_job(self) -> str:
        """What `job` was called up to version 0.1."""
        return _join(_SERVE, self.service, self.environment, self.deployment)


Logged = tuple[Slot, str, str]  # a deployment, and name and version of a model that served in it


def slot_of(dataset: str) -> Slot | None:
    """Return the slot whose predictions have that name, or None where the name is of another form.

    Of a name that was cut, what is left of the service's name counts; if whole parts are lost,
    the slot cannot be told.
    """
    return _slot_in(dataset, _PREDICTIONS)


def slot_of_log(dataset: str) -> Slot | None:
    """Return the slot whose inference log has that name, as `slot_of` does for predictions."""
    return _slot_in(dataset, INFERENCE_LOG)


def _slot_in(dataset: str, beginning: str) -> Slot | None:
    parts = _three_parts(dataset, beginning)
    if parts is None:
        return None
    deployment, environment, service = map(unquote, parts)
    return Slot(service, environment, deployment)


def former_name(name: str) -> str | None:
    """Return what a dataset or job of a deployment is called that had this name up to version 0.1.

    Up to then the service came first and the deployment last; today it is the other way round. None
    where no deployment is named in three parts: of a name that was cut, too much is lost.
    """
    for beginning in (_PREDICTIONS, _SERVE, OBSERVE + _PREDICTIONS):
        parts = _three_parts(name, beginning)
        if parts is not None and "~" not in name:
            return beginning + ".".join(reversed(parts))
    return None


def _three_parts(name: str, beginning: str) -> list[str] | None:
    if not name.startswith(beginning):
        return None
    parts = name.removeprefix(beginning).split(".")
    return parts if len(parts) == 3 and all(map(_is_as_we_write, parts)) else None


def _is_as_we_write(part: str) -> bool:
    # Else two names could be read as one slot. What was cut has no spelling of its own.
    try:
        return "~" in part or encode_part(unquote(part, errors="strict")) == part
    except (NamingError, UnicodeDecodeError):
        return False


def build_job(store: str | None, name: str) -> str:
    """Return `build.<store>.<name>`, or `build.<name>` without a store."""
    return _join(_BUILD, store, name) if store else _join(_BUILD, name)


def train_job(model_name: str) -> str:
    """Return `train.<model>` for `models.<model>`."""
    return limit(_TRAIN + model_name.removeprefix(_MODELS))


def publish_job(model_name: str) -> str:
    """Return `publish.<model>` for `models.<model>`."""
    return limit(_PUBLISH + model_name.removeprefix(_MODELS))


def model_job(verb: str, model_name: str) -> str:
    """Return `<verb>.<model>` for `models.<model>`; `evaluate` and `promote` are verbs."""
    return limit(f"{verb}.{model_name.removeprefix(_MODELS)}")


def publishes(job: str) -> bool:
    """Return whether the job copies a model under another name."""
    return job.startswith(_PUBLISH)


def observe_job(dataset_name: str) -> str:
    """Return `observe.<dataset>`: the one job for all findings about that dataset alone."""
    return limit(OBSERVE + dataset_name)


def drift_job(dataset_name: str) -> str:
    """Return `observe.drift.<dataset>`: the job of findings that read another dataset as well."""
    return limit(_DRIFT + dataset_name)


def is_observer(job: str) -> bool:
    """Return whether the job only looks at a dataset, and makes nothing of it."""
    return job.startswith(OBSERVE)


def observes_predictions(job: str) -> bool:
    """Return whether the job looks at what a deployment predicts."""
    return job.startswith(OBSERVE_PREDICTIONS)


def check_namespace(namespace: str) -> str:
    """Return the namespace if Marquez accepts it.

    Raises:
        NamingError: Marquez would not accept it.
    """
    if not NAMESPACE.fullmatch(namespace):
        raise NamingError(
            f"namespace {namespace!r} is not 1 to {MAX_NAMESPACE} characters of a-z A-Z 0-9 and "
            ":;=/_.@+-"
        )
    return namespace


def duckdb_namespace(store: str) -> str:
    """Return `duckdb://<store>`; bytes other than A-Z a-z 0-9 `_` `-` `.` become `+HH`."""
    raw = store.encode("utf-8", "surrogatepass")
    kept = _KEPT | {ord(".")}
    text = "".join(chr(b) if b in kept else f"+{b:02X}" for b in raw)
    return f"duckdb://{text}"[:MAX_NAMESPACE]


def duckdb_store(namespace: str) -> str | None:
    """Return the store of a `duckdb://<store>`, None of another namespace."""
    beginning = "duckdb://"
    if not namespace.startswith(beginning):
        return None
    written = namespace.removeprefix(beginning)
    raw = re.sub(
        rb"\+([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), written.encode()
    )
    return raw.decode("utf-8", "surrogatepass") or None


def store_of_path(path: str) -> str | None:
    """Name the store after its database file's stem: `../data/mobility.duckdb` -> `mobility`."""
    last = re.split(r"[/\\]", path.strip())[-1]
    stem = last.rsplit(".", 1)[0] if "." in last.lstrip(".") else last
    return stem.strip() or None


def known(text: str | None) -> str | None:
    """Return the text, or None where an upstream wrote nothing, blanks, or `unknown`."""
    if text is None or not text.strip() or text.strip().lower() == UNKNOWN:
        return None
    return text


def parse_stamp(text: str) -> datetime | None:
    """Return the instant of `YYYYMMDD_HHMMSS`, read as UTC; None if the text is no such stamp."""
    if not _STAMP.fullmatch(text):
        return None
    day, time = text.split("_")
    try:  # `strptime` takes five times as long
        return datetime(
            *(int(day[:4]), int(day[4:6]), int(day[6:])),
            *(int(time[:2]), int(time[2:4]), int(time[4:])),
            tzinfo=UTC,
        )
    except ValueError:
        return None


def version_time(text: str) -> datetime | None:
    """Return the instant that a version spells (a stamp, or ISO with `Z` or an offset), or None."""
    stamp = parse_stamp(text)
    if stamp is not None:
        return stamp
    try:
        instant, zoned = parse_time(text)
    except ValueError:
        return None
    return instant if zoned else None


@lru_cache(maxsize=8192)
def canonical_version(text: str) -> str:
    """Spell each version in one way: instants become RFC 3339 in UTC, other texts stay."""
    instant = version_time(text)
    return format_time(instant) if instant is not None else text


def split_stem(stem: str) -> tuple[str, str | None]:
    """Split a dataset's file stem into its logical name and its stamp; None if it has no stamp.

    `training_dataset_20260403_230612` -> (`training_dataset`, `20260403_230612`).
    """
    match = _STAMPED_STEM.fullmatch(stem)
    if match is None or parse_stamp(match["stamp"]) is None:
        return stem, None
    return match["base"], match["stamp"]


def run_uuid(namespace: str, job: str, upstream_id: str) -> str:
    """Return the run id to send: a dashed lower-case UUID, whatever the upstream calls the run.

    A UUID is kept; 32 hex digits are written dashed (Marquez would hash them); anything else
    becomes a UUIDv5 over (namespace, job, upstream id).
    """
    if _DASHED.fullmatch(upstream_id):
        return upstream_id.lower()
    if _HEX32.fullmatch(upstream_id):
        return str(uuid.UUID(hex=upstream_id))
    return str(uuid.uuid5(_RUNS, json.dumps([namespace, job, upstream_id])))


def one_spelling(run_id: str) -> str:
    """Normalize a run id: a UUID with dashes or without, in upper case or lower, is the same."""
    return run_uuid("", "", run_id) if is_uuid(run_id) else run_id


def is_uuid(run_id: str) -> bool:
    """Return whether an upstream's run id is a UUID, with dashes or without."""
    return bool(_DASHED.fullmatch(run_id) or _HEX32.fullmatch(run_id))


def serving_run_uuid(
    namespace: str, job: str, instance: str | None, model: str, version: str, started: str
) -> str:
    """Return the id of the run that one start of one instance began, at a time in RFC 3339."""
    return run_uuid(namespace, job, json.dumps([instance, model, version, started]))


def dataset_id(namespace: str, name: str) -> str:
    """Return a dataset's node id as Marquez writes it."""
    return f"dataset:{namespace}:{name}"


def job_id(namespace: str, name: str) -> str:
    """Return a job's node id as Marquez writes it."""
    return f"job:{namespace}:{name}"
