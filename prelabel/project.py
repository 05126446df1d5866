"""A project in Python: the commands of the command line as methods."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from prelabel.creating import begin_project, kept_detector
from prelabel.datasets.formats.base import ExportedDataset, ImportRules, check_class_names
from prelabel.datasets.progress import Progress, Silent
from prelabel.exporting import Content, export
from prelabel.importing import Imported, ImportSource, import_dataset
from prelabel.proposing import Proposed, propose
from prelabel.reporting import report
from prelabel.status import ProjectStatus, project_status
from prelabel.store.store import Store, open_store, utc_now
from prelabel.training import Trained, train
from prelabel.workspace import (
    Workspace,
    find_workspace,
    finish_creation,
    open_workspace,
)

if TYPE_CHECKING:
    from prelabel.accept_plan import AcceptancePlan
    from prelabel.active.acceptance import Promises
    from prelabel.active.budgets import Budget
    from prelabel.advising import ProjectAdvice
    from prelabel.auditing import AuditStatus
    from prelabel.datasets.batches import Batch
    from prelabel.finishing import Aim, Finisher, Step
    from prelabel.selecting import Selected
    from prelabel.standing import FinishedRound
    from prelabel.store.acceptances import Acceptance
    from prelabel.strata import By
    from prelabel.work.guidelines import Guidelines
    from prelabel.work.people import People
    from prelabel.work.timesheet import TimeSheet
    from prelabel.work.webhooks import Webhooks

DEFAULT_DETECTOR = "torchvision:micro"
DEFAULT_AUTHOR = "unknown"


class Project:
    """An open project; close it, or use it in a `with` block.

    `author` is who is named in the history for what is done through this object.
    """

    def __init__(self, workspace: Workspace, store: Store, author: str, progress: Progress) -> None:
        self.workspace = workspace
        self.store = store
        self.author = author
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.store.close()

    @property
    def people(self) -> "People":
        """Who may work on the project."""
        from prelabel.work.people import People  # argon2: needed only here

        return People(self.store.database, utc_now)

    @property
    def guidelines(self) -> "Guidelines":
        """What people label by, version by version."""
        from prelabel.work.guidelines import Guidelines  # markdown-it: needed only here

        return Guidelines(self.store.database, utc_now)

    @property
    def time_sheet(self) -> "TimeSheet":
        """Who worked when, and what became of it."""
        from prelabel.work.timesheet import TimeSheet

        return TimeSheet(self.store.database, utc_now, self.workspace.settings.review.idle_s)

    @property
    def webhooks(self) -> "Webhooks":
        """Addresses that are told when work is done."""
        from prelabel.work.webhooks import Webhooks

        return Webhooks(self.store.database, utc_now)

    def classes(self) -> tuple[str, ...]:
        """The names of the classes; their positions are the class ids, which never change."""
        return self.store.classes()

    def add_classes(self, names: Sequence[str]) -> tuple[str, ...]:
        """Append classes that are not there yet; all names.

        Models trained before go on proposing the classes they know until the next training.
        """
        return self.store.add_classes(check_class_names(names, "classes"), self.author)

    def import_dataset(self, source: ImportSource) -> Imported:
        """Bring in frames, labels, or corrections of a batch."""
        return import_dataset(self.workspace, self.store, source, self.author, self._progress)

    def train(self) -> Trained:
        """Train the project's detector on the labels so far."""
        return train(self.workspace, self.store, self.author, self._progress)

    def propose(self) -> Proposed:
        """Propose boxes on every unlabelled frame."""
        return propose(self.workspace, self.store, self.author, self._progress)

    def select(self, budget: "int | Budget", strategy: str | None = None) -> "Selected":
        """Choose the next batch; a whole number is a budget of frames.

        Without a `strategy` it is that of the settings, and before there is a model `typical`.
        """
        from prelabel.active.budgets import Budget
        from prelabel.selecting import select  # scikit-learn: slow to load, needed only here

        wanted = Budget(budget) if isinstance(budget, int) else budget
        return select(self.workspace, self.store, wanted, strategy, self.author, self._progress)

    def preview(self, budget: "Budget", strategy: str | None = None) -> "Batch":
        """The batch that `select` would choose; nothing is recorded."""
        from prelabel.selecting import preview  # scikit-learn: slow to load, needed only here

        return preview(self.workspace, self.store, budget, strategy, self._progress)

    def plan_accept(
        self, promises: "Promises | None" = None, by_class: bool = False
    ) -> "AcceptancePlan":
        """What may be accepted without people under these promises; nothing is changed."""
        from prelabel.accept_plan import plan_accept, promises_of

        wanted = promises or promises_of(self.workspace)
        return plan_accept(self.workspace, self.store, wanted, by_class)

    def plan_accept_by(
        self, by: "By", promises: "Promises | None" = None, by_class: bool = False
    ) -> "list[AcceptancePlan]":
        """The same for each recording, folder, kind or size of pictures on its own."""
        from prelabel.accept_plan import plan_by_stratum, promises_of

        wanted = promises or promises_of(self.workspace)
        return plan_by_stratum(self.workspace, self.store, wanted, by, by_class)

    def accept_each(self, plans: "Sequence[AcceptancePlan]") -> "list[Acceptance]":
        """Accept what plans made together say, each for its part of the pool."""
        from prelabel.accepting import accept_each

        return accept_each(self.workspace, self.store, plans, self.author)

    def accept(self, plan: "AcceptancePlan") -> "Acceptance":
        """Accept what a plan says, and draw the frames that check it."""
        from prelabel.accepting import accept

        return accept(self.workspace, self.store, plan, self.author)

    def withdraw(self, number: int, reason: str) -> list[str]:
        """Take back the labels of an acceptance; the ids of the frames that have none now."""
        from prelabel.accepting import withdraw

        return withdraw(self.store, number, reason, self.author)

    def audit(self) -> "list[AuditStatus]":
        """What people found on audited frames; acceptances that broke a promise are withdrawn."""
        from prelabel.auditing import act_on_audits

        return act_on_audits(self.workspace, self.store, self.author)

    def finish(self, aim: "Aim | None" = None) -> "Step":
        """Do all that needs no people until something does, or nothing is left.

        Without an `aim` it is the whole pool, under the promises of the settings.
        """
        from prelabel.accept_plan import promises_of
        from prelabel.finishing import Aim

        return self.finisher().finish(aim or Aim(promises_of(self.workspace)))

    def finisher(self) -> "Finisher":
        """What brings the whole pool to labels, step by step."""
        from prelabel.finishing import Finisher

        return Finisher.of(self.workspace, self.store, self.author, self._progress)

    def finished_rounds(self) -> "list[FinishedRound]":
        """What `finish` did so far, and how far the pool was each time."""
        from prelabel.standing import finished_rounds

        return finished_rounds(self.store)

    def export(
        self, format: str, folder: Path | None = None, content: Content = Content.LABELS
    ) -> ExportedDataset:
        """Write the labels, or the newest batch with its proposals, in a format."""
        return export(self.workspace, self.store, format, folder, content, self._progress)

    def report(self, folder: Path | None = None) -> Path:
        """Write report.html about the project; where it lies."""
        return report(self.workspace, self.store, folder, self._progress)

    def advice(self) -> "ProjectAdvice | None":
        """Whether another round is worth it; None as long as no model was trained."""
        from prelabel.advising import project_advice  # evaluation: slow to load

        return project_advice(self.workspace, self.store)

    def status(self) -> ProjectStatus:
        """Where the project stands, and what to do next."""
        return project_status(self.workspace, self.store)


