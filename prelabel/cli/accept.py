"""Commands that label without people: accept, audit, withdraw, finish."""

import re
import time
from typing import Any

import click

from prelabel.cli.session import opened
from prelabel.datasets.wording import counted, time_told

_QUALITY = re.compile(r"(\d+(?:\.\d+)?) ?%? ?/ ?(\d+(?:\.\d+)?) ?%?")
_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


def _promises(command: Any) -> Any:
    """The options that say what is promised."""
    for name, told in (
        ("confidence", "Of each promise on its own."),
        ("missed", "Share of objects that frames accepted whole may miss."),
        ("precision", "Share of accepted boxes that must be right."),
    ):
        default = "[default: as in prelabel.yaml]"
        command = click.option(f"--{name}", type=_SHARE, help=f"{told} {default}")(command)
    quality = "Both in per cent: 98/5 is short for --precision 0.98 --missed 0.05."
    return click.option("--quality", callback=_read_quality, help=quality)(command)


def _parts(command: Any) -> Any:
    """The options that say of what it is promised."""
    by = click.option(
        "--by",
        type=click.Choice(("recording", "folder", "kind", "size")),
        help="Promise both for each recording, folder, kind or size of pictures on its own.",
    )
    by_class = "Promise the precision of each class on its own."
    return click.option("--by-class", is_flag=True, help=by_class)(by(command))


def _read_quality(
    ctx: click.Context, parameter: click.Parameter, text: str | None
) -> dict[str, float]:
    """Precision and missed objects as shares; nothing where nothing is given."""
    if text is None:
        return {}
    found = _QUALITY.fullmatch(text)
    shares = [float(one) / 100 for one in found.groups()] if found else []
    if not shares or not all(0 < one < 1 for one in shares):
        raise click.BadParameter(f"{text!r} is no quality: write 98/5, the right and the missed")
    return {"precision": round(shares[0], 9), "missed": round(shares[1], 9)}


def _wanted(project: Any, quality: dict[str, float], **given: float | None) -> Any:
    from dataclasses import replace

    from prelabel.accept_plan import promises_of

    named = {name: value for name, value in given.items() if value is not None}
    if quality.keys() & named.keys():
        raise click.UsageError("give --quality, or --precision and --missed, not both")
    return replace(promises_of(project.workspace), **quality, **named)


@click.command()
@_promises
@_parts
@click.option("--yes", is_flag=True, help="Accept; without it the plan is shown and nothing done.")
@click.pass_obj
def accept(
    obj: dict[str, Any], /, by_class: bool, by: str | None, yes: bool, **promises: Any
) -> None:
    """Accept proposals without people, under promises that checks have shown to hold.

    Checks are frames that were drawn at random and labelled by people. The plan comes first: what
    is accepted, what stays for people, and what more checks would buy. What is accepted is audited:
    a random slice of it becomes a batch that people label blind.

    \b
    Example:
      prelabel accept --precision 0.98 --missed 0.05 --confidence 0.95
      prelabel accept --by recording --yes
    """
    from prelabel.strata import By

    with opened(obj) as project:
        wanted = _wanted(project, **promises)
        if by is None:
            plans = [project.plan_accept(wanted, by_class)]
        else:
            plans = project.plan_accept_by(By(by), wanted, by_class)
        for plan in plans:
            for line in plan_lines(plan):
                click.echo(line)
        if not yes and any(plan.refusal is None for plan in plans):
            click.echo("Nothing is done yet: prelabel accept --yes")
            return
        for done in project.accept_each(plans):
            click.echo(
                f"Acceptance {done.number} is done; take it back with "
                f"`prelabel withdraw {done.number} --reason TEXT`."
            )
        click.echo("Next: prelabel review")


