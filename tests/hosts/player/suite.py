"""Plays all dialogues in parallel and reports the outcomes."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import data, documents, programs
from .programs import Outcome

#: Devices at the same time; they wait most of the time.
JOBS = 6
#: Failed dialogues are played once more, fewer at a time: a busy machine may have been late.
JOBS_AGAIN = 2


@dataclass
class Run:
    """A dialogue that was played."""

    name: str
    outcomes: list = field(default_factory=list)

    def failures(self):
        """The steps that failed, in words."""
        return [f"step {each.step}: {each.why}" for each in self.outcomes if each.result == "failed"]

    def count(self, result):
        """How many steps of the dialogue itself had this result."""
        return sum(each.counted and each.result == result for each in self.outcomes)


def _once(name, player, dialogue, unbuilt, program):
    try:
        return Run(name, player.play(dialogue, unbuilt, program))
    except Exception as error:  # noqa: BLE001 - one dialogue shall not hide the others
        return Run(name, [Outcome("start", "failed", why=f"{type(error).__name__}: {error}")])


def play_all(program, wanted=()):
    """Plays the named dialogues, or all; returns a `Run` for each."""
    program = os.path.abspath(program)
    unbuilt = data.unbuilt()
    work = [(each["name"], programs, each) for each in data.programs()]
    work += [(each["source"], documents, each) for each in data.documents()]
    work = [each for each in work if not wanted or each[0] in wanted]

    def some(dialogues, jobs):
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(lambda each: _once(*each, unbuilt, program), dialogues))

    runs = some(work, JOBS)
    late = [at for at, run in enumerate(runs) if run.failures()]
    for at, run in zip(late, some([work[at] for at in late], JOBS_AGAIN)):
        runs[at] = run
    return runs


def hidden(runs):
    """Mistakes in the list of unbuilt features: features that no step needs, and features with which all steps
    succeed."""
    listed = data.unbuilt()
    dialogues = data.programs() + data.documents()
    needed = {step["needs"] for dialogue in dialogues for step in dialogue["steps"] if "needs" in step}
    played = [outcome for run in runs for outcome in run.outcomes if outcome.needs]
    missed = {outcome.needs for outcome in played if outcome.result != "ok"}
    shown = {outcome.needs for outcome in played} - missed
    unknown = [f"no step needs {name!r}, which unbuilt.json names" for name in listed if name not in needed]
    return unknown + [f"{name!r} is built: strike it from unbuilt.json" for name in listed if name in shown]


def report(runs):
    """A table for people."""
    lines = [f"{'dialogue':64}{'steps':>6}{'ok':>5}{'unbuilt':>8}{'failed':>7}"]
    for run in runs:
        ok, missing, failed = run.count("ok"), run.count("unbuilt"), len(run.failures())
        lines.append(f"{run.name[:63]:64}{ok + missing + run.count('failed'):6}{ok:5}{missing:8}{failed:7}")
        lines += [f"    {failure}" for failure in run.failures()]
    needs = sorted({each.needs for run in runs for each in run.outcomes if each.result == "unbuilt"})
    lines.append(f"not built: {', '.join(needs) or 'nothing'}")
    return "\n".join(lines)
