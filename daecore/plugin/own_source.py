"""Own source: the code of a function or class, with that of all it refers to in the module that it is written in.

Knows live functions and classes, of files and of a notebook's cells. Does not follow what comes from other modules,
nor values that are not plain, such as tensors.
"""

import ast
import inspect
import linecache
import sys
import textwrap
from collections.abc import Iterator
from symtable import SymbolTable, symtable
from types import CodeType, FunctionType
from typing import Any

LITERALS = (type(None), bool, int, float, complex, str, bytes)


def own_source(written: Any) -> str:
    """The code of a function or class, after that of what it needs.

    That are functions and classes of its own module, and plain values as they are now, found by their names, also in
    what is found; of an object of an own class the class.

    Args:
        written: The function or class.

    Raises:
        LookupError: The code of one of them cannot be found; its argument is the name.
    """
    found: dict[object, str] = {}
    _collect(written, written.__module__, found)
    return "\n".join(code for code in found.values() if code)


def _collect(written: Any, module: str, found: dict[object, str]) -> None:
    """Add its code to what is found, after that of what it refers to."""
    key = written.__qualname__ if "<" not in written.__qualname__ else id(written)  # what is local has no name alone
    if key in found:
        return
    found[key] = ""  # so that what refers to itself comes to an end
    code, known = _code(written), _namespace(written)
    for name in sorted(_names(code, written)):
        value = known.get(name)
        own = value if hasattr(value, "__qualname__") else type(value)
        if getattr(own, "__module__", None) == module:
            _collect(own, module, found)
        elif name in known and (text := _plain(value)):
            line = f"{name} = {text}\n"
            found.setdefault(line, line)
    del found[key]
    found[key] = code


def _code(written: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(written))
    except (OSError, TypeError):
        code = _code_of_cell(written) if isinstance(written, type) else ""
    if not code:
        raise LookupError(written.__qualname__)
    return code


def _code_of_cell(written: type) -> str:
    """The code of a class in a notebook's cell: Python finds it for functions alone, and so by one of its methods."""
    for function in _methods(written):
        text = "".join(linecache.getlines(function.__code__.co_filename))
        try:
            classes = [it for it in ast.walk(ast.parse(text)) if isinstance(it, ast.ClassDef)]
        except SyntaxError:
            continue
        for node in classes:
            if node.name == written.__name__ and node.lineno <= function.__code__.co_firstlineno <= _end(node):
                first = min([node.lineno, *(it.lineno for it in node.decorator_list)])
                return textwrap.dedent("".join(text.splitlines(keepends=True)[first - 1 : _end(node)]))
    return ""


def _end(node: ast.ClassDef) -> int:
    return node.end_lineno or node.lineno


def _methods(written: type) -> Iterator[FunctionType]:
    for value in vars(written).values():
        inner = inspect.unwrap(getattr(value, "__func__", getattr(value, "fget", value)) or value)
        if isinstance(inner, FunctionType):
            yield inner


def _namespace(written: Any) -> dict[str, Any]:
    """What its names mean: of its module, and of the functions around it."""
    known = dict(vars(sys.modules[written.__module__])) if written.__module__ in sys.modules else {}
    for function in _methods(written) if isinstance(written, type) else _wrapped(written):
        known |= function.__globals__
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                known[name] = cell.cell_contents
            except ValueError:  # it is not set yet
                continue
    return known


def _wrapped(written: Any) -> Iterator[FunctionType]:
    """A function and those that it stands for."""
    while written is not None:
        if isinstance(written, FunctionType):
            yield written
        written = getattr(written, "__wrapped__", None)


def _names(code: str, written: Any) -> set[str]:
    """The names in it that mean something outside of it."""
    try:
        tables = [symtable(code, "<own>", "exec")]
    except SyntaxError:  # a lambda's line may be the middle of something
        return set(_names_of(written.__code__)) if isinstance(written, FunctionType) else set()
    return {name for table in tables for name in _outer(table)}


def _outer(table: SymbolTable) -> Iterator[str]:
    whole = table.get_type() == "module"
    yield from (it.get_name() for it in table.get_symbols() if it.is_referenced() and (whole or it.is_global()))
    for inner in table.get_children():
        yield from _outer(inner)


def _names_of(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_of(constant)


def _plain(value: object) -> str:
    """A plain value as it is written, the same in every process; empty where it is none."""
    if isinstance(value, LITERALS):
        return repr(value)
    if isinstance(value, dict):
        parts = [(_plain(key), _plain(one)) for key, one in value.items()]
        return f"{{{', '.join(f'{key}: {one}' for key, one in parts)}}}" if all(map(all, parts)) else ""
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(one) for one in (sorted(value, key=repr) if isinstance(value, set | frozenset) else value)]
        return f"{type(value).__name__}([{', '.join(items)}])" if all(items) else ""
    return ""
