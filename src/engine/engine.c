/* engine.c - building and running waves; see engine.h.
 *
 * The hard thing is eviction: while a wave is built, every node on the path of a request in it is pinned (its stamp is the wave's
 * number), and only nodes of older stamps may lose their slots. A path's ancestors are stamped with their descendants, so they are
 * never older, and within one stamp the deepest go first: what is left is always closed under "parent of". */
#include "engine/engine.h"
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_WAVE = 2048, SLOTS_PER_ROW = 4, MIN_SLOTS = 256 };

struct ken_engine {
    ken_trie trie;
    ken_forwarder *f;
    ken_kv *kv;
    int32_t wave_positions, n_slots, n_ctx;
    ken_request *head, **tail; /* queue, oldest first */
    int32_t backlog;
    int32_t *free_slot; /* (n_free) */
    int32_t n_free;
    ken_node *owner; /* (n_slots) node that has the slot, or -1 */
    ken_node *order; /* (n_slots) scratch for eviction */
    uint32_t wave;   /* number of the wave being built; > 0 */
    ken_engine_stats stats;

    /* The wave being built. */
    int32_t n_rows, n_readings;
    size_t n_path;
    ken_node *row_node; /* (n_rows) */
    int32_t *token, *pos, *slot;
    int64_t *path;
    int32_t *path_slots;
    ken_request **answer; /* (n_rows) requests that read the row, chained by .next; NULL = none */
    ken_reading *reading; /* (n_readings) what they read, in this order */
    size_t cap_rows, cap_path, cap_reading;
};

static int grow_rows(ken_engine *e, size_t need)
{
    if (need <= e->cap_rows) return 0;
    size_t cap = e->cap_rows * 2 > need ? e->cap_rows * 2 : need;
    struct {
        void **p;
        size_t size;
    } arrays[] = {
        {(void **)&e->row_node, sizeof *e->row_node}, {(void **)&e->token, sizeof *e->token},
        {(void **)&e->pos, sizeof *e->pos},           {(void **)&e->slot, sizeof *e->slot},
        {(void **)&e->path, sizeof *e->path},         {(void **)&e->answer, sizeof *e->answer},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        void *q = ken_realloc(*arrays[i].p, cap, arrays[i].size);
        if (q == NULL) return -1;
        *arrays[i].p = q;
    }
    e->cap_rows = cap;
    return 0;
}

int ken_engine_new(ken_engine **out, ken_forwarder *f, const ken_engine_options *o, ken_err *err)
{
    *out = NULL;
    ken_engine *e = ken_calloc(1, sizeof *e);
    if (e == NULL) return ken_fail_nomem(err, "engine");
    e->f = f;
    e->tail = &e->head;
    e->n_ctx = f->config->n_ctx;
    e->wave_positions = o != NULL && o->wave_positions > 0 ? o->wave_positions : DEFAULT_WAVE;
    e->n_slots = o != NULL && o->slots > 0                       ? o->slots
                 : e->wave_positions > INT32_MAX / SLOTS_PER_ROW ? INT32_MAX
                                                                 : e->wave_positions * SLOTS_PER_ROW;
    if (e->n_slots < MIN_SLOTS) e->n_slots = MIN_SLOTS;
    int rc = ken_trie_init(&e->trie, err);
    if (rc == KEN_OK) rc = ken_cache_new(&e->kv, f, e->n_slots, err);
    if (rc != KEN_OK) goto done;
    e->free_slot = ken_alloc((size_t)e->n_slots, sizeof *e->free_slot);
    e->owner = ken_alloc((size_t)e->n_slots, sizeof *e->owner);
    e->order = ken_alloc((size_t)e->n_slots, sizeof *e->order);
    if (e->free_slot == NULL || e->owner == NULL || e->order == NULL || grow_rows(e, (size_t)e->wave_positions) != 0) {
        rc = ken_fail_nomem(err, "engine");
        goto done;
    }
    for (int32_t i = 0; i < e->n_slots; i++) {
        e->free_slot[i] = e->n_slots - 1 - i;
        e->owner[i] = -1;
    }
    e->n_free = e->n_slots;
    e->wave = 1;
done:
    if (rc != KEN_OK) ken_engine_free(e);
    else *out = e;
    return rc;
}

void ken_engine_free(ken_engine *e)
{
    if (e == NULL) return;
    ken_trie_destroy(&e->trie);
    ken_cache_free(e->f, e->kv);
    void *all[] = {e->free_slot, e->owner, e->order,      e->row_node, e->token,  e->pos,
                   e->slot,      e->path,  e->path_slots, e->answer,   e->reading};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    ken_free(e);
}

int ken_engine_extend(ken_engine *e, ken_node at, const int32_t *tok, size_t n, ken_node *out, ken_err *err)
{
    return ken_trie_extend(&e->trie, at, tok, n, out, err);
}

