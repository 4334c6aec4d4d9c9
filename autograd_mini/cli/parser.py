"""The parser of the command line: its commands, their options, and the kinds of text an option takes."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from functools import partial
from math import inf, nan

from autograd_mini import __version__
from autograd_mini.cli import commands
from autograd_mini.cli.check import check
from autograd_mini.cli.course import course
from autograd_mini.cli.learning import TASKS, Settings
from autograd_mini.cli.tables import HEADERS, UserError
from autograd_mini.nn import ACTIVATIONS
from autograd_mini.nn.losses import LOSSES
from autograd_mini.optim import OPTIMIZERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

DATA = (
    "a CSV file in UTF-8; commas, semicolons (then 1,5 is a number too) or tabs between cells; - is standard input. Or "
    "a Parquet or Arrow file, or a folder of them"
)


_MEANT = re.compile(r"-[\d.(].*[^\d.].*|-[^-o].*[*/+(].*", re.DOTALL)


class _Parser(ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a UserError."""
        raise UserError(f"{message} (see {self.prog} --help)")


def words(given: Sequence[str]) -> list[str]:
    """Return words so that argparse takes no interval and no formula for an option, such as -3:3 or -x*x.

    >>> words(["--at", "-1", "-oa/b.svg", "-3:3", "-x*x", "--", "-x*x"])
    ['--at', '-1', '-oa/b.svg', ' -3:3', ' -x*x', '--', '-x*x']

    """
    end = given.index("--") if "--" in given else len(given)
    return [f" {word}" if _MEANT.fullmatch(word) else word for word in given[:end]] + [*given[end:]]


def parser() -> ArgumentParser:
    """Return the parser; the arguments it returns have the function to call with them as `run`."""
    top = _Parser(
        prog="autograd-mini",
        description="Train a small neural network on a table, look at how it works, and check derivatives.",
        epilog="Start with: autograd-mini demo",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"autograd-mini {__version__}")
    top.set_defaults(run=lambda _arguments: top.print_help())
    commands_of = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=_Parser)

    def command(name: str, run: Callable[[Namespace], int | None], summary: str, details: str = "") -> ArgumentParser:
        added: ArgumentParser = commands_of.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {details}",
            allow_abbrev=False,
        )
        added.set_defaults(run=run)
        return added

    add = command("demo", commands.demo, "train on irises and on moons, and save what comes out").add_argument
    add("--out", metavar="DIR", default="autograd-mini-demo", help="where to write (%(default)s)")
    add("--seed", metavar="N", type=_whole(0), default=0, help="of all that is random (%(default)s)")
    add = command(
        "course",
        course,
        "copy the notebooks of the course to a folder, and open them in JupyterLab",
        "A notebook that is there and that you have changed is kept as it is. JupyterLab opens if it is installed "
        "and the command runs in a terminal.",
    ).add_argument
    add("--out", metavar="DIR", default="autograd_mini_course", help="where to copy to (%(default)s)")
    add("--no-open", dest="open", action="store_false", help="do not open JupyterLab")
    add = command(
        "site",
        commands.site,
        "build a static site: the playground, the course, the operations, the reference",
        "It needs the extra `site`, which brings npm.",
    ).add_argument
    add("--out", metavar="DIR", default="site", help="where to write (%(default)s)")
    add(
        "--only",
        metavar="PART",
        choices=["playground", "pages"],
        default="",
        help="playground or pages; both if not given",
    )
    _train(
        command(
            "train",
            commands.train,
            "train a network on a CSV file",
            "Columns of numbers are its inputs; a target that is text, or a few whole numbers, is a class, one of "
            "other numbers a number. "
            "Inputs, and a target of numbers, are scaled to mean 0 and deviation 1; `predict` undoes it.",
        )
    )
    predict = command("predict", commands.predict, "write a CSV file with the predictions of a model behind its rows")
    predict.add_argument("model", metavar="MODEL.json", help="a model that `autograd-mini train` has saved")
    predict.add_argument("data", metavar="DATA.csv", nargs="?", help=f"{DATA}, as is none; columns are found by name")
    _header(predict)
    _drop_missing(predict, "the rows that lack a cell which the model reads")
    predict.add_argument("--out", metavar="FILE", default="-", help="where to write; - is standard output")
    _export(
        command(
            "export",
            commands.export,
            "write a model, or a function, for other programs",
            "A model takes its columns as they stand in the table. A function of numbers is written in C. For example: "
            "autograd-mini export model.json --out model.h",
        )
    )
    formula = "a formula of names, numbers and operations (see ops)"
    drawn = ("draw", "draw the graph of an expression with its gradients", "graph.svg")
    stepped = ("step", "write a page that steps through the gradients of an expression", "step.html")
    for (name, summary, out), endings in ((drawn, ".svg, .png, .pdf, .dot, .html, .mmd"), (stepped, ".html")):
        example = f'Example: autograd-mini {name} "tanh(w*x + b)" w=1 x=2 b=-0.5'
        add = command(name, commands.draw, summary, example).add_argument
        add("expression", type=str.strip, metavar="EXPRESSION", help=formula)
        add("numbers", metavar="NAME=NUMBER", nargs="*", help="the number of each name")
        add("-o", "--out", metavar="FILE", default=out, help=f"where to write, {endings} (%(default)s)")
    command("ops", commands.ops, "print the table of operations with their derivatives")
    _check(
        command(
            "check",
            check,
            "check the derivative of a function of your own",
            "Exit status: 0 if it is right, 1 if it is wrong, 3 if floats cannot decide. For example: autograd-mini "
            "check math:log --derivative mine:dlog --domain x=log:1e-6:1e6",
        )
    )
    return top


