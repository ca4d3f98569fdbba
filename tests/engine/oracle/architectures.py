"""Tiny random models of every architecture and option that the engine reads, as transformers writes them.

A case is a configuration and what is done to its files: the type they are stored in, shards, config.json as transformers 4 wrote
it, routers inside the checkpoint. `write` makes the folder; whoever reads it back with transformers reads these very files.
"""

import json
import math
import shutil
from dataclasses import dataclass, field

from reference import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config
from transformers import LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM

VOCABULARY = 768  # of the tiny tokenizer

CLASSES = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64, "rope_theta": 500000.0}  # fmt: skip


@dataclass
class Case:
    name: str
    family: str
    options: dict = field(default_factory=dict)  # of the configuration
    dtype: torch.dtype = torch.float32
    shards: bool = False
    version: int = 5  # of the transformers that wrote config.json
    flux: dict | None = None  # fields of a published Flux checkpoint; "logits" is its routers' last layer


CASES = [
    Case("llama2", "llama", {"num_key_value_heads": 4}, version=4),
    Case("llama3", "llama", {"rope_parameters": LLAMA3}),
    Case("llama3-v4", "llama", {"rope_parameters": LLAMA3, "tie_word_embeddings": True}, version=4),
    Case("llama-mqa", "llama", {"num_key_value_heads": 1, "head_dim": 24}),
    Case("llama-biases", "llama", {"attention_bias": True, "mlp_bias": True}),
    Case("llama-linear", "llama", {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}}),
    Case("llama-linear-v4", "llama", {"rope_parameters": {"type": "linear", "factor": 2.5, "rope_theta": 5000.0}}, version=4),
    Case("llama-bf16", "llama", dtype=torch.bfloat16, version=4),
    Case("llama-shards", "llama", shards=True),
    Case("mistral", "mistral", {"sliding_window": None}, version=4),
    Case("mistral-window", "mistral", {"sliding_window": 20, "head_dim": 32}),
    Case("mistral-fp16", "mistral", {"sliding_window": None, "num_key_value_heads": 4}, dtype=torch.float16),
    Case("qwen2", "qwen2", {"tie_word_embeddings": True}),
    Case("qwen2-v4", "qwen2", {"use_sliding_window": False, "sliding_window": 20, "max_window_layers": 1}, version=4),
    Case("qwen2-window", "qwen2", {"use_sliding_window": True, "sliding_window": 24, "max_window_layers": 1}, version=4),
    Case("qwen2-layer-types", "qwen2",
         {"use_sliding_window": True, "sliding_window": 9, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}),  # fmt: skip
    Case("qwen3", "qwen3", {"tie_word_embeddings": True}),
    Case("qwen3-v4-bf16-shards", "qwen3", dtype=torch.bfloat16, shards=True, version=4),
    Case("qwen3-bias-window", "qwen3",
         {"attention_bias": True, "use_sliding_window": True, "sliding_window": 33, "max_window_layers": 2}),  # fmt: skip
    Case("qwen3-yarn", "qwen3",
         {"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 1000000.0}}),  # fmt: skip
    Case("qwen3-yarn-v4", "qwen3",
         {"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 10000.0}},
         version=4),  # fmt: skip
    Case("qwen3-yarn-betas", "qwen3",
         {"rope_parameters": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32, "rope_theta": 10000.0,
                              "attention_factor": 1.3, "beta_fast": 4.0, "beta_slow": 0.5, "truncate": False}}),  # fmt: skip
    Case("llama-yarn-mscale", "llama",
         {"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 10000.0,
                              "mscale": 0.8, "mscale_all_dim": 1.6}}),  # fmt: skip
    Case("paw-qwen3", "qwen3", version=4,
         flux={"logits": 2, "pool_size": 12.0, "use_softmax": True, "pooling_mode": "ctx_q", "toggle_type": "streaming",
               "retrieval_mode": "full", "sink_size": 128, "local_window_size": 2048,
               "disable_linear_regularization_term": False, "suggested_sparsity": None}),  # fmt: skip
    Case("paw-llama", "llama", {"rope_parameters": LLAMA3}, version=4, shards=True, dtype=torch.bfloat16,
         flux={"logits": 1, "pool_size": 9, "use_softmax": True, "pooling_mode": "ctx_q", "toggle_type": "streaming"}),  # fmt: skip
]


