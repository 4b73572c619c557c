"""Check params.yaml before any stage removes what an earlier run has made."""

from pathlib import Path

from statelab import command, params, schema


def main(done: Path) -> None:
    schema.check(params.read())
    done.write_text("params.yaml is sound\n")


if __name__ == "__main__":
    command.run(main)
