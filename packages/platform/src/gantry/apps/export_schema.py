"""Print the schema as SDL: `python -m gantry.apps.export_schema > schema.graphql`."""

from __future__ import annotations

import sys

from gantry.api.graphql.schema import schema


def main() -> None:
    """Write the SDL to standard output."""
    sys.stdout.write(schema.as_str() + "\n")


if __name__ == "__main__":
    main()
