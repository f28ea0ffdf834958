/* assets.h - page.css and page.js as strings; made from the files by embed.py. NUL-terminated; the sizes leave the NUL out. */
#ifndef KEN_REPORT_ASSETS_H
#define KEN_REPORT_ASSETS_H
#include <stddef.h>
extern const char ken_page_css[];
extern const size_t ken_page_css_size;
extern const char ken_page_js[];
extern const size_t ken_page_js_size;
#endif
