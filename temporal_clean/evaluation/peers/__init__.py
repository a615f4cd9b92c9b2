"""Everything that the protocol compares: simple and classical methods, our own parts, the oracle.

One module a kind; ``record.py`` says what a peer is. Read facts and sources in each method's
docstring.
"""

from temporal_clean.evaluation.peers import hqdn3d, mdegrain
from temporal_clean.evaluation.peers.accumulation import accumulation_peers
from temporal_clean.evaluation.peers.blurs import blur_peers
from temporal_clean.evaluation.peers.own import own_peers
from temporal_clean.evaluation.peers.record import Peer

__all__ = ["Peer", "classical_peers", "missing_peers", "own_peers"]


def classical_peers() -> list[Peer]:
    """Every method that is not ours, at every setting, mild to strong; the oracle last.

    What cannot run here is left out: :func:`missing_peers` says why.
    """
    return [
        *blur_peers(),
        *hqdn3d.hqdn3d_peers(),
        *mdegrain.mdegrain_peers(),
        *accumulation_peers(),
    ]


def missing_peers() -> dict[str, str]:
    """Families that cannot run on this machine: why, and what installs them."""
    reasons = {"hqdn3d": hqdn3d.why_missing(), "MDegrain": mdegrain.why_missing()}
    return {family: reason for family, reason in reasons.items() if reason}
