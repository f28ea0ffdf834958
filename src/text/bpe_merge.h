/* bpe_merge.h - the merging step that byte-level BPE and SentencePiece BPE share.
 *
 * A row of symbols (token ids); a table that says for some pairs of neighbours into what they merge and how good that is. The
 * best pair is merged, the leftmost of equals first, until no pair is in the table. O(n log n). */
#ifndef KEN_TEXT_BPE_MERGE_H
#define KEN_TEXT_BPE_MERGE_H
#include <stddef.h>
#include <stdint.h>

typedef struct ken_pair { /* left and right become `into`; a smaller rank goes first */
    int32_t left, right, into;
    uint32_t rank;
} ken_pair;

typedef struct ken_pairs {
    ken_pair *slot; /* (mask + 1) open addressing; left < 0 = free */
    size_t mask, count;
} ken_pairs;

int ken_pairs_init(ken_pairs *p, size_t expected); /* 0, or -1 when out of memory */
void ken_pairs_free(ken_pairs *p);
/* A pair that is there already keeps the better rank. 0, or -1 when out of memory. Rank UINT32_MAX is not for use. */
int ken_pairs_add(ken_pairs *p, ken_pair add);

typedef struct ken_symbol {
    int32_t id;         /* token, or negative: a barrier that never merges */
    int32_t prev, next; /* neighbours, -1 = none */
    int32_t into;       /* what this one and next become, if rank != UINT32_MAX */
    uint32_t rank;      /* of the pair (this, next); UINT32_MAX = none */
} ken_symbol;

typedef struct ken_symbols { /* scratch: the symbols of one pre-token. Start with {0} */
    ken_symbol *sym;         /* (n) the caller fills in id */
    size_t n, cap;
    uint64_t *heap;
    size_t heap_cap;
} ken_symbols;

int ken_symbols_need(ken_symbols *s, size_t n); /* room for n symbols and their merging; 0, or -1 when out of memory */
void ken_symbols_free(ken_symbols *s);
/* Merges s->sym[0 .. s->n) and closes the gaps: s->n is the new count, the ids are in order. ken_symbols_need(s, n) came
 * before. */
void ken_pairs_merge(const ken_pairs *p, ken_symbols *s);
#endif
