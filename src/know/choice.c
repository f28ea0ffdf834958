/* choice.c - see choice.h. The prompt's form is that of Hendrycks et al. 2021's evaluation. */
#include "know/choice.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CHOICES = 26 };

struct ken_choice {
    ken_question question;
    ken_engine *engine;
    const ken_setup *setup;
    const ken_example *x;
    int n;                       /* prompts */
    int32_t letter[MAX_CHOICES]; /* token ids of " A", " B", ... */
    int32_t *order;              /* (n, n_choices): which choice is at which letter */
    float *logit;                /* (n, n_choices) */
    ken_request *asked;          /* (n) */
    ken_node *root;              /* (n); -1 = none */
    const ken_example **pool;    /* (n_pool) */
    size_t n_pool;
};

static void add_question(ken_buf *b, const ken_example *x, const int32_t *order)
{
    ken_buf_puts(b, x->question);
    for (int i = 0; i < x->n_choices; i++)
        ken_buf_printf(b, "\n%c. %s", 'A' + i, x->choices[order != NULL ? order[i] : i]);
    ken_buf_puts(b, "\nAnswer:");
}

/* The token that " A" becomes after "Answer:". */
static int letter_ids(ken_choice *c, ken_err *err)
{
    const ken_tokenizer *t = c->setup->rules.tokenizer;
    int32_t *ids = NULL;
    size_t n = 0, cap = 0;
    int rc = ken_tokenizer_encode(t, "Answer:", 7, 0, &ids, &n, &cap, err);
    size_t base = n;
    for (int i = 0; i < c->x->n_choices && rc == KEN_OK; i++) {
        char text[] = "Answer: A";
        text[8] = (char)('A' + i);
        n = 0;
        rc = ken_tokenizer_encode(t, text, 9, 0, &ids, &n, &cap, err);
        if (rc == KEN_OK && n != base + 1)
            rc = ken_fail(
                err, KEN_EINPUT,
                "the tokenizer has no single token for \" %c\": multiple choice rows cannot be scored with this model",
                'A' + i);
        if (rc == KEN_OK) c->letter[i] = ids[n - 1];
    }
    ken_free(ids);
    return rc;
}

ken_choice_from ken_choice_exemplars(const ken_exemplar_sets *sets, const ken_data *d, const ken_data *other, size_t i)
{
    if (sets != NULL && ken_exemplar_sets_source(sets) == KEN_CROSS_FITTED)
        return (ken_choice_from){.own = ken_exemplar_sets_row(sets, i)};
    return (ken_choice_from){.data = other != NULL ? other : d, .any_split = other != NULL};
}

int ken_choice_pool(const ken_example ***pool, size_t *n, const ken_choice_from *from, const char *subject,
                    const char *except, ken_err *err)
{
    size_t cap = 0, all = from->own != NULL    ? (size_t)from->own->shots
                          : from->data != NULL ? ken_data_count(from->data)
                                               : 0;
    for (size_t j = 0; j < all; j++) {
        const ken_example *y = from->own != NULL ? from->own->shot[j] : ken_data_get(from->data, j);
        if (from->own == NULL && (strcmp(y->relation, subject) != 0 || y->n_choices == 0 ||
                                  (!from->any_split && strcmp(y->split, "dev") != 0)))
            continue;
        if (except != NULL && strcmp(y->question, except) == 0) continue;
        if (ken_grow((void **)pool, &cap, *n + 1, sizeof **pool) != 0) return ken_fail_nomem(err, "exemplars");
        (*pool)[(*n)++] = y;
    }
    return KEN_OK;
}

static int find_pool(ken_choice *c, const ken_choice_from *from, ken_err *err)
{
    int rc = ken_choice_pool(&c->pool, &c->n_pool, from, c->x->relation, c->x->question, err);
    if (rc != KEN_OK || c->n_pool >= (size_t)c->setup->shots) return rc;
    return ken_fail(err, KEN_EINPUT,
                    "%s: subject %s has %zu rows that can be exemplars, fewer than `shots` %d; name others with "
                    "`exemplars`",
                    c->x->id, c->x->relation, c->n_pool, c->setup->shots);
}

