/* plan.c - what a training is going to do: its rows, steps, tokens, memory and disk, and the first row as the model gets it. */
#include "view/views.h"
#include <string.h>

static void put_numbers(ken_views *v, const ken_training_plan *p)
{
    ken_value_count(v, "", "rows", p->data.rows + p->data.mixed);
    ken_value_count(v, "", "dev", p->dev);
    ken_value_count(v, "", "test", p->test);
    ken_value_count(v, "", "ood", p->ood);
    ken_value_count(v, "", "steps", (uint64_t)p->steps);
    ken_value_count(v, "", "steps_per_epoch", (uint64_t)p->steps_per_epoch);
    ken_value_count(v, "", "epoch_tokens", p->tokens);
    ken_value_count(v, "", "epoch_token_rows", p->rows);
    ken_value_count(v, "", "epoch_targets", p->targets);
    ken_value_count(v, "", "trained", p->trained);
    ken_value_count(v, "", "memory", p->memory);
    ken_value_count(v, "", "disk", p->disk);
    ken_value_text(v, "", "prompt", p->example_prompt);
    ken_value_text(v, "", "target", p->example_target);
}

static void line(ken_views *v)
{
    ken_views_text(v);
    ken_views_last(v)->close = true;
}

static void put_lines(ken_views *v, const char *title, const char *text)
{
    line(v);
    ken_views_say(v, KEN_STYLE_QUIET, "%s", title);
    for (const char *s = text; s != NULL && *s != '\0';) {
        const size_t n = strcspn(s, "\n");
        line(v);
        ken_views_say(v, KEN_STYLE_PLAIN, "%.*s", (int)n, s);
        s += n + (s[n] == '\n');
    }
}

static void say_rows(ken_views *v, const ken_training_plan *p)
{
    const char *between = " (";
    line(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s rows to train on", ken_views_count_text(v, p->data.rows));
    if (p->data.mixed > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, " and %s of other tasks", ken_views_count_text(v, p->data.mixed));
    for (int c = 0; c <= KEN_N_CATEGORIES; c++) {
        if (p->data.category[c] == 0 || p->data.category[KEN_N_CATEGORIES] == p->data.rows) continue;
        ken_views_say(v, KEN_STYLE_PLAIN, "%s%s %s", between, ken_views_count_text(v, p->data.category[c]),
                      c < KEN_N_CATEGORIES ? ken_category_name(c) : "not annotated");
        between = ", ";
    }
    if (between[0] == ',') ken_views_say(v, KEN_STYLE_PLAIN, ")");
    if (p->dev + p->test + p->ood == 0) return;
    line(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "rows to watch: dev %zu, test %zu, out of distribution %zu", p->dev, p->test,
                  p->ood);
}

static void say_work(ken_views *v, const ken_training_plan *p)
{
    line(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s steps, %s an epoch; %s values are trained",
                  ken_views_count_text(v, (uint64_t)p->steps), ken_views_count_text(v, (uint64_t)p->steps_per_epoch),
                  ken_views_count_text(v, p->trained));
    line(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "an epoch: %s target tokens; %s token rows forwarded and back",
                  ken_views_count_text(v, p->targets), ken_views_count_text(v, p->rows));
    if (p->rows < p->tokens)
        ken_views_say(v, KEN_STYLE_PLAIN, ", %s (%.1f times as many) without sharing prefixes",
                      ken_views_count_text(v, p->tokens), (double)p->tokens / (double)p->rows);
    line(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "about %.1f GB of memory, %.1f GB of disk", (double)p->memory / 1e9,
                  (double)p->disk / 1e9);
}

int ken_views_of_plan(ken_views **out, const ken_training_plan *p, ken_err *err)
{
    ken_views *v = ken_views_new();
    put_numbers(v, p);
    put_lines(v, "--- first prompt", p->example_prompt);
    put_lines(v, "--- its target", p->example_target);
    put_lines(v, "---", NULL);
    say_rows(v, p);
    say_work(v, p);
    ken_view_note_lines(v, p->notes);
    return ken_views_finish(out, v, err);
}
