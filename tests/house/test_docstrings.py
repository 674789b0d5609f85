"""Every public name says what comes back, what goes in and what it raises."""

import ast

from tests.house.places import public_functions, sources

OWN_ERRORS = {
    "ConfigError",
    "DataError",
    "AnalysisError",
    "NothingToAnalyze",
    "RunError",
    "EnvironmentProblem",
    "WorkbenchError",
    "ValueError",
    "TypeError",
}


def raised(function):
    nodes = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc is not None]
    names = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return names & OWN_ERRORS


def is_protocol_member(function):
    return (
        len(function.body) == 1
        and isinstance(function.body[0], ast.Expr)
        and isinstance(function.body[0].value, ast.Constant)
    )


def test_every_public_name_has_a_docstring():
    missing = []
    for path, tree in sources():
        if ast.get_docstring(tree) is None:
            missing.append(str(path))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and ast.get_docstring(node) is None:
                missing.append(f"{path}:{node.name}")
        missing += [
            f"{path}:{name}"
            for name, item in public_functions(tree)
            if ast.get_docstring(item) is None and not is_protocol_member(item)
        ]
    assert missing == []


def test_what_a_public_function_raises_itself_stands_under_raises():
    silent = []
    for path, tree in sources():
        for name, function in public_functions(tree):
            documented = ast.get_docstring(function) or ""
            section = documented.partition("Raises:")[2]
            silent += [f"{path}:{name} raises {error}" for error in raised(function) if error not in section]
    assert silent == []


def test_public_functions_with_three_or_more_parameters_document_them():
    silent = []
    for path, tree in sources():
        for name, function in public_functions(tree):
            parameters = [
                item.arg for item in function.args.args + function.args.kwonlyargs if item.arg not in {"self", "cls"}
            ]
            if len(parameters) >= 3 and "Args:" not in (ast.get_docstring(function) or ""):
                silent.append(f"{path}:{name}")
    assert silent == []
