"""Check search/params.yaml before a search removes what an earlier one has found."""

from pathlib import Path

from statelab import arrays, command, files, params, questions, schema
from statelab.sequences import Sequences


def main(sequences: Path, done: Path) -> None:
    read, asked = params.read(), params.read(params.SEARCH)
    schema.check_search(asked, read)
    questions.ask(
        arrays.read(sequences, Sequences),
        seed=read["seed"],
        horizon=read["generate"]["horizon"],
        window=read["window"],
        search=asked["search"],
    )
    with files.whole(done) as stream:
        stream.write(b"search/params.yaml is sound\n")


if __name__ == "__main__":
    command.run(main)
