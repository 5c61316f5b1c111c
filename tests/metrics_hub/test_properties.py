"""Whatever pods say, the answer is one that parsers take: honest pods come through whole, hostile ones break nobody."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from metrics_hub.errors import ScrapeError
from metrics_hub.exposition import Format, parse
from metrics_hub.merge import Families, merge, render
from tests.metrics_hub.reading import families, samples

# Any text but control characters, which the hub refuses, and halves of surrogate pairs, which no UTF-8 has.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
# prometheus_client's own parser takes a quote inside an exemplar for its end.
IDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\{}#'), max_size=12)
NUMBERS = st.floats(allow_nan=False)
KINDS = {"hits": Counter, "level": Gauge, "wait_seconds": Histogram}


@st.composite
def registries(draw: st.DrawFn) -> CollectorRegistry:
    """A pod's metrics: some of the kinds, with any label values, values and exemplars."""
    registry = CollectorRegistry()
    for name in draw(st.sets(st.sampled_from(sorted(KINDS)))):
        label = draw(st.sampled_from(["route", "pod", "instance"]))
        metric = KINDS[name](name, draw(TEXTS), [label], registry=registry)
        for value in draw(st.lists(TEXTS, max_size=3)):
            child = metric.labels(value)
            exemplar = draw(st.none() | st.fixed_dictionaries({"trace_id": IDS}))
            if isinstance(metric, Counter):
                child.inc(draw(st.floats(0, 1e300)), exemplar)
            elif isinstance(metric, Gauge):
                child.set(draw(NUMBERS))
            else:
                child.observe(draw(st.floats(0, 10)), exemplar)
    return registry


def body_of(registry: CollectorRegistry, form: Format) -> bytes:
    write = generate_openmetrics if form is Format.OPENMETRICS else generate_latest
    return write(registry)  # type: ignore[no-any-return, no-untyped-call]


def read(body: bytes, pod: str, form: Format) -> Families:
    return parse(body, form, {"pod": pod, "instance": pod})


@settings(deadline=None, max_examples=150)
@given(pods=st.lists(registries(), max_size=4), form=st.sampled_from(Format))
def test_every_sample_of_every_pod_comes_through_with_its_labels(pods: list[CollectorRegistry], form: Format) -> None:
    named = {f"pod-{number}": body_of(registry, form) for number, registry in enumerate(pods)}

    merged = merge({pod: read(body, pod, form) for pod, body in named.items()}, form)
    answer = samples(render("", merged, form), form)

    sent = {}
    for pod, body in named.items():
        for (name, labels), number in samples(body.decode(), form).items():
            ours = dict(labels) | {"pod": pod, "instance": pod}
            # Of several that are one series under the pod's own name, the first counts.
            sent.setdefault((name, frozenset(ours.items())), number)
    assert answer == sent


@settings(deadline=None, max_examples=75)
@given(pods=st.lists(registries(), min_size=1, max_size=3))
def test_exemplars_come_through(pods: list[CollectorRegistry]) -> None:
    form = Format.OPENMETRICS
    named = {f"pod-{number}": body_of(registry, form) for number, registry in enumerate(pods)}

    answer = render("", merge({pod: read(body, pod, form) for pod, body in named.items()}, form), form)

    def exemplars(text: str) -> list[str]:
        found = [s.exemplar for family in families(text, form).values() for s in family.samples if s.exemplar]
        return sorted(map(repr, found))

    kept = [exemplar for body in named.values() for exemplar in exemplars(body.decode())]
    assert set(exemplars(answer)) <= set(kept)
    if not any(b'pod="' in body or b'instance="' in body for body in named.values()):
        assert exemplars(answer) == sorted(kept)


def broken(body: bytes, chance: random.Random) -> bytes:
    """Do to an answer what a broken or hostile pod would."""
    lines = body.splitlines(keepends=True)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        deed = chance.randrange(6)
        if deed == 0:
            lines.insert(at, chance.choice(lines))
        elif deed == 1:
            del lines[at]
        elif deed == 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif deed == 3:
            line = lines[at]
            cut = chance.randrange(len(line) + 1)
            lines[at] = line[:cut] + bytes(chance.choices(b' "{}\\,=#\n\x00\xffNaN1e', k=3)) + line[cut:]
        elif deed == 4:
            lines[at] = lines[at].replace(b"counter", b"gauge").replace(b"histogram", b"summary")
        else:
            lines[at] = lines[at].replace(b"hits", b"level").replace(b"wait_seconds", b"metrics_hub_target_up")
        if not lines:
            return b""
    return b"".join(lines)


def honest() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("hits", "Hits.", ["route"], registry=registry).labels('/"\\\n').inc(3, {"trace_id": "abc"})
    Gauge("level", "Level.", registry=registry).set(float("inf"))
    Histogram("wait_seconds", "Time.", registry=registry).observe(0.3)
    return registry


@pytest.mark.parametrize("form", Format)
def test_a_broken_pod_changes_nothing_for_the_others(form: Format) -> None:
    """A thousand ways to be broken, the same each time."""
    chance = random.Random(20260101)  # noqa: S311 - reproducible, not secret
    good = body_of(honest(), form)
    alone = samples(render("", merge({p: read(good, p, form) for p in ("a", "b")}, form), form), form)
    honest_ones = {pod: read(good, pod, form) for pod in ("a", "b")}
    refused = 0
    for _ in range(1000):
        answers = dict(honest_ones)
        try:
            answers["evil"] = read(broken(good, chance), "evil", form)
        except ScrapeError:
            refused += 1
        text = render("", merge(answers, form), form)
        # The strict parser also judges the sense of what a pod says, which is its own affair: read as plain text then.
        plain = text if form is Format.TEXT else text.removesuffix("# EOF\n")
        kept = {
            line.split(" # ")[0].rpartition(" ")[0]: float(line.split(" # ")[0].rpartition(" ")[2])
            for line in plain.splitlines()
            if not line.startswith("#") and 'pod="evil"' not in line
        }
        assert len(kept) == len(alone)
        assert sorted(kept.values()) == sorted(alone.values())
        assert_well_formed(plain)
    assert 300 < refused < 1000, "some are to be refused and some are to come through"


def assert_well_formed(text: str) -> None:
    """HELP and TYPE stand once, before all samples of their family."""
    described: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("# "):
            _, kind, name, *_ = line.split(" ")
            assert (kind, name) not in described, line
            described.append((kind, name))


@pytest.mark.network
def test_promtool_reads_an_answer_of_many_broken_pods(promtool: Path) -> None:
    chance = random.Random(20260102)  # noqa: S311 - reproducible, not secret
    answers: dict[str, Families] = {}
    while len(answers) < 200:
        try:
            pod = f"evil-{len(answers)}"
            answers[pod] = read(broken(body_of(honest(), Format.TEXT), chance), pod, Format.TEXT)
        except ScrapeError:
            continue

    text = render("", merge(answers, Format.TEXT), Format.TEXT)
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)

    # 3 is the linter, which does not like a counter without _total; what cannot be read is 1.
    assert checked.returncode in (0, 3), checked.stderr
    assert "error" not in checked.stderr, checked.stderr
