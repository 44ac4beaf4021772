"""Fuzzing guided by coverage, with atheris: `make torture` runs it where atheris is installed (pip install atheris).

    python tests/property/guided_fuzz.py [SECONDS [OPTION…]]

It is not among the development packages: it has wheels for few platforms. It feeds the readers of text, which
`test_fuzz.py` holds to more, and ends with a trace and the input at the first exception that is none of ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.stdout.write("skipped: atheris is not installed (pip install atheris)\n")
    sys.exit(0)

with atheris.instrument_imports(include=["pinset.domain", "yaml", "jinja2"]):
    sys.path.insert(0, str(Path(__file__).parent))
    import test_fuzz as held

    from pinset.domain.assembly import assemble_release
    from pinset.domain.references import parse, parse_component
    from pinset.domain.text import templates
    from pinset.errors import InvalidInput

SECONDS = sys.argv[1] if len(sys.argv) > 1 else "120"


def one(data: bytes) -> None:
    """One input: its first byte says which reader it is for."""
    provider = atheris.FuzzedDataProvider(data)
    which = provider.ConsumeIntInRange(0, 7)
    text = provider.ConsumeUnicodeNoSurrogates(4096)
    if which == 0:
        held.hold(assemble_release({"release.yaml": text, **held.FILES}, held.AROUND))
    elif which == 1:
        held.hold(assemble_release({"release.json": text, **held.FILES}, held.AROUND))
    elif which == 2:
        held.hold_message(text)
    elif which == 3:
        for read in (parse, parse_component):
            try:
                read(text)
            except InvalidInput as error:
                held.told(error)
    else:
        style = templates.FORMATS[which - 4]
        templates.parse(style, text)
        try:
            wanted = templates.undeclared(style, text, lambda _name: None)
            templates.render(style, text, dict.fromkeys(wanted, "x"))
        except InvalidInput as error:
            held.told(error)


atheris.Setup([sys.argv[0], f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=20", *sys.argv[2:]], one)
atheris.Fuzz()
