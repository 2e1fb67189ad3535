# SPDX-License-Identifier: MIT
"""What ClusterShell makes of node sets: each line of the input is one; the answer is a line of its nodes, or "error"."""
import sys

from ClusterShell.NodeSet import NodeSet, NodeSetException

for line in sys.stdin:
    try:
        print(" ".join(sorted(NodeSet(line.rstrip("\n")))))
    except NodeSetException:
        print("error")
