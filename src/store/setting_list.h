/* setting_list.h - the settings of a run as they are collected, or read; keys and values are copied to the arena.
 *
 *     ken_setting_list l = {.arena = &arena};
 *     ken_setting_text(&l, "matcher", true, name);  ken_setting_put(&l, "shots", true, "%d", shots);
 *     if (l.failed) return ken_fail_nomem(err, "settings"); */
#ifndef KEN_STORE_SETTING_LIST_H
#define KEN_STORE_SETTING_LIST_H
#include "store/store.h"

typedef struct ken_setting_list {
    ken_arena *arena;
    ken_setting *s; /* (n), in the arena */
    size_t n, cap;
    bool failed; /* out of memory: everything put afterwards is dropped */
} ken_setting_list;

void ken_setting_text(ken_setting_list *l, const char *key, bool binding, const char *value); /* NULL: left out */
/* Names joined by commas; "" when there is no list. */
void ken_setting_names(ken_setting_list *l, const char *key, bool binding, const ken_names *names);
void ken_setting_put(ken_setting_list *l, const char *key, bool binding, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
const char *ken_setting_get(const ken_setting_list *l, const char *key); /* NULL when it is not there */

typedef struct ken_setting_clash {
    const char *key, *there, *ours; /* NULL: not set. Borrowed */
} ken_setting_clash;
/* May what was made with the settings `there` be resumed under ours (n)? Every binding one, of theirs or of ours, must be in both with
 * the same value. 0 when so, -1 without memory, 1 with the first that clashes: those that only theirs have come first, since a setting
 * of one side alone (an adapter) says more than those that differ because of it. */
int ken_settings_clash(const ken_setting_list *there, const ken_setting *ours, size_t n, ken_setting_clash *out);
#endif
