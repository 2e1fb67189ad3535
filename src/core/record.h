/* SPDX-License-Identifier: MIT */
/* record.h - the text form of a binding, as it is kept in a file or by a program.
 *
 *     wms binding 1
 *     fingerprint string "AB:CD"
 *     port natural 8080
 *     secret.password string "50%25"
 *     end
 *
 * A field a line, those of the table `secret` at last.  In strings, all but printable ASCII, and
 * `"` and `%`, is written as %XX.  Every binding has one text, and no other text is taken for it.
 */
#ifndef WMS_CORE_RECORD_H
#define WMS_CORE_RECORD_H

#include <wms.h>

enum { WMS_RECORD_SIZE = 65536, WMS_RECORD_FIELDS = 128, WMS_RECORD_NAME = 63 };

/* Reads `size` bytes, which may be any.  Errors: INVALID (`complaint` is what is wrong with them),
 * NO_MEMORY. */
int wms_record_parse(wms_engine *engine, const char *text, size_t size, wms_value **ret_value,
                     char *complaint, size_t complaint_size);
/* Writes a table of strings, numbers and booleans, perhaps with a table `secret` of such.  The
 * caller gives the text and its NUL to wms_free_wiped().  Errors: INVALID (`complaint`), NO_MEMORY.
 */
int wms_record_print(wms_engine *engine, const wms_value *value, char **ret_text, size_t *ret_size,
                     char *complaint, size_t complaint_size);

#endif
