"""Check params.yaml before any stage removes what an earlier run has made."""

from pathlib import Path

from statelab.config import params, schema
from statelab.io import files
from statelab.pipeline import command


def main(done: Path) -> None:
    schema.check(params.read())
    with files.atomic_write(done) as stream:
        stream.write(b"params.yaml is sound\n")


if __name__ == "__main__":
    command.run(main)
