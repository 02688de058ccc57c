"""YAML that remembers where each value stood, and puts the environment's values in place of ``${NAME}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from bot.ledger.problems import Problem

Path_ = tuple[int | str, ...]

_NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class YamlFile:
    """A parsed file. ``data`` is None when it could not be read; ``problems`` says why."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.data: Any = None
        self.problems: list[Problem] = []
        self._marks: dict[Path_, tuple[int, int]] = {(): (1, 1)}
        self._keys: dict[Path_, tuple[int, int]] = {}
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            self.data = None if node is None else self._read(node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self.problems.append(Problem(name, line, column, error.problem or "not YAML"))
        except yaml.YAMLError:
            self.problems.append(Problem(name, 1, 1, "not YAML"))

    def at(self, path: Path_, message: str, *, key: bool = False) -> Problem:
        """A problem at a value, or at its key; where the value is missing, at what should hold it."""
        while path not in self._marks:
            path, key = path[:-1], False
        line, column = self._keys.get(path, self._marks[path]) if key else self._marks[path]
        return Problem(self.name, line, column, message)

    def names(self) -> dict[Path_, tuple[str, ...]]:
        """Where the environment is asked for, and for which names."""
        found: dict[Path_, tuple[str, ...]] = {}
        for path in self._marks:
            value = _get(self.data, path)
            if isinstance(value, str) and (names := tuple(_NAMED.findall(value))):
                found[path] = names
        return found

    def _read(self, node: yaml.Node, path: Path_) -> Any:
        self._marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            data: dict[Any, Any] = {}
            for key_node, value_node in node.value:
                key = _scalar(key_node)
                inner = (*path, str(key))
                if key in data:
                    mark = key_node.start_mark
                    self.problems.append(Problem(self.name, mark.line + 1, mark.column + 1, f"{key}: twice"))
                self._keys[inner] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                data[key] = self._read(value_node, inner)
            return data
        if isinstance(node, yaml.SequenceNode):
            return [self._read(item, (*path, place)) for place, item in enumerate(node.value)]
        return _scalar(node)


def filled(data: Any, environ: Mapping[str, str]) -> Any:
    """The data with ``${NAME}`` replaced; a name that is not set becomes nothing."""
    if isinstance(data, dict):
        return {key: filled(value, environ) for key, value in data.items()}
    if isinstance(data, list):
        return [filled(value, environ) for value in data]
    if isinstance(data, str):
        return _NAMED.sub(lambda found: environ.get(found[1], ""), data)
    return data


def _get(data: Any, path: Path_) -> Any:
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            return None
    return data


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()
