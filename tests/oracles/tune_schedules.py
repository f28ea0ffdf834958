#!/usr/bin/env python3
"""Learning rates of transformers' schedules, for src/tune/schedule.c.

    python3 tests/oracles/tune_schedules.py > tests/fixtures/tune/schedules.tsv

Lines: kind, steps, warm-up steps, step, factor (C99 hexadecimal float), from get_constant_schedule_with_warmup,
get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup at a peak of 1; and
"share, percent, steps, warm-up steps" as TrainingArguments counts a warm-up ratio (ceil).
"""
import math, torch, transformers
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

print(f"# tune_schedules.py with torch {torch.__version__}, transformers {transformers.__version__}")


def rates(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    for _ in range(steps):
        yield schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()


for steps, warmup in ((1, 0), (1, 1), (7, 0), (7, 3), (10, 10), (48, 2), (5, 9)):
    for kind, make in (
        ("constant", lambda o: get_constant_schedule_with_warmup(o, warmup)),
        ("linear", lambda o: get_linear_schedule_with_warmup(o, warmup, steps)),
        ("cosine", lambda o: get_cosine_schedule_with_warmup(o, warmup, steps)),
    ):
        for step, rate in enumerate(rates(make, steps)):
            print("rate", kind, steps, warmup, step, float(rate).hex(), sep="\t")
for percent in (0, 3, 10, 100):
    for steps in (1, 10, 33, 100, 2400):
        print("share", percent, steps, math.ceil(steps * percent / 100), sep="\t")