def _train(parser: ArgumentParser) -> None:
    standard = Settings()

    def option(name: str, metavar: str, about: str, **settings: Any) -> None:
        parser.add_argument(name, metavar=metavar, help=about, **settings)

    choice = partial(_choice, parser)
    rate = _number("a number above 0", lambda rate: 0 < rate < inf)
    share = _number("a number from 0 to below 1", lambda share: 0 <= share < 1)
    parser.add_argument("data", metavar="DATA.csv", help=DATA)
    option("--target", "COLUMN", "the column to predict", required=True)
    option("--ignore", "COLUMN,...", "columns not to learn from", type=_names, default=())
    choice("--task", "predict a class or a number; auto goes by the target", ["auto", *TASKS], standard.task)
    _header(parser)
    option("--fill", "NAME", "what stands for a missing cell: median, that of its column", choices=["median"])
    _drop_missing(parser, "the rows that lack a cell; with --fill, those that lack the target")
    option("--hidden", "N,N,...", "neurons of each hidden layer, 0 for none (16,16)", type=_sizes, default="16,16")
    choice("--activation", "of the hidden neurons", ACTIVATIONS, standard.activation)
    choice("--loss", "auto goes by the task", ["auto", *LOSSES], standard.loss)
    choice("--optimizer", "what moves the parameters", [*OPTIMIZERS], standard.optimizer)
    option("--lr", "RATE", "the learning rate (0.1 for sgd, 0.01 for the others)", type=rate)
    option("--epochs", "N", "how often to go through the data (%(default)s)", type=_whole(1), default=standard.epochs)
    option("--batch-size", "N", "rows a step (%(default)s)", type=_whole(1), default=standard.batch_size)
    option("--seed", "N", "of all that is random (%(default)s)", type=_whole(0), default=standard.seed)
    option(
        "--test-fraction",
        "SHARE",
        "the share of the rows kept for the test, from 0 (%(default)s)",
        type=share,
        default=standard.test_fraction,
    )
    option("--out", "MODEL.json", "where to save the model, .json or .safetensors (%(default)s)", default="model.json")
    option(
        "--every",
        "N",
        "epochs between checkpoints, files beside the model until it is saved (%(default)s)",
        type=_whole(1),
        default=standard.every,
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint of an interrupted run")


def _export(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="MODEL.json|MODULE:FUNCTION", help="a model file, or a function of numbers")
    parser.add_argument("--out", metavar="FILE", default="model.h", help="where to write, .h or .onnx (%(default)s)")
    parser.add_argument("--name", metavar="NAME", default="", help="what it is called there")
    parser.add_argument(
        "--dtype", choices=("float", "double"), default="float", help="the type of its numbers (%(default)s)"
    )


def _choice(parser: ArgumentParser, name: str, about: str, names: Sequence[str], default: str) -> None:
    shown = f"{about}: {', '.join(names)} (%(default)s)"
    parser.add_argument(name, metavar="NAME", help=shown, choices=names, default=default)


def _header(parser: ArgumentParser) -> None:
    _choice(parser, "--header", "whether the first row has the names of the columns", [*HEADERS], "auto")


def _drop_missing(parser: ArgumentParser, rows: str) -> None:
    parser.add_argument("--drop-missing", action="store_true", help=f"leave out {rows}")


def _check(parser: ArgumentParser) -> None:
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="a function of numbers, or of one list of them")
    parser.add_argument(
        "--derivative",
        metavar="MODULE:FUNCTION",
        help="returns its partial derivatives; without it FUNCTION takes Values, and the engine's is checked",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--at", metavar="[NAME=]NUMBER", nargs="+", help="one point: a number for each input")
    where.add_argument(
        "--domain",
        metavar="[NAME=]LOW:HIGH",
        nargs="+",
        help="an interval for each input, log:LOW:HIGH for one by orders of magnitude (points of all scales)",
    )
    parser.add_argument("--seed", metavar="N", type=_whole(0), default=0, help="of all that is random (%(default)s)")
    parser.add_argument(
        "--to", type=float, metavar="ACCURACY", help="relative accuracy of FUNCTION, such as 1e-5 for a solver"
    )
    _choice(parser, "--budget", "the calls it may take", ["quick", "normal", "thorough"], "normal")


def _whole(least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
            raise ArgumentTypeError(f"it is {text!r}, expected a whole number from {least} on")
        return int(text)

    return read


def _number(expected: str, accepts: Callable[[float], bool]) -> Callable[[str], float]:
    """Return a reader of numbers in a range."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = nan
        if not accepts(number):
            raise ArgumentTypeError(f"it is {text!r}, expected {expected}")
        return number

    return read


def _sizes(text: str) -> tuple[int, ...]:
    """Return the sizes of layers, none for 0."""
    return () if text == "0" else tuple(_whole(1)(size.strip()) for size in text.split(","))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))
