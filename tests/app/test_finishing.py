"""Labelling a whole pool to the end: whose turn it is, what it costs, and when it stops."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from accept_projects import CHECKS, PICTURES, BirdWorld, in_recordings

from prelabel.active.acceptance import Promises
from prelabel.active.budgets import Budget, Unit
from prelabel.datasets.batches import Batch, Pick
from prelabel.finishing import POLL_S, Aim, Step, Turn
from prelabel.project import Project, open_project
from prelabel.standing import Amount
from prelabel.store.acceptances import all_acceptances, awaiting_audit
from prelabel.strata import By, strata_of
from prelabel.training import project_training_set
from prelabel.work.effort import people_effort

EASY = Promises(precision=0.9, missed=0.1, confidence=0.9)
AIM = Aim(EASY, batch=Budget(150))


@pytest.fixture
def world(bird_pool: BirdWorld, tmp_path: Path) -> BirdWorld:
    return bird_pool.copied(tmp_path / "birds")


@pytest.fixture
def project(world: BirdWorld) -> Iterator[Project]:
    with open_project(world.folder, author="ann") as opened:
        yield opened


def to_do(project: Project) -> list[str]:
    """What people still have to label of the newest batch, in its order."""
    newest = project.store.latest_batch()
    ids = [pick.frame_id for pick in newest[1].picks] if newest else []
    labelled = project.store.labelled_among(ids)
    return [one for one in ids if one not in labelled]


def worked(project: Project, world: BirdWorld) -> Callable[[float], None]:
    """Waiting, during which people label the batch as it truly is."""

    def pause(seconds: float) -> None:
        assert seconds == POLL_S
        assert project.finish(AIM).done == ()  # it is the people's turn
        world.label(project, to_do(project))

    return pause


def test_it_goes_on_until_nothing_is_left(project: Project, world: BirdWorld) -> None:
    steps = list(project.finisher().until_done(AIM, worked(project, world)))
    assert [one.turn for one in steps] == [Turn.PEOPLE] * (len(steps) - 1) + [Turn.NOBODY]
    assert len(steps) < 9
    last = steps[-1].standing
    assert last.left == Amount(0, 0)
    assert last.left_s == 0
    assert last.by_rule.frames > 20
    assert last.by_people.frames + last.by_rule.frames == PICTURES
    assert last.by_people.boxes + last.by_rule.boxes == project.store.counts().boxes
    assert "at least 90.0% right" in last.promises[0]
    wrong = 0
    for one in project.store.labelled_frames():
        truth = world.truth[Path(one.frame.uri).name]
        assert one.annotations is not None
        wrong += len(one.annotations) != len(truth)
    assert wrong <= 0.2 * PICTURES
    # Each round stays on record, and a call without news adds none.
    rounds = project.finished_rounds()
    assert [one.turn for one in rounds] == [one.turn for one in steps]
    assert [one.standing for one in rounds] == [one.standing for one in steps]
    assert rounds[-1].done == steps[-1].done
    assert project.finish(AIM).turn is Turn.NOBODY
    assert len(project.finished_rounds()) == len(rounds)
    left = [one.standing.left.frames for one in rounds]
    assert left == sorted(left, reverse=True)
    spent = [one.standing.spent_s for one in rounds]
    assert spent == sorted(spent)


def test_time_is_told_as_recorded_and_as_foretold(project: Project, world: BirdWorld) -> None:
    first = project.finish(replace(AIM, batch=Budget(10)))
    assert first.standing.waiting == 10
    assert first.standing.spent_s == 0
    assert first.standing.left_s > 0
    assert first.standing.by_people == first.standing.by_rule == Amount(0, 0)
    timed, *others = to_do(project)
    truth = world.truth[Path(project.store.frame(timed).uri).name]
    project.store.write_labels(timed, truth, "ann", seconds=12.5, round_number=1)
    world.label(project, others)
    second = project.finish(replace(AIM, batch=Budget(10))).standing
    batch = project.store.batch(1)
    assert batch is not None
    foretold = sum(pick.cost_s for pick in batch.picks if pick.frame_id != timed)
    assert second.untimed_frames == 9
    assert second.untimed_s == pytest.approx(foretold)
    assert second.spent_s == pytest.approx(12.5 + foretold)
    assert second.left_s < first.standing.left_s
    told = " ".join(second.sentences())
    assert "By people: 10 frames" in told
    assert "as nobody took the time of 9 frames" in told
    assert "No promise is in force" in told


@pytest.mark.parametrize(
    ("budget", "batch"),
    [
        (Budget(25), Budget(10)),
        (Budget(60, Unit.BOXES), Budget(10)),
        (Budget(150.0, Unit.SECONDS), Budget(10)),
        (Budget(25), Budget(60.0, Unit.SECONDS)),
    ],
)
def test_it_stops_when_the_budget_is_spent(
    project: Project, world: BirdWorld, budget: Budget, batch: Budget
) -> None:
    aim = Aim(EASY, budget, batch)
    turns, step = 0, project.finish(aim)
    while step.turn is Turn.PEOPLE:
        turns += 1
        world.label(project, to_do(project))
        step = project.finish(aim)
    assert turns > 1
    assert step.turn is Turn.OVER
    standing = step.standing
    used = {
        Unit.FRAMES: standing.by_people.frames,
        Unit.BOXES: standing.by_people.boxes,
        Unit.SECONDS: standing.spent_s,
    }[budget.unit]
    # Boxes of a frame are only foretold before it is labelled.
    assert used <= budget.amount + (8 if budget.unit is Unit.BOXES else 0)
    assert used > 0.8 * budget.amount
    assert standing.waiting == 0
    assert standing.left.frames == PICTURES - standing.by_people.frames
    more = replace(aim, budget=Budget(2 * budget.amount, budget.unit))
    assert project.finish(more).turn is Turn.PEOPLE


def test_nothing_is_accepted_that_the_budget_cannot_audit(
    project: Project, world: BirdWorld
) -> None:
    tight = Aim(EASY, Budget(155), Budget(150))
    project.finish(tight)
    world.label(project, to_do(project))
    step = project.finish(tight)
    assert not all_acceptances(project.store)  # the audit takes 20 frames, and 5 are left
    assert step.turn is Turn.PEOPLE
    assert len(to_do(project)) == 5
    world.label(project, to_do(project))
    roomy = replace(tight, budget=Budget(175))
    assert any("acceptance 1" in one for one in project.finish(roomy).done)
    assert sorted(to_do(project)) == sorted(awaiting_audit(project.store))


def finished(project: Project, world: BirdWorld) -> Step:
    """One batch, labelled but for its first frame, and the step after it."""
    project.finish(AIM)
    world.label(project, to_do(project)[1:])
    return project.finish(AIM)


def test_frames_taken_out_of_the_work_keep_nobody_waiting(
    project: Project, world: BirdWorld
) -> None:
    assert finished(project, world).done == ()  # one frame is still with people
    (out,) = to_do(project)
    project.store.exclude([out], "ann", "black")
    step = project.finish(AIM)
    assert step.done
    standing = step.standing
    counted = standing.by_people.frames + standing.by_rule.frames + standing.left.frames
    assert counted == PICTURES - 1


def test_parts_of_the_pool_are_accepted_on_their_own(
    checked_pool: BirdWorld, tmp_path: Path
) -> None:
    world = checked_pool.copied(tmp_path / "birds")
    with open_project(world.folder, author="ann") as project:
        in_recordings(project)
        # Parts have few checks: under stricter promises what is accepted costs more than it spares.
        promises = Promises(precision=0.8, missed=0.3, confidence=0.8)
        aim = Aim(promises, batch=Budget(150), by=By.RECORDING)
        night = [one.value for one in strata_of(project.store, By.RECORDING)].index("night")
        audit = project.plan_accept_by(By.RECORDING, promises)[night].volume.audited
        # What is left of the budget pays for one of the two audits.
        step = project.finish(replace(aim, budget=Budget(CHECKS + audit)))
        assert len(step.done) == 1
        assert step.done[0].startswith("acceptance 1 (recording ")
        assert "Promise in force for recording " in " ".join(step.standing.promises)
        (only,) = all_acceptances(project.store)
        assert only.settings["confidence"] == pytest.approx(0.9)
        assert step.turn is Turn.PEOPLE
        assert sorted(to_do(project)) == sorted(awaiting_audit(project.store))


def test_checks_train_no_model_that_they_are_to_check(
    checked_pool: BirdWorld, tmp_path: Path
) -> None:
    world = checked_pool.copied(tmp_path / "birds")
    with open_project(world.folder, author="ann") as project:
        others = [one.frame_id for one in project.store.frames(labelled=False)][:20]
        world.label(project, others)
        assert not project.workspace.settings.acceptance.keep_checks_out
        workspace = project.finisher().workspace
        found = project_training_set(workspace, project.store)
        learned = [one.frame.frame_id for one in (*found.train, *found.validation)]
        assert sorted(learned) == sorted(others)


def test_time_that_nobody_took_is_no_more_than_drawing_everything(
    project: Project, world: BirdWorld
) -> None:
    dear = Batch("random", 0, tuple(Pick(one, None, "r", 900.0) for one in first_ids(project, 2)))
    project.store.record_batch(project.store.start_round("ann").number, dear, "ann")
    world.label(project, first_ids(project, 2))
    cost = project.workspace.settings.cost.model()
    effort = people_effort(project.store, 30, cost)
    versions = [project.store.labels(one) for one in first_ids(project, 2)]
    boxes = [len(one.annotations) for one in versions if one is not None]
    assert effort.untimed_s == pytest.approx(sum(map(cost.scratch_seconds, boxes)))
    assert (effort.frames, effort.boxes, effort.untimed_frames) == (2, sum(boxes), 2)


def first_ids(project: Project, count: int) -> list[str]:
    return [one.frame_id for one in project.store.frames()][:count]
