/* names.c - the words that a user sees for categories, flags, models and questions (ken.h). Here, at the bottom, so that every layer prints the
 * same ones; the man page lists them from these tables. */
#include "base/file.h"
#include "ken.h"
#include <stdio.h>
#include <string.h>

static const char *const category_names[KEN_N_CATEGORIES] = {
    [KEN_HIGHLY_KNOWN] = "HighlyKnown", [KEN_MAYBE_KNOWN] = "MaybeKnown", [KEN_WEAKLY_KNOWN] = "WeaklyKnown",
    [KEN_UNKNOWN] = "Unknown",          [KEN_UNLABELLED] = "unlabelled",
};

/* In the order of the bits of KEN_FLAG_*. */
static const char *const flag_names[] = {
    "ambiguous",     "duplicate",     "multi_answer", "echo",      "exemplars_shared", "exemplars_foreign",
    "gold_has_stop", "gold_too_long", "unsettled",    "open_mass", "choice",           "too_long",
    "guess",
};
enum { N_FLAGS = sizeof flag_names / sizeof flag_names[0] };
_Static_assert(1 << (N_FLAGS - 1) == KEN_FLAG_GUESS, "a flag without a name");

const char *ken_category_name(int category)
{
    return category >= 0 && category < KEN_N_CATEGORIES ? category_names[category] : "unlabelled";
}

const char *ken_flag_name(int bit) { return bit >= 0 && bit < N_FLAGS ? flag_names[bit] : NULL; }

void ken_model_label(char *out, size_t size, const char *path)
{
    size_t n;
    const char *name = ken_last_part(path, false, &n);
    if (n == 4 && name > path + 1 && strncmp(name, "last", 4) == 0) /* says little alone */
        for (n++, name--; name > path && name[-1] != '/'; n++) name--;
    if (n > 5 && strncmp(name + n - 5, ".gguf", 5) == 0) n -= 5;
    snprintf(out, size, "%.*s", (int)(n < size ? n : size), name);
}

const char *ken_question_end(const char *question)
{
    enum { MOST = 240 };
    size_t n = strlen(question);
    const char *space = n > MOST ? strchr(question + n - MOST, ' ') : NULL;
    return space != NULL ? space + 1 : question;
}
