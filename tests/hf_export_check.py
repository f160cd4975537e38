"""Loads our Hugging Face exports with transformers and compares losses and tokens with ours.

For machines that have torch and transformers (neither is needed to build or test the project):

    cargo run -p engine --example hf_export -- FOLDER
    python3 tests/hf_export_check.py FOLDER

In: the folder that the example wrote. Out: one line per export, exit code 1 if any differs.
It downloads nothing: all models are read from FOLDER.
"""

import json
import math
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

try:
    import torch
    import transformers
except ImportError as missing:
    sys.exit(f"not run: {missing}")

# f32 sums of another order: a real difference (rotary convention, epsilon, a swapped matrix) is above 1e-3.
TOLERANCE = 1e-4


def loss_of(model, tokens, length):
    rows = torch.tensor(tokens).view(-1, length)
    with torch.no_grad():
        logits = model(rows).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten()).item()


def check(folder, facts):
    model, loading = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    # transformers fills a missing weight with noise and only warns: that must not pass.
    problems = [f"{kind}: {sorted(loading[kind])}" for kind in ("missing_keys", "unexpected_keys") if loading[kind]]
    loss = loss_of(model.eval(), facts["tokens"], facts["length"])
    if not math.isclose(loss, facts["loss"], abs_tol=TOLERANCE, rel_tol=0):
        problems.append(f"loss {loss:.6f}, ours is {facts['loss']:.6f}")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text in ("plain", "zwölf naïve 字 🙂\n\ttabs", "Ā is no end of text", "\x00\x7f", ""):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if ids != list(text.encode()):
            problems.append(f"{text!r} became {ids}")
        if tokenizer.decode(ids) != text:
            problems.append(f"{text!r} came back as {tokenizer.decode(ids)!r}")
    if model.config.eos_token_id != 0:
        problems.append(f"eos is {model.config.eos_token_id}")
    return loss, problems


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
    exports = sorted(folder.glob("*.json"))
    if not exports:
        sys.exit(f"no export in {folder}")
    failed = False
    for facts_file in exports:
        facts = json.loads(facts_file.read_text())
        loss, problems = check(facts_file.with_suffix(""), facts)
        failed |= bool(problems)
        print(f"{facts_file.stem}: loss {loss:.6f}, ours {facts['loss']:.6f}", *problems, "" if problems else "ok", sep="\n  ")
    sys.exit(failed)


main()
