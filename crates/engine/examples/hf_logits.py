"""Compares the logits of a Hugging Face folder, as this engine imports it, with those of transformers.

For machines that have torch and transformers (neither is needed to build or test the project):

    cargo build -p engine --example hf_logits
    python3 crates/engine/examples/hf_logits.py PROGRAM FOLDER [FOLDER ...]

PROGRAM is the built example; it needs libtorch on its library path, as everything that links the engine.
    python3 crates/engine/examples/hf_logits.py --make FOLDER

makes checkpoints of another maker in FOLDER instead: random LlamaForCausalLM models saved by transformers itself, whole and
in shards, in f32, bf16 and f16, tied and untied, with and without grouped queries.

In: folders that lie on this machine; nothing is downloaded. Out: one line per folder, exit code 1 if any differs by more
than 1e-4.
"""

import json
import os
import pathlib
import subprocess
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

try:
    import torch
    import transformers
except ImportError as missing:
    sys.exit(f"not run: {missing}")

TOLERANCE = 1e-4
TOKENS = 48


def tokens_for(vocab):
    return [(7 * i * i + 13 * i + 1) % vocab for i in range(TOKENS)]


def theirs(folder, tokens):
    model, loading = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    # transformers fills a missing weight with noise and only warns: that must not pass.
    if loading["missing_keys"]:
        sys.exit(f"{folder}: missing {sorted(loading['missing_keys'])}")
    with torch.no_grad():
        return model.eval()(torch.tensor([tokens])).logits[0].float()


def ours(program, folder, tokens):
    words = [program, str(folder), ",".join(map(str, tokens))]
    out = subprocess.run(words, check=True, capture_output=True, text=True, timeout=600).stdout
    return torch.tensor(json.loads(out)["logits"])


def compare(program, folder):
    vocab = json.loads((folder / "config.json").read_text())["vocab_size"]
    tokens = tokens_for(vocab)
    reference = theirs(folder, tokens)
    difference = (ours(program, folder, tokens) - reference).abs().max().item()
    scale = reference.abs().max().item()
    fine = difference <= TOLERANCE
    print(f"{folder.name}: max difference {difference:.2e} at logits up to {scale:.2f}", "ok" if fine else "DIFFERS")
    return fine


def make(folder):
    cases = [
        ("whole-f32", torch.float32, True, 4, None),
        ("sharded-f32-untied", torch.float32, False, 4, "200KB"),
        ("sharded-bf16-grouped", torch.bfloat16, False, 2, "100KB"),
        ("whole-f16-grouped-tied", torch.float16, True, 1, None),
    ]
    for seed, (name, dtype, tied, kv_heads, shard) in enumerate(cases):
        torch.manual_seed(seed)
        config = transformers.LlamaConfig(
            vocab_size=310,
            hidden_size=96,
            intermediate_size=200,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=kv_heads,
            rms_norm_eps=1e-5,
            tie_word_embeddings=tied,
            max_position_embeddings=256,
            # Larger than usual, so that logits are of a size at which an error shows.
            initializer_range=0.08,
        )
        model = transformers.LlamaForCausalLM(config).to(dtype)
        more = {"max_shard_size": shard} if shard else {}
        model.save_pretrained(folder / name, **more)
        print(folder / name)


def main():
    words = sys.argv[1:]
    if len(words) < 2:
        sys.exit(__doc__)
    if words[0] == "--make":
        return make(pathlib.Path(words[1]))
    results = [compare(words[0], pathlib.Path(folder)) for folder in words[1:]]
    sys.exit(not all(results))


main()
