/* sets.c - exemplar rows into exemplar sets (docs/method/knowledge.md#exemplars); see exemplars.h. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/rng.h"
#include "data/exemplars.h"
#include <stdlib.h>
#include <string.h>

/* How many sets of k can be made of m rows, at most `cap`. */
static size_t n_choose(size_t m, size_t k, size_t cap)
{
    if (k > m) return 0;
    double c = 1; /* exact far beyond any cap used here */
    for (size_t i = 1; i <= k && c < 1e15; i++) c = c * (double)(m - k + i) / (double)i;
    return c + 0.5 >= (double)cap ? cap : (size_t)(c + 0.5);
}

size_t ken_sets_min_rows(int n_sets, int shots)
{
    if (shots == 0) return 0;
    size_t m = (size_t)shots;
    while (n_choose(m, (size_t)shots, (size_t)n_sets) < (size_t)n_sets) m++;
    return m;
}

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* Keeps the set unless an earlier one has the same rows. seen (n, shots): the kept sets, each sorted. */
static bool add_if_new(const int32_t *set, int32_t *seen, int n, int shots)
{
    int32_t *mine = seen + (size_t)n * (size_t)shots;
    memcpy(mine, set, (size_t)shots * sizeof *mine);
    qsort(mine, (size_t)shots, sizeof *mine, by_value);
    for (int i = 0; i < n; i++)
        if (memcmp(seen + (size_t)i * (size_t)shots, mine, (size_t)shots * sizeof *mine) == 0) return false;
    return true;
}

/* Deals through the rows again and again, each time in another seeded order, and leaves out a set that was there already. Ends
 * because there are at least n_sets different ones and every order comes up sooner or later. */
static int deal_shared(const size_t *rows, int32_t m, int n_sets, int shots, uint64_t seed, const char *relation,
                       size_t *out)
{
    int32_t *order = ken_alloc((size_t)m, sizeof *order);
    int32_t *seen = ken_alloc((size_t)n_sets, (size_t)shots * sizeof *seen);
    ken_buf key = {0};
    int rc = order == NULL || seen == NULL ? KEN_ENOMEM : KEN_OK;
    int n = 0;
    for (int pass = 0; n < n_sets && rc == KEN_OK; pass++) {
        ken_buf_clear(&key);
        ken_buf_printf(&key, "%s#%d", relation, pass);
        if (key.failed) {
            rc = KEN_ENOMEM;
            break;
        }
        ken_shuffle(seed, key.data, order, m);
        for (int32_t at = 0; at + shots <= m && n < n_sets; at += shots) {
            if (!add_if_new(order + at, seen, n, shots)) continue;
            for (int j = 0; j < shots; j++) out[(size_t)n * (size_t)shots + (size_t)j] = rows[order[at + j]];
            n++;
        }
    }
    ken_buf_free(&key);
    ken_free(order);
    ken_free(seen);
    return rc;
}

int ken_sets_deal(const size_t *rows, size_t m, int n_sets, int shots, uint64_t seed, const char *relation, size_t *out)
{
    size_t need = (size_t)n_sets * (size_t)shots;
    if (m < need) return deal_shared(rows, (int32_t)m, n_sets, shots, seed, relation, out);
    if (need > 0) memcpy(out, rows, need * sizeof *out);
    return KEN_OK;
}
