#!/usr/bin/env python3
"""What one trainer makes of our files: runs inside that trainer's own virtual environment; trainers_oracle.py starts it and judges.

    VENV/bin/python trainers_load.py llamafactory|axolotl|mlx-lm JOBS.json OUT.json

A job is {"name", "model": a folder, ...} with what the trainer's own configuration would say. The trainer's own front door is used (its
configuration parser, its tokenizer loader, its data loader), and what comes out is written down: token ids, labels, and the prompt as text.
Nothing here knows what is right.
"""
import importlib.metadata, json, os, pathlib, sys, types

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", CUDA_VISIBLE_DEVICES="", TOKENIZERS_PARALLELISM="false",
                  AXOLOTL_DO_NOT_TRACK="1", DO_NOT_TRACK="1", TRL_EXPERIMENTAL_SILENCE="1", DISABLE_VERSION_CHECK="1")


def version(package):
    try: return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError: return None


def example(tokenizer, ids, labels):
    """labels: -100 where there is no loss, else the token; the prompt is what stands before the first."""
    start = next((i for i, x in enumerate(labels) if x != -100), len(labels))
    return {"ids": list(ids), "labels": list(labels),
            "prompt": tokenizer.decode(ids[:start], skip_special_tokens=False, clean_up_tokenization_spaces=False)}


def end_of(tokenizer, name="<|im_end|>"):
    known = tokenizer.get_vocab()
    return {"eos": tokenizer.eos_token_id, "im_end": known.get(name)}


# ---- LLaMA-Factory --------------------------------------------------------------------------------------------------------


def llamafactory(job, work):
    import transformers
    # Sound in a conversation: LLaMA-Factory imports torchaudio at its start, which must fit torch to the letter. Our rows are text.
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer
    said = {"model_name_or_path": job["model"], "stage": "sft", "do_train": True, "finetuning_type": "lora", "output_dir": str(work / "out"),
            "report_to": "none", "use_cpu": True, "overwrite_cache": True, "cutoff_len": 512, **job["config"]}
    model_args, data_args, training_args, _, _ = get_train_args(said)
    loaded = load_tokenizer(model_args)
    tokenizer = loaded["tokenizer"]
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    rows = get_dataset(template, model_args, data_args, training_args, stage=said["stage"], **loaded)["train_dataset"]
    return {"rows": [example(tokenizer, r["input_ids"], r.get("labels", r["input_ids"])) for r in rows]} | end_of(tokenizer)


# ---- Axolotl --------------------------------------------------------------------------------------------------------------


def axolotl(job, work):
    import yaml
    from axolotl.cli.args import PreprocessCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets
    from axolotl.loaders import load_tokenizer
    said = {"base_model": job["model"], "train_on_inputs": False, "sequence_len": 512, "micro_batch_size": 1, "gradient_accumulation_steps": 1,
            "num_epochs": 1, "learning_rate": 1e-5, "output_dir": str(work / "out"), "dataset_num_proc": 1,
            "dataset_prepared_path": str(work / "prepared" / job["name"]), **job["config"]}
    path = work / (job["name"].replace(" ", "-") + ".yml")
    path.write_text(yaml.safe_dump(said))
    cfg = load_cfg(str(path))
    tokenizer = load_tokenizer(cfg)
    rows = load_datasets(cfg=cfg, cli_args=PreprocessCliArgs()).train_dataset
    return {"rows": [example(tokenizer, r["input_ids"], r["labels"]) for r in rows]} | end_of(tokenizer)


# ---- mlx-lm ---------------------------------------------------------------------------------------------------------------


def mlx_lm(job, work):
    """Labels are read off its own loss: with logits of zero and one row in a batch, the tokens it counts."""
    import mlx.core as mx
    from mlx_lm.tuner.datasets import CacheDataset, load_dataset
    from mlx_lm.tuner.trainer import default_loss, iterate_batches
    from mlx_lm.utils import load_tokenizer
    tokenizer = load_tokenizer(pathlib.Path(job["model"]))
    config = types.SimpleNamespace(**{"train": True, "test": False, "mask_prompt": False, **job["config"]})
    train, valid, test = load_dataset(config, tokenizer)
    rows = []
    for i in range(len(train)):
        ids, start = train.process(train[i])
        rows.append(example(tokenizer, ids, [-100] * max(start, 1) + list(ids[max(start, 1):])))
    one = types.SimpleNamespace(vocab=max(max(r["ids"]) for r in rows) + 1)
    counted = 0
    for batch, lengths in iterate_batches(CacheDataset(train), 1, 512):
        _, n = default_loss(lambda x: mx.zeros((*x.shape, one.vocab)), batch, lengths)
        counted += int(n)
    return {"rows": rows, "valid": len(valid), "test": len(test), "counted": counted} | end_of(tokenizer)


def main():
    tool, jobs, out = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text()), pathlib.Path(sys.argv[3])
    load = {"llamafactory": llamafactory, "axolotl": axolotl, "mlx-lm": mlx_lm}[tool]
    found = {job["name"]: load(job, out.parent) for job in jobs}
    used = {p: version(p) for p in (tool, "torch", "transformers", "datasets", "mlx") if version(p)}
    out.write_text(json.dumps({"versions": used, "jobs": found}))


if __name__ == "__main__":  # some trainers start processes that read this file again
    main()
