/* hub_name.h - what a folder in the cache of the Hugging Face hub is called there. */
#ifndef KEN_BASE_HUB_NAME_H
#define KEN_BASE_HUB_NAME_H
#include <stdbool.h>
#include <stddef.h>

/* "ORG/NAME" of .../models--ORG--NAME/snapshots/REVISION, cut to size bytes. false, and out untouched, for any other path. */
bool ken_hub_name(char *out, size_t size, const char *path);
#endif
