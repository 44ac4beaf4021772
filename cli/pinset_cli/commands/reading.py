"""get, render, show: what one release holds."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import MadeFromAnswer, ReleaseAnswer
    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.answers.keys import SignatureAnswer
    from pinset.domain.answers.source import SourceAnswer


def get(
    target: Annotated[
        list[str],
        typer.Argument(metavar="REF", help="Without a selector: production.", autocompletion=complete.references),
    ],
    file: Annotated[str | None, typer.Option("--file", metavar="PATH", help="One file as it is.")] = None,
    at: o.At = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """The release document, or one file of a release.

    Example: pinset get support-summarizer@production --file prompts/main.md
    """
    reference = o.reference(target)
    with opened(Options(registry)) as found:
        looking = o.looking(found, at)
        if file is None:
            document = looking.release(reference)
            output.show_json(document)
            _warn_yanked(document)
            return
        text = looking.file(reference, file)
    if as_json:
        output.show_json({"path": file, "text": text})
    else:
        output.show_text(text)


def render(
    target: o.Refs,
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Which prompt.")] = "default",
    var: Annotated[list[str] | None, typer.Option("--var", metavar="K=V", help="A variable.")] = None,
    variables: Annotated[
        Path | None, typer.Option("--vars", metavar="FILE", help="Variables as a JSON object.")
    ] = None,
    at: o.At = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """A prompt with its variables filled in.

    Example: pinset render support-summarizer --var ticket="It crashes."
    """
    from pinset.errors import NotFound

    with opened(Options(registry)) as found:
        answer = o.looking(found, at).release(o.reference(target))
    _warn_yanked(answer)
    prompts = answer["content"]["prompts"]
    if prompt not in prompts:
        raise NotFound(f"{answer['ref']} has no prompt {prompt}", hint="it has " + (", ".join(prompts) or "none"))
    filled, surplus = _filled(prompts[prompt], _variables(var or [], variables), target)
    for name in surplus:
        output.talk(output.safe(f"warning: no variable takes {name}"))
    if as_json:
        output.show_json({"ref": answer["ref"], "prompt": prompt, "messages": filled})
        return
    for message in filled:
        if len(filled) > 1:
            output.say(f"--- {output.on_one_line(message.get('role'))}")
        content = message.get("content")
        output.show_text((content.rstrip("\n") if isinstance(content, str) else json.dumps(content)) + "\n")


def show(
    target: o.Refs,
    at: o.At = None,
    cost: Annotated[bool, typer.Option("--cost", help="And what its calls cost.")] = False,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """A release: its author, its pins, and what serves it.

    With --cost also the tokens of its prompts, and what 1,000 calls of each cost.

    Example: pinset show support-summarizer@v7
    """
    from pinset.domain.provenance import told_by

    with opened(Options(registry)) as found:
        reference = o.reference(target)
        summary = o.looking(found, at).summary(reference)
        gone = summary["purged"]
        document = found.release(summary["ref"]) if gone is None else None
        signatures = found.keys.signatures(summary["ref"])["items"]
        spent = found.cost(summary["ref"]) if cost and gone is None else None
    content = document["content"] if document else None
    if as_json:
        files = document["files"] if document else {}
        told = {**summary, "signatures": signatures, "content": content, "files": files}
        output.show_json({**told, "cost": spent} if cost else told)
        return
    facts = (
        ("release", summary["ref"] + (f" ({summary['label']})" if summary["label"] else "")),
        ("digest", summary["digest"]),
        ("commit", summary["commit"]),
        ("published", output.both(summary["published_at"])),
        ("by", told_by(summary["published_by"], summary["source"])),
        ("signed by", "; ".join(_signer(each) for each in signatures)),
        ("message", summary["message"]),
        *_source(summary["source"]),
        ("made from", _made_from(summary["made_from"])),
        ("change", summary["change"]),
        ("as of", output.both(summary["at"]) if "at" in summary else None),
        ("served by", ", ".join(summary["aliases"])),
        ("rollback to", f"v{summary['rollback_to']}" if summary["rollback_to"] else None),
        ("PURGED", f"{output.both(gone['at'])} by {gone['by']}: {gone['reason']}" if gone else None),
        ("YANKED", summary["yanked"]),
        ("allowed", f"{', '.join(summary['allowed'])}: {summary['allow_reason']}" if summary["allowed"] else None),
    )
    for label, value in facts:
        if value:
            output.say(_fact(label, value))
    if content is not None:
        _parts(content)
    if spent is not None:
        _cost(spent)
    if summary["yanked"] is not None and summary["aliases"] and at is None:
        places = ", ".join(f"{summary['bundle']}@{alias}" for alias in summary["aliases"])
        output.talk(output.safe(f"warning: {places} still {'serve' if len(summary['aliases']) > 1 else 'serves'} it"))


def _cost(spent: CostAnswer) -> None:
    """What calls cost: a line for each prompt, and what the figures rest on."""
    from pinset.domain import cost_words
    from pinset.domain.costs import call_of

    for item in spent["prompts"]:
        output.say(_fact("cost", f"{item['prompt']}: {cost_words.call(call_of(item))}"))
    for line in (spent["basis"], *spent["notes"]):
        output.say(_fact("", line))


def _signer(signature: SignatureAnswer) -> str:
    state = f", {signature['state']}" if signature["state"] != "active" else ""
    return f"{signature['person']} ({signature['key']}{state})"


def _filled(
    prompt: Mapping[str, Any], values: Mapping[str, Any], target: Sequence[str]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The messages, and the values that nothing takes. Raises InvalidInput; what is missing is shown as it is typed."""
    from pinset.domain.inputs import check_of
    from pinset.domain.rendering import messages_of
    from pinset.errors import InvalidInput

    try:
        if "inputs" in prompt:
            check_of(prompt["inputs"])(values)
        return messages_of(prompt, values)
    except InvalidInput as error:
        missing = [name for name in prompt.get("inputs", {}).get("properties", {}) if name not in values]
        if not missing:
            raise
        example = " ".join(f"--var {name}=VALUE" for name in missing)
        hint = f"pinset render {' '.join(target)} {example}; or all of them: --vars FILE.json"
        raise InvalidInput(error.message, hint=hint, details=error.details) from error


