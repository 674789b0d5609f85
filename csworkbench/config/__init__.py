"""Configs: strict YAML into frozen Sections, every problem at once with file, line and column.

sections    Section, setting, FromFile, FromFolder, SettingError, digest, json_schema: what a config is made of
documents   strict YAML with places
kinds       what a field accepts, and how to say it
faults      what is wrong with a value, in plain English
loading     load, load_all, load_text, overrides
describing  every key with its meaning, default, value and place
saving      changes written back with the comments kept
"""

from csworkbench.config.describing import KeyDoc, describe
from csworkbench.config.documents import texts_of
from csworkbench.config.loading import Override, Request, changed, load, load_all, load_text, parse_override
from csworkbench.config.saving import by_file, edited, preview, save
from csworkbench.config.sections import (
    FromFile,
    FromFolder,
    Section,
    SettingError,
    digest,
    json_schema,
    plain,
    setting,
)

__all__ = [
    "FromFile",
    "FromFolder",
    "KeyDoc",
    "Override",
    "Request",
    "Section",
    "SettingError",
    "by_file",
    "changed",
    "describe",
    "digest",
    "edited",
    "json_schema",
    "load",
    "load_all",
    "load_text",
    "parse_override",
    "plain",
    "preview",
    "save",
    "setting",
    "texts_of",
]
