/* setting_list.c - see setting_list.h. */
#include "store/setting_list.h"
#include "base/options.h"
#include "store/writer.h"
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
    const char *name = ken_arena_strdup(l->arena, key), *copy = ken_arena_strdup(l->arena, value);
    l->failed = name == NULL || copy == NULL;
    if (!l->failed) l->s[l->n++] = (ken_setting){name, copy, binding};
}

void ken_setting_names(ken_setting_list *l, const char *key, bool binding, const ken_names *names)
{
    ken_buf b = {0};
    ken_names_join(&b, names);
    l->failed |= b.failed;
    ken_setting_text(l, key, binding, ken_buf_str(&b));
    ken_buf_free(&b);
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

static const ken_setting *find(const ken_setting *s, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s[i].key, key) == 0) return &s[i];
    return NULL;
}

const char *ken_setting_get(const ken_setting_list *l, const char *key)
{
    const ken_setting *s = find(l->s, l->n, key);
    return s != NULL ? s->value : NULL;
}

int ken_settings_clash(const ken_setting_list *there, const ken_setting *ours, size_t n, ken_setting_clash *out)
{
    for (size_t i = 0; i < there->n; i++) {
        const ken_setting *s = find(ours, n, there->s[i].key);
        *out = (ken_setting_clash){there->s[i].key, there->s[i].value, NULL};
        if (there->s[i].binding && (s == NULL || !s->binding)) return 1;
    }
    for (size_t i = 0; i < n; i++) {
        if (!ours[i].binding) continue;
        *out = (ken_setting_clash){ours[i].key, ken_setting_get(there, ours[i].key), ours[i].value};
        int same = ken_same_text(out->there, out->ours);
        if (same <= 0) return same < 0 ? -1 : 1;
    }
    return 0;
}
