/* verdict.c - see verdict.h. Multiple choice has no categories (docs/method/knowledge.md#multiple-choice), for a guess among four is right
 * too often to be told from knowledge. In more than half of ten prompts it seldom is: that is what makes a verdict of a question out of
 * those of its prompts. */
#include "know/verdict.h"
#include "base/alloc.h"
#include "text/accept.h"
#include <math.h>
#include <string.h>

int ken_row_says(ken_says *out, const ken_row *r, ken_arena *scratch, ken_err *err)
{
    *out = (ken_says){0};
    const char **text = ken_arena_calloc(scratch, (size_t)r->n_prompt_rows + 1, sizeof *text);
    if (text == NULL) return ken_fail_nomem(err, "answers");
    for (int i = 0; i < r->n_prompt_rows; i++) {
        const char *t = r->prompt_rows[i].text;
        if (t == NULL) continue;
        if (r->flags & KEN_FLAG_CHOICE) {
            text[i] = t;
            continue;
        }
        char *normal = ken_normalize(t, strlen(t));
        text[i] = normal != NULL ? ken_arena_strndup(scratch, normal, strlen(normal)) : NULL;
        ken_free(normal);
        if (text[i] == NULL) return ken_fail_nomem(err, "answers");
    }
    for (int i = 0; i < r->n_prompt_rows && 2 * out->prompts <= r->n_prompt_rows; i++) {
        int times = 0;
        if (text[i] == NULL) continue;
        for (int k = i; k < r->n_prompt_rows; k++) times += text[k] != NULL && strcmp(text[k], text[i]) == 0;
        if (times > out->prompts) *out = (ken_says){r->prompt_rows[i].text, times, r->prompt_rows[i].greedy_hit};
    }
    return KEN_OK;
}

bool ken_choice_right(int hits, int prompts) { return 2 * (int64_t)hits > prompts; }

/* A run does not say how many options there were, but its score is (p - 1/k) / (1 - 1/k). */
int ken_choice_options(const ken_row *row)
{
    enum { MOST = 26 };
    if (!(row->flags & KEN_FLAG_CHOICE) || !(row->p_t < 1 - 1e-6)) return 0; /* at 1 every score is 1 */
    for (int k = 2; k <= MOST; k++)
        if (fabs((row->p_t - 1.0 / k) / (1 - 1.0 / k) - row->score) < 1e-9) return k;
    return 0;
}

double ken_choice_by_guessing(int prompts, int options)
{
    double p = 1.0 / options, exactly = pow(1 - p, prompts), sum = 0;
    for (int k = 1; k <= prompts; k++) {
        exactly *= (prompts - k + 1) * p / (k * (1 - p));
        if (ken_choice_right(k, prompts)) sum += exactly;
    }
    return sum;
}
