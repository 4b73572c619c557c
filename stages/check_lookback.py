"""Check search/params.yaml before a search removes what an earlier one has found."""

from pathlib import Path

from statelab import command, files, params, schema


def main(done: Path) -> None:
    schema.check_search(params.read(params.SEARCH), params.read())
    with files.whole(done) as stream:
        stream.write(b"search/params.yaml is sound\n")


if __name__ == "__main__":
    command.run(main)
