"""A strict reader of Prometheus' text format: what it does not take, Prometheus might not take either."""

from __future__ import annotations

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? ([0-9.e+-]+|\+Inf|NaN)")
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
Sample = tuple[str, frozenset[tuple[str, str]]]


def parse(text: str) -> dict[Sample, float]:
    """Samples by name and labels. Raises AssertionError for what breaks a rule of the format."""
    assert text.endswith("\n")
    assert "\r" not in text
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    found: dict[Sample, float] = {}
    family, families = "", []
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in helped, f"two helps: {family}"
            helped.add(family)
            families.append(family)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family, "a type follows its help"
            assert kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, line
            name = match[1]
            allowed = [family + suffix for suffix in _SUFFIXES.get(kinds[family], ("",))]
            assert name in allowed, f"{name} outside its family"
            assert kinds[family] != "counter" or name.endswith("_total")
            labels = [(one[0], _plain(one[1])) for one in re.findall(_LABEL, match[2] or "")]
            assert len(dict(labels)) == len(labels), f"a label twice: {line}"
            key = (name, frozenset(labels))
            assert key not in found, f"a sample twice: {line}"
            found[key] = float(match[match.lastindex or 0])
    assert len(set(families)) == len(families), "a family in two places"
    _check_histograms(kinds, found)
    return found


def _check_histograms(kinds: dict[str, str], found: dict[Sample, float]) -> None:
    for name in (name for name, kind in kinds.items() if kind == "histogram"):
        series: dict[frozenset[tuple[str, str]], dict[float, float]] = {}
        for (sample, labels), value in found.items():
            if sample == f"{name}_bucket":
                bound = float(dict(labels)["le"])
                series.setdefault(frozenset(one for one in labels if one[0] != "le"), {})[bound] = value
        for labels, buckets in series.items():
            numbers = [buckets[bound] for bound in sorted(buckets)]
            assert numbers == sorted(numbers), "buckets hold those before"
            assert max(buckets) == float("inf")
            assert found[f"{name}_count", labels] == numbers[-1]
            assert (f"{name}_sum", labels) in found


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)
