/* setting_list.c - see setting_list.h. */
#include "store/setting_list.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ken_setting_text(ken_setting_list *l, const char *key, bool binding, const char *value)
{
    if (value == NULL || l->failed) return;
    if (l->n == l->cap) {
        size_t cap = l->cap > 0 ? 2 * l->cap : 64;
        ken_setting *more = ken_arena_alloc(l->arena, cap, sizeof *more);
        l->failed = more == NULL;
        if (l->failed) return;
        if (l->n > 0) memcpy(more, l->s, l->n * sizeof *more);
        l->s = more;
        l->cap = cap;
    }
    char *copy = ken_arena_strndup(l->arena, value, strlen(value));
    l->failed = copy == NULL;
    if (!l->failed) l->s[l->n++] = (ken_setting){key, copy, binding};
}

void ken_setting_put(ken_setting_list *l, const char *key, bool binding, const char *fmt, ...)
{
    char value[80];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    ken_setting_text(l, key, binding, value);
}

const char *ken_setting_get(const ken_setting_list *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->s[i].key, key) == 0) return l->s[i].value;
    return NULL;
}