/* Writes prompt number i; its exemplars are the first of the pool shuffled by (seed, subject, prompt). */
static int prompt_text(const ken_choice *c, int i, ken_buf *b, ken_err *err)
{
    const ken_example *x = c->x;
    ken_buf_puts(b, "The following are multiple choice questions (with answers) about ");
    for (const char *p = x->relation; *p != '\0'; p++) ken_buf_putc(b, *p == '_' ? ' ' : *p);
    ken_buf_puts(b, ".\n\n");
    char key[160];
    snprintf(key, sizeof key, "choice/%.100s/%d", x->relation, i);
    int32_t *order = ken_alloc(c->n_pool, sizeof *order);
    if (order == NULL) return ken_fail_nomem(err, "exemplars");
    ken_shuffle(c->setup->exemplar_seed, key, order, (int32_t)c->n_pool);
    for (int j = 0; j < c->setup->shots; j++) {
        const ken_example *y = c->pool[order[j]];
        add_question(b, y, NULL);
        ken_buf_printf(b, " %c\n\n", 'A' + y->choice);
    }
    ken_free(order);
    add_question(b, x, c->order + (size_t)i * (size_t)x->n_choices);
    return b->failed ? ken_fail_nomem(err, "prompt") : KEN_OK;
}

static void order_options(ken_choice *c, int i)
{
    size_t k = (size_t)c->x->n_choices;
    char key[300];
    snprintf(key, sizeof key, "options/%.250s/%d", c->x->id, i);
    ken_shuffle(c->setup->exemplar_seed, key, c->order + (size_t)i * k, (int32_t)k);
}

int ken_choice_prompt(const ken_choice *c, int i, ken_buf *text, int32_t **ids, size_t *n, size_t *cap, ken_err *err)
{
    static const ken_prompt_style plain = {.chat = KEN_CHAT_NONE};
    *n = 0;
    int rc = prompt_text(c, i, text, err);
    return rc == KEN_OK ? ken_prompt_encode_text(&plain, c->setup->rules.tokenizer, ken_buf_str(text), ids, n, cap, err)
                        : rc;
}

static int ask(ken_choice *c, int i, ken_err *err)
{
    size_t k = (size_t)c->x->n_choices;
    ken_buf b = {0};
    int32_t *ids = NULL;
    size_t n = 0, cap = 0;
    int rc = ken_choice_prompt(c, i, &b, &ids, &n, &cap, err);
    if (rc == KEN_OK) rc = ken_engine_extend(c->engine, KEN_TRIE_ROOT, ids, n, &c->root[i], err);
    if (rc == KEN_OK) {
        c->asked[i] = (ken_request){.node = c->root[i],
                                    .want = c->letter,
                                    .want_logit = c->logit + (size_t)i * k,
                                    .n_want = (int32_t)k,
                                    .outstanding = &c->question.waiting};
        rc = ken_engine_ask(c->engine, &c->asked[i], err);
    }
    ken_free(ids);
    ken_buf_free(&b);
    return rc;
}

static void free_choice(ken_question *q) { ken_choice_free((ken_choice *)q); }
static int advance(ken_question *q, ken_err *err)
{
    (void)err;
    q->done = true; /* the letters of all prompts are asked for at once */
    return KEN_OK;
}
static const ken_question_kind kind = {"choice", 1.0, advance, free_choice};

ken_question *ken_choice_question(ken_choice *c) { return &c->question; }
const ken_choice *ken_choice_of_question(const ken_question *q) { return (const ken_choice *)q; }

int ken_choice_new(ken_choice **out, ken_engine *e, const ken_setup *setup, const ken_choice_from *from,
                   const ken_example *x, ken_err *err)
{
    *out = NULL;
    if (x->n_choices < 2 || x->n_choices > MAX_CHOICES || x->choice < 0 || x->choice >= x->n_choices)
        return ken_fail(err, KEN_EINPUT, "%s: %d choices; 2 to %d can be scored", x->id, x->n_choices, MAX_CHOICES);
    ken_choice *c = ken_calloc(1, sizeof *c);
    if (c == NULL) return ken_fail_nomem(err, "choice");
    size_t n = (size_t)setup->rules.prompts, k = (size_t)x->n_choices;
    *c = (ken_choice){.question = {&kind}, .engine = e, .setup = setup, .x = x};
    c->order = ken_alloc(n * k, sizeof *c->order);
    c->logit = ken_calloc(n * k, sizeof *c->logit);
    c->asked = ken_calloc(n, sizeof *c->asked);
    c->root = ken_alloc(n, sizeof *c->root);
    int rc = c->order == NULL || c->logit == NULL || c->asked == NULL || c->root == NULL ? ken_fail_nomem(err, "choice")
                                                                                         : KEN_OK;
    if (rc == KEN_OK) {
        c->n = (int)n;
        for (int i = 0; i < c->n; i++) c->root[i] = -1;
        rc = letter_ids(c, err);
    }
    if (rc == KEN_OK) rc = find_pool(c, from, err);
    for (int i = 0; i < c->n && rc == KEN_OK; i++) {
        order_options(c, i);
        if (e != NULL) rc = ask(c, i, err);
    }
    if (rc != KEN_OK) ken_choice_free(c);
    else *out = c;
    return rc;
}

