"""A program that runs Snakemake in forks of itself, so that its modules are loaded once.

Reads a request a line, JSON with the arguments of :func:`become`, and answers each with the exit
status. Loads nothing of the suite: each fork imports the code of its own copy.
"""

import json
import os
import sys

import snakemake.cli


def next_request() -> dict:
    """The request of the fork that this returns in; the process that reads them never returns."""
    snakemake.cli.get_argument_parser()  # loads the plugins
    for line in sys.stdin.buffer:
        if not (fork := os.fork()):
            return json.loads(line)
        status = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
        os.write(1, f"{status}\n".encode())
    sys.exit()


def become(arguments: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    """Be as ``python -m snakemake`` started in a folder with an environment and an output."""
    said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, said), (2, said)):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv[1:] = arguments


become(**next_request())
snakemake.cli.main()
