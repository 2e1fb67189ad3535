/* SPDX-License-Identifier: MIT */
/* record.h - the text form of a binding, as it is kept in a file or by a program.
 *
 *     wms binding 1
 *     fingerprint string "AB:CD"
 *     port natural 8080
 *     secret.password string "50%25"
 *     end
 *
 * One field on each line, those of the table `secret` last.  In strings, all but printable ASCII,
 * and `"` and `%`, is written as %XX.  The form is canonical: every binding has exactly one text,
 * and the parser accepts no other.
 */
#ifndef WMS_CORE_RECORD_H
#define WMS_CORE_RECORD_H

#include <wms.h>

enum { WMS_RECORD_SIZE = 65536, WMS_RECORD_FIELDS = 128, WMS_RECORD_NAME = 63 };

/* Parses `size` bytes, whatever they are.  Errors: INVALID (`complaint` says what is wrong with
 * them), NO_MEMORY. */
int wms_record_parse(wms_engine *engine, const char *text, size_t size, wms_value **ret_value,
                     char *complaint, size_t complaint_size);
/* Writes a table of strings, numbers and booleans, which may have a table `secret` of such.  The
 * caller frees the text and its NUL with wms_free_wiped().  Errors: INVALID (`complaint`),
 * NO_MEMORY.
 */
int wms_record_print(wms_engine *engine, const wms_value *value, char **ret_text, size_t *ret_size,
                     char *complaint, size_t complaint_size);

#endif
