"""Commands about people: who may work on a project, and how they get in."""

from typing import TYPE_CHECKING, Any

import click

from prelabel.cli.session import opened
from prelabel.datasets.wording import counted

if TYPE_CHECKING:
    from prelabel.work.people import People

_ROLES = click.Choice(["annotator", "reviewer", "owner"])
_PASSWORD = click.option("--password", is_flag=True, help="Ask for a password, instead of a link.")


class InOrder(click.Group):
    """Lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder)
def people() -> None:
    """Who may correct, review, and look after the project.

    Alone on your machine you need nobody. As soon as anybody has a password or a link, the review
    page asks everybody to log in.

    \b
    Example:
      prelabel people add ann --role annotator
      prelabel people list
    """


@people.command()
@click.argument("name")
@click.option("--role", type=_ROLES, default="annotator", show_default=True)
@_PASSWORD
@click.pass_obj
def add(obj: dict[str, Any], name: str, role: str, password: bool) -> None:
    """Add somebody, and print a link with which they log in once.

    \b
    Example:
      prelabel people add ann --role annotator
      prelabel people add olga --role owner --password
    """
    from prelabel.work.people import Role

    entered = _ask() if password else None
    with opened(obj) as project:
        added = project.people.add(name, Role(role), project.author)
        click.echo(f"Added {added.name} as {added.role}.")
        _let_in(project.people, added.name, entered, project.author)


@people.command(name="list")
@click.pass_obj
def list_(obj: dict[str, Any]) -> None:
    """Name everybody, with their roles.

    \b
    Example:
      prelabel people list
    """
    from prelabel.cli.session import console
    from prelabel.cli.tables import people_table

    with opened(obj) as project:
        everybody = project.people.all()
        if everybody:
            console().print(people_table(everybody))
        else:
            click.echo("Nobody yet: prelabel people add NAME")


@people.command()
@click.argument("name")
@click.argument("role", type=_ROLES)
@click.pass_obj
def role(obj: dict[str, Any], name: str, role: str) -> None:
    """Give somebody another role.

    \b
    Example:
      prelabel people role ann reviewer
    """
    from prelabel.work.people import Role

    with opened(obj) as project:
        person = project.people.set_role(name, Role(role), project.author)
        click.echo(f"{person.name} is {person.role} now.")


@people.command()
@click.argument("name")
@_PASSWORD
@click.pass_obj
def link(obj: dict[str, Any], name: str, password: bool) -> None:
    """Print a new link for somebody, or set their password.

    A link works once, for seven days, and replaces earlier ones. A new password ends the sessions
    that they have.

    \b
    Example:
      prelabel people link ann
      prelabel people link ann --password
    """
    entered = _ask() if password else None
    with opened(obj) as project:
        _let_in(project.people, project.people.get(name).name, entered, project.author)


@people.command()
@click.argument("name")
@click.pass_obj
def disable(obj: dict[str, Any], name: str) -> None:
    """Shut somebody out at once; what they did stays.

    \b
    Example:
      prelabel people disable ann
    """
    with opened(obj) as project:
        click.echo(f"{project.people.disable(name, project.author).name} cannot log in any more.")


@people.command()
@click.argument("name")
@click.pass_obj
def enable(obj: dict[str, Any], name: str) -> None:
    """Let somebody in again who was disabled.

    \b
    Example:
      prelabel people enable ann
    """
    with opened(obj) as project:
        click.echo(f"{project.people.enable(name, project.author).name} can log in again.")


def _ask() -> str:
    entered: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return entered


def _let_in(people: "People", name: str, password: str | None, author: str) -> None:
    """Set a password or print a link, and say what that means for everybody else."""
    from prelabel.work.people import LINK_VALID, Role

    if password is not None:
        people.set_password(name, password, author)
        click.echo(f"{name} can log in with this password.")
    else:
        token = people.one_time_link(name, author)
        click.echo(
            f"{name} logs in once, within {counted(LINK_VALID.days, 'day')}, with this behind the "
            f"address of the review page:\n/link/{token}"
        )
    if not people.any_with_login(Role.OWNER):
        click.echo(
            "From now on everybody logs in, and no owner can yet: "
            "prelabel people add NAME --role owner"
        )
