"""The same typed tables read by another engine: Spark, for books that outgrow one machine."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.errors import EnvironmentProblem, Problem
from csworkbench.sources.book import Book
from csworkbench.workspace import Engine

if TYPE_CHECKING:
    from ibis.backends import BaseBackend

HERE = "127.0.0.1"
# Sessions count days in UTC, as DuckDB's does, and a book of a few gigabytes needs no 200 partitions per join.
SETTINGS = {
    "spark.app.name": "csworkbench",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": HERE,
    "spark.driver.bindAddress": HERE,
}


def rehome(book: Book, backend: "BaseBackend") -> Book:
    """Return the same book whose tables another engine reads from the typed Parquet files.

    Args:
        book: A book that `open_book` returned; its own engine is let go.
        backend: Ibis backend that can read the files, such as the one of `connect`.
    """
    tables = {name: backend.read_parquet(str(path), table_name=name) for name, path in book.typed.items()}
    return replace(book, connection=backend, tables=MappingProxyType(tables))


def connect(engine: Engine) -> "BaseBackend":
    """Return Spark behind Ibis.

    Args:
        engine: Its master.

    Raises:
        EnvironmentProblem: the extra `csworkbench[spark]` is not installed, or there is no Java.
    """
    import ibis

    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as error:
        hint = "install csworkbench[spark], or set engine.backend: duckdb"
        raise EnvironmentProblem(Problem("Spark is not installed", key="engine.backend", hint=hint)) from error
    try:
        builder = SparkSession.builder.master(engine.master)
        session = builder.config(map=dict(SETTINGS)).getOrCreate()
    except PySparkRuntimeError as error:
        hint = "install Java 17 and set JAVA_HOME, or set engine.backend: duckdb"
        raise EnvironmentProblem(Problem("Spark does not start", key="engine.backend", hint=hint)) from error
    return ibis.pyspark.connect(session)
