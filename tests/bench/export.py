"""What compiled functions and networks cost in other programs: flash and RAM of a microcontroller, and time.

    python tests/bench/export.py              # sizes for a Cortex-M4 with a unit for floats, and times here
    python tests/bench/export.py --sizes      # the sizes alone
    python tests/bench/export.py --times      # the times alone

Flash is what the linker adds to a program that does nothing, by `arm-none-eabi-size`: code, tables, and what of the C
library (newlib-nano) they call. RAM is the static one by the same command, and the largest stack that
`-fstack-usage` reports along the calls. The numbers in brackets are without the C library. Times need `gcc`, and show
what of PyTorch, JAX and onnxruntime is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from command import check, parser
from processor import described

PACKAGES = ("numpy",)
ARM = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-std=c99", "-Os")
LINKED = ("--specs=nano.specs", "--specs=nosys.specs", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
NOTHING = "int main(void) { return 0; }\n"


def programs():
    """Return what is measured: a title, the header's text, and the statements that call it."""
    import autograd_mini as ag
    from autograd_mini import MLP

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for shape, activation in (((2, [16, 16, 1]), "relu"), ((2, [16, 16, 1]), "tanh"), ((4, [8, 3]), "tanh")):
            model = MLP(*shape, activation=activation, seed=0)
            model.export(Path(folder) / "net.h")
            text = (Path(folder) / "net.h").read_text(encoding="utf-8")
            widths = [shape[0], *shape[1]]
            title = f"{'-'.join(map(str, widths))}, {activation}"
            outputs, count = widths[-1], len(model.parameters())
            value = "y[0] = net(x, net_parameters);" if outputs == 1 else "net(x, net_parameters, y);"
            found.append((f"{title}: outputs", text, value))
            back = f"static float g[{count}]; static const float s[{outputs}] = {{1}}; "
            call = f"net_backward(x, net_parameters, s, y, 0, g); y[0] += g[{count - 1}];"
            found.append((f"{title}: outputs and gradient", text, back + call))
    model = MLP(2, [16, 16, 1], activation="tanh", seed=0)

    def loss(x, y):
        return ag.softplus(-y * model(x))

    text = ag.jit(loss).c([0.0, 0.0], 1.0, dtype="float")
    found.append(("its loss, as fast.c(): value", text, "y[0] = loss(x, x[1], loss_parameters);"))
    call = "static float g[337]; y[0] = loss_value_and_grad(x, x[1], loss_parameters, g); y[0] += g[336];"
    found.append(("its loss, as fast.c(): value and gradient", text, call))

    def rosenbrock(x):
        return sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in pairwise(x))

    text = ag.jit(rosenbrock).c([0.0] * 4, name="rosenbrock", dtype="float")
    call = "static float g[4]; y[0] = rosenbrock_value_and_grad(x, g); y[0] += g[3];"
    found.append(("Rosenbrock's function of 4 variables, with gradient", text, call))
    return found


def sizes_of(path):
    """Return flash and static RAM of an object or a program, by its sections."""
    size = shutil.which("arm-none-eabi-size") or "size"
    words = subprocess.run([size, path], capture_output=True, text=True, check=True).stdout.split()
    text, data, bss = map(int, words[6:9])
    return text + data, data + bss


def measured(folder, text, call):
    """Return flash with the C library and without, static RAM besides what the caller brings, and the stack."""
    (folder / "net.h").write_text(text, encoding="utf-8")
    head = "void step(const float *x, float *y)"
    source = f'#include "{folder}/net.h"\n{head};\n{head} {{ {call} }}\n'
    (folder / "step.c").write_text(source, encoding="utf-8")
    subprocess.run([*ARM, "-fstack-usage", "-c", "step.c", "-o", "step.o"], cwd=folder, check=True, capture_output=True)
    own, static = sizes_of(folder / "step.o")
    stack = sum(int(line.split("\t")[1]) for line in (folder / "step.su").read_text().splitlines())
    whole = source + "\nvolatile float a[8], b[8];\nint main(void) { step((const float *)a, (float *)b); return 0; }\n"
    totals = []
    for name, program in (("whole", whole), ("nothing", "volatile float a[8], b[8];\n" + NOTHING)):
        (folder / f"{name}.c").write_text(program, encoding="utf-8")
        words = [*ARM, *LINKED, f"{name}.c", "-o", f"{name}.elf", "-lm"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        totals.append(sizes_of(folder / f"{name}.elf"))
    return totals[0][0] - totals[1][0], own, static, stack


def sizes():
    """Print flash and RAM."""
    if not shutil.which(ARM[0]):
        print(f"{ARM[0]} is not installed: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi")
        return
    print(f"Cortex-M4, {' '.join(ARM[1:])}, float\n")
    print(f"{'bytes':52}{'flash':>8}{'(own)':>9}{'static RAM':>12}{'stack':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for title, text, call in programs():
            flash, own, static, stack = measured(Path(folder), text, call)
            print(f"{title:52}{flash:8}{f'({own})':>9}{static:12}{stack:8}")


def best(call, seconds=0.4):
    """Return the shortest time of a call, in microseconds."""
    call()
    times, end = [], perf_counter() + seconds
    while perf_counter() < end or len(times) < 3:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times) * 1e6


def in_c(folder, text, samples):
    """Return the microseconds that a loop over samples takes in C, loss and gradient summed."""
    loop = f"""
#include "loss.h"
void all(const double *x, const double *y, double *sums);
void all(const double *x, const double *y, double *sums) {{
    double g[LOSS_PARAMETERS];
    for (int i = 0; i < {samples}; ++i) {{
        sums[LOSS_PARAMETERS] += loss_value_and_grad(x + 2 * i, y[i], loss_parameters, g);
        for (int j = 0; j < LOSS_PARAMETERS; ++j) sums[j] += g[j];
    }}
}}
"""
    import ctypes

    import numpy as np

    (folder / "loss.h").write_text(text, encoding="utf-8")
    (folder / "loss.c").write_text(loop, encoding="utf-8")
    words = ["gcc", "-std=c99", "-O3", "-march=native", "-shared", "-fPIC", "loss.c", "-o", "loss.so", "-lm"]
    subprocess.run(words, cwd=folder, check=True)
    library, X, y, sums = ctypes.CDLL(folder / "loss.so"), *data(samples), np.zeros(338)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (X, y, sums)]
    return best(lambda: library.all(*pointers))


