"""The row on pictures: hostile labels are drawn as themselves."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

from reliable.rows import Figure, Row

labels = Row("labels", "hostile labels drawn as themselves, and nothing else", "all, no script, link or image")


def hostile():
    """Return the labels that the tests use."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    return import_module("hostile").LABELS.values()


def rendered(source):
    """Return the elements of the picture of a DOT source, as (name, element)."""
    pygraphviz = import_module("pygraphviz")
    svg = pygraphviz.AGraph(string=source).draw(format="svg", prog="dot")
    return [(element.tag.rpartition("}")[2], element) for element in ET.fromstring(svg).iter()]  # noqa: S314 - ours


SAFE = {"svg", "title", "g", "rect", "text", "path", "polygon", "polyline", "ellipse", "defs", "pattern", "style"}


def as_itself(label, elements, nodes):
    """Return whether a picture shows a label as text and has so many nodes and nothing alive."""
    if {name for name, _ in elements} - SAFE:
        return False
    if any(key.lower().startswith("on") or "href" in key for _, element in elements for key in element.attrib):
        return False
    if nodes and sum(element.get("class") == "node" for _, element in elements) != nodes:
        return False
    text = "\n".join(element.text or "" for name, element in elements if name == "text").replace("\xa0", " ")
    return label in text


def drawn(source_of, nodes):
    """Count the labels that are drawn as themselves."""
    right = 0
    for label in hostile():
        with contextlib.suppress(Exception):
            right += as_itself(label, rendered(source_of(label)), nodes)
    return Figure(f"{right} of {len(hostile())}", right == len(hostile()))


@labels.on("here")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    from autograd_mini.viz.text import clean

    right = 0
    for label in hostile():
        a = library.scalar(2.0, label=label)
        picture = library.scalar(1.0) + a * a
        svg = import_module("autograd_mini").draw(picture).svg()
        elements = [(element.tag.rpartition("}")[2], element) for element in ET.fromstring(svg).iter()]  # noqa: S314
        text = clean(label)
        right += as_itself(text if len(text) <= 40 else text[:39], elements, 0)
    return Figure(f"{right} of {len(hostile())}", right == len(hostile()))


@labels.on("micrograd")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def source_of(label):  # in the manner of its notebook, with the labels of its lecture
        graphviz = import_module("graphviz")
        a = library.leaf(2.0)
        dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
        dot.node(name=str(id(a)), label=f"{{ {label} | data {a.data:.4f} | grad {a.grad:.4f} }}", shape="record")
        return dot.source

    return drawn(source_of, 1)


@labels.on("MyGrad")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def source_of(label):
        mygrad = import_module("mygrad.computational_graph")
        a = import_module("mygrad").tensor([2.0, 3.0])
        return mygrad.build_graph(a * a, names={label: a}, render=True).source

    return drawn(source_of, 0)


@labels.on("PyTorch")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    if find_spec("torchviz") is None:
        return Figure("torchviz is not installed", False)

    def source_of(label):
        a = library.leaf(2.0)
        return import_module("torchviz").make_dot(a * a, params={label: a}).source

    return drawn(source_of, 0)
