"""The operator's page: centres, jobs, versions. Nothing about evidence."""

import platform

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from portfolio import __version__
from portfolio.core.actor import Role
from portfolio.core.errors import Invalid, NotFound
from portfolio.core.jobs import JobState
from portfolio.core.settings import Settings
from portfolio.people import queries, service
from portfolio.people.forms import new_centre_form
from portfolio.people.permissions import INSTALLATION_RUN
from portfolio.people.routes.common import blank, redraw
from portfolio.people.service import NewMember
from portfolio.web.deps import Config, CurrentActor, Posted, ReadSession, Routes, WriteSession
from portfolio.web.pages import render, see_other

routes = Routes()


@routes.page("/installation", INSTALLATION_RUN)
def installation(request: Request, session: ReadSession, settings: Config, actor: CurrentActor) -> Response:
    """How the installation does."""
    return render(
        request,
        "people/installation.html",
        title="Installation",
        centres=queries.centres(session),
        jobs=queries.jobs_in_hand(session),
        states=list(JobState),
        versions=_versions(session, settings),
    )


def _versions(session: Session, settings: Settings) -> list[tuple[str, str]]:
    dialect = session.get_bind().dialect
    database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(dialect.name, dialect.name)
    number = ".".join(str(part) for part in dialect.server_version_info or ())
    return [
        ("Competency Portfolio", __version__),
        ("Python", platform.python_version()),
        ("Database", f"{database} {number}"),
        ("Files", "local folder" if settings.store == "local" else "S3-compatible store"),
        ("Mail", "by SMTP" if settings.smtp_host else "waits in the outbox"),
        ("Worker", "inside the server" if settings.inline_worker else "a process of its own"),
    ]


@routes.page("/installation/centres/new", INSTALLATION_RUN)
def new_centre(request: Request, actor: CurrentActor) -> Response:
    """The form for a new centre with its manager."""
    return render(
        request,
        "people/new_centre.html",
        title="Add a centre",
        crumbs=[("Installation", "/installation")],
        zones=queries.zone_choices(),
        **blank(zone="Europe/London"),
    )


@routes.action("/installation/centres", INSTALLATION_RUN)
def add_centre(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Make a centre and invite its manager."""
    try:
        form = new_centre_form(fields)
        centre = service.create_centre(session, actor, name=form.centre.name, zone=form.centre.zone)
    except Invalid as error:
        context = {"crumbs": [("Installation", "/installation")], "zones": queries.zone_choices()}
        return redraw(request, "people/new_centre.html", fields, error, title="Add a centre", **context)
    manager = NewMember(form.name, form.email, Role.CENTRE_MANAGER)
    person, _ = service.add_member(session, actor, centre, manager)
    service.welcome(session, actor, centre, person, Role.CENTRE_MANAGER)
    return see_other(request, "/installation", f"{centre.name} is made, and {person.name} was told.")


@routes.action("/installation/jobs/retry", INSTALLATION_RUN)
def retry_job(request: Request, session: WriteSession, actor: CurrentActor, fields: Posted) -> Response:
    """Put a dead job back into the queue."""
    job_id = fields.whole("job", "Job", minimum=1, maximum=2**31 - 1)
    if job_id is None:
        raise NotFound()
    service.retry_job(session, job_id)
    return see_other(request, "/installation", "The job is in the queue again.")
