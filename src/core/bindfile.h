/* SPDX-License-Identifier: MIT */
/* bindfile.h - the files of bindings, in a folder that nobody else may look into.
 *
 * Errors are those of the binding functions in wms.h (NOT_BOUND, UNTRUSTED, ACCESS_DENIED,
 * NO_MEMORY, INTERNAL); the engine's complaint then is one sentence.
 */
#ifndef WMS_CORE_BINDFILE_H
#define WMS_CORE_BINDFILE_H

#include <wms.h>

/* Reads the file of `name`; the caller frees the text and the NUL behind it with wms_free_wiped().
 */
int wms_bindfile_read(wms_engine *engine, const char *name, char **ret_text, size_t *ret_size);
/* Makes the folder if need be.  The file is replaced atomically: whatever happens, it is either the
 * old one or the whole new one. */
int wms_bindfile_write(wms_engine *engine, const char *name, const char *text, size_t size);
/* Whether wms_bindfile_write() could succeed: writes a file of the largest size that a binding can
 * have, and removes it instead of renaming it. */
int wms_bindfile_try(wms_engine *engine, const char *name);
/* A number that changes when the file is replaced or changed; 0: the file cannot be examined. */
uint64_t wms_bindfile_stamp(wms_engine *engine, const char *name);
int wms_bindfile_remove(wms_engine *engine, const char *name);
/* Sets the complaint that the file holds no binding, and returns INTERNAL. */
int wms_bindfile_refuse(wms_engine *engine, const char *name, const char *why);

/* The names of the servers whose bindings are in the folder: a list that the caller frees with
 * wms_bindfile_names_free().
 */
struct wms_bindfile_name {
    struct wms_bindfile_name *next;
    char text[];
};
int wms_bindfile_names(wms_engine *engine, struct wms_bindfile_name **ret_names);
void wms_bindfile_names_free(wms_engine *engine, struct wms_bindfile_name *names);

#endif
