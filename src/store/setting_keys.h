/* setting_keys.h - every key of a run's settings and what people call it, in the order of a page. Which runs have it and whether it binds is in
 * docs/run-format.md; tests/docs holds runs against both. To add a setting: its line here and there, and ken_setting_put where a run is made. */
#ifndef KEN_STORE_SETTING_KEYS_H
#define KEN_STORE_SETTING_KEYS_H
#include <stddef.h>

typedef struct ken_setting_key {
    const char *key;
    const char *title; /* NULL: for programs alone */
} ken_setting_key;

extern const ken_setting_key ken_setting_keys[]; /* (ken_n_setting_keys) */
extern const size_t ken_n_setting_keys;
/* A value as people read it: a number that was written with all its digits as the shortest that reads back ("0.05"); else itself. buf or value. */
const char *ken_setting_shown(const char *value, char buf[40]);
#endif
