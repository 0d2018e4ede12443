"""Ratings in suJSON, the exchange format of subjective data sets (VQEG's JEG-Hybrid group)."""

from __future__ import annotations

from typing import Any

from jndlab.subjective.ratings import Ratings, Stimulus

VERSION = "1.1"
SOURCE = "hidden reference"


def as_sujson(ratings: Ratings, name: str, times: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A test of single grades as suJSON: sources, codings, stimuli, subjects, trials, scores.

    ``times`` are those of the ratings by subject and stimulus. Hidden repeats, checks and training
    are left out; stimuli that a subject was not shown have no trial.
    """
    stimuli = ratings.stimuli
    sources = _numbered(stimulus.sequence for stimulus in stimuli)
    codings = _numbered(_coding(stimulus) for stimulus in stimuli)
    trials: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for row, stimulus in enumerate(stimuli):
        for column, subject in enumerate(ratings.subjects):
            score = ratings.scores[row, column]
            if score == score:
                number = len(trials) + 1
                trials.append(
                    {
                        "id": number,
                        "subject_id": column + 1,
                        "task_id": 1,
                        "pvs_id": row + 1,
                        "score_id": number,
                    }
                )
                scores.append(
                    {
                        "id": number,
                        "question_id": 1,
                        "pvs_id": row + 1,
                        "timestamp": times.get((subject, stimulus.name), ""),
                        "score": float(score),
                    }
                )
    low, high = ratings.scale
    return {
        "dataset_name": name,
        "sujson_version": VERSION,
        "characteristics": {"grades": [low, high]},
        "tasks": [{"id": 1, "name": "rating"}],
        "scales": [{"id": 1, "name": f"{low:g} to {high:g}"}],
        "questions": [{"id": 1, "question": "quality", "scale_id": 1}],
        "src": [{"id": number, "name": source} for source, number in sources.items()],
        "hrc": [{"id": number, "name": coding} for coding, number in codings.items()],
        "pvs": [
            {
                "id": row + 1,
                "src_id": sources[stimulus.sequence],
                "hrc_id": codings[_coding(stimulus)],
                "file_name": stimulus.file,
            }
            for row, stimulus in enumerate(stimuli)
        ],
        "subjects": [
            {"id": number + 1, "name": subject} for number, subject in enumerate(ratings.subjects)
        ],
        "trials": trials,
        "scores": scores,
    }


def _coding(stimulus: Stimulus) -> str:
    if stimulus.is_reference:
        return SOURCE
    parts = (stimulus.codec, stimulus.configuration, stimulus.method, f"QP {stimulus.qp}")
    return ", ".join(parts)


def _numbered(names: Any) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