void ken_engine_release(ken_engine *e, ken_node v) { ken_trie_release(&e->trie, v); }
int32_t ken_engine_backlog(const ken_engine *e) { return e->backlog; }
int32_t ken_engine_wave_positions(const ken_engine *e) { return e->wave_positions; }
int32_t ken_engine_default_wave(void) { return DEFAULT_WAVE; }
int32_t ken_engine_default_slots(void) { return DEFAULT_WAVE * SLOTS_PER_ROW; }
int32_t ken_engine_slots(const ken_engine *e) { return e->n_slots; }
int32_t ken_engine_longest(const ken_engine *e) { return e->n_ctx < e->n_slots ? e->n_ctx : e->n_slots; }
ken_engine_stats ken_engine_get_stats(const ken_engine *e) { return e->stats; }

static ken_reading reading_of(const ken_request *q, int32_t row)
{
    return (ken_reading){.row = row,
                         .k = q->k,
                         .id = q->id,
                         .logit = q->logit,
                         .n_want = q->n_want,
                         .want = q->want,
                         .want_logit = q->want_logit,
                         .hidden = q->hidden,
                         .attention = q->attention};
}

int ken_engine_ask(ken_engine *e, ken_request *r, ken_err *err)
{
    const ken_reading reads = reading_of(r, 0);
    int rc = ken_forwarder_check(e->f, &reads, err);
    if (rc != KEN_OK) return rc;
    ken_trie_node *node = e->trie.node;
    int32_t depth = node[r->node].depth;
    if (depth < 1) return ken_fail(err, KEN_EUSAGE, "engine: an empty sequence has no logits");
    if (depth > e->n_ctx)
        return ken_fail(err, KEN_EUSAGE, "engine: a prompt of %d tokens is longer than the model's context of %d",
                        depth, e->n_ctx);
    if (depth > e->n_slots)
        return ken_fail(err, KEN_ENOMEM,
                        "engine: a prompt of %d tokens does not fit a key-value cache of %d slots; give it more memory",
                        depth, e->n_slots);
    for (ken_node v = r->node; v != KEN_TRIE_ROOT && node[v].slot == KEN_NO_SLOT && !node[v].claimed;
         v = node[v].parent) {
        node[v].claimed = true;
        e->backlog++;
    }
    r->next = NULL;
    *e->tail = r;
    e->tail = &r->next;
    ++*r->outstanding;
    return KEN_OK;
}

/* ---- slots ---------------------------------------------------------------------------------------------------------- */

static int oldest_deepest_first(const void *a, const void *b, void *ctx)
{
    const ken_trie_node *node = ctx, *x = &node[*(const ken_node *)a], *y = &node[*(const ken_node *)b];
    if (x->stamp != y->stamp) return x->stamp < y->stamp ? -1 : 1;
    if (x->depth != y->depth) return x->depth > y->depth ? -1 : 1;
    return *(const ken_node *)a < *(const ken_node *)b ? -1 : 1;
}

/* Makes at least `need` slots free if that is possible without touching what this wave uses. */
static bool make_room(ken_engine *e, int32_t need)
{
    if (e->n_free >= need) return true;
    int32_t n = 0;
    for (int32_t s = 0; s < e->n_slots; s++)
        if (e->owner[s] >= 0 && e->trie.node[e->owner[s]].stamp < e->wave) e->order[n++] = e->owner[s];
    if (e->n_free + n < need) return false;
    if (n > 1) qsort_r(e->order, (size_t)n, sizeof *e->order, oldest_deepest_first, e->trie.node);
    int32_t some = e->n_slots / 8; /* sorting is not free: take a batch */
    for (int32_t i = 0; i < n && (e->n_free < need || i < some); i++) {
        ken_node v = e->order[i];
        int32_t s = e->trie.node[v].slot;
        e->owner[s] = -1;
        e->free_slot[e->n_free++] = s;
        ken_trie_drop_slot(&e->trie, v);
    }
    return true;
}

/* ---- building a wave ------------------------------------------------------------------------------------------------ */

/* Adds one row for v; its ancestors have slots or rows already. */
static int add_row(ken_engine *e, ken_node v, ken_err *err)
{
    ken_trie_node *node = e->trie.node;
    size_t depth = (size_t)node[v].depth;
    if (grow_rows(e, (size_t)e->n_rows + 1) != 0 ||
        ken_grow((void **)&e->path_slots, &e->cap_path, e->n_path + depth, sizeof *e->path_slots) != 0)
        return ken_fail_nomem(err, "wave");
    if (node[v].slot == KEN_NO_SLOT) {
        int32_t s = e->free_slot[--e->n_free];
        e->owner[s] = v;
        node[v].slot = s;
    } else e->stats.again++;
    int32_t r = e->n_rows++;
    e->row_node[r] = v;
    e->token[r] = node[v].token;
    e->pos[r] = node[v].depth - 1;
    e->slot[r] = node[v].slot;
    e->path[r] = (int64_t)e->n_path;
    e->answer[r] = NULL;
    for (ken_node a = node[v].parent; a != KEN_TRIE_ROOT; a = node[a].parent)
        e->path_slots[e->n_path + (size_t)node[a].depth - 1] = node[a].slot;
    e->n_path += depth - 1;
    node[v].row = r;
    return KEN_OK;
}

