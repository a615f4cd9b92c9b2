"""temporal-clean pairs: paired clips for training and evaluation."""

from typing import Annotated, Any, Union

import tyro

from temporal_clean.commands.pairs.align import align
from temporal_clean.commands.pairs.check import check
from temporal_clean.commands.pairs.degrade import degrade
from temporal_clean.commands.pairs.places import places
from temporal_clean.commands.pairs.record import record
from temporal_clean.commands.pairs.shard import shard

__all__ = ["pairs"]

ACTIONS = {
    "record": record,
    "degrade": degrade,
    "align": align,
    "check": check,
    "shard": shard,
    "places": places,
}
Action = Union[  # noqa: UP007  (built from the table)
    tuple(
        Annotated[Any, tyro.conf.subcommand(name=name, constructor=function)]
        for name, function in ACTIONS.items()
    )
]


@tyro.conf.configure(tyro.conf.OmitSubcommandPrefixes)
def pairs(action: Action) -> None:  # pyright: ignore[reportInvalidTypeForm]
    """Make paired clips, low and high quality of the same frames: record, degrade, align, check."""
    # tyro has run the action by now: its result is this function's argument.
