/* SPDX-License-Identifier: MIT */
/* bindfile.h - the files of bindings, in a folder that nobody else may look into.
 *
 * Errors are those of wms_engine_binding_folder() and its siblings; the complaint of the engine
 * then is one sentence.
 */
#ifndef WMS_CORE_BINDFILE_H
#define WMS_CORE_BINDFILE_H

#include <wms.h>

/* What the file of `name` holds; the caller gives it and the NUL behind it to wms_free_wiped(). */
int wms_bindfile_read(wms_engine *engine, const char *name, char **ret_text, size_t *ret_size);
/* Makes the folder if need be.  Whatever happens, there is the old file or the whole new one. */
int wms_bindfile_write(wms_engine *engine, const char *name, const char *text, size_t size);
/* Whether it could: does all that but for the last step, with as many bytes as a binding has at
 * most. */
int wms_bindfile_try(wms_engine *engine, const char *name);
/* What changes with the file; 0: it cannot be looked at. */
uint64_t wms_bindfile_stamp(wms_engine *engine, const char *name);
int wms_bindfile_remove(wms_engine *engine, const char *name);
/* Says that what the file holds is no binding: INTERNAL. */
int wms_bindfile_refuse(wms_engine *engine, const char *name, const char *why);

/* The names of all files in the folder, one block after the other, until wms_bindfile_names_free().
 */
struct wms_bindfile_name {
    struct wms_bindfile_name *next;
    char text[];
};
int wms_bindfile_names(wms_engine *engine, struct wms_bindfile_name **ret_names);
void wms_bindfile_names_free(wms_engine *engine, struct wms_bindfile_name *names);

#endif