def plan_lines(plan: Any) -> list[str]:
    """What a plan says, line by line."""
    volume, checks = plan.volume, plan.checks
    scope = f"{plan.scope}: " if plan.scope else ""
    lines = [
        f"{scope}{counted(len(checks), 'check')} of model {plan.model.model_id}: "
        f"{len(checks.fit)} to fit probabilities, {len(checks.test)} to test."
    ]
    if plan.refusal is None:
        left_s = volume.left_s + volume.audit_s
        lines += [
            f"Rule: {plan.rule_told()}.",
            f"Accepted: {volume.sure_boxes:,} of {counted(volume.boxes, 'box')}; of "
            f"{counted(volume.frames, 'frame')} {volume.whole:,} whole and {volume.half:,} half.",
            f"People: {time_told(volume.left_s)} for what is left, {time_told(volume.audit_s)} to "
            f"audit {counted(volume.audited, 'frame')}; {time_told(left_s)} instead of "
            f"{time_told(volume.corrected_s)} for correcting all proposals.",
        ]
    elif plan.scope:
        lines.append(f"{plan.refusal}.")
    return [*lines, *(f"More checks: {one}." for one in plan.advice)]


@click.command()
@click.pass_obj
def audit(obj: dict[str, Any]) -> None:
    """Test what was accepted on frames that people labelled blind.

    Where a promise is broken the labels of that acceptance are withdrawn, and nothing of its model
    is accepted any more.

    \b
    Example:
      prelabel audit
    """
    from prelabel.auditing import standing_told

    with opened(obj) as project:
        statuses = project.audit()
        for one in statuses:
            click.echo(f"{standing_told(one)}.")
            if one.withdrawn:
                click.echo(f"Back in line: {', '.join(one.withdrawn[:10])} …")
        if not statuses:
            click.echo("Nothing has been accepted by a rule yet: prelabel accept")


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why, for the history.")
@click.pass_obj
def withdraw(obj: dict[str, Any], number: int, reason: str) -> None:
    """Take back all labels of one acceptance that people have not changed since.

    \b
    Example:
      prelabel withdraw 2 --reason "night frames came in"
    """
    with opened(obj) as project:
        frames = project.withdraw(number, reason)
        click.echo(
            f"Acceptance {number}: {counted(len(frames), 'frame')} without labels again; their "
            "history is kept."
        )


@click.command()
@_promises
@click.option(
    "--budget", help="Of people's work in all: 500 (frames), '3000 boxes', '20 h'. [default: none]"
)
@click.option("--batch", help="Of each batch: 200 (frames), '500 boxes', '45 min'. [default: 100]")
@_parts
@click.option("--wait", is_flag=True, help="Go on by itself whenever people are through.")
@click.pass_obj
def finish(obj: dict[str, Any], /, wait: bool, **asked: Any) -> None:
    """Bring the whole pool to labels: do all that needs no people, then say what people do.

    It trains, proposes, accepts what the checks allow and chooses the next batch. Give it again
    when people are through with the batch, until nothing is left or the budget is spent; with
    --wait it looks by itself. The budget counts all batches that the project ever had.

    \b
    Example:
      prelabel finish --quality 98/5 --budget "20 h"
      prelabel finish --precision 0.98 --missed 0.05 --batch 200 --wait
    """
    with opened(obj) as project:
        finisher, aim = project.finisher(), _aim(project, **asked)
        steps = finisher.until_done(aim, time.sleep) if wait else [finisher.finish(aim)]
        for step in steps:
            for line in step_lines(step):
                click.echo(line)


def _aim(
    project: Any,
    budget: str | None,
    batch: str | None,
    by: str | None,
    by_class: bool,
    **promises: Any,
) -> Any:
    from prelabel.active.budgets import Budget
    from prelabel.finishing import DEFAULT_BATCH, Aim
    from prelabel.strata import By

    return Aim(
        _wanted(project, **promises),
        None if budget is None else Budget.parse(budget),
        DEFAULT_BATCH if batch is None else Budget.parse(batch),
        by_class,
        None if by is None else By(by),
    )


def step_lines(step: Any) -> list[str]:
    """What a step of finishing says: what was done, how far the pool is, and what comes next."""
    from prelabel.finishing import Turn

    after = {
        Turn.PEOPLE: "Next: prelabel review, then prelabel finish",
        Turn.NOBODY: "Every frame has labels. Next: prelabel export",
        Turn.OVER: "The budget is spent: allow more with --budget, or accept under a weaker "
        "promise. Next: prelabel accept",
        Turn.STUCK: "What is left can be neither chosen nor accepted: look at it with "
        "`prelabel curate`, and repair or exclude it.",
    }
    told = [*step.done, *step.standing.sentences()]
    return [*(f"{one}." for one in told), after[step.turn]]
