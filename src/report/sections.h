/* sections.h - the parts of the page that describe one run. Each writes one <section>, or nothing when the run has nothing to
 * show there. `k` numbers the run on the page, from 0, and goes into the anchors. */
#ifndef KEN_REPORT_SECTIONS_H
#define KEN_REPORT_SECTIONS_H
#include "base/out.h"
#include "report/summary.h"

void ken_section_hero(ken_out *o, const ken_run *run, const ken_report_summary *s, size_t k, bool only_run);
int ken_section_relations(ken_out *o, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err);
void ken_section_distributions(ken_out *o, const ken_run *run, const ken_report_summary *s, size_t k);
void ken_section_certainty(ken_out *o, const ken_run *run, const ken_report_summary *s, size_t k);
void ken_section_saturation(ken_out *o, const ken_run *run, const ken_report_summary *s, size_t k);
void ken_section_popularity(ken_out *o, const ken_report_summary *s, size_t k);
void ken_section_settings(ken_out *o, const ken_run *run, size_t k);
void ken_section_method(ken_out *o); /* the four categories and where they come from; once a page */

/* How a run is called on the page: its model file's or folder's name, else the model's own; "a model" when it says neither.
 * Returns buf. */
enum { KEN_MODEL_NAME = 256 };
const char *ken_report_model_name(char buf[KEN_MODEL_NAME], const ken_run *run);
#endif
