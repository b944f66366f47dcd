"""Adapters as the library peft saves them: a folder for each beside the model's weights, with adapter_config.json and
adapter_model.safetensors. A product W becomes W + s B·A, a table E becomes E + s (B·A)ᵀ, s = alpha/r or alpha/√r.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch


def save(folder: Path, name: str, seed: int, **settings) -> None:
    """One adapter with random A and B, in a folder of its own, for the transformers model in `folder`."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    torch.manual_seed(seed)
    model = get_peft_model(AutoModel.from_pretrained(folder), LoraConfig(**settings))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.copy_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder / name)
    (folder / name / "README.md").unlink(missing_ok=True)
    path = folder / name / "adapter_config.json"
    # The path of the machine that made it, and what differs from run to run.
    config = json.loads(path.read_text()) | {"base_model_name_or_path": None}
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
