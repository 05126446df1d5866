"""A person's whole work over HTTP: frames, edits, handing in, judging, and what comes of it."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from review_app import (
    CLASSES,
    SHOWN_SCORE,
    Served,
    a_submission,
    an_edit,
    an_event,
    next_tasks,
    now_ms,
    opened_copy,
    served,
)

from prelabel.datasets.annotations import OriginKind
from prelabel.work.people import Role


@pytest.fixture
def alone(birds: Path, tmp_path: Path) -> Iterator[Served]:
    """One person on their own machine."""
    with opened_copy(birds, tmp_path / "birds") as project, served(project) as server:
        yield server


@pytest.fixture
def team(birds: Path, tmp_path: Path) -> Iterator[Served]:
    """A project whose owner asks for reviews."""
    with (
        opened_copy(birds, tmp_path / "birds", review="reviewer: true") as project,
        served(project) as server,
    ):
        yield server


def test_alone_no_login_is_asked_and_the_cookie_is_strict(alone: Served) -> None:
    client = alone.client()
    me = client.get("/api/me")
    assert me.json()["role"] == "owner"
    assert me.json()["person"] == "ann"
    assert me.json()["login_needed"] is False
    cookie = me.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert client.get("/api/me").json()["csrf"] == me.json()["csrf"]


def test_the_project_is_told(alone: Served) -> None:
    told = alone.local().get("/api/project").json()
    assert [one["name"] for one in told["classes"]] == list(CLASSES)
    assert len({one["color"] for one in told["classes"]}) == len(CLASSES)
    assert told["round"] == 1
    assert told["rotated"] is False
    assert told["counts"]["queued"] == 6


def test_a_frame_comes_with_its_proposals_and_the_reason(alone: Served) -> None:
    (task,) = next_tasks(alone.local())
    assert task["reason"]
    assert (task["position"], task["of"]) == (0, 6)
    assert task["shown_score"] == SHOWN_SCORE
    sure, doubtful, weak = (box["proposal"] for box in task["boxes"])
    assert sure["score"] > doubtful["score"] > SHOWN_SCORE > weak["score"]
    assert sure["uncertainty"] < doubtful["uncertainty"]
    assert {box["status"] for box in task["boxes"]} == {"proposed"}


def test_corrections_become_labels_of_the_person_with_active_seconds(alone: Served) -> None:
    client = alone.local()
    (task,) = next_tasks(client)
    number, (sure, doubtful, _) = task["task"], task["boxes"]
    moved = {**doubtful, "xyxy": [30.0, 10.0, 55.0, 44.0], "class_id": 1}
    begin = now_ms() - 20_000
    client.post(f"/api/tasks/{number}/open").raise_for_status()
    kept = client.post(
        f"/api/tasks/{number}/edits",
        json={
            "edits": [an_edit([sure]), an_edit([moved], action="move")],
            "activity": [an_event("open", begin), an_event("input", begin + 8000)],
        },
    )
    assert kept.json()["kept"] == 2
    done = client.post(
        f"/api/tasks/{number}/submit",
        json={
            "request_id": str(uuid.uuid4()),
            "shown_score": task["shown_score"],
            "activity": [an_event("close", begin + 12_000)],
        },
    ).json()
    assert done["state"] == "accepted"
    assert done["seconds"] == pytest.approx(12, abs=0.5)

    version = alone.services.store.labels(task["frame_id"])
    assert version is not None
    assert (version.author, version.round_number) == ("ann", 1)
    assert version.seconds == pytest.approx(12, abs=0.5)
    by_id = dict(zip(version.annotations.box_id, version.annotations.origin, strict=True))
    assert by_id[sure["id"]].kind is OriginKind.PROPOSED
    assert by_id[doubtful["id"]].kind is OriginKind.CHANGED
    assert by_id[doubtful["id"]].original_class_id == 0
    record = client.get("/api/record").json()
    assert (record["frames"], record["accepted"]) == (1, 1)


def test_heights_are_kept_with_the_boxes_and_come_back(alone: Served) -> None:
    client = alone.local()
    (task,) = next_tasks(client)
    assert task["boxes"][0]["height_m"] is None
    edit = an_edit(task["boxes"][:1])
    (sure,) = edit["boxes"]
    edit = {**edit, "boxes": [{**sure, "height_m": [-1.7, 0.25]}]}
    kept = client.post(f"/api/tasks/{task['task']}/edits", json={"edits": [edit], "activity": []})
    assert kept.json()["kept"] == 1
    again = client.get(f"/api/tasks/{task['task']}").json()
    assert [box["height_m"] for box in again["boxes"]] == [[-1.7, 0.25], None, None]
    for wrong in ([0.5], [1, 1], [0, 1e9], "high"):
        edit = {**an_edit([]), "boxes": [{**sure, "height_m": wrong}]}
        body = {"edits": [edit], "activity": []}
        refused = client.post(f"/api/tasks/{task['task']}/edits", json=body)
        assert refused.status_code == 422
        assert "height" in refused.json()["error"]


def test_an_undecided_proposal_is_refused_and_nothing_is_lost(alone: Served) -> None:
    client = alone.local()
    (task,) = next_tasks(client)
    body = {**a_submission(task), "edits": [an_edit(task["boxes"][:1])]}
    refused = client.post(f"/api/tasks/{task['task']}/submit", json=body)
    assert refused.status_code == 409
    assert "must be accepted or rejected" in refused.json()["error"]
    again = client.get(f"/api/tasks/{task['task']}").json()
    assert [box["status"] for box in again["boxes"]] == ["accepted", "proposed", "proposed"]


def test_sending_everything_twice_changes_nothing(alone: Served) -> None:
    client = alone.local()
    (task,) = next_tasks(client)
    number, body = task["task"], a_submission(task)
    edits = {"edits": body["edits"], "activity": [an_event("open")]}
    kept = [client.post(f"/api/tasks/{number}/edits", json=edits).json()["kept"] for _ in range(2)]
    assert kept == [1, 0]
    answers = [client.post(f"/api/tasks/{number}/submit", json=body).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(alone.services.store.label_history(task["frame_id"])) == 1
    assert client.get("/api/record").json()["frames"] == 1


def test_two_people_never_get_the_same_frame(team: Served) -> None:
    ada, bob = team.logged_in("ada"), team.logged_in("bob")
    hers, his = next_tasks(ada, 3), next_tasks(bob, 3)
    assert len({one["task"] for one in (*hers, *his)}) == 6


def test_frames_that_the_page_holds_are_not_given_again(alone: Served) -> None:
    client = alone.local()
    first = next_tasks(client, 2)
    held = [one["task"] for one in first]
    assert next_tasks(client, 2, held)[0]["task"] not in held


def test_edits_after_the_frame_went_to_somebody_else_are_kept_and_told(
    birds: Path, tmp_path: Path
) -> None:
    now = [datetime.now(UTC)]
    with (
        opened_copy(birds, tmp_path / "birds", chosen=1) as project,
        served(project, clock=lambda: now[0]) as server,
    ):
        ada, bob = server.logged_in("ada"), server.logged_in("bob")
        (task,) = next_tasks(ada)
        assert next_tasks(bob) == []
        now[0] += timedelta(minutes=21)
        (taken,) = next_tasks(bob)
        assert taken["task"] == task["task"]
        late = ada.post(
            f"/api/tasks/{task['task']}/edits", json={"edits": [an_edit(task["boxes"])]}
        )
        assert late.status_code == 409
        assert late.json()["taken_by_other"] is True
        assert "ada" in server.logged_in("owen", Role.OWNER).get("/api/edits.csv").text
        submitted = ada.post(f"/api/tasks/{task['task']}/submit", json=a_submission(task))
        assert submitted.status_code == 409
        bob.post(f"/api/tasks/{task['task']}/submit", json=a_submission(task)).raise_for_status()


def test_a_skipped_frame_goes_to_others_and_is_set_aside_with_the_reasons(team: Served) -> None:
    ada, bob, owen = (
        team.logged_in("ada"),
        team.logged_in("bob"),
        team.logged_in("owen", Role.OWNER),
    )
    (task,) = next_tasks(ada)
    skip = f"/api/tasks/{task['task']}/skip"
    assert ada.post(skip, json={"reason": "  "}).status_code == 422
    ada.post(skip, json={"reason": "all blurred"}).raise_for_status()
    assert task["task"] not in [one["task"] for one in next_tasks(ada, 3)]
    given = next_tasks(bob, 6)
    assert task["task"] in [one["task"] for one in given]
    bob.post(skip, json={"reason": "heron or crane?"}).raise_for_status()
    (aside,) = owen.get("/api/progress").json()["set_aside"]
    assert [one["reason"] for one in aside["skips"]] == ["all blurred", "heron or crane?"]
    owen.post(f"/api/tasks/{task['task']}/requeue").raise_for_status()
    assert owen.get("/api/progress").json()["set_aside"] == []


def test_sent_back_comes_first_with_the_reason_and_is_accepted_then(team: Served) -> None:
    ada, rita = team.logged_in("ada"), team.logged_in("rita", Role.REVIEWER)
    (task,) = next_tasks(ada)
    number = task["task"]
    ada.post(f"/api/tasks/{number}/submit", json=a_submission(task)).raise_for_status()
    (waiting,) = rita.get("/api/reviewing").json()["tasks"]
    assert (waiting["task"], waiting["person"]) == (number, "ada")
    assert rita.get(task["picture"]).status_code == 200
    back = rita.post(f"/api/reviewing/{number}/send-back", json={"reason": "one is missing"})
    assert back.json() == {"state": "sent_back"}
    again = next_tasks(ada)[0]
    assert (again["task"], again["sent_back_reason"]) == (number, "one is missing")
    assert {box["status"] for box in again["boxes"]} == {"accepted"}
    (entry,) = ada.get("/api/record").json()["sent_back"]
    assert (entry["reason"], entry["reviewer"], entry["name"]) == (
        "one is missing",
        "rita",
        task["name"],
    )
    ada.post(f"/api/tasks/{number}/submit", json=a_submission(again)).raise_for_status()
    looked = rita.get(f"/api/reviewing/{number}").json()
    accepted = rita.post(
        f"/api/reviewing/{number}/accept", json={"submission": looked["submission"]}
    )
    assert accepted.json() == {"state": "accepted"}
    version = team.services.store.labels(task["frame_id"])
    assert version is not None
    assert version.author == "ada"


def test_what_a_reviewer_changes_is_what_is_accepted(team: Served) -> None:
    ada, rita = team.logged_in("ada"), team.logged_in("rita", Role.REVIEWER)
    (task,) = next_tasks(ada)
    number = task["task"]
    ada.post(f"/api/tasks/{number}/submit", json=a_submission(task)).raise_for_status()
    looked = rita.get(f"/api/reviewing/{number}").json()
    rejected = an_edit(looked["boxes"][1:], "rejected", "reject")
    rita.post(f"/api/tasks/{number}/edits", json={"edits": [rejected]}).raise_for_status()
    looked = rita.get(f"/api/reviewing/{number}").json()
    assert [box["status"] for box in looked["boxes"]] == ["accepted", "rejected", "rejected"]
    rita.post(f"/api/reviewing/{number}/accept", json={}).raise_for_status()
    version = team.services.store.labels(task["frame_id"])
    assert version is not None
    assert len(version.annotations) == 1


def test_a_submission_that_was_not_looked_at_is_not_accepted(team: Served) -> None:
    ada, rita = team.logged_in("ada"), team.logged_in("rita", Role.REVIEWER)
    (task,) = next_tasks(ada)
    ada.post(f"/api/tasks/{task['task']}/submit", json=a_submission(task)).raise_for_status()
    other = rita.post(f"/api/reviewing/{task['task']}/accept", json={"submission": 99})
    assert other.status_code == 409


def test_a_batch_chosen_while_the_server_runs_is_picked_up(birds: Path, tmp_path: Path) -> None:
    with opened_copy(birds, tmp_path / "birds", chosen=2) as project, served(project) as server:
        client = server.local()
        for task in next_tasks(client, 2):
            client.post(f"/api/tasks/{task['task']}/submit", json=a_submission(task))
        done = client.post("/api/queue/next", json={}).json()
        assert (done["tasks"], done["left"], done["done"]) == ([], 0, 2)
        project.select(3, "margin_max")
        (task,) = next_tasks(client)
        assert (task["round"], task["of"]) == (2, 3)
        assert client.get("/api/project").json()["round"] == 2


def test_a_project_without_a_batch_is_served_and_says_so(birds: Path, tmp_path: Path) -> None:
    with opened_copy(birds, tmp_path / "birds", chosen=0) as project, served(project) as server:
        client = server.local()
        assert client.get("/api/project").json()["round"] is None
        assert next_tasks(client) == []


def test_a_computer_whose_clock_is_a_year_ahead_loses_no_edit(alone: Served) -> None:
    client = alone.local()
    (task,) = next_tasks(client)
    ahead = now_ms() + 365 * 24 * 3600 * 1000
    kept = client.post(
        f"/api/tasks/{task['task']}/edits",
        json={"edits": [an_edit(task["boxes"])], "activity": [an_event("open", ahead)]},
    )
    assert kept.status_code == 200
    assert kept.json()["kept"] == 1
    assert "future" in kept.json()["warning"]


def test_guidelines_are_versioned_and_what_changed_is_told(team: Served) -> None:
    owen, ada = team.logged_in("owen", Role.OWNER), team.logged_in("ada")
    assert ada.get("/api/guidelines").json()["version"] == 0
    first = owen.put("/api/guidelines", json={"text": "# Birds\n\n## heron\n\nGrey."}).json()
    assert first["version"] == 1
    assert "heron" in first["sections"]
    owen.put("/api/guidelines", json={"text": "# Birds\n\n## heron\n\nGrey or purple."})
    assert ada.get("/api/project").json()["guideline_version"] == 2
    changes = ada.get("/api/guidelines/changes", params={"since": 1}).json()
    assert (changes["from"], changes["to"]) == (1, 2)
    assert "<ins>" in changes["html"]
    assert ada.get("/api/guidelines", params={"version": 1}).json()["text"].endswith("Grey.")


def test_everything_can_be_taken_away_as_csv(alone: Served) -> None:
    client = alone.local()
    (task,) = next_tasks(client)
    body = a_submission(task) | {"activity": [an_event("open"), an_event("close")]}
    client.post(f"/api/tasks/{task['task']}/submit", json=body).raise_for_status()
    for name, lines in (("activity", 3), ("corrections", 4), ("edits", 2), ("statistics", 2)):
        answer = client.get(f"/api/{name}.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert f'filename="{name}.csv"' in answer.headers["content-disposition"]
        assert len(answer.text.splitlines()) == lines, name
    (row,) = client.get("/api/statistics").json()["rows"]
    assert (row["class_name"], row["right"]) == ("heron", 3)
