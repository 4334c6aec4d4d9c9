"""Machine code by LLVM: the only folder that knows the text of its instructions."""
