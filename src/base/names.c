/* names.c - the words that a user sees for categories, models and questions (ken.h; for flags: flags.c). Here, at the bottom, so that every layer
 * prints the same ones. */
#include "base/file.h"
#include "base/hub_name.h"
#include "ken.h"
#include <stdio.h>
#include <string.h>

static const char *const category_names[KEN_N_CATEGORIES] = {
    [KEN_HIGHLY_KNOWN] = "HighlyKnown", [KEN_MAYBE_KNOWN] = "MaybeKnown", [KEN_WEAKLY_KNOWN] = "WeaklyKnown",
    [KEN_UNKNOWN] = "Unknown",          [KEN_UNLABELLED] = "unlabelled",
};

const char *ken_category_name(int category)
{
    return category >= 0 && category < KEN_N_CATEGORIES ? category_names[category] : "unlabelled";
}

void ken_model_label(char *out, size_t size, const char *path)
{
    size_t n;
    if (ken_hub_name(out, size, path)) return;
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
