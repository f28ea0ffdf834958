/* bpe_merge.c - merging neighbours, best pair first (bpe_merge.h).
 *
 * Symbols are a linked list in an array, pairs wait in a heap keyed by rank, then place. The hard thing is that entries go
 * stale when a neighbour is merged away: nothing is searched for and removed; each symbol remembers the rank of the pair it
 * opens now, and an entry that says otherwise is dropped when it comes up. Short rows, which nearly all are, skip the heap. */
#include "text/bpe_merge.h"
#include "base/alloc.h"
#include <string.h>

enum { SHORT_ROW = 24 }; /* up to here looking through the row beats the heap */
#define NO_RANK UINT32_MAX

/* ---- the table of pairs ---------------------------------------------------------------------------------------------- */

static size_t home_slot(const ken_pairs *p, int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 29) & p->mask;
}

static ken_pair *find(const ken_pairs *p, int32_t left, int32_t right)
{
    for (size_t i = home_slot(p, left, right);; i = (i + 1) & p->mask) {
        ken_pair *e = &p->slot[i];
        if (e->left < 0 || (e->left == left && e->right == right)) return e;
    }
}

int ken_pairs_init(ken_pairs *p, size_t expected)
{
    size_t size = 16;
    while (size < expected * 2 && size < (size_t)1 << 34) size *= 2;
    *p = (ken_pairs){ken_alloc(size, sizeof *p->slot), size - 1, 0};
    if (!p->slot) return -1;
    memset(p->slot, 0xFF, size * sizeof *p->slot);
    return 0;
}

void ken_pairs_free(ken_pairs *p)
{
    ken_free(p->slot);
    *p = (ken_pairs){0};
}

int ken_pairs_add(ken_pairs *p, ken_pair add)
{
    if (2 * (p->count + 1) > p->mask + 1) {
        ken_pairs bigger;
        if (ken_pairs_init(&bigger, p->mask + 1) != 0) return -1;
        for (size_t i = 0; i <= p->mask; i++)
            if (p->slot[i].left >= 0) *find(&bigger, p->slot[i].left, p->slot[i].right) = p->slot[i];
        bigger.count = p->count;
        ken_pairs_free(p);
        *p = bigger;
    }
    ken_pair *e = find(p, add.left, add.right);
    if (e->left < 0) p->count++;
    if (e->left < 0 || add.rank < e->rank) *e = add;
    return 0;
}

/* ---- merging --------------------------------------------------------------------------------------------------------- */

int ken_symbols_need(ken_symbols *s, size_t n)
{
    if (ken_grow((void **)&s->sym, &s->cap, n, sizeof *s->sym) != 0) return -1;
    /* n - 1 pairs at the start, and each of the at most n - 1 merges opens two more */
    return n <= SHORT_ROW ? 0 : ken_grow((void **)&s->heap, &s->heap_cap, 3 * n, sizeof *s->heap);
}

void ken_symbols_free(ken_symbols *s)
{
    ken_free(s->sym);
    ken_free(s->heap);
    *s = (ken_symbols){0};
}

/* Looks up the pair that symbol i opens. */
static void open_pair(const ken_pairs *p, ken_symbol *sym, int32_t i)
{
    ken_symbol *a = &sym[i];
    a->rank = NO_RANK;
    if (a->next < 0 || a->id < 0 || sym[a->next].id < 0) return;
    const ken_pair *e = find(p, a->id, sym[a->next].id);
    if (e->left >= 0) a->rank = e->rank, a->into = e->into;
}

/* Symbol i swallows the one after it. The pairs that i and the one before it open are other ones now. */
static void swallow(const ken_pairs *p, ken_symbol *sym, int32_t i)
{
    ken_symbol *a = &sym[i], *b = &sym[a->next];
    a->id = a->into;
    a->next = b->next;
    if (b->next >= 0) sym[b->next].prev = i;
    b->rank = NO_RANK;
    open_pair(p, sym, i);
    if (a->prev >= 0) open_pair(p, sym, a->prev);
}

static void merge_short(const ken_pairs *p, ken_symbol *sym)
{
    for (;;) {
        int32_t best = 0;
        for (int32_t i = sym[0].next; i >= 0; i = sym[i].next)
            if (sym[i].rank < sym[best].rank) best = i;
        if (sym[best].rank == NO_RANK) return;
        swallow(p, sym, best);
    }
}

static void push(uint64_t *heap, size_t *n, const ken_symbol *sym, int32_t i)
{
    if (sym[i].rank == NO_RANK) return;
    uint64_t key = (uint64_t)sym[i].rank << 32 | (uint32_t)i; /* equal ranks: the leftmost first */
    size_t at = (*n)++;
    for (; at && heap[(at - 1) / 2] > key; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = key;
}

static uint64_t pop(uint64_t *heap, size_t *n)
{
    uint64_t top = heap[0], key = heap[--*n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < *n; at = child) {
        if (child + 1 < *n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= key) break;
        heap[at] = heap[child];
    }
    heap[at] = key;
    return top;
}

static void merge_long(const ken_pairs *p, ken_symbols *s)
{
    ken_symbol *sym = s->sym;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) push(s->heap, &n, sym, (int32_t)i);
    while (n) {
        uint64_t top = pop(s->heap, &n);
        int32_t i = (int32_t)(uint32_t)top;
        if (sym[i].rank != (uint32_t)(top >> 32)) continue; /* stale: i opens another pair by now, or none */
        swallow(p, sym, i);
        push(s->heap, &n, sym, i);
        if (sym[i].prev >= 0) push(s->heap, &n, sym, sym[i].prev);
    }
}

void ken_pairs_merge(const ken_pairs *p, ken_symbols *s)
{
    if (s->n < 2) return;
    ken_symbol *sym = s->sym;
    for (size_t i = 0; i < s->n; i++) {
        sym[i].prev = (int32_t)i - 1;
        sym[i].next = i + 1 < s->n ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i < s->n; i++) open_pair(p, sym, (int32_t)i);
    if (s->n <= SHORT_ROW) merge_short(p, sym);
    else merge_long(p, s);
    size_t n = 0;
    for (int32_t i = 0, next; i >= 0; i = next) {
        next = sym[i].next; /* n <= i: an entry not yet read is never written */
        sym[n++].id = sym[i].id;
    }
    s->n = n;
}
