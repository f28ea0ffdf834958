/* plan.c - what a run would cost, without running it: ken_annotate_plan of ken.h (ken annotate --dry-run).
 *
 * The prompts are real and their token trie is built for real, so that what questions share is counted and not guessed; the answers are
 * taken as ANSWER_FORWARDS a prompt, the mean that was measured (docs/method/knowledge.md#exact-bound), and the speed comes from a short
 * forward. Multiple choice has no answers to walk: the letters are read at the prompt's end. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/buf.h"
#include "know/choice.h"
#include "know/settings.h"
#include "know/watch.h"
#include "nn/batch_build.h"
#include <string.h>

enum { SHOWN = 3, SAMPLE_ROWS = 400, SPEED_ROWS = 256 };
#define ANSWER_FORWARDS 5.8 /* a prompt: 58 a question over ten */

typedef struct counter {
    ken_trie trie;
    int32_t *ids;
    size_t cap;
    uint64_t nodes; /* tokens to forward for the prompts counted so far */
} counter;

/* c->ids (n) is a prompt; text, which it then owns, is shown when it is the first of a row and there is room. */
static int count_prompt(counter *c, size_t n, ken_buf *text, bool first, ken_plan *out, ken_err *err)
{
    int32_t before = c->trie.n_live;
    ken_node v;
    int rc = ken_trie_extend(&c->trie, KEN_TRIE_ROOT, c->ids, n, &v, err); /* held until the trie is freed */
    c->nodes += (uint64_t)(c->trie.n_live - before);
    if (rc == KEN_OK && first && out->n_prompts < SHOWN) {
        out->prompts[out->n_prompts] = ken_buf_take(text);
        if (out->prompts[out->n_prompts] == NULL) rc = ken_fail_nomem(err, "plan");
        else out->n_prompts++;
    }
    ken_buf_free(text);
    return rc;
}

static int count_choices(counter *c, const ken_setup *p, const ken_choice_from *from, const ken_example *x,
                         ken_plan *out, ken_err *err)
{
    ken_choice *q = NULL;
    int rc = ken_choice_new(&q, NULL, p, from, x, err);
    for (int i = 0; i < p->rules.prompts && rc == KEN_OK; i++) {
        ken_buf text = {0};
        size_t n;
        rc = ken_choice_prompt(q, i, &text, &c->ids, &n, &c->cap, err);
        if (rc == KEN_OK) rc = count_prompt(c, n, &text, i == 0, out, err);
        else ken_buf_free(&text);
    }
    ken_choice_free(q);
    return rc;
}

static int count_prompts(counter *c, const ken_setup *p, const ken_exemplars *ex, const ken_example *x, ken_plan *out,
                         ken_err *err)
{
    for (int i = 0; i < p->rules.prompts; i++) {
        const ken_example *shots[KEN_MAX_SHOTS];
        int n_shots = ken_exemplars_get(ex, i, shots);
        size_t n;
        ken_buf text = {0};
        int rc = ken_prompt_encode(&p->style, p->rules.tokenizer, shots, n_shots, x, &c->ids, &n, &c->cap, err);
        if (rc != KEN_OK) return rc;
        if (i == 0 && out->n_prompts < SHOWN) ken_prompt_text(&p->style, shots, n_shots, x, &text);
        rc = count_prompt(c, n, &text, i == 0, out, err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

/* Rows a second, measured on SPEED_ROWS rows in chains of up to 64 tokens. */
static int time_rows(ken_forwarder *f, double *rows_per_second, ken_err *err)
{
    ken_kv *kv = NULL;
    ken_batch_build y = {0};
    int32_t token[SPEED_ROWS], parent[SPEED_ROWS], length = f->config->n_ctx < 64 ? f->config->n_ctx : 64;
    for (int32_t i = 0; i < SPEED_ROWS; i++) {
        token[i] = i % f->config->n_vocab;
        parent[i] = i % length == 0 ? -1 : i - 1;
    }
    int rc = ken_cache_new(&kv, f, SPEED_ROWS, err);
    if (rc == KEN_OK) rc = ken_batch_rows(&y, SPEED_ROWS, token, parent, err);
    if (rc == KEN_OK) rc = ken_batch_read(&y, &(ken_reading){.row = 0}, err);
    if (rc == KEN_OK) rc = ken_forward(f, kv, &y.batch, err); /* warm-up */
    const double began = ken_clock();
    if (rc == KEN_OK) rc = ken_forward(f, kv, &y.batch, err);
    const double s = ken_clock() - began;
    *rows_per_second = s > 0 ? SPEED_ROWS / s : 1e9;
    ken_batch_build_free(&y);
    ken_cache_free(f, kv);
    return rc;
}

static int measure(ken_model *m, const ken_annotate_options *o, const ken_setup *p, double *rows_per_second,
                   ken_err *err)
{
    ken_net *net = NULL;
    ken_net_options n = {.threads = o->threads, .isa = p->isa, .poll = o->poll, .ctx = o->ctx};
    int rc = ken_net_new(&net, m, &n, err);
    if (rc == KEN_OK) rc = time_rows(ken_net_forwarder(net), rows_per_second, err);
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
    counter c = {0};
    const size_t *rows = NULL;
    double speed = 0, walked = ANSWER_FORWARDS;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_annotate_options, err);
    if (rc != KEN_OK) return rc;
    rc = ken_settings_check(&p, o, m, d, err);
    const ken_exemplar_options x = ken_settings_exemplars(o);
    if (rc != KEN_OK) goto done;
    rc = ken_exemplar_sets_new(&exemplars, d, &x, err);
    if (rc == KEN_OK) rc = ken_trie_init(&c.trie, err);
    out->prompts = ken_calloc(SHOWN, sizeof *out->prompts);
    if (rc == KEN_OK && out->prompts == NULL) rc = ken_fail_nomem(err, "plan");
    if (rc != KEN_OK) goto done;
    out->examples = ken_exemplar_sets_rows(exemplars, &rows);
    out->held_out = ken_exemplar_sets_held_out(exemplars);

    /* Every row when they are few, else evenly spaced ones: what they share within a relation is then underestimated, never over. */
    size_t step = out->examples / SAMPLE_ROWS + 1, counted = 0;
    for (size_t i = 0; i < out->examples && rc == KEN_OK; i += step, counted++) {
        const ken_example *e = ken_data_get(d, rows[i]);
        if (e->n_choices > 0) {
            walked = 0;
            const ken_choice_from from = ken_choice_exemplars(exemplars, d, o->exemplars, rows[i]);
            rc = count_choices(&c, &p, &from, e, out, err);
            continue;
        }
        const ken_exemplars *ex = p.shots > 0 ? ken_exemplar_sets_row(exemplars, rows[i]) : NULL;
        rc = count_prompts(&c, &p, ex, e, out, err);
    }
    if (rc == KEN_OK) rc = measure(m, o, &p, &speed, err);
    if (rc != KEN_OK) goto done;
    double a_row = counted > 0 ? (double)c.nodes / (double)counted + walked * p.rules.prompts : 0.0;
    out->token_forwards = (uint64_t)(a_row * (double)out->examples);
    out->seconds = (double)out->token_forwards / speed;
    const ken_config *cfg = ken_model_config(m);
    uint64_t slots = o->memory > 0 ? o->memory : (uint64_t)ken_engine_default_slots() * ken_kv_slot_bytes(cfg);
    out->memory = slots + ken_model_get_info(m)->n_params * sizeof(float);
done:
    ken_free(c.ids);
    ken_trie_destroy(&c.trie);
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
