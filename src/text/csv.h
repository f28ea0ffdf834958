/* csv.h - a field of a CSV file (RFC 4180). */
#ifndef KEN_TEXT_CSV_H
#define KEN_TEXT_CSV_H
#include "base/buf.h"

/* Appends s as one field: valid UTF-8, quoted where RFC 4180 asks for it or a reader might trim it. for_people: a spreadsheet would run a field that
 * begins with = + - or @ as a formula; such a field gets a quote mark in front, as a spreadsheet's own export would. */
void ken_csv_field(ken_buf *out, const char *s, bool for_people);
#endif