def randomized(model, seed):
    """Weights with which every part of a block matters; transformers' own beginnings are nearly silent."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if weight.dim() == 2:
            deviation = 0.6 if "embed" in name else 1 / math.sqrt(weight.shape[1])
            weight.data = deviation * noise
        else:
            weight.data = 0.2 * noise + (1 if "norm" in name else 0)
    return model


def as_version_4(config):
    """config.json as transformers 4 wrote it."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    if rope.get("rope_type") == "default":
        rope = None
    elif "type" in rope:
        rope.pop("rope_type", None)  # the older name alone
    config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    config["transformers_version"] = "4.51.1"
    return config


def routers(layers, dim, logits, seed):
    """As published: names, shapes, and the tensors beside them that nobody needs."""
    generator = torch.Generator().manual_seed(seed)
    sizes = {"cls_feat_extractor.0": (8 * dim, dim), "cls_feat_extractor.2": (2 * dim, 8 * dim),
             "cls_router_head_agnostic.0": (4 * dim, 2 * dim), "cls_router_head_agnostic.2": (dim, 4 * dim),
             "cls_router_head_agnostic.4": (logits, dim)}  # fmt: skip
    tensors = {}
    for layer in range(layers):
        prefix = f"model.layers.{layer}.self_attn.mask_allocator."
        for name, (outputs, inputs) in sizes.items():
            gain = 6 if name == "cls_feat_extractor.0" else 1.6
            tensors[prefix + name + ".weight"] = gain / math.sqrt(inputs) * torch.randn(outputs, inputs, generator=generator)
            tensors[prefix + name + ".bias"] = 0.1 * torch.randn(outputs, generator=generator)
        tensors[prefix + "log_temp"] = torch.tensor(0.0)
    for name in ("model.sparsity_lambda1_task", "model.sparsity_lambda2_task"):
        tensors[name] = torch.rand(5, generator=generator)
    return tensors


def add_routers(folder, tensors):
    """Into model.safetensors, or as one more shard with its entries in the index."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        content = json.loads(index.read_text())
        save_file(tensors, folder / "routers-of-shards.safetensors", {"format": "pt"})
        content["weight_map"].update(dict.fromkeys(tensors, "routers-of-shards.safetensors"))
        index.write_text(json.dumps(content))
    else:
        weights = folder / "model.safetensors"
        save_file(load_file(weights) | tensors, weights, {"format": "pt"})


def write(case, folder, tokenizer, seed):
    """Makes the case's folder. `tokenizer`: a folder whose tokenizer files are copied into it."""
    make_config, make_model = CLASSES[case.family]
    options = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
               "num_key_value_heads": 2, "max_position_embeddings": 512, "vocab_size": VOCABULARY, "bos_token_id": None,
               "eos_token_id": 765, "pad_token_id": None} | ({"head_dim": 24} if case.family == "qwen3" else {})  # fmt: skip
    model = randomized(make_model(make_config(**(options | case.options))), seed).to(case.dtype)
    model.save_pretrained(folder, **({"max_shard_size": "150KB"} if case.shards else {}))
    assert (folder / "model.safetensors.index.json").exists() == case.shards
    config = json.loads((folder / "config.json").read_text())
    if case.version == 4:
        config = as_version_4(config)
    if case.flux:
        fields = dict(case.flux)
        dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        tensors = routers(config["num_hidden_layers"], dim, fields.pop("logits"), seed)
        add_routers(folder, {name: tensor.to(case.dtype) for name, tensor in tensors.items()})
        config |= fields | {"architectures": ["Paw" + config["architectures"][0]]}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)


def read_tensors(folder):
    """All tensors of a folder, in fp32."""
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= {name: tensor.float() for name, tensor in load_file(file).items()}
    return tensors


def reference_model(case, folder):
    """transformers' own reading of the folder's files; a Paw checkpoint is read as what it was made from."""
    _, make_model = CLASSES[case.family]
    return make_model.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
