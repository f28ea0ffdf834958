/* certainty.c - see certainty.h. The form is that of R-Tuning (arXiv 2311.09677), the words are ours. */
#include "know/certainty.h"
#include <string.h>

const char *const ken_certainty_text[KEN_N_CERTAINTIES] = {"", ". Are you sure? I am sure.",
                                                           ". Are you sure? I am unsure."};

const char *ken_certainty_name(ken_certainty c)
{
    static const char *const name[KEN_N_CERTAINTIES] = {"not said", "sure", "unsure"};
    return name[c];
}

ken_certainty ken_certainty_of(const char *y, size_t n, size_t *answer)
{
    size_t end = n;
    while (end > 0 && strchr(" \t\r\n", y[end - 1]) != NULL) end--;
    *answer = n;
    for (int c = KEN_SURE; c < KEN_N_CERTAINTIES; c++) {
        const size_t m = strlen(ken_certainty_text[c]);
        if (end < m || memcmp(y + end - m, ken_certainty_text[c], m) != 0) continue;
        *answer = end - m;
        return (ken_certainty)c;
    }
    return KEN_NOT_SAID;
}
