/* plan.c - what a run would cost: ken_annotate_plan of ken.h (ken annotate --dry-run).
 *
 * The prompts' tokens are counted (cost.h). What the answers cost differs from data to data by a factor of thirty, so a few rows, spread over all,
 * are asked for real and not kept: their mean is the estimate, their scatter its range. Nothing is measured for long: after ENOUGH_SECONDS
 * no further row is begun, and the range is as wide as few rows make it. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/options.h"
#include "know/choice.h"
#include "know/cost.h"
#include "know/watch.h"
#include <math.h>
#include <string.h>

enum { SHOWN = 3, MEASURED = 40, AT_LEAST = 6 };
#define ENOUGH_SECONDS 30.0
#define PROMPTS_OFF                                                                                                    \
    0.05 /* how far the count of the prompts may be off: rows that are left out, what is forwarded again */

/* ---- the first prompts ---------------------------------------------------------------------------------------------- */

static int show_choice(const ken_task_context *c, size_t row, const ken_example *x, ken_buf *text, ken_err *err)
{
    ken_choice *q = NULL;
    int32_t *ids = NULL;
    size_t n, cap = 0;
    const ken_choice_from from = ken_choice_exemplars(c->exemplars, c->data, c->other, row);
    int rc = ken_choice_new(&q, NULL, c->setup, &from, x, err);
    if (rc == KEN_OK) rc = ken_choice_prompt(q, 0, text, &ids, &n, &cap, err);
    ken_free(ids);
    ken_choice_free(q);
    return rc;
}

static int show_prompts(const ken_task_context *c, const size_t *row, size_t n, ken_plan *out, ken_err *err)
{
    out->prompts = ken_calloc(SHOWN, sizeof *out->prompts);
    int rc = out->prompts == NULL ? ken_fail_nomem(err, "plan") : KEN_OK;
    for (size_t i = 0; i < n && i < SHOWN && rc == KEN_OK; i++) {
        const ken_example *x = ken_data_get(c->data, row[i]), *shots[KEN_MAX_SHOTS];
        ken_buf text = {0};
        if (x->n_choices > 0) rc = show_choice(c, row[i], x, &text, err);
        else {
            const ken_exemplars *ex = c->setup->shots > 0 ? ken_exemplar_sets_row(c->exemplars, row[i]) : NULL;
            ken_prompt_text(&c->setup->style, shots, ken_exemplars_get(ex, 0, shots), x, &text);
        }
        char *taken = rc == KEN_OK ? ken_buf_take(&text) : NULL;
        if (taken != NULL) out->prompts[out->n_prompts++] = taken;
        else if (rc == KEN_OK) rc = ken_fail_nomem(err, "plan");
        ken_buf_free(&text);
    }
    return rc;
}

/* ---- a few rows ----------------------------------------------------------------------------------------------------- */

typedef struct trial {
    ken_task_context c;
    const size_t *row; /* (n) all of the run */
    size_t n;
    ken_work work;
    ken_watch watch;
    double began, seconds,
        positions; /* seconds and positions when the last row was begun: after that waves are not full */
} trial;

static uint64_t forwarded(const trial *t) { return ken_engine_get_stats(t->c.engine).positions; }

/* The i-th row to try: any first few of them are spread evenly over the data (multiples of the golden ratio). */
static size_t spread(size_t i, size_t n)
{
    double at = 0.5 + 0.6180339887498949 * (double)i;
    size_t k = (size_t)((at - floor(at)) * (double)n);
    return k < n ? k : n - 1;
}

static int start(void *ctx, size_t i, ken_question **q, ken_err *err)
{
    trial *t = ctx;
    const double now = ken_clock() - t->began;
    *q = NULL;
    if (i >= AT_LEAST && now > ENOUGH_SECONDS) return KEN_OK;
    t->seconds = now;
    t->positions = (double)forwarded(t);
    const size_t row = t->row[spread(i, t->n)];
    return ken_task_new(q, &t->c, ken_data_get(t->c.data, row), row, err);
}

static int result(void *ctx, size_t i, ken_question *q, ken_err *err)
{
    (void)ctx;
    (void)i;
    (void)err;
    ken_question_free(q);
    return KEN_OK;
}

static int between(void *ctx, ken_err *err)
{
    trial *t = ctx;
    t->watch.now.work = (uint64_t)t->work.done;
    t->watch.now.work_total = (uint64_t)t->work.total;
    t->watch.now.token_forwards = forwarded(t);
    return ken_watch_check(&t->watch, err);
}

/* Student's t for a range that holds the mean nine times in ten, by degrees of freedom. */
static double student(size_t freedom)
{
    static const double t[] = {0, 6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83};
    const size_t n = sizeof t / sizeof *t;
    return freedom < n ? t[freedom] : 1.645 + 1.7 / (double)freedom;
}

