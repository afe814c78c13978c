"""What is said of an error: a line, and of a stranger's error where it was raised."""

from daecore.errors import InputError, describe_error


def raised(program: str, name: str) -> BaseException:
    """What a module of this text raises."""
    try:
        exec(compile(program, f"/somewhere/{name}.py", "exec"), {"__name__": name})
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def test_an_error_of_ours_is_its_paragraph() -> None:
    assert describe_error(InputError("It was\n  asked for.")) == "It was asked for."


def test_a_stranger_s_error_has_its_type_and_its_line() -> None:
    """A KeyError's text alone, such as 'psnr', says nothing."""
    assert describe_error(raised("scores = {}\nscores['psnr']", "mine")) == "KeyError: 'psnr' (mine.py, line 2)"
    assert describe_error(KeyError("never raised")) == "KeyError: 'never raised'"
    assert describe_error(raised("raise ValueError", "mine")) == "ValueError (mine.py, line 1)"


def test_the_line_is_the_plugin_s_and_not_that_of_a_library_it_calls() -> None:
    error = raised("import torch\n\ntorch.nn.functional.mse_loss(1, 2)", "mine")
    assert describe_error(error).endswith("(mine.py, line 3)")


def test_a_line_is_not_endless_and_nothing_a_terminal_would_obey() -> None:
    said = describe_error(ValueError("\x1b[2J" + "x" * 9000))
    assert len(said) < 1100
    assert "\x1b" not in said
