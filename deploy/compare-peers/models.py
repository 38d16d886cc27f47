"""The compared models: a configuration for MeshDecode, the same shape as a GGUF file for llama.cpp."""

import json
import os

VOCABULARY = 32000

# hidden, layers, query heads, KV heads, head dim, MLP width, experts, experts per token
SHAPES = {
    "llama-1b": ("llama", 2048, 16, 32, 8, 64, 8192, 0, 0),
    "qwen3-0.6b": ("qwen3", 1024, 28, 16, 8, 128, 3072, 0, 0),
    "qwen3-moe-small": ("qwen3moe", 1024, 16, 16, 4, 64, 512, 32, 4),
}


def config_directory(work, name):
    """A directory with nothing but config.json: weights are made up while loading."""
    arch, hidden, layers, heads, kv_heads, head_dim, width, experts, chosen = SHAPES[name]
    config = {
        "vocab_size": VOCABULARY, "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_dim,
        "intermediate_size": width, "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 500000.0,
        "max_position_embeddings": 4096, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "bos_token_id": 1, "eos_token_id": 2,
    }
    if arch == "llama":
        config |= {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    elif arch == "qwen3":
        config |= {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}
    else:
        config |= {
            "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "num_experts": experts,
            "num_experts_per_tok": chosen, "moe_intermediate_size": width, "norm_topk_prob": True,
            "decoder_sparse_step": 1, "mlp_only_layers": [],
        }
    directory = os.path.join(work, "models", name)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w") as out:
        json.dump(config, out, indent=1)
    return directory


def gguf_file(work, name, file_type):
    """The same shape with random weights; made once. The head keeps eight bits in Q4_0, as it does in MeshDecode."""
    path = os.path.join(work, "models", f"{name}-{file_type}.gguf")
    if os.path.exists(path):
        return path
    import gguf

    shape = SHAPES[name]
    writer = gguf.GGUFWriter(path + ".part", shape[0])
    describe(writer, shape)
    Writer(gguf, writer, file_type).model(shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.rename(path + ".part", path)
    return path


def describe(writer, shape):
    _, hidden, layers, heads, kv_heads, head_dim, width, experts, chosen = shape
    writer.add_context_length(4096)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(500000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_feed_forward_length(width)
    writer.add_vocab_size(VOCABULARY)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(chosen)
        writer.add_expert_feed_forward_length(width)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>"] + [f"t{i}" for i in range(3, VOCABULARY)])
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([2, 3, 3] + [1] * (VOCABULARY - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


class Writer:
    def __init__(self, gguf, writer, file_type):
        import numpy

        self.gguf, self.writer, self.numpy = gguf, writer, numpy
        self.kind = getattr(gguf.GGMLQuantizationType, file_type)
        self.random = numpy.random.default_rng(0)

    def matrix(self, name, *shape, kind=None):
        kind = kind or self.kind
        values = self.random.standard_normal(shape, dtype=self.numpy.float32) / shape[-1] ** 0.5
        self.writer.add_tensor(name, self.gguf.quants.quantize(values, kind), raw_dtype=kind)

    def vector(self, name, count):
        self.writer.add_tensor(name, self.numpy.ones(count, dtype=self.numpy.float32))

    def model(self, shape):
        arch, hidden, layers, heads, kv_heads, head_dim, width, experts, _ = shape
        types = self.gguf.GGMLQuantizationType
        self.matrix("token_embd.weight", VOCABULARY, hidden, kind=types.BF16)
        self.vector("output_norm.weight", hidden)
        self.matrix(
            "output.weight", VOCABULARY, hidden, kind=types.Q8_0 if self.kind == types.Q4_0 else self.kind)
        for layer in range(layers):
            block = f"blk.{layer}."
            self.vector(block + "attn_norm.weight", hidden)
            self.matrix(block + "attn_q.weight", heads * head_dim, hidden)
            self.matrix(block + "attn_k.weight", kv_heads * head_dim, hidden)
            self.matrix(block + "attn_v.weight", kv_heads * head_dim, hidden)
            self.matrix(block + "attn_output.weight", hidden, heads * head_dim)
            if arch != "llama":
                self.vector(block + "attn_q_norm.weight", head_dim)
                self.vector(block + "attn_k_norm.weight", head_dim)
            self.vector(block + "ffn_norm.weight", hidden)
            if experts:
                self.writer.add_tensor(
                    block + "ffn_gate_inp.weight",
                    self.random.standard_normal((experts, hidden), dtype=self.numpy.float32) / hidden**0.5)
                self.matrix(block + "ffn_gate_exps.weight", experts, width, hidden)
                self.matrix(block + "ffn_up_exps.weight", experts, width, hidden)
                self.matrix(block + "ffn_down_exps.weight", experts, hidden, width)
            else:
                self.matrix(block + "ffn_gate.weight", width, hidden)
                self.matrix(block + "ffn_up.weight", width, hidden)
                self.matrix(block + "ffn_down.weight", hidden, width)