/* From what was measured: the whole. */
static void conclude(const trial *t, double prompts, uint64_t slot_bytes, int32_t slots, ken_plan *out)
{
    const double n = (double)t->n, k = (double)t->work.finished;
    const double mean = k > 0 ? t->work.more / k : 0.0;
    const double square = k > 1 ? fmax(0.0, t->work.more_squared - k * mean * mean) / (k - 1) : 0.0;
    const double unseen = n > k ? sqrt(1.0 - k / n) : 0.0;
    const double off = k > 1 ? student(t->work.finished - 1) * sqrt(square / k) * unseen * n : mean * n;
    const double all = prompts + mean * n, wide = off + PROMPTS_OFF * prompts;
    const double speed = t->seconds > 0.0 ? t->positions / t->seconds : 0.0;
    out->measured = t->work.finished;
    out->token_forwards = (uint64_t)all;
    out->token_forwards_lo = (uint64_t)fmax(prompts, all - wide);
    out->token_forwards_hi = (uint64_t)(all + off + wide); /* twice as far: a few rows cost many times the mean */
    out->seconds = speed > 0.0 ? all / speed : NAN;
    out->memory += (uint64_t)fmin(all, slots) * slot_bytes;
}

static int measure(trial *t, ken_model *m, const ken_annotate_options *o, ken_plan *out, ken_err *err)
{
    ken_net *net = NULL;
    double prompts;
    int rc = ken_watch_stage(&t->watch, "unpacking the model", 0, 0, err);
    if (rc == KEN_OK) rc = ken_annotate_net(&net, m, o, t->c.setup, &t->watch, err);
    if (rc == KEN_OK) rc = ken_annotate_engine(&t->c.engine, net, o, m, err);
    if (rc == KEN_OK) rc = ken_cost_prompts(&t->c, t->row, t->n, &prompts, err);
    const size_t half = t->n / 2; /* the whole of a small run would be the run itself */
    const size_t k = half < AT_LEAST ? AT_LEAST : half > MEASURED ? MEASURED : half;
    const ken_asking a = {.engine = t->c.engine,
                          .n = k < t->n ? k : t->n,
                          .start = start,
                          .result = result,
                          .between = between,
                          .ctx = t,
                          .work = &t->work};
    if (rc == KEN_OK) rc = ken_watch_stage(&t->watch, "measuring a few facts", 0, 0, err);
    t->began = ken_clock();
    if (rc == KEN_OK) rc = ken_ask_all(&a, err);
    if (rc == KEN_OK) {
        const ken_config *config = ken_model_config(m);
        const ken_model_info *info = ken_model_get_info(m);
        out->memory = info->n_params * sizeof(float) + info->bytes;
        if (t->seconds <= 0.0) { /* one row alone */
            t->seconds = ken_clock() - t->began;
            t->positions = (double)forwarded(t);
        }
        conclude(t, prompts, ken_kv_slot_bytes(config), ken_engine_slots(t->c.engine), out);
    }
    ken_engine_free(t->c.engine);
    ken_net_free(net);
    return rc;
}

int ken_annotate_plan(ken_model *m, const ken_data *d, const ken_annotate_options *given, ken_plan *out, ken_err *err)
{
    ken_annotate_options own = ken_annotate_defaults();
    const ken_annotate_options *o = &own;
    *out = (ken_plan){0};
    ken_setup p;
    ken_exemplar_sets *exemplars = NULL;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_annotate_options, err);
    if (rc != KEN_OK) return rc;
    rc = ken_settings_check(&p, o, m, d, err);
    const ken_exemplar_options x = ken_settings_exemplars(o);
    if (rc == KEN_OK) rc = ken_exemplar_sets_new(&exemplars, d, &x, err);
    if (rc == KEN_OK) {
        trial t = {.watch = {o->poll, o->progress, o->ctx, ken_clock(), {0}}};
        t.n = ken_exemplar_sets_rows(exemplars, &t.row);
        t.c = (ken_task_context){.setup = &p, .data = d, .exemplars = exemplars, .other = o->exemplars};
        out->examples = t.n;
        out->held_out = ken_exemplar_sets_held_out(exemplars);
        out->cross_fitted = ken_exemplar_sets_source(exemplars) == KEN_CROSS_FITTED;
        rc = show_prompts(&t.c, t.row, t.n, out, err);
        if (rc == KEN_OK && t.n > 0) rc = measure(&t, m, o, out, err);
    }
    ken_exemplar_sets_free(exemplars);
    ken_settings_free(&p);
    if (rc != KEN_OK) ken_plan_free(out);
    return rc;
}

void ken_plan_free(ken_plan *p)
{
    if (p == NULL) return;
    for (size_t i = 0; p->prompts != NULL && i < p->n_prompts; i++) ken_free(p->prompts[i]);
    ken_free(p->prompts);
    *p = (ken_plan){0};
}
