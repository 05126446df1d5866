"""Accepting without people in a project: plan, labels, audit, withdrawal."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from accept_projects import CHECKS, PICTURES, BirdWorld, check, in_recordings
from click.testing import CliRunner
from report_pages import Page

from prelabel.accept_plan import TooFewChecksError
from prelabel.active.acceptance import Promises
from prelabel.auditing import look_at_audits, standing_told
from prelabel.checking import CHECKS_TAKEN, project_checks
from prelabel.cli.main import FAILED, cli
from prelabel.datasets.annotations import AnnotationSet, OriginKind
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset
from prelabel.project import Project, open_project
from prelabel.store.acceptances import (
    EndKind,
    Part,
    accepted_by_rule,
    all_acceptances,
    awaiting_audit,
    frames_of,
    half_done,
    sure_counts,
)
from prelabel.store.errors import UnknownEntryError
from prelabel.store.records import EventKind
from prelabel.strata import By, strata_of
from prelabel.training import (
    Trained,
    TrainingSet,
    half_done_examples,
    project_training_set,
    training_set,
    without_parts,
)

EASY = Promises(precision=0.9, missed=0.1, confidence=0.9)


@dataclass(frozen=True)
class Accepted:
    """A pool of which a rule has accepted a part as `number`, and the frames by part."""

    world: BirdWorld
    project: Project
    number: int
    rule: str

    @property
    def parts(self) -> dict[Part, list[str]]:
        return by_part(self.project, self.number)


@pytest.fixture(scope="module")
def accepted_pool(
    checked_pool: BirdWorld, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BirdWorld, int, str]:
    """Accepted from the checked pool, to be copied; with the number and the rule in words."""
    world = checked_pool.copied(tmp_path_factory.mktemp("accepted") / "birds")
    with open_project(world.folder, author="ann") as project:
        plan = project.plan_accept(EASY)
        return world, project.accept(plan).number, plan.rule_told()


@pytest.fixture
def accepted(accepted_pool: tuple[BirdWorld, int, str], tmp_path: Path) -> Iterator[Accepted]:
    world, number, rule = accepted_pool
    copied = world.copied(tmp_path / "birds")
    with open_project(copied.folder, author="ann") as project:
        yield Accepted(copied, project, number, rule)


@pytest.fixture
def checked(checked_pool: BirdWorld, tmp_path: Path) -> Iterator[Project]:
    """A project in which enough frames were drawn at random and labelled."""
    world = checked_pool.copied(tmp_path / "birds")
    with open_project(world.folder, author="ann") as project:
        yield project


def by_part(project: Project, number: int = 1) -> dict[Part, list[str]]:
    return {
        part: [one.frame_id for one in frames_of(project.store, number, [part])] for part in Part
    }


def test_too_few_checks_are_refused_with_the_number(bird_pool: BirdWorld, tmp_path: Path) -> None:
    world = bird_pool.copied(tmp_path / "birds")
    with open_project(world.folder, author="ann") as project:
        plan = project.plan_accept()
        assert plan.refusal is not None
        assert "0 frames drawn at random" in plan.refusal
        assert "at least 149" in plan.refusal
        assert "--budget 199" in plan.refusal
        check(project, world, 70)
        plan = project.plan_accept()
        assert plan.refusal is not None
        assert "leave 20 to test with" in plan.refusal
        assert "shows no more than" in plan.refusal
        with pytest.raises(TooFewChecksError, match="149"):
            project.accept(plan)
        assert not all_acceptances(project.store)


def test_what_is_accepted_is_told_before_and_done_as_told(checked: Project) -> None:
    plan = checked.plan_accept(EASY)
    assert plan.refusal is None
    volume = plan.volume
    assert volume.frames == PICTURES - CHECKS
    assert volume.sure_boxes >= 2 * volume.whole > 0
    assert volume.left_s + volume.audit_s < volume.corrected_s
    assert not all_acceptances(checked.store)  # looking changes nothing

    done = checked.accept(plan)
    parts = by_part(checked)
    assert len(parts[Part.WHOLE]) + len(parts[Part.AUDIT_WHOLE]) == volume.whole
    assert len(parts[Part.HALF]) + len(parts[Part.AUDIT_HALF]) == volume.half
    assert len(parts[Part.AUDIT_WHOLE]) + len(parts[Part.AUDIT_HALF]) == volume.audited
    assert accepted_by_rule(checked.store) == dict.fromkeys(parts[Part.WHOLE], done.number)
    for frame_id in parts[Part.WHOLE]:
        version = checked.store.labels(frame_id)
        assert version is not None
        assert {one.kind for one in version.annotations.origin} == {OriginKind.AUTO}
        (rule,) = {one.rule for one in version.annotations.origin}
        assert rule == plan.rule_told()
        assert {one.model_id for one in version.annotations.origin} == {plan.model.model_id}
    kinds = [event.kind for event in checked.store.events()]
    assert kinds.count(EventKind.LABELS_ACCEPTED) == 1


def test_accepted_labels_never_calibrate(accepted: Accepted) -> None:
    project = accepted.project
    model = project.store.latest_model()
    assert model is not None
    drawn = project_checks(project.workspace, project.store, model, 0.5, as_drawn=True)
    assert len(drawn) == CHECKS
    assert not accepted_by_rule(project.store).keys() & set(drawn.frame_ids)
    # Checks like the frames that are accepted no longer speak for those that are left.
    left = project_checks(project.workspace, project.store, model, 0.5)
    (acceptance,) = all_acceptances(project.store)
    taken = set(acceptance.settings[CHECKS_TAKEN])
    assert taken
    assert set(left.frame_ids) == set(drawn.frame_ids) - taken
    examples = training_set(project.store, 0.3)
    by_rule = accepted_by_rule(project.store)
    assert by_rule
    assert not by_rule.keys() & {one.frame.frame_id for one in examples.validation}
    assert by_rule.keys() <= {one.frame.frame_id for one in examples.train}


def test_the_audit_is_blind_and_kept_from_other_batches(accepted: Accepted) -> None:
    project = accepted.project
    waiting = awaiting_audit(project.store)
    newest = project.store.latest_batch()
    assert newest is not None
    number, batch = newest
    assert batch.strategy == "audit"
    assert {pick.frame_id for pick in batch.picks} == set(waiting)
    assert all(project.store.shown(number, frame_id) is None for frame_id in waiting)
    chosen = project.select(30, "random")
    assert not {frame.frame_id for frame in chosen.frames} & set(waiting)
    project.store.exclude(waiting[:1], "ann", "black")
    project.audit()  # another batch has come in between: the audit is put in line again
    newest = project.store.latest_batch()
    assert newest is not None
    assert newest[1].strategy == "audit"
    assert {pick.frame_id for pick in newest[1].picks} == set(waiting[1:])


def test_an_audit_that_is_well_changes_nothing(accepted: Accepted) -> None:
    accepted.world.label(accepted.project, awaiting_audit(accepted.project.store))
    (status,) = accepted.project.audit()
    assert status.checked == status.drawn > 0
    assert not status.broken
    assert not status.withdrawn
    assert status.precision.failed == 0
    assert status.precision.checked > 0


def test_a_broken_promise_stops_and_withdraws(accepted: Accepted) -> None:
    project = accepted.project
    by_rule = accepted_by_rule(project.store)
    for frame_id in awaiting_audit(project.store):  # the camera has changed: nothing is there
        project.store.write_labels(frame_id, AnnotationSet.empty(), "ann")
    (status,) = project.audit()
    assert "precision broken" in status.broken[0]
    assert set(status.withdrawn or ()) == by_rule.keys()
    assert not accepted_by_rule(project.store)
    assert not project.store.labelled_among(list(by_rule))
    (kept,) = all_acceptances(project.store)
    assert kept.end_kind is EndKind.BROKEN
    plan = project.plan_accept(EASY)
    assert plan.refusal is not None
    assert "is accepted any more" in plan.refusal
    (again,) = project.audit()
    assert not again.withdrawn


def test_withdrawing_keeps_the_work_of_people_and_all_history(accepted: Accepted) -> None:
    project, world = accepted.project, accepted.world
    corrected, *others = accepted.parts[Part.WHOLE]
    world.label(project, [corrected])
    back = project.withdraw(accepted.number, "night frames came in")
    assert set(back) == set(others)
    assert project.withdraw(accepted.number, "again") == []
    assert project.store.labels(others[0]) is None
    (old,) = project.store.label_history(others[0])
    assert project.store.replay(others[0]) == [old]
    kept = project.store.labels(corrected)
    assert kept is not None
    assert kept.number == 2

    world.label(project, others[:1])
    again = project.store.labels(others[0])
    assert again is not None
    assert again.number == 2  # after the one that was withdrawn
    second = project.accept(project.plan_accept(EASY))
    whole = {o.frame_id: o.version for o in frames_of(project.store, second.number, [Part.WHOLE])}
    again_whole = [one for one in others if one in whole]
    assert again_whole
    assert {whole[one] for one in again_whole} == {2}
    with pytest.raises(UnknownEntryError, match="acceptance 9"):
        project.withdraw(9, "no such thing")


def test_frames_half_done_keep_their_sure_boxes(accepted: Accepted) -> None:
    project = accepted.project
    halves = accepted.parts[Part.HALF]
    assert halves
    sure = half_done(project.store, halves)
    assert sure.keys() == set(halves)
    assert all(len(one) >= 1 for one in sure.values())
    assert sure_counts(project.store) == {one: len(boxes) for one, boxes in sure.items()}
    assert not project.store.labelled_among(halves)
    # They train nothing before people are through, unless one asks for it: then only these boxes.
    kept = project_training_set(project.workspace, project.store)
    assert not {one.frame.frame_id for one in kept.train} & set(halves)
    examples = half_done_examples(project.store, without_checks=True)
    assert {one.frame.frame_id for one in examples} == set(halves)
    assert not any(one.is_complete for one in examples)
    assert all(one.annotations == sure[one.frame.frame_id] for one in examples)
    # Detectors that cannot learn from parts do without these frames.
    both = TrainingSet((*kept.train, *examples), kept.validation)
    assert without_parts(both) == kept
    model = project.store.latest_model()
    assert model is not None
    assert Trained(model, 0).left_out_told() is None
    told = Trained(model, 0, 3).left_out_told()
    assert told is not None
    assert told.startswith("3 frames half done left out")
    project.withdraw(1, "a test")
    assert not half_done_examples(project.store, without_checks=True)
    assert not sure_counts(project.store)


def test_each_class_has_a_promise_and_an_audit(checked: Project) -> None:
    plan = checked.plan_accept(EASY, by_class=True)
    assert plan.refusal is None
    assert plan.volume.whole  # no egret is ever proposed: that class holds nothing up
    assert "limits by class: heron >= " in plan.rule_told()
    checked.accept(plan)
    for frame_id in awaiting_audit(checked.store):
        checked.store.write_labels(frame_id, AnnotationSet.empty(), "ann")
    (status,) = checked.audit()
    assert status.by_class.keys() == {"heron"}
    assert status.by_class["heron"].failed == status.by_class["heron"].checked > 0
    assert any("precision of heron broken" in one for one in status.broken)
    assert status.withdrawn


def test_parts_of_a_pool_are_accepted_audited_and_stopped_on_their_own(checked: Project) -> None:
    in_recordings(checked)
    strata = strata_of(checked.store, By.RECORDING)
    assert [one.name for one in strata] == ["recording day", "recording night"]
    assert sum(len(one.frame_ids) for one in strata) == PICTURES
    plans = checked.plan_accept_by(By.RECORDING, EASY)
    assert [one.refusal for one in plans] == [None, None]
    assert [one.promises.confidence for one in plans] == pytest.approx([0.95, 0.95])  # both: 0.9
    assert sum(len(one.checks.test) for one in plans) == CHECKS - 50
    day, night = checked.accept_each(plans)
    for done, plan, stratum in zip((day, night), plans, strata, strict=True):
        ids = {one.frame_id for one in frames_of(checked.store, done.number, list(Part))}
        assert len(ids) == plan.volume.whole + plan.volume.half > 20
        assert ids <= stratum.frame_ids
        assert set(done.settings[CHECKS_TAKEN]) <= stratum.frame_ids
        assert done.settings["rule"].startswith(f"{stratum.name}: ")
    newest = checked.store.latest_batch()  # one batch audits both
    assert newest is not None
    waiting = awaiting_audit(checked.store)
    assert {pick.frame_id for pick in newest[1].picks} == set(waiting)

    for frame_id in sorted(strata[1].frame_ids.intersection(waiting)):
        checked.store.write_labels(frame_id, AnnotationSet.empty(), "ann")
    well, broken = checked.audit()
    assert not well.broken
    assert broken.withdrawn is not None
    assert "acceptance 2 (recording night): withdrawn" in standing_told(broken)
    in_force = accepted_by_rule(checked.store).keys() | sure_counts(checked.store).keys()
    assert in_force
    assert in_force <= strata[0].frame_ids
    ends = [one.end_kind for one in all_acceptances(checked.store)]
    assert ends == [None, EndKind.BROKEN]
    refused = {one.scope: one.refusal for one in checked.plan_accept_by(By.RECORDING, EASY)}
    assert "is accepted any more" in (refused["recording night"] or "")
    assert "is accepted any more" not in (refused.get("recording day") or "")
    # The whole pool holds that part, and other parts may.
    assert "is accepted any more" in (checked.plan_accept(EASY).refusal or "")
    (kind,) = checked.plan_accept_by(By.KIND, EASY)
    assert "is accepted any more" in (kind.refusal or "")


def test_parts_are_recordings_folders_kinds_and_sizes(bird_pool: BirdWorld) -> None:
    with open_project(bird_pool.folder) as project:
        names = {by: [one.value for one in strata_of(project.store, by)] for by in By}
        photos = Path(next(project.store.frames()).uri).parent.as_posix()
    assert names == {
        By.RECORDING: ["none"],
        By.FOLDER: [photos],
        By.KIND: ["image"],
        By.SIZE: ["64 x 48"],
    }


def test_the_report_tells_what_was_accepted_by_which_rule(accepted: Accepted) -> None:
    project = accepted.project
    page = Page(project.report())
    assert "Accepted by rule" in page.text
    assert accepted.rule in page.text
    assert f"acceptance {accepted.number}: 0 of" in page.text
    assert "Raw scores: D-ECE" in page.text
    assert "Calibrated: D-ECE" in page.text
    project.withdraw(accepted.number, "a test")
    assert project.plan_accept(EASY).refusal is None  # the checks speak for the frames again


def test_exports_tell_the_rule(accepted: Accepted, bird_pool: BirdWorld, tmp_path: Path) -> None:
    accepted.project.export("coco", tmp_path / "out")
    photos = bird_pool.folder.parent / "photos"
    opened = open_dataset(tmp_path / "out", report=ImportReport(), images=photos)
    rules = [
        origin.rule
        for one in opened.frames
        if one.annotations is not None
        for origin in one.annotations.origin
        if origin.kind is OriginKind.AUTO
    ]
    assert rules
    assert set(rules) == {accepted.rule}


EASY_OPTIONS = ("--quality", "90/10", "--confidence", "0.9")


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    shown = CliRunner().invoke(cli, ["-p", str(folder), *arguments])
    return shown.exit_code, shown.output


def test_commands_say_what_is_missing(bird_pool: BirdWorld) -> None:
    code, told = run(bird_pool.folder, "accept", "--yes")
    assert code == FAILED
    assert "at least 149" in told
    code, told = run(bird_pool.folder, "accept", "--quality", "98")
    assert (code, "write 98/5" in told) == (2, True)
    code, told = run(bird_pool.folder, "accept", "--quality", "98/5", "--missed", "0.1")
    assert (code, "not both" in told) == (2, True)


def test_the_commands(checked: Project) -> None:
    folder = checked.workspace.folder
    code, told = run(folder, "audit")
    assert (code, "Nothing has been accepted" in told) == (0, True)
    code, told = run(folder, "accept", *EASY_OPTIONS)
    assert (code, "prelabel accept --yes" in told) == (0, True)
    code, told = run(folder, "accept", *EASY_OPTIONS, "--by", "size")
    assert (code, "size 64 x 48: 160 checks" in told) == (0, True)
    code, told = run(folder, "accept", *EASY_OPTIONS, "--by-class", "--yes")
    assert (code, "Acceptance 1 is done" in told) == (0, True)
    assert "Rule: limits by class: heron >= " in told
    rules = {
        one.rule
        for frame in checked.store.labelled_frames()
        for one in (frame.annotations.origin if frame.annotations else ())
        if one.kind is OriginKind.AUTO
    }
    assert len(rules) == 1
    assert "limits by class: heron >= " in str(rules)
    assert len(look_at_audits(checked.store)) == 1
    code, told = run(folder, "withdraw", "1", "--reason", "a test")
    assert (code, "without labels again" in told) == (0, True)
    code, told = run(folder, "audit")
    assert (code, "withdrawn (a test)" in told) == (0, True)
    code, told = run(folder, "finish", *EASY_OPTIONS, "--batch", "30", "--budget", "500")
    assert (code, "By people: 160 frames" in told) == (0, True)
    assert "People's time" in told
    code, told = run(folder, "status")
    assert (code, "As `prelabel finish` left it on" in told) == (0, True)
    assert "To the end of the pool" in Page(checked.report()).text
