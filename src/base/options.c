/* options.c - see options.h. */
#include "base/options.h"
#include <string.h>

static size_t size_of(const void *o)
{
    size_t n;
    memcpy(&n, o, sizeof n);
    return n;
}

/* Less than a size, or more than any struct has. */
static bool no_size(size_t n) { return n < sizeof n || n > 1 << 16; }

static int fail_size(size_t n, const char *what, ken_err *err)
{
    return ken_fail(err, KEN_EUSAGE,
                    "a %s says that its size is %zu; it must be its sizeof, as the defaults function of ken.h sets it",
                    what, n);
}

void ken_options_fill(void *to, size_t size, const void *defaults, size_t own)
{
    if (to == NULL || size < sizeof size) return;
    memset(to, 0, size);
    memcpy(to, defaults, size < own ? size : own);
    memcpy(to, &size, sizeof size);
}

int ken_options_take(void *to, size_t size, const void *from, const char *what, ken_err *err)
{
    if (from == NULL) return KEN_OK;
    size_t n = size_of(from);
    if (no_size(n)) return fail_size(n, what, err);
    for (size_t i = size; i < n; i++)
        if (((const char *)from)[i] != 0)
            return ken_fail(err, KEN_EUSAGE,
                            "a member of %s is set that this libken, " KEN_VERSION ", does not have: the program was "
                            "made for a newer one",
                            what);
    memcpy(to, from, n < size ? n : size);
    memcpy(to, &size, sizeof size);
    return KEN_OK;
}

bool ken_names_has(const ken_names *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->name[i], name) == 0) return true;
    return false;
}

void ken_names_join(ken_buf *out, const ken_names *l)
{
    for (int i = 0; i < l->n; i++) ken_buf_printf(out, "%s%s", i > 0 ? "," : "", l->name[i]);
}