def _variables(pairs: list[str], file: Path | None) -> dict[str, Any]:
    from pinset.domain.text import strict_json
    from pinset.errors import InvalidInput

    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = strict_json.loads(file.read_text())
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise InvalidInput(f"{file} cannot be read: {why}", hint='write a JSON object: {"ticket": "…"}') from error
        if not isinstance(values, dict):
            raise InvalidInput(f"{file} does not hold a JSON object", hint='write {"ticket": "…"}')
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"--var {pair} gives no value", hint=f"write --var {name}=VALUE")
        values[name] = value
    return values


def _warn_yanked(document: ReleaseAnswer) -> None:
    if document["yanked"] is None:
        return
    alias, verb = document["alias"], "served" if "at" in document else "serves"
    place = f"{document['bundle']}@{alias['name']} {verb} {document['ref']}, which" if alias else document["ref"]
    output.talk(output.safe(f"warning: {place} is yanked: {document['yanked']}"))


def _source(source: SourceAnswer | str | None) -> list[tuple[str, str | None]]:
    """Where a release comes from, as facts."""
    if source is None or isinstance(source, str):
        return [("source", source)]
    at = f"{source.get('repository', '')}@{source['commit']}" if "commit" in source else source.get("repository", "")
    path = source.get("path", ".")
    dirty = "with changes that were not committed" if source.get("dirty") else ""
    checkout = ", ".join(part for part in (at.removeprefix("@"), f"path {path}" if path != "." else "", dirty) if part)
    by = f"by {source['by']}" if "by" in source and "system" not in source else None
    run = [source.get("ci"), by, source.get("ref")]
    return [
        ("source", source.get("text")),
        ("source", checkout),
        ("authors", ", ".join(source.get("authors", []))),
        ("run", ", ".join(part for part in run if part)),
        ("run", source.get("url")),
        ("pull request", source.get("pull_request")),
        ("imported", _imported(source)),
    ]


def _imported(source: SourceAnswer) -> str:
    """What a release was where it was imported from, and when; its time there is what that place said."""
    of = source.get("origin") or source.get("system", "")
    at = f"of {output.both(source['at'])} there" if "at" in source else ""
    by = f"published by {source['by']}" if "by" in source and of else ""
    return ", ".join(part for part in (of, at, by) if part)


def _made_from(made: MadeFromAnswer | None) -> str | None:
    """The release that the registry made this one from."""
    return f"{made['ref']} ({made['digest'][:19]})" if made else None


def _fact(label: str, value: object) -> str:
    """A line of `show`; an author's further lines stand below the value."""
    return f"{label:12} {output.safe(value, indent=13)}"


def _parts(content: Mapping[str, Any]) -> None:
    for name, model in content["models"].items():
        pin = f" pinned to {model['pinned_version']}" if model.get("pinned_version") else ""
        output.say(_fact("model", f"{name}: {model['id']}{pin}"))
    for name, prompt in content["prompts"].items():
        inputs = ", ".join(prompt.get("inputs", {}).get("properties", {}))
        output.say(_fact("prompt", f"{name}: {prompt['format']}" + (f", takes {inputs}" if inputs else "")))
    for name, retrieval in content["retrieval"].items():
        index = retrieval.get("index", {})
        source = f"{index.get('name', index.get('uri', ''))} v{index.get('version', '-')}"
        output.say(_fact("retrieval", f"{name}: {source}"))
    for kind in ("tools", "guardrails", "configs"):
        if content[kind]:
            output.say(_fact(kind, ", ".join(content[kind])))
    for name, pin in sorted(content.get("components", {}).items()):
        output.say(_fact("component", f"{name}@v{pin['version']} ({pin['digest'][:19]})"))