/* Adds the rows that request q needs. *full: it does not fit any more, nothing was added. */
static int add_request(ken_engine *e, ken_request *q, bool *full, ken_err *err)
{
    ken_trie_node *node = e->trie.node;
    int32_t missing = 0, need = 0;
    *full = false;
    for (ken_node v = q->node; v != KEN_TRIE_ROOT; v = node[v].parent) {
        if (node[v].row >= 0) continue;
        if (node[v].slot == KEN_NO_SLOT) need++, missing++;
        else if (v == q->node) missing++; /* its keys are known, but not its logits: forward it again */
    }
    if (e->n_rows > 0 && e->n_rows + missing > e->wave_positions) {
        *full = true;
        return KEN_OK;
    }
    /* A node that was pinned for a request which then did not fit only stays a little longer than it had to. */
    for (ken_node v = q->node; v != KEN_TRIE_ROOT; v = node[v].parent) node[v].stamp = e->wave;
    if (!make_room(e, need)) {
        *full = true;
        return e->n_rows > 0 ? KEN_OK
                             : ken_fail(err, KEN_ENOMEM, "engine: the key-value cache is too small for one request");
    }
    node = e->trie.node;
    /* Ancestors first: collect the missing nodes from below, add them from above. `order` is free again after make_room. */
    int32_t n = 0;
    for (ken_node v = q->node; v != KEN_TRIE_ROOT; v = node[v].parent)
        if (node[v].row < 0 && (node[v].slot == KEN_NO_SLOT || v == q->node)) e->order[n++] = v;
    while (n > 0) {
        int rc = add_row(e, e->order[--n], err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

/* Nodes lose their row numbers; on failure the slots that the wave's new rows got hold nothing valid and are given back. */
static void clear_wave(ken_engine *e, bool failed)
{
    for (int32_t r = 0; r < e->n_rows; r++) {
        ken_trie_node *v = &e->trie.node[e->row_node[r]];
        v->row = -1;
        if (v->claimed && !failed) {
            v->claimed = false;
            e->backlog--;
        }
    }
    for (int32_t r = e->n_rows - 1; failed && r >= 0; r--) { /* descendants first */
        ken_node v = e->row_node[r];
        e->owner[e->slot[r]] = -1;
        e->free_slot[e->n_free++] = e->slot[r];
        ken_trie_drop_slot(&e->trie, v);
    }
    e->n_rows = e->n_readings = 0;
    e->n_path = 0;
    e->wave++;
}

int ken_engine_wave(ken_engine *e, ken_err *err)
{
    if (e->head == NULL) return KEN_OK;
    int rc = KEN_OK;
    bool full = false;
    ken_request *q = e->head, *taken_end = NULL;
    size_t taken = 0;
    for (; q != NULL && !full; q = q->next) {
        rc = add_request(e, q, &full, err);
        if (rc == KEN_OK && !full && ken_grow((void **)&e->reading, &e->cap_reading, ++taken, sizeof *e->reading) != 0)
            rc = ken_fail_nomem(err, "wave");
        if (rc != KEN_OK) goto failed;
        if (!full) taken_end = q;
    }
    if (taken_end == NULL) { /* unreachable: the first request either fits an empty wave or fails */
        rc = ken_fail(err, KEN_ESTATE, "engine: an empty wave");
        goto failed;
    }
    /* Requests leave the queue; each row that is read gets its readers. */
    ken_request *first = e->head, *rest = taken_end->next;
    taken_end->next = NULL;
    for (ken_request *r = first, *next; r != NULL; r = next) {
        next = r->next;
        ken_request **at = &e->answer[e->trie.node[r->node].row];
        while (*at != NULL) at = &(*at)->next; /* in the order asked, so that a failure can put them back */
        *at = r;
        r->next = NULL;
    }
    uint64_t rows_read = 0;
    for (int32_t r = 0; r < e->n_rows; r++) {
        for (const ken_request *a = e->answer[r]; a != NULL; a = a->next)
            e->reading[e->n_readings++] = reading_of(a, r);
        rows_read += e->answer[r] != NULL;
    }
    ken_batch b = {.n_rows = e->n_rows,
                   .token = e->token,
                   .pos = e->pos,
                   .slot = e->slot,
                   .path = e->path,
                   .path_slots = e->path_slots,
                   .n_readings = e->n_readings,
                   .reading = e->reading};
    rc = ken_forward(e->f, e->kv, &b, err);

    e->head = rest;
    if (rest == NULL) e->tail = &e->head;
    ken_request **put_back = &e->head;
    const ken_reading *read = e->reading;
    for (int32_t i = 0; i < e->n_rows; i++)
        for (ken_request *r = e->answer[i], *next; r != NULL; r = next, read++) {
            next = r->next;
            r->n = read->n;
            if (rc == KEN_OK) --*r->outstanding;
            else { /* an abandoned wave: its requests go back to the head of the queue */ r->next = *put_back;
                *put_back = r;
                put_back = &r->next;
                if (r->next == NULL) e->tail = &r->next;
            }
        }
    if (rc == KEN_OK) {
        e->stats.positions += (uint64_t)e->n_rows;
        e->stats.logits += rows_read;
        e->stats.waves++;
    }
failed:
    clear_wave(e, rc != KEN_OK);
    return rc;
}
