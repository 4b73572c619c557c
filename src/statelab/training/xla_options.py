"""What XLA's compiler for processors is set to, beside what XLA_FLAGS asks for."""

import os

# Of a loop's step, below which the loop is compiled into one function: without calls
# between its operations, a step of ten units takes a fifth of the time.
SMALL_LOOP = 1 << 17  # bytes that it reads and writes

OPTIONS = (
    f"--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold={SMALL_LOOP}",
    # Networks, or their lanes, are spread over the cores here. Products and operations
    # that XLA spreads as well wait for each other.
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_enable_concurrency_optimized_scheduler=false",
    "--xla_cpu_prefer_vector_width=512",  # bits; where there are so many
)


def choose() -> None:
    """Put the options into XLA_FLAGS. What is there already has the last word.

    XLA reads them once in a process, when it compiles first. Where XLA_FLAGS names a
    file of options, it stays as it is.
    """
    given = os.environ.get("XLA_FLAGS", "").split()
    if given and not given[0].startswith("--"):
        return
    ours = [option for option in OPTIONS if option not in given]
    os.environ["XLA_FLAGS"] = " ".join([*ours, *given])
