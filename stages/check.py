"""Check params.yaml before any stage removes what an earlier run has made."""

from pathlib import Path

from statelab import command, files, params, schema


def main(done: Path) -> None:
    schema.check(params.read())
    with files.whole(done) as stream:
        stream.write(b"params.yaml is sound\n")


if __name__ == "__main__":
    command.run(main)
