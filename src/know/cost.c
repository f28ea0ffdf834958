/* cost.c - see cost.h. The prompts' token trie is built for real, so that what questions share is counted and not guessed. Sampled rows show two
 * numbers: what the first row of a relation needs, whose prompts bring the exemplars, and what another one of it adds. */
#include "know/cost.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "engine/trie.h"
#include "know/choice.h"
#include <string.h>

enum { SAMPLE_ROWS = 400 };

typedef struct counter {
    const ken_task_context *c;
    ken_trie trie;
    int32_t *ids;
    size_t cap;
} counter;

static int add_prompt(counter *c, size_t n, ken_err *err)
{
    ken_node v;
    return ken_trie_extend(&c->trie, KEN_TRIE_ROOT, c->ids, n, &v, err); /* held until the trie is freed */
}

static int add_choices(counter *c, size_t row, const ken_example *x, ken_err *err)
{
    ken_choice *q = NULL;
    ken_buf text = {0};
    const ken_choice_from from = ken_choice_exemplars(c->c->exemplars, c->c->data, c->c->other, row);
    int rc = ken_choice_new(&q, NULL, c->c->setup, &from, x, err);
    for (int i = 0; i < c->c->setup->rules.prompts && rc == KEN_OK; i++) {
        size_t n;
        ken_buf_clear(&text);
        rc = ken_choice_prompt(q, i, &text, &c->ids, &n, &c->cap, err);
        if (rc == KEN_OK) rc = add_prompt(c, n, err);
    }
    ken_buf_free(&text);
    ken_choice_free(q);
    return rc;
}

static int add_row(counter *c, size_t row, ken_err *err)
{
    const ken_setup *p = c->c->setup;
    const ken_example *x = ken_data_get(c->c->data, row), *shots[KEN_MAX_SHOTS];
    if (x->n_choices > 0) return add_choices(c, row, x, err);
    const ken_exemplars *ex = p->shots > 0 ? ken_exemplar_sets_row(c->c->exemplars, row) : NULL;
    int rc = KEN_OK;
    for (int i = 0; i < p->rules.prompts && rc == KEN_OK; i++) {
        size_t n;
        rc = ken_prompt_encode(&p->style, p->rules.tokenizer, shots, ken_exemplars_get(ex, i, shots), x, &c->ids, &n,
                               &c->cap, err);
        if (rc == KEN_OK) rc = add_prompt(c, n, err);
    }
    return rc;
}

int ken_cost_prompts(const ken_task_context *context, const size_t *row, size_t n, double *positions, ken_err *err)
{
    counter c = {.c = context};
    const size_t step = n / SAMPLE_ROWS + 1;
    size_t relations = 0, n_first = 0, n_more = 0;
    double first = 0.0, more = 0.0;
    const char *at = NULL, *sampled = NULL;
    int rc = ken_trie_init(&c.trie, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const char *relation = ken_data_get(context->data, row[i])->relation;
        if (at == NULL || strcmp(at, relation) != 0) relations++;
        at = relation;
        if (i % step != 0) continue;
        const int32_t before = c.trie.n_live;
        const bool new_one = sampled == NULL || strcmp(sampled, relation) != 0;
        sampled = relation;
        rc = add_row(&c, row[i], err);
        *(new_one ? &first : &more) += c.trie.n_live - before;
        ++*(new_one ? &n_first : &n_more);
    }
    *positions = 0.0;
    if (n_first > 0) *positions += first / (double)n_first * (double)relations;
    if (n_more > 0) *positions += more / (double)n_more * (double)(n - relations);
    else if (n_first > 0) *positions += first / (double)n_first * (double)(n - relations);
    ken_free(c.ids);
    ken_trie_destroy(&c.trie);
    return rc;
}
