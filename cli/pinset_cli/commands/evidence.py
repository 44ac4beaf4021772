"""evidence add, list, report: what evaluations say of releases."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from pinset_cli import asking, complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers.evidence import ResultAnswer
    from pinset.ports.registry import Registry

evidence = typer.Typer(help="What evaluations say of releases.", no_args_is_help=True)

_Suite = Annotated[str | None, typer.Option("--suite", metavar="S", help="A suite, such as groundedness.")]


class _Said(TypedDict):
    """What is said beside a report."""

    suite: str | None
    score: str | None
    threshold: str | None
    passed: bool | None


@evidence.command("add")
def evidence_add(
    target: o.Refs,
    suite: _Suite = None,
    score: Annotated[str | None, typer.Option("--score", metavar="NUMBER", help="Such as 0.93.")] = None,
    threshold: Annotated[str | None, typer.Option("--threshold", metavar="NUMBER", help="What it must reach.")] = None,
    passed: Annotated[bool | None, typer.Option("--passed/--failed", help="What the suite says of itself.")] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="What promptfoo, DeepEval or a JUnit runner wrote; - for stdin."),
    ] = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", metavar="KEYFILE", help="Sign it with this private Ed25519 key.")
    ] = None,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Record what an evaluation says of a release.

    A report is kept. It may give several suites; with --suite the one of that name, else all of it under that name.

    With --sign the key must be known: pinset keys add NAME KEYFILE.pub --purpose evidence --person YOU

    Example: pinset evidence add support-summarizer@v7 --suite groundedness --score 0.93 --threshold 0.85
    """
    chosen = Options(registry, as_json, dry_run)
    text = _read(report) if report is not None else None
    said: _Said = {"suite": suite, "score": score, "threshold": threshold, "passed": passed}
    with opened(chosen) as found:
        reference, signatures = o.reference(target), None
        if sign is not None:
            reference, signatures = _signed(found, reference, text, said, sign)
        answer = found.evidence.add(
            caller(chosen), reference, report=text, signatures=signatures, reason=message, **said
        )
    suites = ", ".join(item["suite"] for item in answer["items"])
    output.done(f"results of {suites} are recorded for {answer['ref']}", written=answer["operation"])
    if as_json:
        output.show_json(answer)
        return
    for warning in answer["warnings"]:
        output.talk(output.safe(f"warning: {warning}"))
    for item in answer["items"]:
        output.say(f"{item['ref']} {_line(item)}")
    for move in answer["moves"]:
        output.say(f"{asking.headline(move)} (request {move['request']})")
    output.unchanged(dry_run=dry_run)


@evidence.command("list")
def evidence_list(
    target: Annotated[
        list[str],
        typer.Argument(metavar="REF|NAME", autocompletion=complete.references, help="A release, or a bundle."),
    ],
    suite: _Suite = None,
    cursor: o.Cursor = None,
    limit: o.Limit = 30,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The results of a release, or of all of a bundle, newest first.

    Of a suite the newest result counts.

    Example: pinset evidence list support-summarizer@v7
    """
    named = o.reference(target)
    with opened(Options(registry)) as found:
        ask = found.evidence.of_release if "@" in named else found.evidence.of_bundle
        page = ask(named, suite=suite, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (f"v{r['version']}", r["suite"], r["score"], r["threshold"], _verdict(r), _cases(r),
         output.when(r["at"], absolute=utc), r["person"], r["reason"])
        for r in page["items"]
    ]  # fmt: skip
    example = named if "@" in named else f"{named}@latest"
    output.listed(
        rows,
        ("RELEASE", "SUITE", "SCORE", "NEEDS", "PASSED", "CASES", "WHEN", "PERSON", "REASON"),
        page["next"],
        f"no results yet: pinset evidence add {example} --suite {suite or 'groundedness'} --score 0.93",
        fold=True,
    )


@evidence.command("report")
def evidence_report(
    target: o.Refs,
    suite: Annotated[str, typer.Option("--suite", metavar="S", help="A suite, such as groundedness.")],
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """The report that came with the newest result of a suite, as it was.

    Example: pinset evidence report support-summarizer@v7 --suite groundedness
    """
    with opened(Options(registry)) as found:
        text = found.evidence.report(o.reference(target), suite)
    if as_json:
        output.show_json({"suite": suite, "report": text})
    else:
        output.show_text(text)


def _signed(found: Registry, reference: str, report: str | None, said: _Said, key: Path) -> tuple[str, dict[str, str]]:
    """The release by its version, and what the key signs of each suite. Raises InvalidInput, NotFound."""
    from pinset.domain.evidence import results_of
    from pinset.domain.keys import STATEMENTS
    from pinset.domain.notes import digest_of_text
    from pinset.domain.records import ResultRecord, Stamp
    from pinset.domain.references import parse
    from pinset.errors import InvalidInput
    from pinset.signing import load_private, result_statement

    try:
        private = load_private(_read(key, "--sign KEYFILE"))
    except InvalidInput as error:
        if "passphrase" in error.message:
            hint = "evidence is signed by programs: give it a key of its own, without one, and add that with pinset keys add"
            raise InvalidInput(error.message, hint=hint) from error
        raise
    summary, registry = found.summary(str(parse(reference, default=None))), found.describe()["id"]
    nobody = Stamp(serial=0, prev=None, at=0, actor="", operation="")
    records = [
        ResultRecord(
            stamp=nobody,
            bundle=summary.get("first_name", summary["bundle"]),
            version=summary["version"],
            digest=summary["digest"],
            suite=one.name,
            score=one.score,
            threshold=one.threshold,
            passed=one.passed,
            report=digest_of_text(report) if report is not None else None,
            cases=one.cases,
            failed=one.failed,
        )
        for one in results_of(report, **said).suites
    ]
    return summary["ref"], {one.suite: private.sign(result_statement(registry, one), STATEMENTS) for one in records}


def _read(path: Path, example: str = "--report results.json") -> str:
    """The text of a file. Raises NotFound, InvalidInput, TooLarge."""
    from pinset.domain.evidence import REPORT_LIMIT, check_report
    from pinset.errors import InvalidInput, NotFound

    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(REPORT_LIMIT + 1)
        else:
            with path.open("rb") as file:
                data = file.read(REPORT_LIMIT + 1)
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", hint=f"name one: {example}") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", hint=f"name one: {example}") from error
    if len(data) > REPORT_LIMIT:
        check_report(data.decode(errors="replace"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text", hint=f"name another: {example}") from error


def _line(item: ResultAnswer) -> str:
    score = f" {item['score']}" if item["score"] is not None else ""
    needs = f" (needs {item['threshold']})" if item["threshold"] is not None else ""
    verdict = _verdict(item)
    cases = _cases(item)
    signed = f", signed by {item['signer']}" if item["signer"] else ""
    return (
        f"{item['suite']}{score}{needs}"
        + (f": {verdict}" if verdict else "")
        + (f", {cases}" if cases else "")
        + signed
    )


def _verdict(item: ResultAnswer) -> str | None:
    return None if item["passed"] is None else "passed" if item["passed"] else "FAILED"


def _cases(item: ResultAnswer) -> str | None:
    """``41 of 44`` cases that passed."""
    if item["cases"] is None:
        return None
    return f"{item['cases'] - (item['failed'] or 0)} of {item['cases']}"
