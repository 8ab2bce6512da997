"""What the API shows of a job."""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta

from hookferry import model
from hookferry.api.answers import Answer, Time, iso_or_none
from hookferry.model import JobStatus, Replayed
from hookferry.times import iso


class Job(Answer, frozen=True):
    """A replay: events that are sent to an endpoint again, over time."""

    id: Annotated[str | None, Meta(description="null for a dry run.")]
    endpoint: str
    status: Annotated[
        Literal["planned", "running", "done", "cancelled", "failed"],
        Meta(description="`done`: each of its deliveries has been tried. `failed`: `reason` says why."),
    ]
    total: Annotated[int, Meta(description="How many deliveries there were to make when it began.")]
    done: Annotated[int, Meta(description="How many it has made.")]
    skipped: Annotated[int, Meta(description="How many not, because the payload is no longer kept.")]
    cancelled: Annotated[int, Meta(description="How many of its deliveries were cancelled with it.")]
    progress: Annotated[float, Meta(ge=0, le=1, description="How far it has come, from 0 to 1.")]
    rate: Annotated[float, Meta(description="Deliveries a second.")]
    replayed: Annotated[Replayed, Meta(description="Which events: the `status` asked for.")]
    since: Time
    until: Time
    event_types: Annotated[list[str], Meta(description="Only events of these types; empty means all.")]
    reason: Annotated[str | None, Meta(description="`endpoint_deleted` or `endpoint_disabled`.")]
    created_at: Time
    ended_at: Time | None

    @classmethod
    def of(cls, job: model.Job) -> Self:
        return cls(
            id=job.id,
            endpoint=job.endpoint,
            status=job.status.value,
            total=job.total,
            done=job.done,
            skipped=job.skipped,
            cancelled=job.cancelled,
            progress=_progress(job),
            rate=job.rate,
            replayed=job.which,
            since=iso(job.since),
            until=iso(job.until),
            event_types=list(job.event_types),
            reason=job.reason,
            created_at=iso(job.created_at),
            ended_at=iso_or_none(job.ended_at),
        )

    @classmethod
    def planned(cls, job: model.Job) -> Self:
        """One that is not stored."""
        return msgspec.structs.replace(cls.of(job), id=None, status="planned")


def _progress(job: model.Job) -> float:
    """Some of the total may have been delivered meanwhile by other means: then the job ends before it."""
    if job.status is JobStatus.DONE:
        return 1.0
    return round(min(1.0, (job.done + job.skipped) / job.total), 4) if job.total else 0.0