def data(samples):
    """Return the samples."""
    import numpy as np

    X = np.random.default_rng(0).normal(size=(samples, 2))
    return X, np.sign(X[:, 0] * X[:, 1])


def times(samples):
    """Print the times of loss and gradient, and of the outputs, for a table of samples."""
    import numpy as np

    import autograd_mini as ag
    from autograd_mini import MLP

    print(f"{described(compiled=True)}\n\n2-16-16-1, tanh, {samples} samples, microseconds\n")
    model = MLP(2, [16, 16, 1], activation="tanh", seed=0)
    fast = ag.jit(lambda x, y: ag.softplus(-y * model(x)), batched=True)
    X, y = data(samples)
    fast.prepare(X, y)
    start = np.array([p.data for p in fast.parameters])
    rows = [("loss and gradient: fast.value_and_grad", best(lambda: fast.value_and_grad(start, X, y)))]
    with tempfile.TemporaryDirectory() as folder:
        if shutil.which("gcc"):
            rows.append(
                ("  fast.c(), gcc -O3, one sample after the other", in_c(Path(folder), fast.c(name="loss"), samples))
            )
        if find_spec("torch"):
            rows += in_torch(fast, start, X, y)
        if find_spec("jax"):
            rows += in_jax(fast, start, X, y)
        predict = model.jit()
        rows.append(("outputs: model.jit()", best(lambda: predict(X))))
        if find_spec("onnx") and find_spec("onnxruntime"):
            import onnxruntime as runtime

            options = runtime.SessionOptions()
            options.intra_op_num_threads = 1
            model.export(Path(folder) / "net.onnx")
            session = runtime.InferenceSession(str(Path(folder) / "net.onnx"), options)
            narrow = X.astype("float32")
            rows.append(
                ("  model.export, onnxruntime, one thread, 32 bits", best(lambda: session.run(None, {"x": narrow})))
            )
    for title, taken in rows:
        print(f"{title:60}{taken:10.1f}")


def in_torch(fast, start, X, y):
    """Return the times of the function inside of PyTorch, and of PyTorch's own."""
    import torch

    torch.set_num_threads(1)
    f, p = fast.torch(), torch.tensor(start, requires_grad=True)
    inputs = torch.tensor(X), torch.tensor(y)

    def ours():
        (slope,) = torch.autograd.grad(f(*inputs, parameters=p).mean(), p)
        return slope

    sizes, at, parts = ((16, 3), (16, 17), (1, 17)), 0, []
    for rows, columns in sizes:
        parts.append((at, rows, columns))
        at += rows * columns

    def theirs():
        h = inputs[0]
        for first, rows, columns in parts:
            matrix = p[first : first + rows * columns].reshape(rows, columns)
            h = h @ matrix[:, :-1].T + matrix[:, -1]
            h = torch.tanh(h) if rows > 1 else h
        return torch.autograd.grad(torch.nn.functional.softplus(-inputs[1] * h[:, 0]).mean(), p)[0]

    assert torch.allclose(ours(), theirs(), rtol=1e-9)
    return [("  fast.torch(), with backward", best(ours)), ("  PyTorch's own, one thread", best(theirs))]


def in_jax(fast, start, X, y):
    """Return the times of the function inside of a JAX program that is compiled."""
    import jax

    jax.config.update("jax_enable_x64", True)
    f = fast.jax()
    slope = jax.jit(jax.grad(lambda p, X, y: f(X, y, parameters=p).mean()))
    arguments = [jax.numpy.asarray(one) for one in (start, X, y)]
    return [("  fast.jax(), grad inside of jit", best(lambda: slope(*arguments).block_until_ready()))]


def main() -> None:
    """Read the command line, measure, and print."""
    check(__doc__, *PACKAGES)
    command = parser(__doc__, *PACKAGES)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--sizes", action="store_true", help="flash and RAM alone")
    which.add_argument("--times", action="store_true", help="times alone")
    command.add_argument("--samples", type=int, default=10_000, help="rows of the table; 10,000 by default")
    arguments = command.parse_args()
    if not arguments.times:
        sizes()
    if not arguments.sizes:
        print()
        times(arguments.samples)


if __name__ == "__main__":
    main()
