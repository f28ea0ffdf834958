/* method.c - see method.h. */
#include "know/method.h"
#include <stdio.h>
#include <string.h>

/* The first is the default. */
static const ken_method *const methods[] = {&ken_method_exact, &ken_method_sample};
enum { N_METHODS = sizeof methods / sizeof *methods };

int ken_method_find(const ken_method **out, const char *name, ken_err *err)
{
    char known[100] = "";
    *out = methods[0];
    if (name == NULL) return KEN_OK;
    for (int i = 0; i < N_METHODS; i++) {
        *out = methods[i];
        if (strcmp(name, methods[i]->name) == 0) return KEN_OK;
        size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", methods[i]->name);
    }
    return ken_fail(err, KEN_EUSAGE, "unknown `method` \"%.40s\"; known: %s", name, known);
}

const char *ken_method_name(int i, const char **about)
{
    const bool there = i >= 0 && i < N_METHODS;
    *about = there ? methods[i]->about : NULL;
    return there ? methods[i]->name : NULL;
}
