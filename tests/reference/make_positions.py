"""Make tests/fixtures/positions.json: the bucket of every distance, as PyTorch's f32 logarithms round it.

At distances where the logarithm comes out whole, one bucket more or less hangs on the last bit.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder
from transformers.models.t5.modeling_t5 import T5Attention

import fixture_io as fx

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "positions.json"
FIRST, LAST = -600, 600

T5 = [(32, 128), (16, 20), (32, 256), (8, 32)]  # buckets, largest distance
DEBERTA = [(256, 512), (8, 24), (32, 128), (16, 512)]  # buckets, positions


def main() -> None:
    distance = torch.arange(FIRST, LAST + 1)
    rows = []
    for buckets, largest in T5:
        found = T5Attention._relative_position_bucket(distance, True, buckets, largest)
        rows.append({"kind": "t5", "buckets": buckets, "max_distance": largest, "bucket": found.tolist()})
    found = MPNetEncoder.relative_position_bucket(distance, num_buckets=32)
    rows.append({"kind": "mpnet", "buckets": 32, "max_distance": 128, "bucket": found.tolist()})
    for buckets, positions in DEBERTA:
        found = make_log_bucket_position(distance, buckets, positions).long()
        rows.append({"kind": "deberta", "buckets": buckets, "max_position": positions, "bucket": found.tolist()})
    head = {"first": FIRST, "last": LAST, "distance": "t5 and mpnet: key - query; deberta: query - key"}
    fx.write_json_lines(FIXTURE, head, "cases", rows)
    print(f"{len(rows)} cases, {FIXTURE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
