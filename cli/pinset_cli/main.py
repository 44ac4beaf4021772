"""The entry: `main(argv)` runs one command and says with its number how it ended."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from pinset.errors import EXIT_BUG, EXIT_INTERRUPTED, InvalidInput, PinsetError, exit_status
from pinset_cli import collecting, locate, output, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 the answer is no, else by family of error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    output.remember(suggest.given_registry(arguments))
    locate.name_first(None)
    try:
        return _run(arguments)
    except PinsetError as error:
        return _failed(error, as_json=as_json)
    except KeyboardInterrupt:
        output.talk("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        output.let_go(sys.stdout)  # who reads our output has enough: no error, and nothing more is written
        return 0
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a sentence
        output.talk(f"error: this is a bug in pinset: {type(error).__name__}: {output.safe(error)}")
        output.talk("hint: report it, with the output of the same command under PINSET_DEBUG=1")
        if os.environ.get("PINSET_DEBUG"):
            output.talk(traceback.format_exc().rstrip("\n"))
        return EXIT_BUG


def run() -> None:
    """The console script."""
    collecting.rarely()
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character must not turn an answer into a bug.
            stream.reconfigure(errors="backslashreplace")
    status = main()
    collecting.not_at_exit()
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Raises InvalidInput for what the command line does not take."""
    import typer

    from pinset_cli import program, shells

    was = sys.stdout
    shells.mend(arguments)
    try:
        result = program.top().main(args=arguments, prog_name="pinset", standalone_mode=False)
        output.flush()
    except SystemExit as error:
        # Typer's own answer to a reader that has left; it puts a wrapper in the place of stdout.
        if sys.stdout is was:
            return int(error.code or 0)
        sys.stdout = was
        raise BrokenPipeError from error
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError) and _of_typer(error):
            raise output.unwritable(error) from error
        usage = _usage(error, arguments)
        if usage is None:
            raise
        raise usage from error
    return result if isinstance(result, int) else 0


def _usage(error: Any, arguments: Sequence[str]) -> InvalidInput | None:
    """What the command line does not take, as an error of ours; None for any other exception.

    Typer carries its own copy of Click's exceptions in some versions and uses Click's in others, and exports neither.
    """
    if isinstance(error, PinsetError) or not hasattr(error, "format_message"):
        return None
    from pinset_cli import program

    if error.format_message().startswith("Usage: "):  # a group alone: its whole help is no sentence
        return suggest.incomplete(program.top(), arguments)
    # What it is near to is said by the hint.
    text = error.format_message().partition(" Did you mean")[0].rstrip(".")
    return InvalidInput(text[:1].lower() + text[1:], hint=suggest.way_out(program.top(), arguments, text))


def _of_typer(error: BaseException) -> bool:
    """Whether Typer or Click raised it themselves: all they ever write is help."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return frames[-1][0].f_globals.get("__name__", "").partition(".")[0] in ("typer", "click")


def _open_streams() -> None:
    """Put something in the place of standard streams that are closed.

    In order, for a file that is opened later must not get their numbers. Writing to a stdout that was closed goes on
    failing; the others are not missed.
    """
    for number, name, flags in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _failed(error: PinsetError, *, as_json: bool) -> int:
    """Say it, and how it ends. What stdout holds and cannot get rid of is dropped, or Python would fail on it."""
    try:
        output.flush()
    except BrokenPipeError:
        output.let_go(sys.stdout)
    except PinsetError:
        output.let_go(sys.stdout)
    _tell(error, as_json=as_json)
    return exit_status(type(error))


def _tell(error: PinsetError, *, as_json: bool) -> None:
    if as_json:
        body = {
            "code": error.code,
            "detail": error.message,
            "hint": output.advice(error.hint),
            "details": error.details,
        }
        output.talk(output.as_json(body))
        return
    output.show_findings(error.details.get("findings", ()))
    output.show_gates(error.details.get("gates", ()))
    output.talk(output.safe(f"error: {error.message}"))
    if error.hint:
        output.advise(f"hint: {error.hint}")


if __name__ == "__main__":
    run()
