"""Hold the program against transformers on checkpoints that no fixture has: other sizes, seeds and prefixes.

    python tests/reference/check_families.py target/debug/embedscope [SEED]

Each model is made at random, written to a folder with a fixture's tokenizer, and traced by the program; attention
patterns, hidden states and the last hidden state must agree within 2e-4 of the largest magnitude. Exits 1 otherwise.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers as t
from safetensors.numpy import load_file
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "families"
TEXTS = ["The cat sat on the mat, unhappily", "dogs bit 12 cats in the hat"]
LIMIT = 2e-4
SHAPE = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 6, "intermediate_size": 56}
TURNED = {"hidden_size": 36, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 44}

# (fixture with the tokenizer, configuration, its values, model, prefix of every tensor)
MODELS = [
    ("roberta", t.RobertaConfig, {**SHAPE, "max_position_embeddings": 66, "type_vocab_size": 1, "pad_token_id": 1},
     t.RobertaModel, ""),
    ("xlm_roberta", t.XLMRobertaConfig, {**SHAPE, "max_position_embeddings": 130, "type_vocab_size": 1,
                                         "pad_token_id": 1}, t.XLMRobertaModel, "roberta."),
    ("mpnet", t.MPNetConfig, {**SHAPE, "max_position_embeddings": 80}, t.MPNetModel, "mpnet."),
    ("distilbert", t.DistilBertConfig, {"dim": 36, "n_layers": 3, "n_heads": 6, "hidden_dim": 50,
                                        "max_position_embeddings": 50}, t.DistilBertModel, "distilbert."),
    ("electra", t.ElectraConfig, {**SHAPE, "embedding_size": 20}, t.ElectraModel, "electra."),
    ("albert", t.AlbertConfig, {**SHAPE, "embedding_size": 16, "num_hidden_layers": 6, "num_hidden_groups": 2},
     t.AlbertModel, "albert."),
    ("modernbert", t.ModernBertConfig, {**SHAPE, "num_hidden_layers": 7, "local_attention": 6, "pad_token_id": 0,
                                        "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
     t.ModernBertModel, "model."),
    ("qwen3", t.Qwen3Config, {**SHAPE, "num_key_value_heads": 2, "head_dim": 16}, t.Qwen3Model, "model."),
    ("qwen2", t.Qwen2Config, {**SHAPE, "num_key_value_heads": 3}, t.Qwen2Model, ""),
    ("llama", t.LlamaConfig, {**SHAPE, "num_key_value_heads": 1}, t.LlamaModel, "model."),
    ("mistral", t.MistralConfig, {**SHAPE, "num_key_value_heads": 2, "head_dim": 12, "sliding_window": 5},
     t.MistralModel, "model."),
    ("t5", t.T5Config, {"d_model": 40, "d_kv": 12, "d_ff": 64, "num_layers": 4, "num_heads": 5,
                        "relative_attention_num_buckets": 16, "relative_attention_max_distance": 40},
     t.T5EncoderModel, ""),
    ("t5", t.T5Config, {"d_model": 40, "d_kv": 12, "d_ff": 64, "num_layers": 2, "num_heads": 3,
                        "feed_forward_proj": "gated-gelu"}, t.T5EncoderModel, ""),
    ("gemma3_text", t.Gemma3TextConfig, {"hidden_size": 40, "num_hidden_layers": 7, "num_attention_heads": 4,
                                         "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 60,
                                         "sliding_window": 6, "query_pre_attn_scalar": 40,
                                         "use_bidirectional_attention": True}, t.Gemma3TextModel, ""),
    ("deberta_v2", t.DebertaV2Config, {**SHAPE, "max_position_embeddings": 64, "relative_attention": True,
                                       "position_buckets": 12, "norm_rel_ebd": "layer_norm", "share_att_key": True,
                                       "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
                                       "type_vocab_size": 0}, t.DebertaV2Model, "deberta."),
    ("deberta_v2_conv", t.DebertaV2Config, {**SHAPE, "max_position_embeddings": 64, "relative_attention": True,
                                            "position_buckets": 12, "norm_rel_ebd": "layer_norm",
                                            "share_att_key": True, "pos_att_type": ["p2c", "c2p"],
                                            "position_biased_input": False, "type_vocab_size": 0,
                                            "conv_kernel_size": 7, "conv_groups": 3, "conv_act": "gelu"},
     t.DebertaV2Model, "deberta."),
    ("nomic_bert", t.NomicBertConfig, {**TURNED, "head_dim": 12}, t.NomicBertModel, ""),
    ("gte", t.GteConfig, {**TURNED, "type_vocab_size": 0}, t.GteModel, ""),
    ("jina_v3", t.JinaEmbeddingsV3Config, {**TURNED, "type_vocab_size": 1}, t.JinaEmbeddingsV3Model, ""),
]


def randomized(model: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(parameter + 0.2 * noise if parameter.dim() == 1 else 0.25 * noise)
    return model.eval()


def off(ours: np.ndarray, theirs: torch.Tensor) -> float:
    expected = theirs[0].detach().numpy()
    return float(np.abs(ours - expected).max() / np.abs(expected).max())


def traced(program: str, folder: Path, text: str) -> dict[str, np.ndarray]:
    out = folder / "trace.safetensors"
    subprocess.run([program, "trace", "--model", folder, "--text", text, "--out", out], check=True)
    return load_file(out)


def worst(program: str, folder: Path, model: torch.nn.Module, text: str) -> float:
    tokenizer = t.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    ids = tokenizer(text)["input_ids"]
    encoder = model.encoder if isinstance(model, t.T5EncoderModel) else model
    with torch.no_grad():
        theirs = encoder(torch.tensor([ids]), output_hidden_states=True, output_attentions=True)
    ours = traced(program, folder, text)
    assert ours["tokens.ids"].tolist() == ids
    pairs = [(ours[f"layer.{l}.pattern"], pattern) for l, pattern in enumerate(theirs.attentions)]
    # The last hidden state is there twice: raw in some families, normed in others.
    pairs += [(ours[f"layer.{l}.resid_in"], state) for l, state in enumerate(theirs.hidden_states[:-1])]
    pairs.append((ours["final.out"], theirs.last_hidden_state))
    return max(off(*pair) for pair in pairs)


def main() -> int:
    program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.manual_seed(seed)
    failed = False
    for fixture, config_of, values, model_of, prefix in MODELS:
        vocabulary = json.loads((FIXTURES / fixture / "config.json").read_text())["vocab_size"]
        config = config_of(vocab_size=vocabulary, attn_implementation="eager", **values)
        model = randomized(model_of(config))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tensors = {prefix + key: value.clone().contiguous() for key, value in model.state_dict().items()}
            save_file(tensors, folder / "model.safetensors")
            config.save_pretrained(folder)
            shutil.copy(FIXTURES / fixture / "tokenizer.json", folder)
            found = max(worst(program, folder, model, text) for text in TEXTS)
        print(f"{config.model_type:20} {found:.1e}", flush=True)
        failed |= not found <= LIMIT
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
