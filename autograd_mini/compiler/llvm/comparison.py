"""A comparison: machine code that says whether lists hold the very entries that they held, without a look at these.

It compares the pointers in each list with those of then. Python takes a call to compare two entries by identity.
"""

from __future__ import annotations

from array import array
from functools import cache

from autograd_mini.compiler.backends import BACKENDS
from autograd_mini.compiler.llvm.assembler import pointer
from autograd_mini.compiler.llvm.fastcall import api, function, possible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.llvm.target import Code

SIZE_OF_LIST = 40
"""The size of a list object, in bytes; how many entries it has, and where their pointers are, lie at 16 and 24."""

# The table has the number of lists, for each its address and number of entries, and then the entries of all of them.
_TEXT = """
define ptr @same(ptr %self, ptr %args, i64 %nargs, ptr %names) {{
entry:
  %needs = call ptr {item}(ptr %self, i64 1)
  %bytes = call ptr {item}(ptr %needs, i64 0)
  %table = call ptr {content}(ptr %bytes)
  %lists = load i64, ptr %table
  %rows = getelementptr i64, ptr %table, i64 1
  %twice = mul i64 %lists, 2
  %items = getelementptr i64, ptr %rows, i64 %twice
  br label %list
list:
  %at = phi i64 [ 0, %entry ], [ %following, %last ]
  %expected = phi ptr [ %items, %entry ], [ %beyond, %last ]
  %done = icmp eq i64 %at, %lists
  br i1 %done, label %out, label %look
look:
  %column = mul i64 %at, 2
  %row = getelementptr i64, ptr %rows, i64 %column
  %address = load ptr, ptr %row
  %second = getelementptr i64, ptr %row, i64 1
  %count = load i64, ptr %second
  %sizeplace = getelementptr i8, ptr %address, i64 16
  %size = load i64, ptr %sizeplace
  %long = icmp eq i64 %size, %count
  br i1 %long, label %full, label %out
full:
  %heldplace = getelementptr i8, ptr %address, i64 24
  %held = load ptr, ptr %heldplace
  br label %entries
entries:
  %index = phi i64 [ 0, %full ], [ %next, %one ]
  %other = phi i64 [ 0, %full ], [ %others, %one ]
  %ended = icmp eq i64 %index, %count
  br i1 %ended, label %last, label %one
one:
  %place = getelementptr i64, ptr %held, i64 %index
  %entry_now = load i64, ptr %place
  %wanted = getelementptr i64, ptr %expected, i64 %index
  %entry_then = load i64, ptr %wanted
  %difference = xor i64 %entry_now, %entry_then
  %others = or i64 %other, %difference
  %next = add i64 %index, 1
  br label %entries
last:
  %beyond = getelementptr i64, ptr %expected, i64 %count
  %following = add i64 %at, 1
  %alike = icmp eq i64 %other, 0
  br i1 %alike, label %list, label %out
out:
  %answer = phi ptr [ {true}, %list ], [ {false}, %look ], [ {false}, %last ]
  call void {keep}(ptr %answer)
  ret ptr %answer
}}
"""


def comparable() -> bool:
    """Return whether this interpreter's lists are as the machine code takes them, and there is LLVM to make it."""
    return possible() and list.__basicsize__ == SIZE_OF_LIST and BACKENDS["llvm"].available


def same_entries(lists: Sequence[tuple[list[Any], Sequence[Any]]]) -> Callable[[], bool]:
    """Return a built-in function that says whether lists hold these entries.

    Args:
        lists: each list, with what it is to hold.

    """
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
    from autograd_mini.compiler.llvm.target import Code

    names = {"item": "PyTuple_GetItem", "content": "PyBytes_AsString", "keep": "Py_IncRef"}
    constants = {str(answer).lower(): pointer(id(answer)) for answer in (True, False)}
    return Code(_TEXT.format(**constants, **{name: api(of) for name, of in names.items()}))
