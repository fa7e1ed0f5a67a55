"""What a migration does to releases that run beside it, read from its text.

A schema serves the release before it as well, so a migration adds, and what nothing reads any
more is removed a release later. Two marks in a migration allow what is refused here otherwise:

    oldest_code = "0007"    code of older schemas than this one cannot work with it any more
    blocks = "why that is harmless"     writers wait while an index is built
    fires = "why that is harmless"      a trigger acts on what older code writes
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

NEW_DATA = ("insert into ", "update ", "create table ")
"""What statements written out may begin with."""
A_TRIGGER = ("create function ", "create trigger ")


def faults(text: str) -> list[str]:
    """What the migration of this text must not do, in words."""
    module = ast.parse(text)
    marks = {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    (upgrade,) = (
        node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    )
    calls = list(_operations(upgrade))
    made = {_text(call.args[0]) for name, call in calls if name == "create_table"}
    found = []
    changed = {_text(call.args[0]) for name, call in calls if name == "add_column"} - made
    if len(changed) > 1:
        found.append(f"it holds one table while it waits for another: {', '.join(sorted(changed))}")
    for name, call in calls:
        mark, problem = _judge(name, call, made)
        if problem and mark not in marks:
            found.append(f"line {call.lineno}: {problem}")
    return found


def _operations(upgrade: ast.FunctionDef) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(upgrade):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="op"), attr=name)):
                yield name, node


def _judge(name: str, call: ast.Call, made: set[str]) -> tuple[str, str]:
    """(the mark that allows it, what is wrong with it or nothing)."""
    match name:
        case "create_table" | "f" | "get_context":
            return "", ""
        case "add_column" if _text(call.args[0]) in made or _may_be_left_out(call.args[1]):
            return "", ""
        case "add_column":
            return "oldest_code", "old code does not fill a column that is neither null nor given"
        case "create_index" if _text(call.args[1]) in made:
            return "", ""
        case "create_index" if _is(call, "unique", True):
            return "oldest_code", "old code may break a rule that it does not know"
        case "create_index":
            return "blocks", "writers wait while an index is built: see infra/indexes.py"
        case "execute" if _text(call.args[0]).lower().startswith(NEW_DATA):
            return "", ""
        case "execute" if _text(call.args[0]).lower().lstrip().startswith(A_TRIGGER):
            return "fires", "a trigger may refuse or change what old code writes"
    return "oldest_code", f"old code may not survive op.{name}"


def _may_be_left_out(column: ast.expr) -> bool:
    if not isinstance(column, ast.Call):
        return False
    given = {word.arg for word in column.keywords}
    return not _is(column, "nullable", False) or "server_default" in given


def _is(call: ast.Call, name: str, value: object) -> bool:
    return any(
        word.arg == name and isinstance(word.value, ast.Constant) and word.value.value is value
        for word in call.keywords
    )


def _text(node: ast.expr) -> str:
    """A constant text; that within `op.f(…)` or `sa.text(…)` as well."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Call(args=[inner]):
            return _text(inner)
    return ""
