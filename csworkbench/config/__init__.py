"""Configs: strict YAML into frozen Sections, every problem at once with file, line and column."""

from csworkbench.config.sections import FromFile, Section, SettingError, digest, json_schema, plain, setting

__all__ = ["FromFile", "Section", "SettingError", "digest", "json_schema", "plain", "setting"]
