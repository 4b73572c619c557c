"""params.yaml of this repository."""

from checkouts import REPOSITORY
from ruamel.yaml import YAML

PARAMS = YAML(typ="safe").load(REPOSITORY / "params.yaml")
