"""Runs in the environment of a client package: imports it once, and forks for each who wants to use it.

``python_worker.py SOCKET IMPORTS``: standard library only, for it runs under whatever the package runs under. Who
connects gets a process of their own, which runs the Python that each line brings, in one namespace, and answers with
one line: ``{"value": …}``, or ``{"error": "module.Class", "says": …, "trace": …}``, each with what was ``printed``.
"""

import ast
import importlib
import ipaddress
import json
import os
import socket
import sys
import tempfile
import traceback


def main(place, wanted):
    _stay_here()
    for name in wanted.split():
        importlib.import_module(name)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(place)
    listening.listen(16)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _answer(asking)
        asking.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def _stay_here():
    """Let no package reach another machine: it would make a test depend on that."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(real):
        def reach(self, address):
            if isinstance(address, tuple) and not _loopback(address[0]):
                raise OSError(f"a test reaches for {address[0]}")
            return real(self, address)

        return reach

    socket.socket.connect, socket.socket.connect_ex = checked(connect), checked(connect_ex)


def _loopback(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(asking):
    """Run what is sent until the connection closes, and end with it, whatever threads there are."""
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - it ends with the process
    for number in (1, 2):
        os.dup2(printed.fileno(), number)
    names = {"__name__": "__main__"}
    try:
        with asking.makefile("rw", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                asked = json.loads(line)
                lines.write(
                    json.dumps({**_run(asked["code"], asked["given"], names), "printed": _said(printed)}) + "\n"
                )
                lines.flush()
    finally:
        os._exit(0)


def _run(code, given, names):
    names.update(given)
    try:
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "snippet", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "snippet", "eval"), names) if last else None
        json.dumps(value)
    except BaseException as error:  # noqa: BLE001 - whatever it is, who asked is told
        kind = type(error)
        return {"error": f"{kind.__module__}.{kind.__qualname__}", "says": str(error), "trace": traceback.format_exc()}
    return {"value": value}


def _said(printed):
    sys.stdout.flush()
    sys.stderr.flush()
    end = os.lseek(printed.fileno(), 0, os.SEEK_END)
    text = os.pread(printed.fileno(), end, 0).decode("utf-8", "replace")
    os.ftruncate(printed.fileno(), 0)
    os.lseek(printed.fileno(), 0, os.SEEK_SET)
    return text


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
