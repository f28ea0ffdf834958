/* sections.h - the parts of the page. Each writes one <section>, or nothing when there is nothing to show. Sections about one run
 * begin with a heading of level h (2 when the page is about that run alone, else 3); anchors end in the number of what they are about. */
#ifndef KEN_REPORT_SECTIONS_H
#define KEN_REPORT_SECTIONS_H
#include "report/report.h"

/* sections.c: one annotation, number k of the report's runs */
void ken_section_lead(ken_out *o, const ken_report *r, size_t k); /* what was annotated and how, in a sentence */
int ken_section_shares(ken_out *o, const ken_report *r, size_t k, ken_err *err); /* the four categories */
void ken_section_distributions(ken_out *o, const ken_report *r, size_t k, int h);
int ken_section_relations(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err);
void ken_section_popularity(ken_out *o, const ken_report *r, size_t k, int h);
void ken_section_saturation(ken_out *o, const ken_report *r, size_t k, int h);
int ken_section_certainty(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err);
int ken_section_settings(ken_out *o, const ken_run *run, const char *anchor, size_t k, int h, ken_err *err);
void ken_section_method(ken_out *o,
                        const ken_report *r); /* the four categories and where they come from; once a page */

/* changes.c: one comparison */
int ken_section_change_hero(ken_out *o, const ken_page_diff *d, bool trained,
                            ken_err *err); /* in a sentence, and in numbers */
int ken_section_changes(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err);

/* dynamics.c: trainings, evaluations, the linear model */
int ken_section_training_finding(ken_out *o, const ken_page_training *t, ken_err *err);
int ken_section_training(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err);
int ken_section_trainings(ken_out *o, const ken_report *r, int h, ken_err *err); /* several, beside each other */
int ken_section_planes(ken_out *o, const ken_report *r, int h, ken_err *err);
int ken_section_evaluation(ken_out *o, const ken_page_run *x, size_t k, int h, ken_err *err);

/* table.c: everything around the table of facts, and its first rows for readers without script */
int ken_section_facts(ken_out *o, ken_report *r, ken_err *err);

/* The figure of that name in a card; nothing when there is none. */
void ken_section_figure(ken_out *o, const ken_report *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
double ken_share(uint64_t part, uint64_t all); /* NaN of nothing */
/* "41.2%" and, smaller, its 95 % interval. */
void ken_interval_put(ken_out *o, double share, double lo, double hi);
#endif
