"""Serves a rating session on a lab's own machine and keeps the votes as they come.

Every subject has a link with a secret token; nothing is readable without one. A vote is on disk
before its browser goes on: a killed server, a reload or a vote sent twice loses and doubles none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from jndlab.errors import UserError
from jndlab.files import opens_as_formula, read_utf8
from jndlab.subjective.answers import folded
from jndlab.subjective.votes import Subject, Votes, checked_vote

MOST_SUBJECTS = 10_000
LARGEST_BODY = 16 * 1024  # bytes of a vote
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address is the secret
    "X-Content-Type-Options": "nosniff",
}


def read_session(folder: str | Path) -> dict[str, Any]:
    """What the page of a session has in ``session.js``. Raises UserError where there is none."""
    path = Path(folder) / "session.js"
    try:
        text = read_utf8(path).split("const SESSION = ", 1)[1].rstrip().removesuffix(";")
        session: dict[str, Any] = json.loads(text)
        if not (isinstance(session["id"], str) and isinstance(session["procedure"], str)):
            raise TypeError("id and procedure are no text")
        stimuli_of(session)
    except (OSError, IndexError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            "there is no rating session to serve.",
            where=str(folder),
            expected="the folder that `snakemake subjective_session` makes",
            remedy="run it with this configuration first.",
        ) from error
    return session


def stimuli_of(session: Mapping[str, Any]) -> set[str]:
    """Names of all stimuli that a vote can be of."""
    trials = [*session["trials"], *session["training"]]
    rungs = [rung["stimulus"] for trial in trials for rung in trial.get("ladder", [])]
    return {trial["stimulus"] for trial in trials} | set(rungs)


def rating_app(folder: str | Path, votes: Votes) -> Starlette:
    """The application: ``/s/<token>/`` is a subject's page, ``votes`` below it his answers."""
    root = Path(folder).resolve()
    stimuli = stimuli_of(read_session(root))
    by_token = {subject.token: subject for subject in votes.subjects()}

    def subject_of(request: Request) -> Subject:
        subject = by_token.get(request.path_params["token"])
        if subject is None:
            raise HTTPException(404)
        return subject

    async def page(request: Request) -> Response:
        subject_of(request)
        try:
            path = (root / (request.path_params["path"] or "index.html")).resolve()
            known = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError):  # no name of a file
            known = False
        if not known:
            raise HTTPException(404)
        return FileResponse(path, headers=HEADERS, content_disposition_type="inline")

    async def state(request: Request) -> Response:
        subject = subject_of(request)
        given = await run_in_threadpool(votes.of_subject, subject)
        found = {"subject": subject.name, "index": subject.index, "votes": given}
        return JSONResponse(found, headers=HEADERS)

    async def vote(request: Request) -> Response:
        subject = subject_of(request)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                return PlainTextResponse("a vote is too large", 413)
        try:
            given = checked_vote(json.loads(body), stimuli) | {"subject": subject.name}
            stored = await run_in_threadpool(votes.store, subject, given)
        except (ValueError, RecursionError, UserError) as error:
            what = error.what if isinstance(error, UserError) else "a vote is no JSON."
            return PlainTextResponse(what, 400)
        return JSONResponse({"stored": stored}, headers=HEADERS)

    return Starlette(
        routes=[
            Route("/s/{token}/votes", state, methods=["GET"]),
            Route("/s/{token}/votes", vote, methods=["POST"]),
            Route("/s/{token}/{path:path}", page, methods=["GET", "HEAD"]),
        ]
    )


def subject_names(text: str) -> list[str]:
    """Names of a list, one a line; or p01, p02 ... for a number.

    Raises UserError for a name that is there twice, that is longer than 100 characters or opens as
    a formula in spreadsheets, and for more than 10,000 subjects.
    """
    if re.fullmatch(r"[0-9]{1,5}", text.strip()):
        count = int(text)
        names = [f"p{number:0{max(2, len(str(count)))}d}" for number in range(1, count + 1)]
    else:
        names = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [name for name, count in Counter(names).items() if count > 1]
    wrong += [
        name
        for name in names
        if opens_as_formula(name) or len(name) > 100 or not name.isprintable() or name[0] in "+-"
    ]
    spelled = Counter(folded(name) for name in names)
    wrong += [name for name in names if spelled[folded(name)] > 1]
    if not 0 < len(names) <= MOST_SUBJECTS or wrong:
        raise UserError(
            f"'{wrong[0][:40]}' is no name of a subject, or its spelling is another's."
            if wrong
            else "there are no subjects.",
            where="the subjects",
            expected=f"a number from 1 to {MOST_SUBJECTS}, or a file with a name a line, each once",
        )
    return names
