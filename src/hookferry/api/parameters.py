"""What handlers are given, by name: `services`, `principal`, `given` (the body), `asked` (the query), ids."""

from typing import TypeVar

from litestar.di import NamedDependency
from litestar.params import FromPath

from hookferry.service import services
from hookferry.service.principal import Principal

T = TypeVar("T")

Services = NamedDependency[services.Services]
Who = NamedDependency[Principal]
Body = NamedDependency[T]
Query = NamedDependency[T]
Id = FromPath[str]
