"""Check params.yaml before any stage removes the outputs of an earlier run."""

from statelab.config import params, schema
from statelab.io import files
from statelab.pipeline import command, paths


def main() -> None:
    schema.check(params.read())
    with files.atomic_write(paths.PARAMS_CHECKED) as stream:
        stream.write(b"params.yaml is sound\n")


if __name__ == "__main__":
    command.run(main)
