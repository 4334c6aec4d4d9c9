"""A compiled function in other programs: as C text, and with its derivatives inside of PyTorch and JAX."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Exportable:
    """The methods of a compiled function that take it to other programs."""

    def c(self, *args: Any, name: str = "", dtype: str = "double") -> str:
        """Return the function as a C header that needs nothing but the C library, for C99 and C++.

        It defines, for one sample where the function is batched,

        - NAME, the value: what it returns where that is one number, else the array `result` takes the numbers;
        - NAME_value_and_grad, where the value is one number: the array `grad`, which must not overlap another, takes
          the gradient with respect to the parameters, or to the arguments where there are none;
        - NAME_parameters, a table of the numbers that the parameters have now, with their labels.

        Arguments that hold several numbers are arrays of them in their order. Where the function branches the text has
        the paths that calls have taken so far, and those of args; for numbers that take another, all results are nan.

        Args:
            args: arguments like those it is to take; those of the latest call if there are none.
            name: what to call it; the function's own name if that is one in C, else "f".
            dtype: "double" or "float".

        Raises:
            RuntimeError: if there are no arguments, and the function has not been called yet.
            TracingError: if the function cannot be compiled.
            ValueError: if C does not take the name, the dtype is another, or there is an operation that C lacks.

        >>> from autograd_mini import jit
        >>> print(jit(lambda x: x * x, backend="python").c(1.0, name="square"))
        /*
         * square(x)
        ...
        static inline double square(double x)
        {
            const double v1 = x * x;
            return v1;
        }
        ...

        """
        from autograd_mini.compiler.export.header import c_header

        return c_header(self, args, name, dtype)  # type: ignore[arg-type]  # a compiled function is one of these

    def torch(self) -> Callable[..., Any]:
        """Return the function on PyTorch's tensors, with its derivatives of every order.

        It takes tensors where the function takes numbers and arrays, and `parameters=`, a tensor with one number for
        each of the function's `parameters`, as a PyTorch optimiser moves it; without it the parameters' own numbers,
        read at each call, are constants. A batched function returns a tensor of samples.

            theta = torch.nn.Parameter(torch.tensor([p.data for p in fast.parameters]))
            fast.torch()(X, y, parameters=theta).mean().backward()

        It computes in 64 bits on the processor, and returns what the tensors have. `torch.func`'s grad, vjp, jacrev
        and vmap apply; its forward mode does not. Where the function branches each sample takes its own path, for which
        its numbers are needed once: call it before `torch.func` transforms it.

        Raises:
            ImportError: if PyTorch is not installed; the message names the extra that brings it.

        """
        from autograd_mini.compiler.export.torch import torch_function

        return torch_function(self)  # type: ignore[arg-type]  # as above

    def jax(self) -> Callable[..., Any]:
        """Return the function on JAX's arrays, with its derivatives of every order.

        It takes arrays where the function takes numbers and arrays, and `parameters=`, an array with one number for
        each of the function's `parameters`; without it the parameters' own numbers are constants, as they are when JAX
        traces. A batched function returns an array of samples.

            jax.jit(jax.grad(lambda theta: fast.jax()(X, y, parameters=theta).mean()))

        It computes in 64 bits on the processor, through a callback, and returns what the arrays have. grad, vjp,
        jacrev, jit and vmap apply, forward mode does not: a Hessian is jacrev(grad(f)). Where the function branches
        each sample takes its own path, for which its numbers are needed once: call it before JAX traces it.

        Raises:
            ImportError: if JAX is not installed; the message names the extra that brings it.

        """
        from autograd_mini.compiler.export.jax import jax_function

        return jax_function(self)  # type: ignore[arg-type]  # as above