void ken_choice_free(ken_choice *c)
{
    if (c == NULL) return;
    for (int i = 0; i < c->n; i++)
        if (c->root[i] >= 0) ken_engine_release(c->engine, c->root[i]);
    ken_free(c->pool);
    ken_free(c->order);
    ken_free(c->logit);
    ken_free(c->asked);
    ken_free(c->root);
    ken_free(c);
}

int ken_choice_result(const ken_choice *c, bool *hit, double *p, double *margin, int *taken, ken_err *err)
{
    int k = c->x->n_choices;
    for (int i = 0; i < c->n; i++) {
        if (c->asked[i].n < 0)
            return ken_fail(
                err, KEN_EINPUT,
                "prompt %d: the model's logits are not finite (a corrupt model file, or overflow in its weights)",
                i + 1);
        const float *l = c->logit + (size_t)i * (size_t)k;
        const int32_t *order = c->order + (size_t)i * (size_t)k;
        int best = 0, second = -1;
        for (int j = 1; j < k; j++) /* ties: the lowest letter */
            if (l[j] > l[best]) second = best, best = j;
            else if (second < 0 || l[j] > l[second]) second = j;
        double sum = 0.0, gold = 0.0;
        for (int j = 0; j < k; j++) {
            double e = exp(((double)l[j] - (double)l[best]) / c->setup->rules.temperature);
            sum += e;
            if (order[j] == c->x->choice) gold = e;
        }
        hit[i] = order[best] == c->x->choice;
        p[i] = gold / sum;
        margin[i] = (double)l[best] - (double)l[second];
        taken[i] = order[best];
    }
    return KEN_OK;
}

/* ---- the method ------------------------------------------------------------------------------------------------------ */

static int start(ken_question **out, const ken_method_input *in, ken_err *err)
{
    ken_choice *c;
    int rc = ken_choice_new(&c, in->engine, in->setup, in->pool, in->x, err);
    if (rc == KEN_OK) *out = &c->question;
    return rc;
}

static int fill(const ken_question *q, ken_row_maker *m, ken_row *out, ken_err *err)
{
    const ken_choice *c = (const ken_choice *)q;
    double *margin = ken_arena_alloc(&m->arena, (size_t)c->n, sizeof *margin);
    if (margin == NULL) return ken_fail_nomem(err, "row");
    int rc = ken_choice_result(c, m->hit, m->lo, margin, m->hits, err);
    if (rc != KEN_OK) return rc;
    out->method = ken_method_choice.name;
    out->n_prompt_rows = c->n;
    out->samples = 0;
    out->min_margin = INFINITY;
    out->p_t = 0.0;
    for (int i = 0; i < c->n; i++) {
        m->rows[i] = (ken_prompt_row){.greedy_hit = m->hit[i],
                                      .greedy_hit_raw = m->hit[i],
                                      .text = c->x->choices[m->hits[i]],
                                      .finish = "",
                                      .text_p = NAN,
                                      .margin = margin[i],
                                      .top_gap = NAN,
                                      .p_lo = m->lo[i],
                                      .p_hi = m->lo[i],
                                      .raw_lo = m->lo[i],
                                      .raw_hi = m->lo[i]};
        out->greedy_hits += m->hit[i];
        out->p_t += m->lo[i] / c->n;
        out->min_margin = fmin(out->min_margin, margin[i]);
    }
    out->p_t0 = (double)out->greedy_hits / c->n;
    out->p_t_lo = out->p_t_hi = out->p_t;
    double chance = 1.0 / c->x->n_choices;
    out->score = (out->p_t - chance) / (1.0 - chance); /* docs/method/knowledge.md#multiple-choice */
    return KEN_OK;
}

const ken_method ken_method_choice = {
    .name = "choice", .version = "1", .own_draws = true, .start = start, .fill = fill};
