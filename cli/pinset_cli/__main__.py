"""``python -m pinset_cli`` is ``pinset``."""

from pinset_cli.main import run

if __name__ == "__main__":
    run()
