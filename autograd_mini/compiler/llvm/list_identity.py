"""A comparison: machine code that says whether lists hold the very entries that they held, without a look at these.

It compares the pointers in each list with those of then. Python takes a call to compare two entries by identity.
"""

from __future__ import annotations

from array import array
from functools import cache

from autograd_mini.compiler.backends import BACKENDS
from autograd_mini.compiler.llvm.assembler import Assembler, pointer
from autograd_mini.compiler.llvm.fastcall import api, function, possible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.llvm.target import Code

SIZE_OF_LIST, SIZE_AT, ENTRIES_AT = 40, 16, 24
"""The size of a list object in bytes, and where in it its length and the address of its entries lie."""


def comparable() -> bool:
    """Return whether this interpreter's lists are as the machine code takes them, and there is LLVM to make it."""
    return possible() and list.__basicsize__ == SIZE_OF_LIST and BACKENDS["llvm"].available


def same_entries(lists: Sequence[tuple[list[Any], Sequence[Any]]]) -> Callable[[], bool]:
    """Return a built-in function that says whether lists hold these entries.

    Args:
        lists: each list, with what it is to hold.

    """
    if not lists:
        return lambda: True
    table = array("Q", [len(lists)])
    for held, entries in lists:
        table.extend((id(held), len(entries)))
    for _, entries in lists:
        table.extend(map(id, entries))
    needs = (table.tobytes(), lists)  # these too, so that no other object gets their addresses
    same: Callable[[], bool] = function(_code().address("same"), "same_entries", needs)
    return same


@cache
def _code() -> Code:
    """Return the function, whose table has the number of lists, for each its address and length, and all entries."""
    from autograd_mini.compiler.llvm.target import Code

    declarations = {"declare i32 @memcmp(ptr, ptr, i64)"}
    write = Assembler(1, "c", declarations)
    needs = write.put(f"call ptr {api('PyTuple_GetItem')}(ptr %self, i64 1)")
    content = write.put(f"call ptr {api('PyTuple_GetItem')}(ptr {needs}, i64 0)")
    table = write.put(f"call ptr {api('PyBytes_AsString')}(ptr {content})")
    lists = write.put(f"load i64, ptr {table}")
    rows = write.element("i64", table, 1)
    entries = write.element("i64", rows, write.put(f"mul i64 {lists}, 2"))
    with write.counting("list", lists) as (loop, at):
        expected, before = loop.carry("ptr", entries), loop.carry("i1", "true")
        row = write.element("i64", rows, write.put(f"mul i64 {at}, 2"))
        address = write.put(f"load ptr, ptr {row}")
        count = write.put(f"load i64, ptr {write.element('i64', row, 1)}")
        size = write.put(f"load i64, ptr {write.element('i8', address, SIZE_AT)}")
        held = write.put(f"load ptr, ptr {write.element('i8', address, ENTRIES_AT)}")
        long = write.put(f"icmp eq i64 {size}, {count}")
        within = write.put(f"select i1 {long}, i64 {write.put(f'mul i64 {count}, 8')}, i64 0")
        difference = write.put(f"call i32 @memcmp(ptr {held}, ptr {expected}, i64 {within})")
        alike = write.put(f"and i1 {long}, {write.put(f'icmp eq i32 {difference}, 0')}")
        same = write.put(f"and i1 {before}, {alike}")
        loop.follow(before, same)
        loop.follow(expected, write.element("i64", expected, count))
    yes, no = (pointer(id(answer)) for answer in (True, False))
    answer = write.put(f"select i1 {same}, ptr {yes}, ptr {no}")
    write.write(f"call void {api('Py_IncRef')}(ptr {answer})")
    write.write(f"ret ptr {answer}")
    head = "define ptr @same(ptr %self, ptr %args, i64 %nargs, ptr %names) {\nentry:"
    return Code("\n".join([head, *write.lines, "}", *declarations]) + "\n")
