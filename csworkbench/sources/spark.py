"""The same typed tables read by another engine: Spark, for books that outgrow one machine."""

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from csworkbench.errors import EnvironmentProblem, Problem
from csworkbench.sources import archive
from csworkbench.sources.book import Book
from csworkbench.workspace import Engine

if TYPE_CHECKING:
    from ibis.backends import BaseBackend

HERE = "127.0.0.1"
SETTINGS = {
    "spark.app.name": "csworkbench",
    "spark.sql.session.timeZone": "UTC",  # days are counted as DuckDB counts them
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
# A cluster knows its own; on one machine nothing listens to the network, and a join needs no 200 partitions.
ON_THIS_MACHINE = {
    "spark.driver.host": HERE,
    "spark.driver.bindAddress": HERE,
    "spark.sql.shuffle.partitions": "4",
}


def rehome(book: Book, backend: "BaseBackend") -> Book:
    """Return the same book whose tables another engine reads from the typed Parquet files.

    Args:
        book: A book that `read_book` returned; its own engine may be let go afterwards.
        backend: Ibis backend that can read the files, such as the one of `connect`.
    """
    tables = {name: backend.read_parquet(str(path), table_name=name) for name, path in book.typed.items()}
    past = archive.remembered(backend, book.history) if book.history is not None else {}
    return replace(book, connection=backend, tables=MappingProxyType(tables), remembered=past)


def require(engine: Engine) -> None:
    """Refuse a workspace whose engine is not installed, before a notebook starts it.

    Args:
        engine: What the workspace declares.

    Raises:
        EnvironmentProblem: it wants Spark, and the extra `csworkbench[spark]` or Java is missing.
    """
    if engine.backend != "spark":
        return
    if find_spec("pyspark") is None:
        raise _missing("Spark is not installed", "install csworkbench[spark]")
    home = os.environ.get("JAVA_HOME", "")
    if not (which("java") or (home and which(str(Path(home) / "bin" / "java")))):
        raise _missing("Spark needs Java, and there is none", "install Java 17, or set JAVA_HOME to it")


def _missing(what: str, advice: str) -> EnvironmentProblem:
    return EnvironmentProblem(Problem(what, key="engine.backend", hint=f"{advice}; or set engine.backend: duckdb"))


def connect(engine: Engine) -> "BaseBackend":
    """Return Spark behind Ibis.

    Args:
        engine: Its master.

    Raises:
        EnvironmentProblem: Spark or Java is missing, or Spark does not start.
    """
    require(engine)
    import ibis
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    is_here = engine.master.startswith("local") or HERE in engine.master
    settings: dict[str, Any] = SETTINGS | (ON_THIS_MACHINE if is_here else {})
    try:
        session = SparkSession.builder.master(engine.master).config(map=settings).getOrCreate()
    except PySparkException as error:
        said = str(error).splitlines()[0]
        raise _missing(f"Spark does not start at {engine.master}: {said}", "look at engine.master") from error
    return ibis.pyspark.connect(session)