def init_project(
    folder: Path,
    *,
    source: Path,
    format: str | None = None,
    images: Path | None = None,
    classes: Sequence[str] | None = None,
    detector: str = DEFAULT_DETECTOR,
    store: str | None = None,
    rules: ImportRules | None = None,
    author: str = DEFAULT_AUTHOR,
    progress: Progress | None = None,
) -> tuple[Project, Imported]:
    """A new project with the frames and labels of `source`, a dataset or a folder of pictures.

    `classes` are needed where the source names none. Paths in `detector`, such as that of
    "onnx:spec.yaml", are meant from the current folder. Killed before it is done, it is called
    again with the same arguments and goes on; other ones are taken as long as no frame came in.
    """
    named = kept_detector(detector, folder, Path.cwd())
    workspace = begin_project(folder, named, store, classes)
    project = _opened(workspace, author, progress)
    given = None if classes is None else tuple(classes)
    what = ImportSource(source, format, images, given, rules or ImportRules())
    try:
        imported = project.import_dataset(what)
    except BaseException:
        project.store.close()
        raise
    finish_creation(workspace)
    return project, imported


def open_project(
    folder: Path | None = None,
    *,
    author: str = DEFAULT_AUTHOR,
    progress: Progress | None = None,
) -> Project:
    """The project in `folder`; None: the one that the current folder lies in or holds."""
    workspace = find_workspace(Path.cwd()) if folder is None else open_workspace(folder)
    return _opened(workspace, author, progress)


def _opened(workspace: Workspace, author: str, progress: Progress | None) -> Project:
    store = open_store(workspace.store_url, workspace.folder)
    return Project(workspace, store, author, progress or Silent())
